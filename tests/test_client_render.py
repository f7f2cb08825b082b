"""What gr.render makes, as a user of the client calls it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest
from faulty import within
from scripted import render_app

from gradio_proto import Client
from gradio_proto.errors import ArgumentError
from gradio_proto.testing import EmbeddedServer
from gradio_proto.testing.memory import MemoryTransport

VERSIONS = ["4.44.1", "5.49.1", "6.31.0"]


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(20):
        yield


@pytest.fixture(params=VERSIONS)
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    with Client("http://app", transport=MemoryTransport.to(render_app(request.param))) as made:
        yield made


def test_an_endpoint_appears_and_can_be_called(client: Client) -> None:
    with pytest.raises(ArgumentError, match="the app has no endpoint '/box_1'"):
        client.endpoint("/box_1")
    client.predict(2, api_name="/apply")
    assert client.predict("x", api_name="/box_1") == "1x0"
    assert client.predict(box_1="x", api_name="/box_1") == "1x1"
    box = client.endpoint("/box_1")
    assert repr(box).startswith("<Endpoint /box_1 of ")
    assert box.submit("y").result() == "1y2"
    number = client._engine.state.resolve("/box_0", None, None).fn_index
    assert client.predict("z", fn_index=number) == "0z0"
    with pytest.raises(TypeError, match=r"/box_1\(\) missing 1 required positional argument: 'box_1'"):
        box()


def test_an_endpoint_that_is_held_while_it_is_rendered_anew(client: Client) -> None:
    client.predict(2, api_name="/apply")
    box = client.endpoint("/box_1")
    for _ in range(3):
        assert box("x") == "1x0"
        assert box("x") == "1x1"
        client.predict(2, api_name="/apply")
    client.predict(1, api_name="/apply")
    with pytest.raises(
        ArgumentError, match=r"^/box_1 was made by gr.render in another session, and exists there"
    ):
        box("x")
    client.predict(2, api_name="/apply")
    assert box("x") == "1x0"


def test_a_new_session_has_nothing_of_it(client: Client) -> None:
    client.predict(1, api_name="/apply")
    box = client.endpoint("/box_0")
    job = box.submit("x")
    client.reset_session()
    assert job.result() == "0x0"
    for call in (lambda: box("x"), lambda: client.predict("x", api_name="/box_0")):
        with pytest.raises(ArgumentError, match="call what renders it first"):
            call()
    client.predict(1, api_name="/apply")
    assert box("x") == "0x0"
    assert client.predict("x", api_name="/box_0") == "0x1"


def test_no_way_leads_there_but_the_session(client: Client) -> None:
    client.predict(1, api_name="/apply")
    for options in ({"via": "call"}, {"via": "call/v2"}, {"isolate": True}):
        with pytest.raises(ArgumentError, match="call what renders it first"):
            client.endpoint("/box_0", **options).predict("x")  # type: ignore[arg-type]
    client.predict(2, api_name="/apply", isolate=True)
    with pytest.raises(ArgumentError, match="no endpoint '/box_1'"):
        client.predict("x", api_name="/box_1")
    assert client.predict("x", api_name="/box_0") == "0x0"


def test_what_the_client_says_of_it(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    client.view_api()
    assert "/box_0" not in capsys.readouterr().out
    client.predict(1, api_name="/apply")
    client.view_api()
    assert 'predict(box_0, api_name="/box_0") -> box_0' in capsys.readouterr().out
    told = client.view_api(print_info=False, return_format="dict")
    assert isinstance(told, dict)
    assert "/box_0" in told["named_endpoints"]
    client.reset_session()
    assert "/box_0" not in str(client.view_api(print_info=False, return_format="str"))


def test_a_refresh_leaves_it_alone(client: Client) -> None:
    client.predict(1, api_name="/apply")
    box = client.endpoint("/box_0")
    client.refresh()
    assert box("x") == "0x0"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_pickled_client_begins_without_it(version: str) -> None:
    with EmbeddedServer(render_app(version)) as server, Client(server.url) as client:
        client.predict(1, api_name="/apply")
        with pickle.loads(pickle.dumps(client)) as twin:  # noqa: S301
            with pytest.raises(ArgumentError, match="no endpoint '/box_0'"):
                twin.predict("x", api_name="/box_0")
            twin.predict(1, api_name="/apply")
            assert twin.predict("x", api_name="/box_0") == "0x0"


def test_what_is_rendered_around_the_queue(client: Client) -> None:
    client.endpoint("/apply", via="run").predict(2)
    assert client.predict("z", api_name="/box_1") == "1z0"
    assert client.endpoint("/box_1", via="run").predict("z") == "1z1"
