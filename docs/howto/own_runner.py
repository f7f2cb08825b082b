"""A runner of one's own: the flows of this library, on blocking sockets, without its transport or its client.

A flow decides, a runner does. This runner is the smallest one that is complete: it carries out every byte
effect, one flow at a time, and waits where the socket waits. For a loop that runs many flows at once, see
docs/howto/own_loop.py.
"""

from __future__ import annotations

import secrets
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, TypeVar

from gradio_proto import ConnectError, ConnectionLost, GradioError, Limits, Timeouts
from gradio_proto.cookies import CookieJar
from gradio_proto.effects import (
    ByteEffect,
    ByteStream,
    Connect,
    Flow,
    IsQuiet,
    Now,
    Receive,
    Send,
    Sleep,
    StartTLS,
    TimedOut,
    Wait,
)
from gradio_proto.exchange import ConnectionPool, lower
from gradio_proto.flows.calls import call
from gradio_proto.flows.connect import connect
from gradio_proto.flows.state import ClientState, Entropy
from gradio_proto.job import Job
from gradio_proto.journal import Budget
from gradio_proto.payload import join_payload
from gradio_proto.urls import parse_app_url

T = TypeVar("T")

# The runner.


class Connection:
    """What this runner makes for Connect: to flows it is opaque, but for close()."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def close(self) -> None:
        self.sock.close()


def run(flow: Flow[T], pool: ConnectionPool) -> T:
    """Run a flow to its end: send in the answer to each effect, or throw in what it raised."""
    steps = lower(flow, pool)
    answer: Any = None
    error: Exception | None = None
    try:
        while True:
            try:
                effect = steps.send(answer) if error is None else steps.throw(error)
            except StopIteration as stop:
                result: T = stop.value
                return result
            error = None
            try:
                answer = (perform(effect), time.monotonic())
            except (GradioError, TimedOut) as raised:
                error = raised
    finally:
        steps.close()  # Ctrl-C while an effect waits: the flow cleans up, and asks for nothing more


def perform(effect: ByteEffect) -> Any:
    """Carry out one effect, and return its answer."""
    match effect:
        case Connect(host, port, deadline):
            try:
                return Connection(socket.create_connection((host, port), left(deadline)))
            except TimeoutError:
                raise TimedOut from None
            except OSError as error:
                raise ConnectError(f"no connection to {host}:{port}: {error}") from error
        case StartTLS(stream, hostname, deadline):
            sock = timed(stream, deadline)
            try:
                return Connection(ssl.create_default_context().wrap_socket(sock, server_hostname=hostname))
            except TimeoutError:
                raise TimedOut from None
            except OSError as error:
                raise ConnectError(f"no TLS with {hostname}: {error}") from error
        case Send(stream, data, deadline):
            return on_socket(lambda: timed(stream, deadline).sendall(data))
        case Receive(stream, deadline, wake):
            if wake is not None and wake.is_set:
                return None
            return on_socket(lambda: timed(stream, deadline).recv(65536))
        case IsQuiet(stream):
            return is_quiet(socket_of(stream))
        case Wait(signal, deadline):
            if not signal.is_set:  # with one flow at a time, nobody else can set it meanwhile
                if deadline is None:
                    raise RuntimeError("this flow waits for another one, and there is none")
                time.sleep(left(deadline) or 0)
            return signal.is_set
        case Sleep(deadline):
            time.sleep(left(deadline) or 0)
        case Now():
            pass
    return None


def on_socket(do: Callable[[], T]) -> T:
    try:
        return do()
    except TimeoutError:
        raise TimedOut from None
    except OSError as error:
        raise ConnectionLost(f"the connection broke: {error}") from error


def is_quiet(sock: socket.socket) -> bool:
    """Nothing to read, and no end of file: only then may an idle connection carry another request."""
    sock.setblocking(False)
    try:
        sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        pass
    return False  # the caller closes it, so the byte that was read is no loss


def socket_of(stream: ByteStream) -> socket.socket:
    assert isinstance(stream, Connection)
    return stream.sock


def timed(stream: ByteStream, deadline: float | None) -> socket.socket:
    sock = socket_of(stream)
    sock.settimeout(left(deadline))
    return sock


def left(deadline: float | None) -> float | None:
    """Seconds until a deadline. Not 0, which would make a socket non-blocking."""
    return None if deadline is None else max(deadline - time.monotonic(), 1e-3)


# What a client does with it: the state that flows share, connect, and a call.


def new_state(url: str) -> ClientState:
    app_url, limits = parse_app_url(url), Limits()
    return ClientState(
        url=app_url,
        limits=limits,
        timeouts=Timeouts(),
        entropy=Entropy(token=lambda: secrets.token_hex(12), jitter=lambda: 0.5),
        headers=(),
        cookies=CookieJar(app_url.origin, limits),
        budget=Budget(limits.client_unread_bytes),
    )


def new_job(state: ClientState, api_name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Job:
    endpoint = state.app.resolve(api_name)
    return Job(
        fn_index=endpoint.fn_index,
        label=endpoint.label,
        payload=join_payload(
            fn_index=endpoint.fn_index,
            data=endpoint.bind(args, kwargs),
            session_hash=state.session().session.hash,
        ),
        convert=endpoint.unbind_outputs,
        journal=None,  # the result is wanted, and nothing before it
        version_info=state.app.config.version_info,
        is_generator=endpoint.is_generator,
    )


def predict(state: ClientState, pool: ConnectionPool, api_name: str, *args: Any, **kwargs: Any) -> Any:
    job = new_job(state, api_name, args, kwargs)
    run(call(state, state.session(), job), pool)  # raises nothing: the job knows how it ended
    return job.result()


def main() -> None:
    from gradio_proto.testing import TestApp, serve

    app = TestApp()

    @app.endpoint("/greet")
    def greet(name: str) -> str:
        return f"Hello, {name}!"

    with serve(app) as url:
        state = new_state(url)
        pool = ConnectionPool(state.limits, state.timeouts)
        try:
            run(connect(state), pool)
            print(predict(state, pool, "/greet", "Ada"))
            print(predict(state, pool, "/greet", name="Grace"))
            print(f"{pool.connections_made} connections were made")
        finally:
            pool.close()


if __name__ == "__main__":
    main()
