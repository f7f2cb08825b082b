"""``python -m model``: tell as many stories as one likes, others each time."""

from __future__ import annotations

import argparse
import random

from .app import VERSIONS
from .running import run


def main() -> None:
    """Run the model for each generation, and say which seed repeats that."""
    parser = argparse.ArgumentParser(prog="python -m model", description=__doc__)
    parser.add_argument("--examples", type=int, default=1000, help="stories for each server (1000)")
    parser.add_argument("--server", action="append", choices=VERSIONS, help="only this one; may be repeated")
    parser.add_argument("--seed", type=int, help="the seed that a run has told")
    options = parser.parse_args()
    seed = random.randrange(2**32) if options.seed is None else options.seed
    for version in options.server or VERSIONS:
        print(f"{version}: {options.examples} stories, --seed {seed}", flush=True)
        run(options.examples, (version,), seed=seed)


if __name__ == "__main__":
    main()
