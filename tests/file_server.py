"""A server that has a place for every secret, and for a file in both directions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from faulty import FaultyServer, Handler, Peer, Seen

from gradio_proto.testing import File, TestApp

STORED = "/there/a.txt"
"""Where it keeps its file."""


def file_data(**fields: Any) -> dict[str, Any]:
    """The file, as an output."""
    return {"path": STORED, "orig_name": "a.txt", "meta": {"_type": "gradio.FileData"}, **fields}


def letting_in(cookie: str) -> Handler:
    """What answers a login: that cookie."""

    def log_in(peer: Peer, _: Seen) -> None:
        peer.json({"success": True}, set_cookie=f"access-token-unsecure-x={cookie}; Path=/")

    return log_in


class FileServer(FaultyServer):
    """Its endpoint takes a file and gives one, asks for the caller's token, and its app wants a heartbeat."""

    def __init__(
        self,
        output: Mapping[str, Any],
        handlers: Mapping[str, Handler] | None = None,
        *,
        cookie: str,
        early: Collection[str] = (),
        **config: Any,
    ) -> None:
        self.output = output

        def info(peer: Peer, _: Seen) -> None:
            described: dict[str, Any] = self._app.info()
            described["named_endpoints"]["/predict"]["oauth_token"] = "required"
            peer.json(described)

        def upload(peer: Peer, _: Seen) -> None:
            peer.json([STORED])

        def download(peer: Peer, _: Seen) -> None:
            peer.reply(b"data", kind="text/plain")

        def beat(peer: Peer, _: Seen) -> None:
            peer.begin_stream()
            peer.chunk(b"data: ALIVE\n\n")
            peer.wait_for_end()

        routes: dict[str, Handler] = {
            "login": letting_in(cookie), "info": info, "upload": upload, "file": download, "heartbeat": beat
        }  # fmt: skip
        app = TestApp()

        @app.endpoint("/predict")
        def predict(x: File) -> File:
            return x

        super().__init__(
            {**routes, **(handlers or {})},
            config={"connect_heartbeat": True, **config},
            early=early,
            app=app,
        )

    def _data(self, peer: Peer, _: Seen) -> None:
        peer.begin_stream()
        peer.message("process_starts", event_id=f"e{self.jobs}", eta=None)
        peer.complete(f"e{self.jobs}", self.output)
        peer.message("close_stream", event_id=None)
        peer.chunk(b"")
