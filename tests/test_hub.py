"""The Hub, asked by huggingface_hub: what it is sent, and what its errors become."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio_transports.hub
import pytest
from gradio_transports.hub import HuggingFaceHub
from hub_server import HubServer, stand_in

from gradio_proto.errors import (
    ArgumentError,
    AuthenticationError,
    ConnectError,
    GradioError,
    HTTPStatusError,
    LocalProtocolError,
    RemoteProtocolError,
    SpaceError,
    SpaceNotFound,
    TooManyRequestsError,
)
from gradio_proto.spaces import HUB, Hub, SpaceInfo, SpaceStatus

HOST = "http://127.0.0.1:9"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with HubServer() as server:
        server.users.update(hf_ann="ann", hf_bob="bob")
        stand_in(monkeypatch, server, tmp_path)
        yield server


def saved(tmp_path: Path, token: str = "hf_ann") -> None:
    (tmp_path / "token").write_text(token)


def test_what_is_known_of_a_space(server: HubServer) -> None:
    server.add(
        "ann/app",
        HOST,
        "RUNTIME_ERROR",
        "RUNNING",
        private=True,
        hardware="t4-small",
        error_message="exit code 1",
        duplicated_from="eve/app",
    )
    hub: Hub = HuggingFaceHub("hf_ann")
    assert hub.info("ann/app") == SpaceInfo(
        host=HOST,
        subdomain="ann-app",
        private=True,
        sdk="gradio",
        duplicated_from="eve/app",
        status=SpaceStatus("ann/app", "RUNTIME_ERROR", "t4-small", "exit code 1"),
    )
    server.spaces["ann/app"].hardware = server.spaces["ann/app"].error_message = None
    assert hub.status("ann/app") == SpaceStatus("ann/app", "RUNNING")
    assert hub.user() == "ann"
    assert {request.token for request in server.requests} == {"hf_ann"}
    assert all("gradio_proto" in request.headers["user-agent"] for request in server.requests)


def test_what_the_hub_leaves_out(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    space = server.add("ann/app", HOST)
    info = space.info()
    monkeypatch.setattr(space, "info", lambda: {name: info[name] for name in ("id", "host")})
    known = HuggingFaceHub(False).info("ann/app")
    assert not known.private  # so its app is not sent the saved login
    assert (known.subdomain, known.sdk, known.duplicated_from) == (None, None, None)
    assert known.status.stage == "RUNNING"  # it was asked for
    monkeypatch.setattr(space, "info", lambda: {"id": "ann/app"})
    with pytest.raises(RemoteProtocolError, match="no host"):
        HuggingFaceHub(False).info("ann/app")


@pytest.mark.parametrize(
    "answer", [[], "text", {"no": "id"}, {"id": "x", "host": "y", "runtime": {"no": "stage"}}]
)
def test_what_is_no_answer(server: HubServer, monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    space = server.add("ann/app", HOST)
    monkeypatch.setattr(space, "info", lambda: answer)
    with pytest.raises(RemoteProtocolError, match="does not understand"):
        HuggingFaceHub(False).info("ann/app")


def test_no_error_shows_a_secret_that_the_hub_says_again(server: HubServer) -> None:
    server.add("ann/app", HOST)
    server.fail("/duplicate", 400, "KEY=hf_secret of hf_bob is too short")
    with pytest.raises(HTTPStatusError) as caught:
        HuggingFaceHub("hf_bob").duplicate("ann/app", "bob/app", private=True, secrets={"KEY": "hf_secret"})
    assert str(caught.value) == "the Hub answered 400 (KEY=[redacted] of [redacted] is too short)"
    # What is below has the request with the token in it, and may be pickled along.
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize("token", ["hf_ann\n", "hf_änn"])
def test_no_error_shows_a_token_that_cannot_be_sent(server: HubServer, token: str) -> None:
    """A client refuses these before; what huggingface_hub makes of them is no matter."""
    server.add("ann/app", HOST)
    with pytest.raises(GradioError) as caught:
        HuggingFaceHub(token).info("ann/app")
    for shown in (str(caught.value), repr(caught.value), str(vars(caught.value))):
        assert token not in shown
        assert repr(token)[1:-1] not in shown
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert not server.requests


def test_changes(server: HubServer) -> None:
    server.add("ann/app", HOST)
    hub = HuggingFaceHub("hf_bob")
    for _ in range(2):  # one that is there stays
        hub.duplicate("ann/app", "bob/app", private=True, secrets={"KEY": "value"})
    copy = server.spaces["bob/app"]
    assert (copy.private, copy.secrets, copy.duplicated_from) == (True, {"KEY": "value"}, "ann/app")
    hub.request_hardware("bob/app", "t4-small")
    hub.set_sleep_time("bob/app", 600)
    assert (copy.hardware, copy.sleep_time) == ("t4-small", 600)


def test_an_older_huggingface_hub(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name for duplicating was another."""
    from huggingface_hub import HfApi

    given: list[Any] = []
    monkeypatch.delattr(HfApi, "duplicate_repo")
    monkeypatch.setattr(
        HfApi, "duplicate_space", lambda self, *args, **options: given.append((args, options)), raising=False
    )
    HuggingFaceHub("hf_bob").duplicate("ann/app", "bob/app", private=False, secrets={"KEY": "value"})
    assert given == [
        (
            ("ann/app", "bob/app"),
            {"private": False, "exist_ok": True, "secrets": [{"key": "KEY", "value": "value"}]},
        )
    ]


@pytest.mark.parametrize(
    ("token", "private", "expected"),
    [
        ("hf_bob", False, "hf_bob"),
        (None, True, "hf_ann"),
        (None, False, None),
        (True, False, "hf_ann"),
        (False, True, None),
    ],
)
def test_the_token_for_the_app(
    server: HubServer, tmp_path: Path, token: str | bool | None, private: bool, expected: str | None
) -> None:
    saved(tmp_path)
    assert HuggingFaceHub(token).app_token(private=private) == expected


def test_the_saved_login(server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    server.add("ann/app", HOST, private=True)
    with pytest.raises(SpaceNotFound):
        HuggingFaceHub(None).info("ann/app")
    saved(tmp_path)
    assert HuggingFaceHub(None).info("ann/app").private
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", True)
    with pytest.raises(SpaceNotFound):
        HuggingFaceHub(None).info("ann/app")
    assert HuggingFaceHub(True).info("ann/app").private  # which says so
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
    monkeypatch.setenv("HF_TOKEN", "hf_bob")
    assert HuggingFaceHub(None).user() == "bob"
    assert [request.token for request in server.requests] == [None, "hf_ann", None, "hf_ann", "hf_bob"]


@pytest.mark.parametrize(
    ("status", "headers", "kind", "retryable"),
    [
        (429, {"Retry_After": "7"}, TooManyRequestsError, True),
        (403, {}, AuthenticationError, False),
        (500, {}, HTTPStatusError, True),
        (503, {}, HTTPStatusError, True),
        (418, {}, HTTPStatusError, False),
    ],
)
def test_statuses(
    server: HubServer, status: int, headers: dict[str, str], kind: type[GradioError], retryable: bool
) -> None:
    server.add("ann/app", HOST)
    server.fail("/runtime", status, "because of that", **headers)
    with pytest.raises(kind) as caught:
        HuggingFaceHub(False).status("ann/app")
    assert caught.value.retryable is retryable
    if isinstance(caught.value, TooManyRequestsError):
        assert caught.value.retry_after == 7.0
    else:
        assert "because of that" in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry_After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"Retry_After": "-1"}, None),
        ({"Retry_After": "9" * 30}, None),
        ({"RateLimit": '"api";r=0;t=55'}, 55.0),
        ({"RateLimit": "nonsense", "Retry_After": "3"}, 3.0),
    ],
)
def test_how_long_the_hub_wants_to_be_left_alone(
    server: HubServer, headers: dict[str, str], seconds: float | None
) -> None:
    server.add("ann/app", HOST)
    server.fail("/runtime", 429, **headers)
    with pytest.raises(TooManyRequestsError) as caught:
        HuggingFaceHub(False).status("ann/app")
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    ("token", "options", "kind", "says"),
    [
        (False, {"private": True}, SpaceNotFound, "then give token="),
        ("hf_bob", {"private": True}, SpaceNotFound, "this token may not see it"),
        (False, {"gated": True}, AuthenticationError, "gated"),
        ("hf_bob", {"gated": True}, AuthenticationError, "gated"),
        (False, {"disabled": True}, SpaceError, "disabled"),
        ("hf_old", {}, AuthenticationError, "does not accept this token"),
    ],
)
def test_refusals(
    server: HubServer, token: str | bool, options: dict[str, Any], kind: type[GradioError], says: str
) -> None:
    server.add("ann/app", HOST, **options)
    with pytest.raises(kind, match=says) as caught:
        HuggingFaceHub(token).info("ann/app")
    assert "hf_" not in str(caught.value)
    assert not caught.value.retryable


def test_a_saved_login_that_is_over(server: HubServer, tmp_path: Path) -> None:
    saved(tmp_path, "hf_old")
    server.add("ann/app", HOST)
    with pytest.raises(AuthenticationError, match="the saved login"):
        HuggingFaceHub(None).info("ann/app")


def test_a_saved_login_that_cannot_be_read(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def fail() -> None:
        raise PermissionError("no such permission")

    monkeypatch.setattr(huggingface_hub, "get_token", fail)
    server.add("ann/app", HOST)
    with pytest.raises(AuthenticationError, match="cannot be used: no such permission"):
        HuggingFaceHub(None).info("ann/app")
    assert HuggingFaceHub(False).info("ann/app").host == HOST


@pytest.mark.parametrize("token", [None, False])
def test_nobody_is_logged_in(server: HubServer, token: bool | None) -> None:
    hub = HuggingFaceHub(token)
    with pytest.raises(AuthenticationError, match="takes a Hugging Face login"):
        hub.user()
    with pytest.raises(AuthenticationError, match="takes a Hugging Face login"):
        hub.duplicate("ann/app", "bob/app", private=True, secrets={})
    assert not server.requests
    server.add("ann/app", HOST)
    server.fail("ann/app", 401, "Who are you?")
    with pytest.raises(AuthenticationError, match="the Hub wants a login"):
        hub.info("ann/app")


def test_a_saved_login_that_is_asked_for_has_to_be_there(server: HubServer) -> None:
    server.add("ann/app", HOST)
    hub = HuggingFaceHub(True)
    for question in (lambda: hub.info("ann/app"), lambda: hub.app_token(private=False)):
        with pytest.raises(AuthenticationError, match="token=True is the saved login, and there is none"):
            question()
    assert not server.requests


def test_names_that_are_none(server: HubServer) -> None:
    with pytest.raises(ArgumentError, match="no name of a Space"):
        HuggingFaceHub(False).info("ann/..")


# The environment.


def test_the_endpoint_is_read_when_a_client_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example.org/")
    assert str(HuggingFaceHub(None).endpoint) == "https://hub.example.org"
    monkeypatch.setenv("HF_ENDPOINT", "")
    hub = HuggingFaceHub("hf_token")
    assert str(hub.endpoint) == HUB
    assert repr(hub) == f"<HuggingFaceHub at {HUB}>"
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example.org")
    with pytest.raises(ArgumentError, match="https only"):
        HuggingFaceHub(None)


def test_offline(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    for value in ("1", "on", "YES", "True"):
        monkeypatch.setenv("HF_HUB_OFFLINE", value)
        with pytest.raises(LocalProtocolError, match="HF_HUB_OFFLINE"):
            HuggingFaceHub(None)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    server.add("ann/app", HOST)
    assert HuggingFaceHub(None).info("ann/app").id == "ann/app"
    # It was imported with the variable set.
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(LocalProtocolError, match="stays offline"):
        HuggingFaceHub(None).info("ann/app")


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch, server: HubServer) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ConnectError, match="cannot be reached") as caught:
        HuggingFaceHub("hf_ann").info("ann/app")
    assert caught.value.retryable
    assert "hf_ann" not in str(caught.value)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradio_transports.hub, "find_spec", lambda name: None)
    with pytest.raises(ArgumentError, match=r"pip install 'gradio_proto\[hub\]'"):
        HuggingFaceHub(None)


def test_it_is_imported_when_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that makes a client does not wait for that."""
    real = builtins.__import__

    def watched(name: str, *args: Any) -> Any:
        assert not name.startswith("huggingface_hub")
        return real(name, *args)

    for name in [name for name in sys.modules if name.startswith("huggingface_hub")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", watched)
    HuggingFaceHub("hf_token")
    assert not any(name.startswith("huggingface_hub") for name in sys.modules)
