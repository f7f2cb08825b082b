"""What docs/howto/chat.md says of chats, on real servers."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from faulty import within
from servers import install
from servers.running import Servers, number, reference_server

from gradio_proto import AppError, Client, ConnectError, RemoteProtocolError, handle_file

VERSIONS = ("6.31.0", "5.49.1", "4.44.1", "3.50.2")
PNG = b"\x89PNG\r\n\x1a\n"

pytestmark = pytest.mark.real(*VERSIONS)


class Chats:
    """The apps of servers/chat_app.py on one version of Gradio, from when they are first asked for."""

    def __init__(self, version: str) -> None:
        reference_server(version)  # says what to do if it is not installed
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._process = subprocess.Popen(
            [install.python_of(version), Path(__file__).parent / "servers" / "chat_app.py", str(self._port)],
            env={**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __call__(self, name: str, **options: Any) -> Client:
        """A client of one of them."""
        given = time.monotonic() + 120
        while True:
            try:
                return Client(f"http://127.0.0.1:{self._port}/{name}", max_retries=0, **options)
            except ConnectError:
                assert self._process.poll() is None, "it has ended"
                assert time.monotonic() < given, "it does not answer"
                time.sleep(0.1)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Chats]]:
    chats: dict[str, Chats] = {}
    yield chats
    for each in chats.values():
        each.close()


@pytest.fixture
def chats(running: dict[str, Chats], server_version: str, real_server: Servers) -> Iterator[Chats]:
    if not running:
        running.update((version, Chats(version)) for version in VERSIONS)  # side by side
    running[server_version]("answer").close()  # it answers
    with within(30):
        yield running[server_version]


def per_turn(version: str) -> int:
    """How long a history is for each question that was answered: a pair, or two messages."""
    return 2 if number(version) >= (5,) else 1


def name_of(function: str, version: str) -> str:
    return f"/{function}" if number(version) >= (6,) else "/chat"


def test_the_app_keeps_the_history_in_the_session(chats: Chats, server_version: str) -> None:
    turn = per_turn(server_version)
    with chats("answer", api_name=name_of("answer", server_version)) as client:
        assert list(client.submit("a")) == ["0", "0 before"]
        assert client.predict("b") == f"{turn} before"
        assert client.predict("c", isolate=True) == "0 before"
        assert client.predict("d") == f"{2 * turn} before"
        client.reset_session()
        assert client.predict("e") == "0 before"
        if number(server_version) >= (4, 20):
            assert client.endpoint(via="call").predict("f") == "0 before"


def test_an_answer_is_stopped(chats: Chats, server_version: str) -> None:
    with chats("forever", api_name=name_of("forever", server_version)) as client:
        job = client.submit("a")
        assert [next(job), next(job)] == ["0", "0 more"]
        if number(server_version) < (4,):
            assert not job.cancel()
            assert job.cancel(force=True)
            return
        assert job.cancel()
        job = client.submit("b")
        # What it had said is part of the history.
        assert next(job) == str(per_turn(server_version))
        job.cancel()


def test_a_message_with_files(chats: Chats, server_version: str) -> None:
    if number(server_version) < (4,):
        with pytest.raises(RemoteProtocolError, match="404"):
            chats("look")
        return
    with chats("look", api_name=name_of("answer", server_version)) as client:
        message = {"text": "What is it?", "files": [handle_file(PNG, name="a.png")]}
        assert client.predict(message) == "0 before with 1 files"
        assert client.predict({"text": "And now?"}).endswith(" before with 0 files")


@pytest.mark.real("6.31.0", "5.49.1")
def test_an_answer_of_several_messages(chats: Chats, server_version: str) -> None:
    with chats("ponder", api_name=name_of("ponder", server_version)) as client:
        thought, answer = client.predict("What is six times seven?")
        assert thought["metadata"]["title"] == "Thinking"
        assert answer["content"] == "42"


Form: TypeAlias = Callable[[Any, str], list[Any]]


def tuples(file: Any, version: str) -> list[Any]:
    return [["hi", "there"], [file if number(version) < (4,) else {"file": file}, None]]


def messages(file: Any, version: str) -> list[Any]:
    if number(version) >= (6,):
        return [
            {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            {"role": "assistant", "content": [{"type": "file", "file": file}]},
        ]
    return [{"role": "user", "content": "hi"}, {"role": "assistant", "content": {"file": file}}]


@pytest.mark.real("5.49.1", "4.44.1", "3.50.2")
def test_a_history_of_pairs(chats: Chats, server_version: str) -> None:
    check_form(chats, tuples, messages, server_version)


@pytest.mark.real("6.31.0", "5.49.1", "4.44.1")
def test_a_history_of_messages(chats: Chats, server_version: str) -> None:
    check_form(chats, messages, tuples, server_version)


def check_form(chats: Chats, form: Form, other: Form, version: str) -> None:
    """An app that wants the one form takes it, files included, gives it back, and refuses the other one."""
    with chats(form.__name__, download_files=False) as client:
        history = client.predict(form(handle_file(PNG, name="a.png"), version))
        assert "a.png" in str(history[1])
        assert client.predict(history) == history, "it may be given again as it is"
        with pytest.raises(AppError):
            client.predict(other("x", version))
        said = client.view_api(print_info=False, return_format="str")
        assert isinstance(said, str)
        if number(version) >= (4,):  # before, it says that it is JSON
            assert ("role: str" in said) is (form is messages)
