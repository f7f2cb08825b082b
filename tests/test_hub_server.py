"""The stand-in of the Hub, asked by huggingface_hub itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import HubServer, stand_in
from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

HOST = "http://127.0.0.1:9"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with HubServer() as hub:
        hub.users.update(hf_ann="ann", hf_bob="bob")
        stand_in(monkeypatch, hub, tmp_path)
        yield hub


def api(hub: HubServer, token: str | bool = False) -> HfApi:
    return HfApi(endpoint=hub.url, token=token)


def test_a_space_and_its_stages(hub: HubServer) -> None:
    hub.add("ann/app", HOST, "BUILDING", "APP_STARTING", "RUNNING", error_message="x")
    info = api(hub).space_info("ann/app")
    assert (info.id, info.host, info.subdomain, info.private) == ("ann/app", HOST, "ann-app", False)
    assert info.runtime is not None
    assert info.runtime.stage == "BUILDING"
    assert info.runtime.raw["errorMessage"] == "x"
    assert [api(hub).get_space_runtime("ann/app").stage for _ in range(3)] == [
        "APP_STARTING",
        "RUNNING",
        "RUNNING",
    ]
    assert hub.paths() == ["GET /api/spaces/ann/app"] + ["GET /api/spaces/ann/app/runtime"] * 3


def test_it_stays_asleep_until_somebody_wakes_it(hub: HubServer) -> None:
    space = hub.add("ann/app", HOST, "SLEEPING", "RUNNING", sleeps=lambda: True)
    assert [api(hub).get_space_runtime("ann/app").stage for _ in range(2)] == ["SLEEPING"] * 2
    space.sleeps = lambda: False
    assert [api(hub).get_space_runtime("ann/app").stage for _ in range(2)] == ["SLEEPING", "RUNNING"]


@pytest.mark.parametrize(
    ("token", "status", "error"),
    [(False, 401, RepositoryNotFoundError), ("hf_bob", 404, RepositoryNotFoundError)],
)
def test_a_private_space_looks_missing(
    hub: HubServer, token: str | bool, status: int, error: type[HfHubHTTPError]
) -> None:
    hub.add("ann/private", HOST, private=True)
    for name in ("ann/private", "ann/missing"):
        with pytest.raises(error) as caught:
            api(hub, token).space_info(name)
        assert caught.value.response.status_code == status
    assert api(hub, "hf_ann").space_info("ann/private").private is True
    assert [request.token for request in hub.requests][-1] == "hf_ann"


def test_what_else_it_refuses(hub: HubServer) -> None:
    hub.add("ann/gated", HOST, gated=True)
    hub.add("ann/disabled", HOST, disabled=True)
    with pytest.raises(GatedRepoError):
        api(hub, "hf_bob").space_info("ann/gated")
    with pytest.raises(HfHubHTTPError, match="disabled"):
        api(hub).space_info("ann/disabled")
    with pytest.raises(HfHubHTTPError, match="401") as caught:
        api(hub, "hf_nobody").space_info("ann/gated")
    assert not isinstance(caught.value, RepositoryNotFoundError)
    with pytest.raises(HfHubHTTPError, match="permissions") as caught:
        api(hub, "hf_bob").restart_space(hub.add("ann/app", HOST).id)
    assert caught.value.response.status_code == 403


def test_it_fails_when_it_is_told_to(hub: HubServer) -> None:
    hub.add("ann/app", HOST)
    hub.fail("/runtime$", 429, "Too Many Requests", Retry_After="7")
    hub.fail("ann/app$", 503)
    with pytest.raises(HfHubHTTPError) as caught:
        api(hub).get_space_runtime("ann/app")
    assert caught.value.response.headers["retry-after"] == "7"
    with pytest.raises(HfHubHTTPError, match="503"):
        api(hub).space_info("ann/app")
    assert api(hub).space_info("ann/app").id == "ann/app"


def test_a_renamed_space(hub: HubServer) -> None:
    hub.add("ann/new", HOST)
    hub.renamed["ann/old"] = "ann/new"
    assert api(hub).space_info("ann/old").id == "ann/new"


def test_the_owner_changes_a_space(hub: HubServer) -> None:
    space = hub.add("ann/app", HOST, "PAUSED")
    mine = api(hub, "hf_ann")
    assert mine.whoami()["name"] == "ann"
    assert mine.request_space_hardware("ann/app", "t4-small").hardware == "t4-small"  # type: ignore[arg-type]
    assert mine.set_space_sleep_time("ann/app", 300).sleep_time == 300
    mine.add_space_secret("ann/app", "KEY", "value")
    mine.add_space_variable("ann/app", "NAME", "shown")
    mine.restart_space("ann/app")
    assert (space.secrets, space.variables) == ({"KEY": "value"}, {"NAME": "shown"})
    assert space.stages == ["RUNNING"]
    assert mine.pause_space("ann/app").stage == "PAUSED"


def test_it_duplicates(hub: HubServer) -> None:
    hub.add("ann/app", HOST)
    copy = api(hub, "hf_bob").duplicate_repo("ann/app", "bob/app", repo_type="space", private=True)
    assert copy.repo_id == "bob/app"
    space = hub.spaces["bob/app"]
    assert (space.private, space.duplicated_from, space.stages) == (True, "ann/app", ["BUILDING", "RUNNING"])
    with pytest.raises(HfHubHTTPError) as caught:
        api(hub, "hf_bob").duplicate_repo("ann/app", "bob/app", repo_type="space")
    assert caught.value.response.status_code == 409
    again = api(hub, "hf_bob").duplicate_repo("ann/app", "bob/app", repo_type="space", exist_ok=True)
    assert again.repo_id == "bob/app"
    with pytest.raises(HfHubHTTPError, match="rights"):
        api(hub, "hf_bob").duplicate_repo("ann/app", "ann/copy", repo_type="space")
