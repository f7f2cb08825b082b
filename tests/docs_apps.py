"""What stands behind the addresses in examples: some pages need more than the app of test_docs.py, such as an app
with a login, a proxy, or certificates of their own."""

from __future__ import annotations

import re
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest
import trustme
from hub_server import HubServer, stand_in
from proxying import ConnectProxy, ReverseProxy
from socks_server import SocksProxy

from gradio_proto.cli import main
from gradio_proto.cli.calls.demonstration import make_app as demonstration
from gradio_proto.flows import spaces
from gradio_proto.testing import Component, Context, EmbeddedServer, Error, File, TestApp, serve
from gradio_proto.testing.generations import LATEST

THE_APP = "http://127.0.0.1:7860"
"""Gradio's own default address."""

_PRINTED: Final = re.compile(r"^(?:.*  )?# prints (.*)$", re.MULTILINE)


def printed_by(example: str) -> list[str]:
    """The lines that an example says it prints: behind what prints them, or below it where there is no room, as
    ``# prints 1; prints 2``."""
    return [line for said in _PRINTED.findall(example) for line in said.split("; prints ")]


Addresses: TypeAlias = Mapping[str, str]
"""What really is there, by what an example says."""


def greet(name: str) -> str:
    """What apps do that are called for another reason than what they do."""
    return f"Hello, {name}!"


def greeting(**options: Any) -> TestApp:
    """An app that greets.

    Args:
        options: Those of :class:`TestApp`.
    """
    app = TestApp(default_concurrency_limit=None, **options)
    app.endpoint("/greet")(greet)
    return app


# docs/howto/chat.md: what a gr.ChatInterface and a gr.Chatbot look like to a client, on Gradio 6.

chat = TestApp(default_concurrency_limit=None)

Message: TypeAlias = dict[str, Any]


@chat.endpoint("/respond", inputs=["textbox", "state"], outputs=["json", "state"])
def respond(message: str, history: list[Message] | None) -> Iterator[tuple[str, list[Message]]]:
    asked = [*(history or []), {"role": "user", "content": message}]
    words = f"You have asked {(len(asked) + 1) // 2} times.".split()
    for count in range(1, len(words) + 1):
        answer = " ".join(words[:count])
        yield answer, [*asked, {"role": "assistant", "content": answer}]


@chat.endpoint("/look", inputs=["multimodaltextbox", "state"], outputs=["json", "state"])
def see(message: Message, history: list[Message] | None) -> tuple[str, list[Message]]:
    files: list[File] = message.get("files", [])
    answer = f"{message['text']} {', '.join(file.name for file in files)}"
    return answer, [*(history or []), message, {"role": "assistant", "content": answer}]


@chat.endpoint("/ponder", inputs=["textbox", "state"], outputs=["json", "state"])
def ponder(message: str, history: list[Message] | None) -> Iterator[tuple[Any, list[Message]]]:
    thought: Message = {
        "role": "assistant",
        "content": "It is a question.",
        "metadata": {"title": "Thinking"},
    }
    yield thought, history or []
    answer = [thought, {"role": "assistant", "content": "42"}]
    yield answer, [*(history or []), {"role": "user", "content": message}, *answer]


@chat.endpoint("/bot", inputs=["chatbot"], outputs=["chatbot"])
def bot(history: list[Message]) -> Iterator[list[Message]]:
    answer = ""
    for word in ("I", "am", "listening."):
        answer = f"{answer} {word}".lstrip()
        yield [*history, {"role": "assistant", "content": answer}]


@chat.endpoint("/draw", inputs=["chatbot"], outputs=["chatbot"])
def draw(history: list[Message]) -> list[Message]:
    return [*history, {"role": "assistant", "content": File("bee.svg", b"<svg/>")}]


# docs/howto/files.md

filing = TestApp(
    default_concurrency_limit=None, max_file_size=1000, web={"https://example.com/bee.txt": b"a bee"}
)


@filing.endpoint("/capitals")
def capitals(letter: File) -> File:
    return File(letter.name, letter.data.upper())


@filing.endpoint("/join")
def join(letters: list[File], title: str) -> File:
    return File(f"{title}.txt", b", ".join(letter.data for letter in letters))


@filing.endpoint("/look", inputs=["multimodaltextbox"], outputs=["textbox"])
def look(message: Message) -> str:
    return f"{message['text']}: {', '.join(file.name for file in message['files'])}"


@filing.endpoint("/album", outputs=["gallery"])
def album() -> list[Message]:
    pictures = {"a.svg": "the first", "b.svg": None}
    return [{"image": File(name, b"<svg/>"), "caption": caption} for name, caption in pictures.items()]


# docs/howto/streaming.md

streams = TestApp(default_concurrency_limit=None)


@streams.endpoint("/count")
def count(n: int) -> Iterator[int]:
    for number in range(n):
        yield number
        time.sleep(0.002)


@streams.endpoint("/write")
def write(topic: str) -> Iterator[str]:
    words = f"There is much to say about {topic}.".split()
    for number in range(1, len(words) + 1):
        yield " ".join(words[:number])


@streams.endpoint("/falter")
def falter() -> Iterator[str]:
    yield "one"
    yield "two"
    raise Error("There is no three.")


@streams.endpoint("/train")
def train(epochs: int, *, context: Context) -> Iterator[str]:
    context.info("The data are loaded.")
    for epoch in range(epochs):
        context.progress((epoch + 1, epochs), desc="training", unit="epochs")
        yield f"epoch {epoch + 1}"


@streams.endpoint("/speak", outputs=[Component("audio", streaming=True)])
def speak(text: str) -> Iterator[bytes]:
    for word in text.split():
        yield word.encode()


@streams.endpoint(
    "/collect", inputs=["textbox", "state"], outputs=["textbox", "state"], connection="stream", time_limit=60
)
def collect(word: str, words: list[str] | None) -> tuple[str, list[str]]:
    words = [*(words or ()), word]
    return " ".join(words), words


# docs/howto/auth.md

private = greeting(auth=("ada", "secret"), auth_message="Ask Ada for the password.")


@private.endpoint("/who")
def who(*, context: Context) -> str:
    return str(context.username)


@private.endpoint("/sent", inputs=["textbox"])
def sent(header: str, *, context: Context) -> str:
    return context.request_headers.get(header, "nothing")


acting = TestApp()


@acting.endpoint("/act", oauth_token="required")
def act(*, context: Context) -> str:
    return f"in the name of {context.oauth_token}"


@contextmanager
def _with_and_without_login(_: str) -> Generator[Addresses]:
    with serve(private) as url, serve(acting) as other:
        yield {THE_APP: url, "http://127.0.0.1:7861": other}


# docs/howto/proxies.md


@contextmanager
def _through_proxies(_: str) -> Generator[Addresses]:
    authority = trustme.CA()
    ours = authority.issue_cert("127.0.0.1")
    theirs = authority.issue_cert("ada@example.com")

    def tls() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ours.configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
        return context

    asking = tls()
    asking.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(asking)  # pyright: ignore[reportUnknownMemberType]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        authority.cert_pem.write_to_path(folder / "company.pem")
        theirs.private_key_and_cert_chain_pem.write_to_path(folder / "ada.pem")
        app = greeting()
        url = stack.enter_context(serve(app))
        proxy = stack.enter_context(ConnectProxy())
        socks = stack.enter_context(SocksProxy())
        below = stack.enter_context(ReverseProxy(url, prefix="/tools/greeter"))
        secure = stack.enter_context(EmbeddedServer(app, tls=tls()))
        strict = stack.enter_context(EmbeddedServer(app, tls=asking))
        yield {
            "http://app.example": f"http://app.example:{url.rpartition(':')[2]}",
            "proxy.example:3128": proxy.address,
            "proxy.example:1080": socks.address,
            "https://intranet.example": secure.url,
            "https://strict.example": strict.url,
            "http://www.example/tools/greeter": below.url,
            "company.pem": str(folder / "company.pem"),
            "ada.pem": str(folder / "ada.pem"),
        }


@contextmanager
def _served(app: TestApp, _: str) -> Generator[Addresses]:
    with serve(app) as url:
        yield {THE_APP: url}


# docs/howto/scaling-out.md


def replica(name: str) -> TestApp:
    """One of several of the same app, that says which one it is, and what it has kept for a session."""
    app = greeting()

    @app.endpoint("/remember", inputs=["textbox", "state"], outputs=["json", "state"])
    def remember(word: str, words: list[str] | None) -> tuple[list[str], list[str]]:
        words = [*(words or ()), word]
        return [name, *words], words

    return app


@contextmanager
def _replicated(shared: str) -> Generator[Addresses]:
    with serve(replica("one")) as one, serve(replica("two")) as two, ReverseProxy(one, two) as balancer:
        yield {THE_APP: shared, "http://www.example": balancer.url}


# docs/howto/spaces.md

space = greeting()


@space.endpoint("/paint")
def paint(prompt: str) -> str:
    raise Error(
        "You have exceeded your free ZeroGPU quota (60s requested vs. 12s left). Try again in 0:01:23.",
        title="ZeroGPU quota exceeded",
    )


@space.endpoint("/whose")
def whose(prompt: str, *, context: Context) -> str:
    return context.request_headers.get("x-ip-token", "nobody")


@contextmanager
def _on_spaces(_: str) -> Generator[Addresses]:
    with ExitStack() as stack:
        hub = stack.enter_context(HubServer())
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        stand_in(patch, hub, Path(stack.enter_context(tempfile.TemporaryDirectory())))
        patch.setattr(spaces, "FIRST_PAUSE", 0.01)
        app = stack.enter_context(ReverseProxy(stack.enter_context(serve(space))))
        hub.users.update(hf_ada="ada", hf_bob="bob")
        hub.add("ada/greeter", app.url)
        hub.add("ada/painter", app.url)
        hub.add("ada/diary", app.url, private=True)
        hub.add("ada/paused", app.url, "PAUSED")
        hub.add("ada/sleepy", app.url, "SLEEPING")
        woken = stack.enter_context(ReverseProxy(app.url))
        hub.add(
            "ada/sleeper", woken.url, "SLEEPING", "APP_STARTING", "RUNNING", sleeps=lambda: not woken.passed
        )
        yield {}


# docs/howto/typed-calls.md, llm-tools.md and notebooks.md

typed = TestApp(default_concurrency_limit=None)


@typed.endpoint(
    "/calculate",
    inputs=[
        "number",
        Component("radio", choices=["add", "subtract"], value="add"),
        Component("number", value=5),
    ],
    outputs=[Component("number", label="Sum"), Component("textbox", label="In words")],
)
def calculate(num1: float, operation: str, num2: float) -> tuple[float, str]:
    result = num1 + num2 if operation == "add" else num1 - num2
    return result, f"{num1:g} and {num2:g} give {result:g}"


@typed.endpoint("/some-name")
def some_name(text: str) -> str:
    return text


@typed.endpoint("/size")
def size(document: File) -> int:
    return len(document.data)


@typed.endpoint("/draw", outputs=["image"])
def draw_picture(prompt: str) -> File:
    return File("picture.png", b"\x89PNG\r\n\x1a\n" + prompt.encode())


@contextmanager
def _with_a_generated_module(_: str) -> Generator[Addresses]:
    with serve(typed) as url, pytest.MonkeyPatch.context() as patch:
        assert main(["codegen", url, "-o", "calculator.py", "--class-name", "Calculator", "--quiet"]) == 0
        patch.syspath_prepend(str(Path.cwd()))
        yield {THE_APP: url}
        sys.modules.pop("calculator", None)


PAGES: Mapping[str, Callable[[str], AbstractContextManager[Addresses]]] = {
    "docs/howto/auth.md": _with_and_without_login,
    "docs/howto/chat.md": partial(_served, chat),
    "docs/howto/files.md": partial(_served, filing),
    "docs/howto/llm-tools.md": partial(_served, typed),
    "docs/howto/notebooks.md": partial(_served, typed),
    "docs/howto/proxies.md": _through_proxies,
    "docs/howto/scaling-out.md": _replicated,
    "docs/howto/spaces.md": _on_spaces,
    "docs/howto/streaming.md": partial(_served, streams),
    "docs/howto/typed-calls.md": _with_a_generated_module,
    "docs/tutorial.md": partial(_served, demonstration(LATEST)),
}
"""The pages that have needs of their own. What is called is told where the app of all other pages is."""


@contextmanager
def addresses_of(page: str, shared: str) -> Generator[Addresses]:
    """What a page's examples find where, for as long as they run.

    Args:
        page: Its path in the repository.
        shared: Where the app is that every page finds which has none of its own.
    """
    if page in PAGES:
        with PAGES[page](shared) as addresses:
            yield addresses
    else:
        yield {THE_APP: shared}


def with_addresses(code: str, addresses: Addresses) -> str:
    """An example as it can be run, each address being the real one."""
    for said, real in addresses.items():
        code = code.replace(said, real)
    return code
