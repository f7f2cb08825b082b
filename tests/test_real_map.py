"""``map()`` on real servers: every result is there, and who leaves early leaves nothing running."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest
import trio
from faulty import within

from gradio_proto import AsyncClient, Client
from gradio_proto.errors import AppError


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(60):
        yield


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as made:
        yield made


def test_many_inputs(client: Client) -> None:
    texts = [f"{number}" for number in range(40)]
    assert list(client.map(texts, api_name="/echo")) == texts
    assert dict(client.map(texts, api_name="/echo", ordered=False).indexed()) == dict(enumerate(texts))
    if client.app_version != "4.13.0":  # which gives all calls of a batch the result of the last
        assert list(client.map(texts, api_name="/batch")) == texts
    rows = [(1, "add", 2), (3, "sub", 5)]
    assert [total for total, _ in client.map(rows, api_name="/calc")] == [3, -2]
    assert list(client.map([2, 5], api_name="/count")) == [1, 4]  # the last of what each yields


def test_errors_among_results(client: Client) -> None:
    results = list(client.map(["a", "b"], api_name="/fail", return_exceptions=True))
    assert [type(error) for error in results] == [AppError, AppError]
    with pytest.raises(AppError):
        next(client.map(["a", "b"], api_name="/fail"))


def test_who_leaves_early_leaves_nothing_running(client: Client, url: str) -> None:
    name = f"{random.random()}"
    names = [f"{name} {number}" for number in range(6)]
    steps = 400  # of 20 ms; two run at once, the others are queued
    with Client(url) as other:

        def ticked() -> list[int]:
            return list(other.map(names, api_name="/ticked"))

        with client.map(((name, steps) for name in names), api_name="/tick") as results:
            results._read_inputs()
            while sum(count > 0 for count in ticked()) < 2:
                time.sleep(0.02)
        before: list[int] = []
        while (now := ticked()) != before:
            assert max(now) < steps
            before = now
            time.sleep(0.25)
    assert client.predict("x", api_name="/echo") == "x"


@pytest.mark.real("6.31.0", "4.44.1")
def test_on_workers(client: Client) -> None:
    texts = [f"{number}" for number in range(50)]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        assert list(client.map(texts, api_name="/echo", executor=pool)) == texts
        (error,) = client.map(["a"], api_name="/fail", executor=pool, return_exceptions=True)
        assert isinstance(error, AppError)


@pytest.mark.real("6.31.0", "4.44.1")
def test_the_async_twin(url: str) -> None:
    async def main() -> None:
        texts = [f"{number}" for number in range(100)]
        async with AsyncClient(url) as client:
            assert [text async for text in client.map(texts, api_name="/echo")] == texts

    trio.run(main)
