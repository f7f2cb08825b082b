"""A job that one process begins, and others follow and cancel, on real servers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty import within
from servers import install
from ticking import LONG, Ticking, eventually

from gradio_proto import Client

KEEPING = ("4.13.0", "4.21.0", "4.44.1", "5.49.1", "6.31.0")
"""Versions that keep the events of a job for whoever asks: one of each protocol from ``sse_v1`` on."""


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(60):
        yield


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "gradio_proto", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*words: str, given: str = "", status: int = 0) -> str:
    command = start(*words)
    out, err = command.communicate(given, timeout=50)
    assert (command.returncode, err) == (status, "") or (status and command.returncode == status), err
    return out


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def values(events: list[dict[str, Any]]) -> list[Any]:
    return [next(iter(event["data"].values())) for event in events if event["event"] == "output"]


class Runs(Ticking):
    """Runs that are begun by commands."""

    def begin(self, name: str, steps: int = LONG) -> str:
        """Begin one in a process of its own, and return the line that names it."""
        return run("submit", self.client.src, "/tick", json.dumps([self.name + name, steps]))


@pytest.fixture
def ticking(url: str) -> Iterator[Runs]:
    with Client(url) as client:
        yield Runs(client)


@pytest.mark.real(*KEEPING)
def test_another_process_follows_a_job(ticking: Runs) -> None:
    line = ticking.begin("a", 5)
    events = lines(run("events", given=line))
    assert [event["event"] for event in events if event["event"] != "output"] == [
        "queued",
        "started",
        "completed",
    ]
    assert values(events) == [0, 1, 2, 3, 4]


@pytest.mark.real(*KEEPING)
def test_a_job_that_has_ended_before_anybody_followed_it(ticking: Runs) -> None:
    line = ticking.begin("a", 3)
    eventually(lambda: ticking.steps("a") == 3)
    events = lines(run("events", given=line))
    assert values(events) == [0, 1, 2]
    assert events[-1]["event"] == "completed"


@pytest.mark.real(*KEEPING)
def test_another_process_cancels_what_a_third_one_follows(ticking: Runs, server_version: str) -> None:
    line = ticking.begin("a")
    following = start("events", line)
    assert following.stdout is not None
    eventually(lambda: '"output"' in following.stdout.readline())  # type: ignore[union-attr]
    report = json.loads(run("cancel", given=line))
    assert report["server_told"] is True
    ticking.stops("a")
    if server_version in ("4.13.0", "4.21.0"):  # they tell nobody that a job was cancelled
        assert "may hear nothing" in report["reason"]
        following.kill()
        following.communicate()
    else:
        out, _ = following.communicate(timeout=30)
        assert lines(out)[-1] == {"event": "cancelled", "by_server": True}
        assert following.returncode == 1


@pytest.mark.real(*KEEPING)
def test_a_job_that_nobody_follows_is_cancelled(ticking: Runs) -> None:
    line = ticking.begin("a")
    eventually(lambda: ticking.steps("a") > 0)
    run("cancel", given=line)
    ticking.stops("a")


@pytest.mark.real("4.44.1", "5.49.1", "6.31.0")
def test_a_job_that_waits_is_cancelled(ticking: Runs) -> None:
    busy = [ticking.begin(f"busy {place}") for place in range(2)]
    eventually(lambda: all(ticking.steps(f"busy {place}") > 0 for place in range(2)))
    line = ticking.begin("waits", 20)
    run("cancel", given=line)
    for other in busy:
        run("cancel", given=other)
    later = lines(run("events", given=ticking.begin("later", 3)))
    assert values(later) == [0, 1, 2]
    assert ticking.steps("waits") == 0


@pytest.mark.real(*KEEPING)
def test_who_stops_following_gives_the_job_up(ticking: Runs) -> None:
    line = ticking.begin("a")
    following = start("events", line)
    assert following.stdout is not None
    eventually(lambda: '"output"' in following.stdout.readline())  # type: ignore[union-attr]
    following.send_signal(signal.SIGINT)
    _, err = following.communicate(timeout=30)
    assert (following.returncode, err.strip()) == (130, "interrupted")
    ticking.stops("a")


@pytest.mark.real("3.50.2", "4.0.2")
def test_where_no_other_process_can_follow(url: str) -> None:
    run("submit", url, "/count", "[3]", status=2)
    named, *events = lines(run("submit", url, "/count", "[3]", "--events"))
    assert named["event_id"] is None
    assert values(events) == [0, 1, 2]


@pytest.mark.real("3.50.2", "4.44.1", "6.31.0")
def test_a_stream_that_is_interrupted(ticking: Runs) -> None:
    streaming = start("stream", ticking.client.src, "/tick", json.dumps([ticking.name, LONG]))
    assert streaming.stdout is not None
    streaming.stdout.readline()
    streaming.send_signal(signal.SIGINT)
    _, err = streaming.communicate(timeout=30)
    assert (streaming.returncode, err.strip()) == (130, "interrupted")
    ticking.stops("")


def hf_gradio(*words: str) -> Any:
    """What the official command prints."""
    done = subprocess.run(
        [install.python_of("6.31.0"), "-c", "from hf_gradio.cli import app; app()", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False"},
    )
    return json.loads(done.stdout)


def without_wording(described: Any) -> Any:
    """A description without the sentences that say how to write a file."""
    if isinstance(described, dict):
        if described.get("type") == "filepath":
            return {"type": "filepath"}
        return {key: without_wording(part) for key, part in described.items()}
    return [without_wording(part) for part in described] if isinstance(described, list) else described


@pytest.mark.real("6.31.0")
def test_info_is_that_of_hf_gradio(url: str) -> None:
    ours, theirs = json.loads(run("info", url)), hf_gradio("info", url)
    assert without_wording(ours) == without_wording(theirs)
    assert list(ours) == list(theirs)


@pytest.mark.real("6.31.0")
@pytest.mark.parametrize(
    ("endpoint", "payload"),
    [
        ("/calc", '{"a": 1, "op": "add", "b": 2}'),
        ("/count", '{"n": 3}'),
        ("/echo", '{"x": "é"}'),
    ],
)
def test_predict_is_that_of_hf_gradio(endpoint: str, payload: str, url: str) -> None:
    theirs = hf_gradio("predict", url, endpoint, payload)
    assert json.loads(run("predict", url, endpoint, payload)) == theirs


@pytest.mark.real("6.31.0")
def test_a_file_is_sent_as_hf_gradio_takes_it(url: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    given = {"path": str(tmp_path / "a.txt"), "meta": {"_type": "gradio.FileData"}}
    words = ("predict", url, "/file", json.dumps({"f": given}), "--download-files", str(tmp_path / "out"))
    ours, theirs = json.loads(run(*words)), hf_gradio(*words)
    assert ours == theirs
