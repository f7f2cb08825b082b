"""Transports that another distribution brings along, found by their names."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gradio_proto import AsyncClient, Client
from gradio_proto.errors import ArgumentError
from gradio_proto.testing import TestApp, serve

MODULE = """
from gradio_transports.asyncio import AsyncioTransport
from gradio_transports.sockets import SocketTransport

made = []

class Pigeons(SocketTransport):
    def __init__(self, options):
        made.append("pigeons")
        super().__init__(options)

class Doves(AsyncioTransport):
    def __init__(self, options):
        made.append("doves")
        super().__init__(options)

def ravens(options):
    made.append("ravens")
    return SocketTransport(options)
"""

ENTRY_POINTS = """
[gradio_proto.transports]
pigeons = aviary:Pigeons
doves = aviary:Doves
ravens = aviary:ravens
sockets = aviary:Pigeons
owls = aviary:Owls
"""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A distribution that looks installed; what its transports were made for."""
    information = tmp_path / "aviary-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: aviary\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(ENTRY_POINTS)
    (tmp_path / "aviary.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("aviary").made
    del sys.modules["aviary"]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    app = TestApp()

    @app.endpoint("/echo")
    def echo(x: Any) -> Any:
        return x

    with serve(app) as address:
        yield address


async def call(url: str, transport: str) -> Any:
    async with AsyncClient(url, transport=transport) as client:
        return await client.predict("x")


@pytest.mark.parametrize("name", ["pigeons", "ravens"])
def test_a_blocking_transport(name: str, made: list[str], url: str) -> None:
    with Client(url, transport=name) as client:
        assert client.predict("x") == "x"
    assert made == [name]


def test_an_async_transport(made: list[str], url: str) -> None:
    assert asyncio.run(call(url, "doves")) == "x"
    assert made == ["doves"]


def test_the_names_that_there_are_cannot_be_taken(made: list[str], url: str) -> None:
    with Client(url, transport="sockets") as client:
        assert client.predict("x") == "x"
    assert made == []


@pytest.mark.usefixtures("made")
def test_an_unknown_name(url: str) -> None:
    blocking, both = "owls, pigeons, ravens, sockets", "there are: doves, httpcore"
    with pytest.raises(ArgumentError, match=rf"no transport called 'crows'; {both}, {blocking}$"):
        Client(url, transport="crows")
    with pytest.raises(
        ArgumentError, match=r"no transport called 'crows'; there are: asyncio, doves, .*trio$"
    ):
        asyncio.run(call(url, "crows"))


@pytest.mark.parametrize("name", ["asyncio", "trio", "doves"])
def test_an_async_name_for_the_blocking_client(name: str, made: list[str], url: str) -> None:
    with pytest.raises(ArgumentError, match=f"'{name}' is for AsyncClient; here there are: .*sockets"):
        Client(url, transport=name)
    assert made == []


@pytest.mark.parametrize("name", ["sockets", "pigeons"])
def test_a_blocking_name_for_the_async_client(name: str, made: list[str], url: str) -> None:
    with pytest.raises(ArgumentError, match=f"'{name}' is for Client; here there are: asyncio, .*trio"):
        asyncio.run(call(url, name))
    assert made == []


@pytest.mark.usefixtures("made")
def test_an_entry_point_that_leads_nowhere(url: str) -> None:
    with pytest.raises(AttributeError, match="Owls"):
        Client(url, transport="owls")
