"""The app that the other programs of this directory call: run it, and give them the address that it prints.

python docs/howto/app_to_call.py
python docs/howto/in_gevent.py http://127.0.0.1:7860
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from gradio_proto.testing import TestApp, serve

app = TestApp(default_concurrency_limit=None)


@app.endpoint("/greet")
def greet(name: str) -> str:
    time.sleep(0.2)
    return f"Hello, {name}!"


@app.endpoint("/count")
def count(n: int) -> Iterator[int]:
    for number in range(1, n + 1):
        yield number
        time.sleep(0.02)


def main() -> None:
    with serve(app, port=7860) as url:
        print(url, flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
