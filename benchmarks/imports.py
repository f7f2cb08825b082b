"""What importing a client costs, above the modules that every client needs.

    python -m benchmarks.imports CONTENDER

A module of its own, since it must not import anything else before it measures. It prints its figures as JSON.
"""

from __future__ import annotations

import importlib
import json
import sys
import time

MODULES = {"floor": "benchmarks.floor", "ours": "gradio_proto", "official": "gradio_client"}
"""Where the client of each contender is found, by the name ``Client``."""

ON_DEMAND = ("wsproto", "httpcore", "trio", "asyncio")
"""What only some users need, and so nobody should pay for who does not."""


def main() -> None:
    module = MODULES[sys.argv[1]]
    for needed in ("socket", "ssl", "json", "h11"):
        importlib.import_module(needed)
    before = time.process_time()
    assert importlib.import_module(module).Client
    figures = {
        "cpu": time.process_time() - before,
        "on_demand": sum(name in sys.modules for name in ON_DEMAND),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
