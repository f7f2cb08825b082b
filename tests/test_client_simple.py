"""The blocking client's ``via=`` and ``component_server``, against a server that says what a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from faulty import FaultyServer, Handler, Peer, Seen, within

from gradio_proto import Client
from gradio_proto.errors import AppError, ArgumentError, ClientClosed, JobCancelled
from gradio_proto.events import Completed, Output
from gradio_proto.status import Status


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(20):
        yield


closed = threading.Event()
"""Set when the client has closed a stream that was not over."""


def post(peer: Peer, _: Seen) -> None:
    peer.json({"event_id": "c1"})


def says(*events: tuple[str, Any]) -> Handler:
    def get(peer: Peer, _: Seen) -> None:
        peer.begin_stream()
        for name, data in events:
            peer.chunk(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())
        if events[-1][0] in ("complete", "error"):
            peer.chunk(b"")
        else:
            peer.wait_for_end()
            closed.set()

    return get


def a_server(*events: tuple[str, Any], version: str = "6.31.0") -> FaultyServer:
    closed.clear()
    handlers = {f"{via}/predict{tail}": handler for via in ("call", "call/v2")
                for tail, handler in (("", post), ("/c1", says(*events)))}  # fmt: skip
    return FaultyServer(handlers, config={"version": version})


@pytest.mark.parametrize(("via", "body"), [("call", {"data": ["x"]}), ("call/v2", {"x": "x"})])
def test_calls(via: Any, body: Any) -> None:
    with a_server(("generating", ["a"]), ("generating", ["ab"]), ("complete", ["ab"])) as server:
        with Client(server.url) as client:
            endpoint = client.endpoint("/predict", via=via)
            assert endpoint.predict("x") == endpoint(x="x") == "ab"
            job = endpoint.submit("x")
            assert list(job) == ["a", "ab"]
            assert job.outputs() == ["a", "ab"]
            assert (job.event_id, job.session_hash) == ("c1", "c1")
            assert (job.status().code, job.status().success) == (Status.FINISHED, True)
            assert list(job.events()) == [Output("a"), Output("ab"), Completed("ab")]
        assert [json.loads(seen.body) for seen in server.seen(f"{via}/predict")] == [body] * 3
        assert not server.seen("queue/join")


def test_errors_and_what_they_leave_behind() -> None:
    with a_server(("error", None), version="5.49.1") as server, Client(server.url) as client:
        with pytest.raises(AppError, match="queue"):
            client.endpoint("/predict", via="call").predict("x")
        assert client.predict("x") == "ok"


def test_cancelling_closes_the_stream() -> None:
    with a_server(("generating", ["a"])) as server, Client(server.url) as client:
        job = client.endpoint("/predict", via="call").submit("x")
        assert next(job) == "a"
        assert not job.cancel()
        assert job.cancel(force=True)
        assert closed.wait(5)
        assert job.cancel_report is not None
        assert job.cancel_report.server_told
        with pytest.raises(JobCancelled):
            job.result()
        assert not server.seen("cancel")


def test_ways_that_are_none() -> None:
    with a_server(("complete", ["a"]), version="6.12.0") as server:
        with Client(server.url) as client:
            via: Any
            for via in ("calls", None, 2):
                with pytest.raises(ArgumentError, match="via is one of"):
                    client.endpoint("/predict", via=via)
            for options in ({"event_data": {}}, {"trigger_id": 1}):
                with pytest.raises(ArgumentError, match="leave via= away"):
                    client.endpoint("/predict", via="call", **options)
            v2 = client.endpoint("/predict", via="call/v2")
            for call in (v2, v2.submit):
                with pytest.raises(ArgumentError, match=r"no /call/v2 .*6\.12\.0"):
                    call("x")
            endpoint = client.endpoint("/predict", via="call")
        for call in (endpoint, endpoint.submit):
            with pytest.raises(ClientClosed):
                call("x")
        assert not server.seen("call/predict")


def test_the_function_of_a_component() -> None:
    def serve(peer: Peer, seen: Seen) -> None:
        peer.json(json.loads(seen.body))

    components = [{"id": 7, "type": "fileexplorer", "props": {"server_fns": ["ls"]}}]
    with FaultyServer({"component_server": serve}, config={"components": components}) as server:
        with Client(server.url) as client:
            assert client.component_server(7, "ls", ["a"]) == {
                "component_id": 7,
                "data": ["a"],
                "fn_name": "ls",
                "session_hash": client.session_hash,
            }
            with pytest.raises(ArgumentError):
                client.component_server(7, "rm")
        with pytest.raises(ClientClosed):
            client.component_server(7, "ls")
