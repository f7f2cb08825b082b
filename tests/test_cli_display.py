"""How a call stands, on a terminal: what is drawn of what happens to its job and its files."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rich.console import Console

from gradio_proto import AppError, Transfer
from gradio_proto.cli.calls import display as displays
from gradio_proto.cli.calls.display import Display
from gradio_proto.cli.calls.happenings import as_json
from gradio_proto.cli.failing import as_ending
from gradio_proto.errors import ConnectError, ConnectionLost, DeadlineExceeded, GradioError, QueueError
from gradio_proto.events import Cancelled, Failed, Log, Progress, Queued, Started, Unknown
from gradio_proto.messages import ProgressUnit, UnknownMessage

Drawn = Callable[[Any], str]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    screen = io.StringIO()
    made = Console(
        file=screen,
        force_terminal=True,
        force_interactive=True,
        width=100,
        no_color=True,
        markup=False,
        emoji=False,
        highlight=False,
    )
    monkeypatch.setattr(displays, "console", lambda *, error: made)
    return screen


@pytest.fixture
def drawn(screen: io.StringIO) -> Iterator[Drawn]:
    """Shows an event or a transfer, and gives the words that are drawn for it."""
    with Display(has_bars=True) as display:
        assert display._bars is not None
        bars = display._bars

        def draw(what: Any) -> str:
            if isinstance(what, Transfer):
                display.transferred(what)
            else:
                display.happened(what)
            screen.seek(0)
            screen.truncate()
            bars.refresh()
            return screen.getvalue()

        yield draw


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Queued(0, 3, None), "waiting, 1 of 3 in the queue"),
        (Queued(2, None, 5.0), "waiting, 3 in the queue"),
        (Started(None), "running"),
        (Progress((ProgressUnit(index=1, length=4, unit="steps", desc="training"),)), "1/4 steps"),
        (Progress((ProgressUnit(index=7, unit="steps"),)), "7 steps"),
        (Progress((ProgressUnit(progress=0.25),)), "25%"),
        (Progress((ProgressUnit(index=10**400, length=10**400),)), " 0"),
        (Progress((ProgressUnit(progress=float("inf")),)), "0%"),
        (Progress((ProgressUnit(progress=float("nan")),)), "0%"),
        (Progress((ProgressUnit(index=1, desc="[red]x\x1b[2J" + "y" * 90),)), "[red]x\\x1b[2Jyyy"),
        (
            Progress((ProgressUnit(progress=0.1, desc="outer"), ProgressUnit(progress=0.5, desc="inner"))),
            "inner",
        ),
        (Transfer("upload", "a.bin", 500, 2000, False), "500 B"),
        (Transfer("download", "a.bin", 2_500_000, None, False), "2.5 MB"),
        (Transfer("download", "a.bin", 10**13, None, True), "1e+04 GB"),
    ],
)
def test_what_is_drawn(event: Any, words: str, drawn: Drawn) -> None:
    assert words in drawn(event)
    assert words in drawn(event)  # the line is drawn anew, and not a second one
    assert drawn(event).count(words.strip()) == 1


@pytest.mark.parametrize("event", [Queued(None, None, None), Progress(()), Progress((ProgressUnit(),))])
def test_what_says_nothing(event: Any, drawn: Drawn) -> None:
    assert "in the queue" not in drawn(event)
    assert "%" not in drawn(event)


def test_what_the_app_says_stands_above(screen: io.StringIO) -> None:
    with Display(has_bars=True) as display:
        display.happened(Log("[red]well\x1b[2J", "info"))
    assert "info: [red]well\\x1b[2J\n" in screen.getvalue()


@pytest.mark.parametrize(("title", "line"), [("Info", "info: well\n"), ("Note", "info: Note: well\n")])
def test_a_title_that_is_the_level_is_not_said_twice(
    title: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Display(has_bars=False) as display:
        display.happened(Log("well", "info", title))
    assert capsys.readouterr().err == line


def test_nothing_is_drawn_before_something_happens(screen: io.StringIO) -> None:
    """Somebody may be asked for a password until then, and the refreshing of the bars would wipe off the question."""
    with Display(has_bars=True) as display:
        assert screen.getvalue() == ""
        display.happened(Started(None))
        assert "running" in screen.getvalue()


def test_a_terminal_that_takes_nothing_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = io.StringIO()
    dumb = Console(file=screen, force_terminal=True, force_interactive=False)
    monkeypatch.setattr(displays, "console", lambda *, error: dumb)
    with Display(has_bars=True) as display:
        display.happened(Started(None))
        display.happened(Log("well", "info"))
    assert screen.getvalue() == ""
    assert capsys.readouterr().err == "info: well\n"


def test_without_bars(capsys: pytest.CaptureFixture[str]) -> None:
    with Display(has_bars=False, tells=False) as display:
        display.happened(Started(None))
        display.transferred(Transfer("upload", "a", 1, 1, True))
        display.happened(Log("well", "info"))
    assert capsys.readouterr() == ("", "")


def test_bars_that_were_taken_away(screen: io.StringIO) -> None:
    with Display(has_bars=True) as display:
        display.stop()
        before = screen.getvalue()
        display.happened(Started(None))
        display.transferred(Transfer("upload", "a", 1, 1, True))
    assert screen.getvalue() == before


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            Unknown(UnknownMessage("e", "new", {"msg": "new", "x": 1})),
            {"event": "unknown", "message": {"msg": "new", "x": 1}},
        ),
        (Cancelled(False), {"event": "cancelled", "by_server": False}),
        (Failed(QueueError("full")), {"event": "failed", "error": "QueueError", "message": "full"}),
    ],
)
def test_lines(event: Any, line: dict[str, Any]) -> None:
    assert as_json(event, []) == line


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AppError("no"), 1),
        (GradioError("x").with_context(event_id="e"), 1),
        (ConnectionLost("x", phase="stream_lost"), 1),
        (ConnectionLost("x", phase="not_sent"), 2),
        (DeadlineExceeded("x", kind="idle", phase="accepted"), 1),
        (DeadlineExceeded("x", kind="read", phase="sent_unknown"), 2),
        (ConnectError("x"), 2),
        (QueueError("full"), 2),
    ],
)
def test_the_status_says_whether_a_job_had_begun(error: GradioError, status: int) -> None:
    assert as_ending(error).exit_code == status
