"""Clients live for a thousand calls and do not grow; what does grow is found. ``make soak`` has the long form."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from soak.growth import Growth, growths

TESTS = Path(__file__).parent


def soak(*arguments: str) -> tuple[int, str]:
    """Run the short form; what it leaves with, and what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "soak", "--short", *arguments],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="memory and descriptors are counted in /proc")
@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="what Python itself allocates was measured on 3.11 only"
)
@pytest.mark.parametrize("client", ["blocking", "trio", "asyncio"])
def test_a_client_does_not_grow(client: str) -> None:
    code, printed = soak("--client", client)
    assert code == 0, printed
    assert f"{client}: 1272 calls, 49 clients, 4 restarts of the server" in printed
    assert printed.count(" ok\n") == 6


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="memory and descriptors are counted in /proc")
@pytest.mark.parametrize(("leak", "grows"), [("jobs", "blocks"), ("sockets", "descriptors")])
def test_a_leak_is_found(leak: str, grows: str) -> None:
    code, printed = soak("--client", "blocking", "--leak", leak)
    assert code == 1, printed
    [line] = [line for line in printed.splitlines() if line.split()[:1] == [grows]]
    assert line.endswith("GROWS")


def judged(name: str, values: list[int], calls: int = 1000) -> Growth:
    [found] = growths([{name: value} for value in values], calls)
    return found


def test_growth_is_a_line_that_climbs() -> None:
    rising = judged("blocks", [100_000 + 1000 * index for index in range(20)])
    assert rising.climbed == pytest.approx(14_000)  # the first quarter does not count
    assert rising.is_too_much
    filling = judged("blocks", [100_000 + 1000 * min(index, 5) for index in range(20)])
    assert filling.climbed == pytest.approx(0)
    assert not filling.is_too_much
    one_odd_look = judged("blocks", [100_000] * 10 + [103_000] + [100_000] * 9)
    assert not one_odd_look.is_too_much
    falling = judged("memory", [10**9 - 10**6 * index for index in range(20)])
    assert falling.climbed < 0
    assert not falling.is_too_much


def test_what_each_call_may_leave_is_little() -> None:
    calls, looks = 100_000, 100
    per_look = calls // looks
    for per_call, too_much in ((0.01, False), (0.05, True), (1.0, True)):
        values = [100_000 + int(per_look * per_call * index) for index in range(looks)]
        assert judged("blocks", values, calls).is_too_much is too_much


def test_what_is_counted_may_not_be_one_more() -> None:
    assert judged("threads", [1] * 8 + [2] + [1] * 7).is_too_much is False  # it has been so many before
    assert judged("threads", [1] * 15 + [2]).is_too_much is True
    assert judged("files", [0] * 16).is_too_much is False
    with pytest.raises(AssertionError):
        judged("files", [0] * 7)
