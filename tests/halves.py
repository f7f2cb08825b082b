"""The test suite in two halves, side by side: the tests with real servers, which wait most of their time, and the rest.

``python tests/halves.py [ARGUMENTS OF PYTEST]``. What the half with real servers prints comes at the end. Each half
has a cache of its own, so that ``--last-failed`` works; the halves then run one after the other, since what
failed may have failed because the machine was busy.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import IO

NOTHING_TO_DO = 5
"""What pytest leaves with if it finds no tests: no failure, as long as the other half finds some."""


def main(arguments: list[str]) -> int:
    """Leave as pytest does."""
    with tempfile.TemporaryFile() as said:
        real = _begin(["--only-real-servers", "-o", "cache_dir=.pytest_cache/real", *arguments], said)
        if "--last-failed" in arguments:
            real.wait()
        try:
            codes = {_begin(["--no-real-servers", *arguments]).wait()}
            codes.add(real.wait())
        except KeyboardInterrupt:
            real.wait()  # it was interrupted as well
            return 2
        said.seek(0)
        sys.stdout.write(said.read().decode("utf-8", "replace"))
    failures = codes - {0, NOTHING_TO_DO}
    return max(failures) if failures else min(codes)


def _begin(arguments: list[str], output: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "coverage", "run", "--parallel-mode", "-m", "pytest", *arguments]
    return subprocess.Popen(command, stdout=output, stderr=None if output is None else subprocess.STDOUT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
