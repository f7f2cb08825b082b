"""What each example of the official documentation needs, and what must come of it.

Where an example shows an output, that is in its page, and the test compares it: what stands here is the rest. An
example that cannot be run, or whose output is not what comes with any client, says why.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from gradio_proto import AppError, Status
from guide import libraries
from guide.running import Example, Run, until
from guide.spaces import RECORDINGS

AS_SHOWN: Final = Example()
"""What the documentation shows is what comes."""

IMPORTS: Final = "from gradio_client import Client, handle_file"


def _translates(run: Run) -> None:
    assert run["client"].predict("Hello") == "Bonjour"


def _knows_the_answer(run: Run) -> None:
    assert run["client"].predict("hello", api_name="/predict") == 49


def _is_logged_in(run: Run) -> None:
    assert run.values[0].predict() == "ada"


def _drawn(data: str) -> Example:
    def check(run: Run) -> None:
        assert Path(run.values[-1]).read_bytes() == data.encode()

    return Example(check)


def _printed_without_the_value(run: Run) -> None:
    run["job"].result(10)
    until(lambda: run.printed != "")
    assert run.printed == "The translated result is: {x}\n"


def _has_a_status(run: Run) -> None:
    status = next(value for value in run.values if hasattr(value, "code"))
    assert isinstance(status.code, Status)
    assert {"rank", "queue_size", "eta", "success", "time"} <= {*dir(status)}
    assert run["job"].result(10) == 9.0


def _first_runs(run: Run) -> None:
    until(lambda: run["job1"].status().code is Status.PROCESSING)


def _only_the_second_was_cancelled(run: Run) -> None:
    assert run.values == [False, True]
    run.world.held.let_go()
    assert run["job1"].result(10) == "It went on."


def _two_came(run: Run) -> Mapping[str, Any]:
    return {"time": SimpleNamespace(sleep=lambda _: until(lambda: len(run["job"].outputs()) == 2))}


def _cancelled_after_two(run: Run) -> None:
    assert run.values[-1] is True
    assert run["job"].done()
    assert run["job"].outputs() == ["a", "ab"]


def _keeps_state(run: Run) -> None:
    client = run["client"]
    assert [client.predict("a"), client.predict("a")] == [0.0, 1.0]
    client.reset_session()
    assert client.predict("a") == 0.0


CALLS_BEFORE_1_0: Final = (
    "a string is text and no file: the official client too sends it as it is since its version 1.0, and the app "
    "refuses it. Files are given by handle_file()"
)

STRING_FOR_A_FILE: Final = Example(differs=CALLS_BEFORE_1_0, raises=AppError)

WHISPER: Final = AS_SHOWN
TRANSLATOR: Final = Example(_translates)
SHARE_LINK: Final = Example(_knows_the_answer)
CALLBACK: Final = Example(
    _printed_without_the_value,
    differs="the guide's function prints its braces: it lacks an f before the string",
)
STATUS: Final = Example(
    _has_a_status, differs="it shows a status by its code, and how far the job is by then varies"
)
CANCELLING: Final = Example(_only_the_second_was_cancelled, before=IMPORTS, waits={"job2 = ": _first_runs})
COUNTING: Final = Example(before="import time")
STOPPED: Final = Example(_cancelled_after_two, libraries=_two_came)
AN_APP: Final = Example(
    left_out="it is a Gradio app, and calls none; what it shows of State is tried at the next one"
)
ANOTHER_API: Final = Example(
    left_out="it shows what view_api printed of older servers; the guide shows today's"
)

GETTING_STARTED: Final = (
    WHISPER,
    TRANSLATOR,
    TRANSLATOR,  # private
    AS_SHOWN,  # duplicated
    SHARE_LINK,
    Example(
        _is_logged_in,
        names=lambda world: {
            "space_name": world.urls["with-login"],
            "username": "ada",
            "password": "lovelace",
        },
    ),
    Example(api_of="abidlabs/whisper"),
    AS_SHOWN,
    AS_SHOWN,
    AS_SHOWN,
    _drawn("an astronaut riding a camel, in 50 steps"),
    _drawn("an astronaut riding a camel, in 25 steps"),
    AS_SHOWN,  # a file by its URL
    AS_SHOWN,
    CALLBACK,
    STATUS,
    CANCELLING,
    COUNTING,
    AS_SHOWN,
    STOPPED,
    AN_APP,
    Example(_keeps_state, api_of="word-counter"),
)

INTRODUCTION: Final = (
    # The same examples in an older wording: file(), hf_token= and an api_name= of the client.
    *GETTING_STARTED[:5],
    *GETTING_STARTED[6:16],
    replace(CANCELLING, before="from gradio_client import Client, file"),
    *GETTING_STARTED[17:],
)

README: Final = (
    STRING_FOR_A_FILE,
    TRANSLATOR,
    TRANSLATOR,
    STRING_FOR_A_FILE,
    SHARE_LINK,
    ANOTHER_API,
    AS_SHOWN,
    AS_SHOWN,
    STRING_FOR_A_FILE,
)


def _separates(run: Run) -> None:
    assert Path(run["acapellify"]("song.mp4")).read_bytes() == b"voice of a song"


def _separates_too(run: Run) -> None:
    voice, music = run["client"].predict(run["handle_file"]("song.mp4"))
    assert (Path(voice).read_bytes(), Path(music).read_bytes()) == (b"voice of a song", b"music of a song")


def _makes_a_film(run: Run) -> None:
    assert run["process_video"]("song.mp4") == "acap_song.mp4"
    assert Path("static/acap_song.mp4").read_bytes() == b"voice of a song"


SEPARATION: Final = """\
import os
from gradio_client import Client, handle_file

client = Client("abidlabs/music-separation")

def acapellify(audio_path):
    result = client.predict(handle_file(audio_path), api_name="/predict")
    return result[0]
"""

FASTAPI: Final = (
    Example(_separates),
    Example(_separates_too, before=IMPORTS, names=lambda _: {"YOUR_HF_TOKEN": "hf_caller"}),
    Example(_makes_a_film, before=SEPARATION, libraries=lambda _: {"subprocess": libraries.ffmpeg()}),
    Example(left_out="it is the web application around the others, and does not use the client"),
)


def _streamed(run: Run) -> None:
    assert run.printed == "Gradio\nGradio, of course\n"


def _chatted(run: Run) -> None:
    assert run.printed == "Hello!! (You are helpful AI. 10)\n"


def _told_its_position(run: Run) -> None:
    for line in run.printed.splitlines():
        assert re.fullmatch(r"Current in position (\d+|None) out of (\d+|None)", line)
    assert Path(run["job"].result(10)).read_bytes() == b"A cute cat for nobody"


def _generated(run: Run) -> None:
    assert Path(run["gen"]()).read_bytes() == b"A cute cat for nobody"


VERSION_1: Final = (
    Example(_streamed),
    Example(_chatted),
    Example(_told_its_position),
    Example(
        _generated,
        libraries=lambda _: {"gevent": libraries.Library(), "flask": libraries.flask()},
    ),
)


def _for_the_visitor(run: Run) -> None:
    request = SimpleNamespace(headers={"x-ip-token": "ip_visitor"})
    assert Path(run["generate"]("a fox", request)).read_bytes() == b"a fox for ip_visitor"


def _sliced(run: Run) -> None:
    assert run.printed.splitlines()[-1] == "(8, [4, 5])"


def _listed_and_called(run: Run) -> None:
    assert 'predict(prompt, api_name="/output_image") -> output' in run.printed
    assert Path(run["result"]).read_bytes() == b"a sunset over mountains"


def _greeted(run: Run) -> None:
    assert run.printed == "Hello, World!\n"


class _Channel:
    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, text: str) -> None:
        self.sent.append(text)


def _answered_in_discord(run: Run) -> None:
    channel = _Channel()
    user = run["client"].user
    user.id = 7
    message = SimpleNamespace(
        author="ada",
        mentions=[user],
        content="<@7> How?",
        attachments=[SimpleNamespace(filename="cheetah.jpg", url="https://cdn.example/cheetah.jpg")],
        channel=channel,
    )
    asyncio.run(run["on_message"](message))
    assert channel.sent == ["How?", "How? [docs](https://example.org) cheetah.jpg"]


def _answered_in_slack(run: Run) -> None:
    said: list[str] = []
    picture = {"filetype": "jpg", "url_private_download": "https://files.example/1", "name": "cheetah.jpg"}
    body = {"event": {"text": "<@U7> How?", "files": [picture]}, "authorizations": [{"user_id": "U7"}]}
    run["handle_app_mention_events"](body, said.append)
    assert said == ["How?", "How? <https://example.org|docs> cheetah.jpg"]


def _used_as_a_tool(run: Run) -> None:
    image, seed = asyncio.run(run["generate_image"]("a fox"))
    assert (Path(image).read_bytes(), seed) == (b"a fox: 1024 x 1024", 0)
    speech = asyncio.run(run["run_dia_tts"]("[S1] Hello"))
    assert Path(speech).read_bytes() == b"[S1] Hello, None"


def _looked_for_a_list(run: Run) -> None:
    answer = json.loads(asyncio.run(run["generate_image"]("a fox")))
    assert answer == {"type": "error", "message": "Failed to generate image"}


def _told_the_url(run: Run) -> None:
    assert run.printed.startswith("http://127.0.0.1:")
    assert run.printed.endswith("/film.mp4\n")


def _told_the_error(run: Run) -> None:
    assert "App error: " in run.printed
    assert "/predict needs better inputs than [1, 2]" in run.printed


def _describes_the_calculator(run: Run) -> None:
    described = run.values[-1]["named_endpoints"]["/predict"]
    parameters = [(entry["label"], entry["component"]) for entry in described["parameters"]]
    assert parameters == [("num1", "Number"), ("operation", "Radio"), ("num2", "Number")]
    assert [(entry["label"], entry["component"]) for entry in described["returns"]] == [("output", "Number")]


def _with_libraries(example: Example, *names: str, **others: Any) -> Example:
    found = {name: libraries.Library() for name in names} | others
    return replace(example, libraries=lambda _: found)


PICTURES: Final = libraries.web(RECORDINGS["cheetah.jpg"])

EXAMPLES: Final[Mapping[str, Iterable[Example]]] = {
    "getting-started": GETTING_STARTED,
    "introduction": INTRODUCTION,
    "readme": README,
    "fastapi": FASTAPI,
    "version-1": VERSION_1,
    "zero-gpu": (_with_libraries(Example(_for_the_visitor), "gradio"),),
    "client-class": (
        Example(left_out="it shows that the class has parameters, and calls nothing"),
        STRING_FOR_A_FILE,
    ),
    "view-api-page": (Example(_sliced, names=lambda world: {"url": world.urls["127.0.0.1"]}),),
    "workflows": (Example(_listed_and_called),),
    "discord-bot": (
        _with_libraries(
            Example(_answered_in_discord, filled={"#PASTE YOUR DISCORD BOT TOKEN HERE": "'a token'"}),
            "discord",
            httpx=PICTURES,
        ),
    ),
    "slack-bot": (
        _with_libraries(
            Example(
                _answered_in_slack,
                before=f"{IMPORTS}\nimport httpx, os, re",
                filled={
                    "# PASTE YOUR SLACK BOT TOKEN HERE": "'a token'",
                    "# PASTE YOUR SLACK APP TOKEN HERE": "'another'",
                },
            ),
            "slack_bolt",
            "slack_bolt.adapter.socket_mode",
            httpx=PICTURES,
        ),
    ),
    "server-mode": (Example(_greeted),),
    "mcp-server": (_with_libraries(Example(_used_as_a_tool), "mcp.server.fastmcp"),),
    "mcp-client": (
        _with_libraries(
            Example(
                _looked_for_a_list,
                differs="it looks for a list, and several values are a tuple: with the official client too it gives "
                "the answer for a failure",
            ),
            "mcp.server.fastmcp",
        ),
    ),
    "gradio-6-migration": (
        TRANSLATOR,
        TRANSLATOR,
        Example(left_out="Client.deploy_discord: the official client has it no more"),
        Example(
            left_out="it shows what no longer works in the official client: an AppError that is a ValueError"
        ),
        Example(_told_the_error, names=lambda _: {"inputs": [1, 2]}),
    ),
    "filedata": (Example(_told_the_url),),
    "api": (
        Example(_sliced, libraries=lambda run: {"gradio": libraries.gradio(run.world.urls["127.0.0.1"])}),
    ),
    "docstrings": (
        STRING_FOR_A_FILE,
        STRING_FOR_A_FILE,
        AS_SHOWN,
        STATUS,
        Example(_describes_the_calculator, differs="it shows the shape of view_api's dict before Gradio 4"),
        Example(differs='its first number is "foo", which no version of the app adds', raises=AppError),
        COUNTING,
        Example(_has_a_status, differs="as above, and its estimate is that of one day"),
    ),
}
"""For each page, what its examples need and what must come of them, in order."""
