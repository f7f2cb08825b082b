"""What the stages of a Space mean, and which hosts are believed to be its own."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradio_proto.errors import RemoteProtocolError, SpaceError
from gradio_proto.spaces import HUB, Duplication, Place, SpaceInfo, SpaceStatus, app_url, not_running
from gradio_proto.urls import parse_app_url

THE_HUB = parse_app_url(HUB)
A_MIRROR = parse_app_url("https://hub.example.org/hf")

STAGES = {
    "running": ("RUNNING", "RUNNING_BUILDING", "RUNNING_APP_STARTING"),
    "coming": ("BUILDING", "APP_STARTING"),
    "asleep": ("SLEEPING", "STOPPED"),
    "not": ("NO_APP_FILE", "CONFIG_ERROR", "BUILD_ERROR", "RUNTIME_ERROR", "PAUSED", "DELETING"),
}


def info(host: str, subdomain: str | None = "user-space", sdk: str | None = "gradio") -> SpaceInfo:
    return SpaceInfo(host, subdomain, False, sdk, None, SpaceStatus("user/space", "RUNNING"))


@pytest.mark.parametrize(
    ("kind", "stage"), [(kind, stage) for kind, stages in STAGES.items() for stage in stages]
)
def test_each_stage_means_one_thing(kind: str, stage: str) -> None:
    status = SpaceStatus("user/space", stage)
    assert [status.is_running, status.is_coming, status.is_asleep] == [
        kind == each for each in ("running", "coming", "asleep")
    ]
    if kind == "not":
        error = not_running(status)
        assert (error.space_id, error.stage, error.hub_message) == ("user/space", stage, None)
        assert str(error).startswith("the Space user/space ")
        assert "The Hub says: why" in str(not_running(replace(status, message="why")))


def test_huggingface_hub_knows_no_other_stages() -> None:
    from huggingface_hub import SpaceStage

    known = {stage for stages in STAGES.values() for stage in stages}
    assert {stage.value for stage in SpaceStage} | {"SLEEPING"} == known


def test_a_stage_that_is_new_is_for_the_app_to_tell() -> None:
    assert SpaceStatus("user/space", "NEW").is_running


@pytest.mark.parametrize(
    ("host", "subdomain"),
    [
        ("https://user-space.hf.space", "user-space"),
        ("https://User-Space.hf.space", "User-Space"),
        ("https://user-space.hf.space:443/", None),
    ],
)
def test_the_hosts_of_the_hub(host: str, subdomain: str | None) -> None:
    assert str(app_url(info(host, subdomain), THE_HUB)) == "https://user-space.hf.space"


@pytest.mark.parametrize(
    "host",
    [
        "http://user-space.hf.space",
        "https://user-space.hf.space:8443",
        "https://user-space.hf.space/path",
        "https://other.hf.space",
        "https://user-space.hf.space.example.org",
        "https://user-space.example.org",
        "https://user-spacehf.space",
        "https://hf.space",
        "https://x.user-space.hf.space",
        "http://127.0.0.1:7860",
        "https://user:password@user-space.hf.space",
        "user-space.hf.space",
        "",
    ],
)
@pytest.mark.parametrize("hub", [HUB, "https://hf.co"])
def test_what_the_hub_never_names(hub: str, host: str) -> None:
    with pytest.raises(RemoteProtocolError, match="host for the Space user/space"):
        app_url(info(host), parse_app_url(hub))


@given(
    st.text(alphabet=st.characters() | st.sampled_from(".:/@\\?#-hf space"), max_size=40).map(
        "https://{}.hf.space".format
    )
)
def test_whatever_is_believed_is_the_spaces_own(host: str) -> None:
    try:
        url = app_url(info(host), THE_HUB)
    except RemoteProtocolError:
        return
    assert str(url) == "https://user-space.hf.space"


@pytest.mark.parametrize(
    "host", ["https://anything.example.org", "http://127.0.0.1:7860", "http://localhost:1"]
)
def test_a_hub_of_somebodys_own_names_any_host(host: str) -> None:
    assert str(app_url(info(host, None), A_MIRROR)) == host


@pytest.mark.parametrize("host", ["http://anything.example.org", "https://example.org/path", "nowhere"])
def test_but_none_without_tls(host: str) -> None:
    with pytest.raises(RemoteProtocolError):
        app_url(info(host, None), A_MIRROR)


def test_a_static_page_has_no_server() -> None:
    with pytest.raises(SpaceError, match="static"):
        app_url(info("https://user-space.static.hf.space", sdk="static"), THE_HUB)


def test_no_repr_shows_a_secret() -> None:
    status = SpaceStatus("user/space", "RUNNING")
    place = Place("user/space", THE_HUB, True, status, "hf_secret")
    copy = Duplication("user/space", None, True, None, {"KEY": "hf_secret"}, 5)
    assert "hf_secret" not in repr(place) + repr(copy) + str(copy)
    assert str(copy) == "a duplicate of user/space"
    assert pickle.loads(pickle.dumps(place)) == place  # noqa: S301
