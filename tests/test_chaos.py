"""Calls through a bad network (see :mod:`chaos`): a part of what ``python -m chaos`` does, and that it finds what is
wrong."""

from __future__ import annotations

import contextlib
import math
import re
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from chaos import __main__ as command
from chaos.__main__ import PAGE, VERSIONS
from chaos.cells import CLIENTS, Cell, Row, served
from chaos.embedded import CountingApp
from chaos.fates import HARMLESS, MODES, Fates, Mode
from chaos.proxy import ChaosProxy
from chaos.table import page
from ways import nothing_left

from gradio_proto import Client, Timeouts
from gradio_proto.errors import ConnectionLost, DeadlineExceeded, GradioError
from gradio_proto.flows import calls
from gradio_proto.job import Job
from gradio_proto.testing import TestApp, serve
from gradio_proto.testing.generations import PROTOCOLS
from gradio_proto.testing.memory import Deadlock, MemoryRunner, MemoryStream, MemoryTransport
from gradio_proto.testing.protocol import ServerProtocol

SHORT = Timeouts(connect=1.5, read=1.5, write=1.5, idle=1.5)


@pytest.fixture(scope="module")
def embedded() -> Iterator[str]:
    with serve(CountingApp().app) as url:
        yield url


@pytest.fixture(scope="module")
def real() -> Iterator[str]:
    """The address of the app on a real server."""
    with served(VERSIONS[0]) as url:
        yield url


# What happens to whom.


@pytest.mark.parametrize("mode", MODES)
def test_decisions_come_from_the_seed(mode: Mode) -> None:
    def decisions(seed: int) -> list[Any]:
        fates = Fates(seed, mode)
        return [
            (fates.admission(connection), fates.fate(connection, exchange))
            for connection in range(40)
            for exchange in range(5)
        ]

    assert decisions(1) == decisions(1)
    # Where every exchange has the same fate, its details differ.
    if mode not in ("delay", "refuse"):
        assert decisions(1) != decisions(2)
    one, other = (Fates(seed, mode).fate(1, 1) for seed in (1, 2))
    assert list(one.pieces(bytes(300))) == list(Fates(1, mode).fate(1, 1).pieces(bytes(300)))
    assert (one.delay() == other.delay()) is (one.longest_delay == 0 == other.longest_delay)


def test_each_mode_does_what_it_says() -> None:
    drawn = {mode: [Fates(3, mode).fate(number, 1) for number in range(1000)] for mode in MODES}
    ends = {mode: {fate.end.how for fate in drawn[mode] if fate.end} for mode in MODES}
    assert ends == {
        **{mode: set() for mode in MODES},
        "cut": {"reset", "fin"},
        "silence": {"silence"},
        "all": {"reset", "fin", "silence"},
    }
    for mode in ("cut", "silence"):
        assert 250 < sum(fate.end is not None for fate in drawn[mode]) < 350
    assert {min(len(piece) for piece in fate.pieces(bytes(5000))) for fate in drawn["split"]} >= {1}
    assert all(b"".join(fate.pieces(b"some bytes" * 100)) == b"some bytes" * 100 for fate in drawn["split"])
    admissions = [Fates(3, "refuse").admission(number) for number in range(1000)]
    assert 650 < admissions.count("admitted") < 750
    assert set(admissions) == {"admitted", "reset", "closed", "shut"}


def test_in_fair_weather_a_proxy_does_nothing(embedded: str) -> None:
    with nothing_left(10), proxy_before(embedded, "all") as proxy, Client(proxy.url) as client:
        assert client.predict("call a", 0, api_name="/answer") == "call a is answered"
    assert (proxy.happened, proxy.seen.joins, [*proxy.seen.answers]) == (
        {"exchanges": 0},
        {"call a": 1},
        ["call a"],
    )


def test_what_happens_happens_again() -> None:
    """With the same seed, to somebody who says the same."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=partial(_echo, server), daemon=True).start()
        runs = [_talk_through(Fates(seed, "cut", 0.8), server.getsockname()[1]) for seed in (5, 5, 6)]
        assert runs[0] == runs[1] != runs[2]
        server.shutdown(socket.SHUT_RDWR)


def _echo(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            sock, _ = server.accept()
            with sock, contextlib.suppress(OSError):
                while data := sock.recv(4096):
                    sock.sendall(_echoed(data))


def _echoed(data: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(data), data)


def _talk_through(fates: Fates, port: int) -> tuple[list[bool], dict[str, int]]:
    """Whether all came back, on each of some connections, and what happened to them."""
    said = b"GET / HTTP/1.1\r\nhost: me\r\nx: %b\r\n\r\n" % (b"x" * 200)
    whole = []
    with ChaosProxy(port, fates) as proxy:
        proxy.foul()
        for _ in range(10):
            came = 0
            with socket.create_connection(("127.0.0.1", proxy.port)) as sock, contextlib.suppress(OSError):
                sock.settimeout(10)
                sock.sendall(said)
                while came < len(_echoed(said)) and (data := sock.recv(4096)):
                    came += len(data)
            whole.append(came == len(_echoed(said)))
    return whole, proxy.happened


def proxy_before(url: str, mode: Mode) -> ChaosProxy:
    port = urlsplit(url).port
    assert port is not None
    return ChaosProxy(port, Fates(1, mode))


# Calls.


def whole(row: Row) -> Row:
    """A row of which nothing is wrong or missing."""
    assert row.wrong == []
    assert row.right + sum(row.errors.values()) == row.calls
    return row


@pytest.mark.parametrize(("mode", "client"), [("silence", "blocking"), ("all", "asyncio")])
def test_the_embedded_server(
    mode: Mode, client: str, embedded: str, capfd: pytest.CaptureFixture[str]
) -> None:
    row = whole(Cell("embedded", mode, client, embedded, 2, 12, ("",), SHORT).run())
    assert row.errors
    assert row.fair_calls
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("mode", "client"), [*zip(sorted(HARMLESS - {"jitter"}), CLIENTS, strict=True)])
def test_a_network_that_is_no_more_than_slow(mode: Mode, client: str, embedded: str) -> None:
    row = whole(Cell("embedded", mode, client, embedded, 1, 20, ("",)).run())
    assert (row.right, row.errors) == (20, {})


@pytest.mark.parametrize(("mode", "client"), [("cut", "blocking"), ("refuse", "asyncio")])
def test_a_real_server(
    mode: Mode, client: str, real: str, real_server: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    # Nothing is silent here: no call may need a deadline of the client's to come to its end.
    row = whole(Cell(VERSIONS[0], mode, client, real, 1, 40, deadlines=Timeouts()).run())
    assert row.longest < 10
    assert row.right > 5
    assert "sent_unknown" in {kind.split()[0] for kind in row.errors}
    assert capfd.readouterr() == ("", "")


# It finds what is wrong.


def _lie(fail: Callable[[Job, GradioError], None], job: Job, error: GradioError) -> None:
    if isinstance(error, ConnectionLost):
        error.phase = "not_sent"
    fail(job, error)


def _claim(fail: Callable[[Job, GradioError], None], job: Job, error: GradioError) -> None:
    if isinstance(error, ConnectionLost):
        error.phase = "accepted"
    fail(job, error)


def _forget(fail: Callable[[Job, GradioError], None], job: Job, error: GradioError) -> None:
    fail(job, GradioError(str(error)))


@pytest.mark.parametrize(
    ("defect", "problem"),
    [
        (_lie, "was not sent, and left"),
        (_claim, "was accepted, and never answered"),
        (_forget, "it ended in"),
    ],
)
def test_a_phase_that_lies_is_found(
    defect: Callable[..., None], problem: str, embedded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail = Job.fail
    monkeypatch.setattr(Job, "fail", lambda job, error: defect(fail, job, error))
    row = Cell("embedded", "cut", "trio", embedded, 11, 30, ("",)).run()
    assert [wrong for wrong in row.wrong if problem in wrong]


def test_a_join_that_is_sent_again_is_found(embedded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_may_repeat", lambda state, job, error, attempt: attempt < 2)
    row = Cell("embedded", "cut", "trio", embedded, 12, 40, ("",)).run()
    assert [wrong for wrong in row.wrong if re.search(r"it ran \d times, and was joined [23] times", wrong)]


def test_a_client_that_does_not_recover_is_found(embedded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    failed: list[GradioError] = []
    fail, post = Job.fail, calls._post_join

    def note(job: Job, error: GradioError) -> None:
        failed.append(error)
        fail(job, error)

    def broken(state: Any, live: Any, job: Job) -> Any:
        if failed and b"call " in job.payload:
            raise failed[0]
        return post(state, live, job)

    monkeypatch.setattr(Job, "fail", note)
    monkeypatch.setattr(calls, "_post_join", broken)
    row = Cell("embedded", "cut", "trio", embedded, 13, 30, ("",)).run()
    assert [wrong for wrong in row.wrong if "in fair weather" in wrong]


# The command and its page.


def test_the_command_and_calls_that_overlap_under_jitter(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["chaos", "--version", "embedded", "--crowd", "50"])
    assert command.main() == 0
    shown = capsys.readouterr().out
    rows = re.findall(r"\| the embedded one \| (\w+) \| (\d+) \| (\d+) \| (\d+) \|", shown)
    assert {row[0]: row[1:] for row in rows} == dict.fromkeys(CLIENTS, ("50", "50", "0"))


def test_the_page_is_what_the_command_makes() -> None:
    shown = PAGE.read_text(encoding="utf-8")
    made = page([], [], 1)
    for paragraph in made.split("\n\n"):
        if not paragraph.startswith(("|", "Seed")):
            assert paragraph.strip() in shown, "run 'make chaos ARGS=--write'"
    rows = re.findall(r"^\| (\S+) \| `(\w+)` \| (\w+) \| (\d+) \|.*\| (\d+) \| \d+ \|$", shown, re.M)
    assert [tuple(row[:3]) for row in rows] == [
        (version, mode, client) for version in VERSIONS for mode in MODES for client in CLIENTS
    ]
    assert {(version, mode): sum(int(row[3]) for row in rows if row[:2] == (version, mode))
            for version in VERSIONS for mode in MODES} == {
        (version, mode): 1000 for version in VERSIONS for mode in MODES
    }  # fmt: skip
    assert {row[4] for row in rows} == {"0"}


# Silence ends.

LONGEST_SILENCE = 60.0
"""Seconds, by default."""


class Silencing(MemoryRunner):
    """A network that carries so many pieces from the server, and then none."""

    carries: float = float("inf")
    carried = 0

    def _arrive(self, stream: MemoryStream) -> None:
        self.carried += 1
        if self.carried <= self.carries:
            super()._arrive(stream)
        else:
            stream.under_way.popleft()


def silenced(version: str, pieces: float, timeouts: Timeouts) -> tuple[Any, Silencing]:
    """What a call comes to of which so many pieces arrive, and the runner, whose clock begins with the call."""
    app = TestApp(version=version)

    @app.endpoint("/steps")
    def steps(name: str) -> Iterator[str]:
        for step in range(3):
            yield f"{name} {step}"

    runner = Silencing(ServerProtocol(app))
    with Client("http://app", transport=MemoryTransport.to(runner), timeouts=timeouts) as client:
        runner.settle()
        runner.carried, runner.carries, runner.now = 0, pieces, 0.0
        job = client.submit("x", api_name="/steps")
        return job.exception() or job.result(), runner


WITHOUT_A_SIGN_OF_LIFE = "4.0.2"
"""It says nothing while a function runs, so that silence tells nothing there: only ``total`` ends it."""


@pytest.mark.parametrize("version", PROTOCOLS)
def test_silence_ends_wherever_it_begins(version: str) -> None:
    timeouts = Timeouts(total=LONGEST_SILENCE if version == WITHOUT_A_SIGN_OF_LIFE else None)
    value, healthy = silenced(version, math.inf, Timeouts())
    assert value == "x 2"
    ends = []
    for pieces in range(healthy.carried - 2):  # the last two may be the end of what has been said
        outcome, runner = silenced(version, pieces, timeouts)
        assert isinstance(outcome, DeadlineExceeded)
        assert outcome.phase in ("not_sent", "sent_unknown", "accepted", "stream_lost")
        ends.append(runner.now)
    assert len(ends) >= 7
    assert max(ends) <= LONGEST_SILENCE


def test_silence_goes_on_where_it_tells_nothing() -> None:
    with pytest.raises(Deadlock):
        silenced(WITHOUT_A_SIGN_OF_LIFE, 5, Timeouts())
