"""What gr.render makes on real servers: it can be called in its session, and nowhere else."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from faulty import within

from gradio_proto import Client
from gradio_proto.errors import ArgumentError

pytestmark = pytest.mark.real("4.44.1", "5.49.1", "6.31.0")


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(60):
        yield


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as made:
        yield made


def test_a_client_finds_out_what_renders(client: Client) -> None:
    """The endpoint of a gr.render is called as a browser calls it when the page loads, or an input changes."""
    (found,) = [
        entry
        for entry in client.config["dependencies"]
        if str(entry["api_name"]).startswith("apply") and [0, "load"] in entry["targets"]
    ]
    if client.app_version >= "5":  # before, its name is all that tells it
        rendering = [entry for entry in client.config["dependencies"] if entry["render_id"] is not None]
        assert found in rendering
        assert [entry["api_name"] for entry in rendering] == ["apply", "apply_1"]
    assert client.predict(1, "!", fn_index=found["id"]) == ()
    assert client.predict("x", api_name="/box_0") == "0: x! 0"


def test_what_was_rendered_can_be_called(client: Client) -> None:
    client.predict(2, "!", api_name="/apply_1")
    box = client.endpoint("/box_1")
    assert box("x") == "1: x! 0"
    assert box(box_1="y") == "1: y! 1"  # its State lives in the session
    job = client.submit(5, api_name="/count_boxes")
    assert list(job) == [0, 1, 2, 3, 4]
    assert job.session_hash == client.session_hash
    assert "/box_0" in str(client.view_api(print_info=False, return_format="str"))


def test_it_is_rendered_again(client: Client) -> None:
    client.predict(2, "!", api_name="/apply_1")
    box = client.endpoint("/box_1")
    for suffix in "abc":
        client.predict(3, suffix, api_name="/apply_1")
        assert box("x") == f"1: x{suffix} 0"
        assert client.predict("x", api_name="/box_2") == f"2: x{suffix} 0"
    client.predict(1, "d", api_name="/apply_1")
    with pytest.raises(ArgumentError, match=r"^/box_1 was made by gr\.render"):
        box("x")
    assert client.predict("x", api_name="/box_0") == "0: xd 0"


def test_two_renders_side_by_side(client: Client) -> None:
    client.predict(1, "!", api_name="/apply_1")
    client.predict(2, api_name="/apply")
    assert client.predict("x", api_name="/rendered_1") == "x"
    assert client.predict("x", api_name="/box_0") == "0: x! 0"


def test_a_rendered_generator_is_cancelled(client: Client) -> None:
    client.predict(2, "!", api_name="/apply_1")
    job = client.submit(400, api_name="/count_boxes")
    assert next(job) == 0
    assert job.cancel()
    assert job.cancel_report is not None
    assert job.cancel_report.server_told
    assert client.predict("x", api_name="/box_0") == "0: x! 0"


def test_no_other_session_has_it(client: Client, url: str) -> None:
    client.predict(1, "!", api_name="/apply_1")
    box = client.endpoint("/box_0")
    number = client._engine.state.resolve("/box_0", None, None).fn_index
    with Client(url) as other, pytest.raises(ArgumentError, match="no endpoint '/box_0'"):
        other.predict("x", api_name="/box_0")
    client.reset_session()
    for call in (lambda: box("x"), lambda: client.predict("x", api_name="/box_0")):
        with pytest.raises(ArgumentError, match="call what renders it first"):
            call()
    assert join(client, url, number, client.session_hash) == 500


def join(client: Client, url: str, fn_index: int, session_hash: str) -> int:
    """What the server says to a join."""
    body = {"data": ["x", None], "fn_index": fn_index, "session_hash": session_hash}
    request = urllib.request.Request(
        f"{url}{client.config.get('api_prefix', '')}/queue/join",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    caught.value.close()
    return caught.value.code
