"""What a client talks to in the laboratory."""

from __future__ import annotations

import contextlib
import ssl
from collections import Counter
from collections.abc import Callable, Collection, Generator, Mapping
from typing import Any

from faulty import FaultyServer, Handler, Peer, Seen

from gradio_proto.conformance.clients.server import ScriptedServer
from gradio_proto.conformance.clients.sockets import Listeners
from gradio_proto.conformance.clients.steps import ELSEWHERE, HERE, Script
from gradio_proto.testing import TestApp

from .answers import Answer
from .bench import Bench
from .model import Served

Answers = Mapping[str, Answer] | Callable[[Bench], Mapping[str, Answer]]


def faulty(
    answers: Answers | None = None,
    *,
    times: int | None = 1,
    config: Mapping[str, Any] | None = None,
    early: Collection[str] = (),
    tls: Callable[[], ssl.SSLContext] | None = None,
    app: Callable[[], TestApp] | None = None,
) -> Served:
    """A server of one app, ``/predict``, which gives ``"ok"``. The first requests for a route may get another answer.

    Args:
        answers: By route (see :data:`faulty.ROUTES`), what is answered; or what makes them out of the bench.
        times: To how many requests of each route; None for all.
        config: Entries of the config to be replaced.
        early: Routes that are answered before the body has come.
        tls: Makes the server's context, for https.
        app: Makes another app.
    """

    @contextlib.contextmanager
    def serve(bench: Bench) -> Generator[str]:
        given = answers(bench) if callable(answers) else answers or {}
        server = FaultyServer(
            config=config,
            early=early,
            tls=None if tls is None else tls(),
            app=None if app is None else app(),
        )

        misbehave(server, given, times)
        bench.server = server
        with server:
            yield server.url

    return serve


def misbehave(server: FaultyServer, answers: Mapping[str, Answer], times: int | None) -> None:
    """Have a server answer something else to the first requests for some routes."""
    asked: Counter[str] = Counter()

    def instead(route: str, answer: Answer, usual: Handler | None) -> Handler:
        def handle(peer: Peer, request: Seen) -> None:
            asked[route] += 1
            if times is None or asked[route] <= times:
                answer(peer, request, server)
            elif usual is not None:
                usual(peer, request)
            else:
                peer.json({"detail": "Not Found"}, "404 Not Found")

        return handle

    server.handlers.update(
        {route: instead(route, answer, server.handlers.get(route)) for route, answer in answers.items()}
    )


def scripted(script: Script, generation: str = "sse_v3") -> Served:
    """The hostile scripted server that the tester of clients has, in any generation of the protocol."""

    @contextlib.contextmanager
    def serve(bench: Bench) -> Generator[str]:
        listeners = Listeners()
        here = listeners.listen()
        bench.server = ScriptedServer(script, generation, {HERE: here, ELSEWHERE: bench.elsewhere})
        listeners.serve(here, bench.server)
        listeners.start()
        with listeners:
            yield here
        if listeners.error is not None:
            raise listeners.error

    return serve
