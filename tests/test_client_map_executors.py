"""``map(executor=)``: the same call on the workers of an executor, and what travels to them."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import pickle
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from faulty import within

from gradio_proto import AsyncClient, Client, Limits, Timeouts
from gradio_proto.client import remote
from gradio_proto.client.options import CallOptions
from gradio_proto.client.recipe import Recipe
from gradio_proto.client.remote import RemoteCall
from gradio_proto.endpoints import Endpoint
from gradio_proto.errors import (
    AppError,
    ArgumentError,
    AuthenticationError,
    ConnectError,
    GradioError,
)
from gradio_proto.testing import Component, Context, Error, TestApp, serve
from gradio_proto.urls import parse_app_url

SECRETS: dict[str, Any] = {
    "token": "hf_secret1",
    "oauth_token": "hf_secret2",
    "headers": {"x-key": "secret3"},
    "cookies": {"session": "secret4"},
    "proxy": "http://me:secret5@127.0.0.1:1",
    "auth": ("ada", "secret6"),
}
"""Everything that stays at home."""


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(60):
        yield


@pytest.fixture(autouse=True)
def no_client_is_kept() -> Iterator[None]:
    yield
    remote._CLIENTS.clear()
    gc.collect()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    app = TestApp(default_concurrency_limit=None)

    @app.endpoint("/double")
    def double(n: float, plus: float = 0) -> float:
        if n < 0:
            raise Error(f"{n} is negative", title="Negative")
        return 2 * n + plus

    @app.endpoint("/session", inputs=["number", Component("state")], outputs=["json", Component("state")])
    def session(n: float, seen: list[float] | None, *, context: Context) -> tuple[Any, Any]:
        seen = [*(seen or []), n]
        return [context.session_hash, len(seen)], seen

    @app.endpoint("/headers")
    def headers(n: float, *, context: Context) -> dict[str, str]:
        return dict(context.request_headers)

    with serve(app) as address:
        yield address


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    """An app with a login."""
    app = TestApp(auth=("ada", "secret6"), default_concurrency_limit=None)

    @app.endpoint("/double")
    def double(n: float) -> float:
        return 2 * n

    with serve(app) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url, api_name="/double") as made:
        yield made


class InTheOpen:
    """Counts how many calls are with an executor."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.futures: list[Future[Any]] = []
        self.most = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        future = self._executor.submit(fn, *args)
        self.futures.append(future)
        self.most = max(self.most, sum(not future.done() for future in self.futures))
        return future


# Workers in other processes.


def spawning() -> Iterator[Any]:
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        yield pool


def loky() -> Iterator[Any]:
    module = pytest.importorskip("loky", reason="an executor that is tested if it is there")
    pool = module.ProcessPoolExecutor(2)
    yield pool
    pool.shutdown()


def dask() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed", reason="an executor that is tested if it is there")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module", params=[spawning, loky, dask], ids=["spawn", "loky", "dask"])
def workers(request: pytest.FixtureRequest) -> Iterator[Any]:
    yield from request.param()


def test_other_processes_make_the_calls(workers: Any, client: Client) -> None:
    results = client.map([*range(50), (1, 1), {"n": 2, "plus": 3}], executor=workers)
    assert list(results) == [*(2 * n for n in range(50)), 3, 7]
    inputs = [1, -1, object, (1, 2, 3)]
    two, negative, unsendable, surplus = client.map(inputs, executor=workers, return_exceptions=True)
    assert two == 2
    assert isinstance(negative, AppError)
    assert (negative.title, negative.endpoint, negative.message) == ("Negative", "/double", "-1 is negative")
    assert isinstance(unsendable, ArgumentError)
    assert str(unsendable).startswith("input 2: an argument cannot be sent")
    assert isinstance(surplus, TypeError)
    assert str(surplus).startswith("input 3: /double() takes")
    with pytest.raises(AppError, match="-1 is negative"):
        list(client.map([1, -1, 2], executor=workers, ordered=False))


def test_each_process_has_one_client(workers: Any, client: Client) -> None:
    # Equal inputs are as many calls, each seen by the State of its session.
    seen: dict[str, list[int]] = {}
    for session, count in client.map([1] * 40, api_name="/session", executor=workers, ordered=False):
        seen.setdefault(session, []).append(count)
    for session, count in client.map([1] * 40, api_name="/session", executor=workers, ordered=False):
        seen.setdefault(session, []).append(count)
    assert 1 <= len(seen) <= 2
    assert client.session_hash not in seen
    assert sum(len(counts) for counts in seen.values()) == 80


def test_credentials_stay_at_home(workers: Any, guarded: str) -> None:
    with Client(guarded, auth=SECRETS["auth"]) as client:
        assert client.predict(1) == 2
        (error,) = client.map([1], executor=workers, return_exceptions=True)
        assert isinstance(error, AuthenticationError)
        assert "share_credentials=True" in str(error)
        with pytest.raises(ArgumentError, match="headers= may be credentials"):
            client.map([1], executor=workers, headers={"x-key": "secret3"})
    with Client(guarded, auth=SECRETS["auth"], share_credentials=True) as client:
        assert list(client.map(range(10), executor=workers)) == [2 * n for n in range(10)]


def test_an_async_client_has_workers_too(workers: Any, url: str) -> None:
    async def main() -> None:
        async with AsyncClient(url, transport="asyncio", api_name="/double") as client:
            results = client.map([*range(20), -1], executor=workers, return_exceptions=True)
            given = [value async for value in results]
            assert given[:20] == [2 * n for n in range(20)]
            assert isinstance(given[20], AppError)

    asyncio.run(main())


def test_a_worker_that_dies_is_an_error(client: Client) -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        pool.submit(os._exit, 1)
        # One at a time: up to Python 3.11, a pool that breaks stumbles over a future that is cancelled meanwhile.
        with pytest.raises(Exception, match="terminated abruptly"):
            list(client.map(range(1000), executor=pool, return_exceptions=True, concurrency=1))


# Workers in this process.


def test_threads_use_the_client_itself(url: str) -> None:
    with (
        Client(url, api_name="/double", headers={"x-key": "secret3"}) as client,
        ThreadPoolExecutor(3) as pool,
    ):
        assert list(client.map(range(50), executor=pool)) == [2 * n for n in range(50)]
        sessions = {session for session, _ in client.map(range(9), api_name="/session", executor=pool)}
        assert sessions == {client.session_hash}
        seen = client.endpoint("/headers").map([1, 2], executor=pool)
        assert [headers["x-key"] for headers in seen] == ["secret3"] * 2
    assert not remote._CLIENTS


def test_threads_of_an_async_client_share_a_blocking_one(url: str) -> None:
    async def main() -> None:
        async with AsyncClient(url, headers={"x-key": "secret3"}) as client:
            with ThreadPoolExecutor(3) as pool:
                seen = [value async for value in client.map(range(9), api_name="/headers", executor=pool)]
                assert {headers["x-key"] for headers in seen} == {"secret3"}
                results = client.map(range(9), api_name="/session", executor=pool)
                sessions = {session async for session, _ in results}
            assert len(sessions) == len(remote._CLIENTS) == 1
            assert client.session_hash not in sessions

    asyncio.run(main())


def test_an_executor_is_given_no_more_than_the_bound(client: Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        executor = InTheOpen(pool)
        assert len(list(client.endpoint("/double").map(range(100), executor=executor, concurrency=3))) == 100
        assert executor.most <= 3
        assert len(executor.futures) == 100


def test_who_leaves_early_cancels_what_an_executor_has_not_begun(client: Client) -> None:
    gate = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        executor = InTheOpen(pool)
        pool.submit(gate.wait, 20)
        with client.map(range(100), executor=executor) as results:
            results._read_inputs()
            assert len(executor.futures) == 16
        assert all(future.cancelled() for future in executor.futures)
        gate.set()


def test_what_an_executor_cancels_is_an_error(client: Client) -> None:
    gate = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        executor = InTheOpen(pool)
        pool.submit(gate.wait, 20)
        results = client.map(range(3), executor=executor, return_exceptions=True)
        results._read_inputs()
        executor.futures[1].cancel()
        gate.set()
        first, second, third = results
        assert (first, third) == (0, 4)
        assert isinstance(second, CancelledError)
    with pytest.raises(RuntimeError, match="after shutdown"):
        next(client.map([1], executor=pool))


# What travels.


def travelled(client: Client, **options: Any) -> tuple[bytes, RemoteCall]:
    call = client.endpoint(**options)._source(None).remote()
    pickled = pickle.dumps(call)
    return pickled, pickle.loads(pickled)  # noqa: S301


def test_a_call_carries_little_and_no_secret(url: str) -> None:
    with Client(url, **SECRETS, api_name="/double", timeouts=Timeouts(read=7)) as client:
        pickled, call = travelled(client, isolate=True)
        assert b"secret" not in pickled
        assert len(pickled) < 3000
        assert "secret1" not in repr(client._engine.recipe())
        assert call((2,), {}) == (4, None)
        (kept,) = remote._CLIENTS.values()
        assert kept.result().client._options["timeouts"] == Timeouts(read=7)
        assert b"secret" not in pickle.dumps(call)  # a scheduler may pass it on


def test_threads_that_lack_a_secret_are_told_once(guarded: str) -> None:
    with Client(guarded, auth=SECRETS["auth"]) as client:
        _, call = travelled(client, api_name="/double")
    with ThreadPoolExecutor(4) as pool:
        for _, error in pool.map(lambda _: call((1,), {}), range(8)):
            assert isinstance(error, AuthenticationError)
            assert str(error).count("share_credentials") == 1


def test_a_call_carries_secrets_that_are_shared(url: str) -> None:
    with Client(url, **SECRETS, share_credentials=True) as client:
        _, call = travelled(client, api_name="/headers", headers={"x-call": "7"})
        seen, error = call((1,), {})
        assert error is None
        assert {"x-hf-authorization", "x-key", "cookie", "x-call"} <= set(seen)


def test_what_cannot_travel_is_told_at_once(url: str, client: Client) -> None:
    with Client(url, ssl_context=ssl.create_default_context(), share_credentials=True) as own:
        with pytest.raises(TypeError, match="ssl_context cannot be pickled"):
            pickle.dumps(own)
        with pytest.raises(TypeError, match="ssl_context cannot be pickled"):
            own.map([1], api_name="/double", executor=InTheOpen(ThreadPoolExecutor(1)))
    endpoint = client.endpoint()._endpoint
    rendered = replace(endpoint, dependency=replace(endpoint.dependency, rendered_in=3))
    with pytest.raises(ArgumentError, match=r"made by gr\.render"):
        remote_call(client, "key", rendered).check(None)


def remote_call(client: Client, key: str, endpoint: Endpoint | None = None) -> RemoteCall:
    found = endpoint or client.endpoint()._endpoint
    return RemoteCall(key, client._engine.recipe(), found, CallOptions(), None)


def test_a_worker_keeps_few_clients(client: Client) -> None:
    assert remote_call(client, "first")((1,), {}) == (2, None)
    first = remote._CLIENTS["first"].result().client
    for number in range(remote.CLIENTS):
        assert not first._closed
        assert remote_call(client, f"{number}")((1,), {}) == (2, None)
    gc.collect()
    assert len(remote._CLIENTS) == remote.CLIENTS
    assert first._closed


def test_threads_of_a_worker_make_one_client(client: Client) -> None:
    barrier = threading.Barrier(8)
    call = remote_call(client, "one", client.endpoint("/session")._endpoint)

    def run(_: int) -> str:
        barrier.wait(10)
        (session, _), error = call((1,), {})
        assert error is None
        return str(session)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(run, range(8)))) == 1


def test_a_client_that_could_not_be_made_is_made_the_next_time(client: Client) -> None:
    call = remote_call(client, "one")
    recipe = call._recipe
    call._recipe = Recipe({**recipe.options, "src": "http://127.0.0.1:1"}, {})
    _, error = call((1,), {})
    assert isinstance(error, ConnectError)
    call._recipe = recipe
    assert call((1,), {}) == (2, None)


# Pickles of clients.


def test_a_pickle_carries_credentials_that_are_shared(url: str) -> None:
    with Client(url, **SECRETS, share_credentials=True) as client:
        pickled = pickle.dumps(client)
    for number in range(1, 7):
        assert f"secret{number}".encode() in pickled
    with pickle.loads(pickled) as again:  # noqa: S301
        seen = again.predict(1, api_name="/headers")
        assert seen["x-key"] == "secret3"
        assert seen["x-hf-authorization"] == "Bearer hf_secret1"
        assert seen["cookie"] == "session=secret4"
        assert again._engine.state.oauth_token == "hf_secret2"
        with pickle.loads(pickle.dumps(again)) as third:  # noqa: S301
            assert third._engine.state.auth == SECRETS["auth"]


def test_a_pickle_that_shares_is_logged_in(guarded: str) -> None:
    with Client(guarded, auth=SECRETS["auth"], share_credentials=True) as client:
        pickled = pickle.dumps(client)
    with pickle.loads(pickled) as again:  # noqa: S301
        assert again.predict(2) == 4
    with Client(guarded, auth=SECRETS["auth"]) as client:
        pickled = pickle.dumps(client)
    with pickle.loads(pickled) as again, pytest.raises(GradioError):  # noqa: S301
        again.predict(2)


def test_a_pickle_goes_where_the_app_turned_out_to_be(client: Client) -> None:
    client._engine.state.url = parse_app_url("https://app.example/base")  # after a redirect from http
    assert client.__getstate__()["options"]["src"] == "https://app.example/base/"
    assert client._engine.recipe().options["src"] == "https://app.example/base/"


def test_limits_travel(url: str) -> None:
    with Client(url, limits=Limits(json_body_bytes=1_000_000)) as client:
        _, call = travelled(client, api_name="/double")
        assert call._recipe.options["limits"].json_body_bytes == 1_000_000
