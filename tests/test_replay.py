"""Every recorded conversation, had again with our client: what it asks, what it tells, and what differs, with why.

The other side, a server of ours that answers as the recorded ones did, is held to the recordings by
test_testing_conversations.py.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Final

import pytest
from recorded import operations, versions
from replaying import Deviation, Replay


@dataclass(frozen=True)
class Explanation:
    """Why our client does otherwise than the recorded one."""

    what: str
    """A regular expression for the beginning of the deviation's text."""
    why: str
    of: str = ".*"
    """The operations, as a regular expression."""
    on: str = ""
    """The beginnings of the versions, as a regular expression."""
    numbers: Container[int] | None = None
    """The recorded requests, where their text does not tell them from others."""

    def explains(self, deviation: Deviation) -> bool:
        return bool(
            re.fullmatch(self.of, deviation.operation)
            and re.match(self.on, deviation.version)
            and re.match(self.what, deviation.text)
            and (self.numbers is None or deviation.number in self.numbers)
        )


NOT_REPLAYED: Final = {
    "two_streams": "a client has one stream for a session; a second one would get every other message",
}
"""Whole operations, and why."""

WRONG_ARGUMENTS: Final = (
    r".*\"data\": \[(1|\"a b\"|\"q\"|\"x\", \"y\"|\"a\", \"b\", \"c\"|1, 2, 3)\]",
    "arguments of a call fit its parameters, and State's null is not theirs to leave out",
)
ILL_FORMED: Final = "no client writes that"
NO_ENDPOINT: Final = "there is no such endpoint, or it is closed to clients"
NO_LOGIN: Final = "there is no client without the login"

UNMADE: Final = (
    Explanation(
        "GET /(user|token|app_id|login_check|startup-events|queue/status|openapi.json|mcp/schema|logout)$",
        "no call needs to know that",
    ),
    Explanation(
        r"GET /info(\?(serialize=False|all_endpoints=True))?$",
        "one of them is enough, and which the server says",
        "info",
    ),
    Explanation(
        r"(GET|POST) /upload(_progress)?\?upload_id=",
        "a client counts what it sends; uploads themselves are replayed in files",
        "upload_progress",
    ),
    Explanation(
        "GET /heartbeat/", "no config asks for it: it came with 4.25", "heartbeat", r"3|4\.(0|13|19|21)"
    ),
    Explanation(
        r"GET /queue/data(\?session_hash=|$)",
        "a client opens the stream of a session while it has an open job in it, and only then",
        "disconnect|late_open",
    ),
    Explanation(r"GET /call/(v2/)?\w+/", "heard of before, or of a join that is explained here", "call"),
    # What a client refuses before it sends anything
    Explanation(*WRONG_ARGUMENTS, "errors_join|state|variant_hide"),
    Explanation(r'POST /call/(calc .*\[1\]|state .*b"\])', WRONG_ARGUMENTS[1], "call", r"4\.[24]|[56]"),
    Explanation(r'POST /run/(calc .*\[1\]|echo .*, "y"\])', WRONG_ARGUMENTS[1], "direct"),
    Explanation(r"GET /queue/(data|join)\?", "the stream of such a join", "errors_join|state|variant_hide"),
    Explanation(r".*(\"fn_index\": (999|\"abc\")|fn_index=(999|abc))", NO_ENDPOINT, "errors_join"),
    Explanation(
        r"POST /queue/data .*\"nope\"", "inputs are given when they are asked for", "errors_join", r"4\.0"
    ),
    Explanation(
        r"(POST /queue/(join|data)|GET /queue/join).*(\"data\": (\"x\"|null)|not json|hello)",
        ILL_FORMED,
        "errors_join",
    ),
    Explanation(
        r"POST /queue/(join|data) \{(\"fn_index\": 0,|\"data\": \[\"x\"\], (\"session_hash\"|\"fn_index\": 0\}))",
        ILL_FORMED,
        "errors_join",
    ),
    Explanation(
        r"GET /queue/join( websocket \{\"fn_index\": 0(\}|.*\{\"fn_index\": 0\}))?\s*$",
        ILL_FORMED,
        "errors_join",
    ),
    Explanation(
        r"GET /queue/join websocket .*\"data\": \[1, \"add\", 2\], \"fn_index\": 1",
        "no client names another function in the second message than in the first",
        "errors_join",
    ),
    Explanation(
        r"GET /queue/join\?",
        "a client gives the inputs when it is asked for them, and not before",
        "sse0_nodata",
    ),
    Explanation("POST /call/", "a client knows by the version that there is no /call", "call", r"3|4\.[01]"),
    Explanation("POST /call/v2/", "nor a /call/v2", "call", r"4\.[24]|5"),
    Explanation("POST /call/(v2/)?(nosuch|private|v2/undoc) ", NO_ENDPOINT, "call"),
    Explanation(
        'POST /call/v2/(calc .*"data"|echo .*zzz|state .*null)', "it has no such parameter", "call", "6"
    ),
    Explanation("POST /call/echo .*session_hash", "up to 5 that breaks /call, so none is named", "call"),
    Explanation(
        '.*(_safe_join|nosuch|list_dir|_ls|"component_id": 50}$)',
        "only the functions that a component lists are called: 3.50 would call any method of it",
        "component_server",
    ),
    Explanation("POST /run/(count|noqueue_gen) ", "/run gives only the first value of a generator", "direct"),
    Explanation("POST /run/(batch .*batched|echo .*nodata)", ILL_FORMED, "direct"),
    Explanation(
        r'POST /run/(nosuch|private|predict) {"data": \["x"\](, "fn_index": 999)?}$', NO_ENDPOINT, "direct"
    ),
    Explanation("POST /run/undoc ", "it has no name there", "direct", "3"),
    Explanation("POST /run/echo .*no ctype", "a client says what type its body has", "extra_call_special"),
    Explanation('POST /queue/join .*"hey"', "what one session has rendered is in no other", "render"),
    Explanation(
        "POST /(run|call)/rendered_0 ",
        "what was rendered is called by the queue, as it is here, too",
        "render",
    ),
    Explanation(
        "GET /queue/join websocket ", "a function without a queue is called by /run there", "noqueue_job", "3"
    ),
    # Files
    Explanation(
        "(GET|HEAD) /file[=/]",
        "a file is fetched once and whole, by its quoted path, if an output names it",
        "files",
    ),
    Explanation(
        r"POST /upload (------proto\w+\s+.*(name=\"file\"|evil)|\{\"a\": 1\})",
        "a client writes the form right, and sends no path in a name",
        "files",
    ),
    Explanation("POST /upload ", "an image was given as a data URL there", "image", "3"),
    Explanation("POST /upload ", "the config says that it would be too large", "variant_maxfile", r"4\.44"),
    # Cancelling
    Explanation("POST /cancel .*nope", "there is no such job", "cancel_queued"),
    Explanation(
        "POST /cancel ",
        "it stays in the queue there, and a client tells when it starts",
        "cancel_queued.*",
        "4|5",
    ),
    Explanation("POST /cancel ", "a job that has ended is not cancelled again", "cancel_queued", "6", {6}),
    Explanation(
        "POST /cancel ", "that would end the job's sibling, too, without a word", "cancel_queued_same_fn", "6"
    ),
    Explanation(
        "POST /cancel ",
        "there is no /cancel, which a client knows by the version",
        "cancel_running",
        r"3|4\.[012]",
    ),
    Explanation(
        "POST /api/predict ", "a generator is stopped by /reset there", "cancel_running", r"4\.0", {4}
    ),
    Explanation('POST /reset/? ({}|.*nope|{"session_hash)', "there is no such job", "reset"),
    Explanation(
        "POST /reset ",
        "that stops no job there, or nothing is heard of it any more",
        "reset",
        r"3|4\.[124]|[56]",
    ),
    # Inputs in chunks
    Explanation("POST /stream/nosuch", "there is no such job", "stream_input"),
    Explanation("POST /stream/", "the time limit is over", "stream_input", "5", range(17, 29)),
    Explanation("POST /stream/", "the time limit is over", "stream_input", "6", {17}),
    Explanation("POST /stream/.*/close", "the server would run the function once more", "stream_input", "5"),
    # Logging in
    Explanation(r"GET /(config|info|queue/data\?session_hash=a)?$", NO_LOGIN, "variant_auth"),
    Explanation("GET /(queue/join websocket *$|file=/srv/x|heartbeat/abc)", NO_LOGIN, "variant_auth"),
    Explanation(
        "POST /((cancel|reset|component_server|upload|queue/data) {|(call|run)/echo)",
        NO_LOGIN,
        "variant_auth",
    ),
    Explanation("POST /login(/| -| {)", "a login is sent as a form, to /login", "variant_auth"),
    # Mounted apps
    Explanation(
        "GET /(gradio|gradio/info|info|queue/join websocket *)$", "the app is not there", "variant_mount"
    ),
    Explanation("GET /config$", "these are a proxy's words", "variant_rootpath"),
)
"""Requests that were recorded and that our client does not make."""

UNRECORDED: Final = (
    Explanation(
        r"GET (/gradio|/sub/path)?/(config|info\?(all_endpoints=True|serialize=False))$",
        "a client connects first",
    ),
    Explanation(r"GET (/gradio)?/heartbeat/\w+$", "an app with State asks for it", on=r"4\.44|[56]"),
    Explanation("GET /$", "where there is no /config, the page may have one", "variant_mount"),
    Explanation(
        "GET /app_id$",
        "after a 404 or a 500 a client asks whether the app was started anew, to say so",
        "extra_call_special|variant_closed",
    ),
    Explanation(
        "GET /(queue/data|call/)",
        "the recorded client did not listen",
        "extra_call_special|variant_closed|variant_open|variant_full",
    ),
    Explanation(
        "GET /queue/data",
        "a stream breaks off there over a cancelled job, and goes on with the others when it is opened again",
        "cancel_queued_(same_fn|then_reuse)",
        r"4\.44",
    ),
    Explanation("POST /reset ", "a generator is stopped by /reset there", "cancel_running", r"4\.0"),
    Explanation("POST /cancel ", "a job that waits is cancelled twice", "cancel_queued(_then_reuse)?", "6"),
    Explanation("POST /cancel ", "an input is ended so there", "stream_input", "5"),
    Explanation(
        "(GET /file=|POST /upload )",
        "a file in two outputs is fetched twice, one in two calls uploaded twice",
        "files",
    ),
)
"""Requests that our client makes and that were not recorded."""

DIFFERENCES: Final = (
    Explanation(r".* x-gradio-user: \"api\" for nothing$", "the official clients say so, too"),
    Explanation(
        r"(GET|POST) /queue/data x-gradio-user: nothing for \"api\"$", "only the join says so", "req_headers"
    ),
    Explanation(r".* (body|frame)\.(event_data|trigger_id): null for nothing$", "it may be left out"),
    Explanation(
        r"GET /info target: \S+\?all_endpoints=True\" for ",
        "what is callable and not listed is wanted, too",
        on="[456]",
    ),
    Explanation(
        r"GET /info target: \S+\?serialize=False\" for ", "types are wanted as they are sent", on="3"
    ),
    Explanation(r"GET /heartbeat/\w+ accept: null for \"text/event-stream\"$", "it only has to stay open"),
    Explanation(
        r"POST /(run|api)/\S+ target: \"(/gradio_api)?/run/predict\" for ", "every function is called there"
    ),
    Explanation(r"POST /(run|api)/\S+ body\.fn_index: \d+ for nothing$", "and is told by its number"),
    Explanation(
        r"POST /(run|api)/\S+ body\.session_hash: \"a name of ours\" for nothing$", "State needs one"
    ),
    Explanation(r"POST /call/v2/calc body\.(b|op): \S+ for nothing$", "a client fills defaults in", "call"),
    Explanation("GET /call/oauth/E target: ", "either route tells of an event", "oauth"),
    Explanation(
        r"POST /reset body\.(fn_index|session_hash): nothing for ", "the event is enough", "reset", r"4\.0"
    ),
    Explanation(
        r"POST /upload body\[\]\.name: ",
        "the recorded client took one upload for files of several names",
        "files",
    ),
    Explanation(
        r"GET /queue/join frame\.data\[\]\.",
        "an input was recorded in the form of 4.x",
        "variant_rootpath",
        "3",
    ),
)
"""Ours, for what was recorded, in requests that mean the same."""

REPLAYED: Final = [
    (version, operation)
    for version in versions()
    for operation in operations(version)
    if operation not in NOT_REPLAYED
]


@functools.cache
def replay(version: str, operation: str) -> Replay:
    return Replay(version, operation).run()


def unexplained(deviations: list[Deviation], explanations: Sequence[Explanation]) -> list[Deviation]:
    return [each for each in deviations if not any(known.explains(each) for known in explanations)]


@pytest.mark.parametrize(("version", "operation"), REPLAYED)
def test_replayed(version: str, operation: str) -> None:
    replayed = replay(version, operation)
    assert replayed.surprises() == []
    assert unexplained(replayed.unmade(), UNMADE) == []
    assert unexplained(replayed.unrecorded(), UNRECORDED) == []
    assert unexplained(replayed.differences(), DIFFERENCES) == []


def test_no_explanation_is_stale() -> None:
    replays = [replay(version, operation) for version, operation in REPLAYED]
    for explanations, deviations in (
        (UNMADE, [each for replayed in replays for each in replayed.unmade()]),
        (UNRECORDED, [each for replayed in replays for each in replayed.unrecorded()]),
        (DIFFERENCES, [each for replayed in replays for each in replayed.differences()]),
    ):
        needed = {
            next((place for place, known in enumerate(explanations) if known.explains(each)), None)
            for each in {*deviations}
        }
        assert [known for place, known in enumerate(explanations) if place not in needed] == []
    assert all(any(name in operations(version) for version in versions()) for name in NOT_REPLAYED)
