"""Whether the conformance tester ever blames a healthy server: ``python -m false_alarms [SEEDS]``.

The embedded server without any defect, in every version, with as many seeds (20) for each. It ends with status 1 where
a case fails, warns or breaks down.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from typing import Final

from gradio_proto.conformance.model import Result, Verdict
from gradio_proto.conformance.runner import Options, run
from gradio_proto.conformance.target import embedded
from gradio_proto.testing.generations import PROTOCOLS

SEEDS: Final = 20
PROCESSES: Final = 2


def alarms(version: str, seed: int) -> list[Result]:
    """What is said against a healthy server."""
    with embedded(version) as target:
        report = run(target, Options(seed=seed))
    return [result for result in report.results if result.verdict not in (Verdict.PASS, Verdict.SKIP)]


def main() -> int:
    seeds = range(int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS)
    todo = [*product(PROTOCOLS, seeds)]
    count = 0
    with ProcessPoolExecutor(PROCESSES) as pool:
        for (version, seed), found in zip(todo, pool.map(alarms, *zip(*todo, strict=True)), strict=True):
            for result in found:
                count += 1
                print(f"{version}, seed {seed}: {result.case_id}: {result.reason}", flush=True)
    print(f"{len(todo)} runs against healthy servers, {count} false alarms")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
