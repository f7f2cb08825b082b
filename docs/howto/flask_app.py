"""Flask: one client for the whole process, used by the threads that answer requests.

python docs/howto/flask_app.py http://127.0.0.1:7860 8000
curl http://127.0.0.1:8000/greet/Ada
curl --no-buffer http://127.0.0.1:8000/count/10
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from flask import Flask, Response

from gradio_proto import Client


def make_app(client: Client) -> Flask:
    app = Flask(__name__)

    @app.get("/greet/<name>")
    def greet(name: str) -> dict[str, str]:
        return {"said": client.predict(name, api_name="/greet")}

    @app.get("/count/<int:n>")
    def count(n: int) -> Response:
        def lines() -> Iterator[str]:
            job = client.submit(n, api_name="/count")
            try:
                for number in job:
                    yield f"{number}\n"
            finally:
                job.cancel()  # a browser that goes away closes this generator, and nobody wants the rest

        return Response(lines(), mimetype="text/plain")

    return app


def main(url: str, port: str = "8000") -> None:
    with Client(url) as client:
        make_app(client).run(port=int(port), threaded=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
