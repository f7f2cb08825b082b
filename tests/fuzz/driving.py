"""One run of atheris on one target: ``python -m fuzz.driving TARGET SECONDS (drawn|raw) FOLDER``.

libFuzzer, which atheris wraps, changes bytes, and keeps those that reach something new in the core, in a folder. In a
run that is ``drawn``, Hypothesis draws an input from them; in one that is ``raw`` they are what a server sends. A run
ends by leaving the process, which is why it has one to itself: when its CPU time is over, which does not depend on what
else the machine does.

An input that breaks a promise is written down (:mod:`.findings`), and the run goes on, so that one defect does not hide
another.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import zlib
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .promises import Input, Target

# Nothing of the core may be imported before it is instrumented.
INSTRUMENTED: Final = ("gradio_proto", "h11", "wsproto")
NOT_INSTRUMENTED: Final = ("gradio_proto.conformance", "gradio_proto.testing")

LONGEST: Final = 4096
"""Bytes from which an input is drawn, or that a server sends."""

THOROUGH: Final = 64
"""Steps and memory are counted for one input in so many. Which one depends on what it says, and on nothing else."""

HANGS: Final = 30.0
"""Seconds of CPU time after which an input that has not come to an end is given up."""


class Hang(AssertionError):
    """An input did not come to an end."""


def drawing(target: Target, pool: list[Input], take: Callable[[Input], None]) -> Callable[[bytes], Any]:
    """What draws an input from bytes, and hands it to ``take``. Bytes that are too few for one are passed over."""
    from hypothesis import HealthCheck, given, settings

    @settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(target.inputs(pool))
    def test(drawn: Input) -> None:
        take(drawn)

    fuzz: Callable[[bytes], Any] = test.hypothesis.fuzz_one_input
    return fuzz


@contextmanager
def _ending() -> Iterator[None]:
    signal.setitimer(signal.ITIMER_VIRTUAL, HANGS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _hang(_number: int, _frame: Any) -> None:
    raise Hang(f"no end after {HANGS:g} s")


def _main() -> None:
    name, seconds, form, folder = sys.argv[1], float(sys.argv[2]), sys.argv[3], Path(sys.argv[4])

    import atheris  # the group of dependencies "fuzz"
    import hypothesis  # noqa: F401 - before what is instrumented

    with atheris.instrument_imports(include=[*INSTRUMENTED], exclude=[*NOT_INSTRUMENTED]):
        from .table import TARGETS

    from . import corpus, findings
    from .bytewise import bytes_of
    from .promises import check, rendered

    target = TARGETS[name]
    pool = corpus.pool(target)
    kept = folder / name / form
    kept.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGVTALRM, _hang)
    started = time.process_time()
    count: dict[str, Any] = {"target": name, "form": form, "runs": 0, "findings": 0}
    known: set[str] = set()

    def take(given: Input) -> None:
        count["runs"] += 1
        thorough = zlib.crc32(rendered(given).encode()) % THOROUGH == 0
        try:
            with _ending():
                check(target, given, thorough=thorough)
        except Exception as error:
            where = findings.place_of(error)
            if where not in known:
                known.add(where)
                count["findings"] += 1
                findings.write(folder, target, given, error)

    draw = drawing(target, pool, take)

    def one(data: bytes) -> None:
        if form == "drawn":
            draw(data)
        else:
            assert target.raw is not None
            take(target.raw(data))
        spent = time.process_time() - started
        if spent > seconds:
            with (folder / "runs.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps({**count, "cpu_seconds": round(spent, 1)}) + "\n")
            sys.stdout.flush()
            os._exit(1 if count["findings"] else 0)

    if form == "raw":
        for given in pool:
            (kept / f"seed-{zlib.crc32(rendered(given).encode()):08x}").write_bytes(bytes_of(given)[:LONGEST])
    options = [f"-max_len={LONGEST}", "-len_control=0", "-rss_limit_mb=3000", "-verbosity=0"]
    # These are by the clock on the wall, which says nothing on a machine that has other things to do.
    options += ["-timeout=36000", "-report_slow_units=36000", f"-artifact_prefix={folder / name}/{form}-"]
    atheris.Setup([sys.argv[0], str(kept), *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    _main()
