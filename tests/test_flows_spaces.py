"""From the name of a Space to its app, with a Hub that says what a test tells it to, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from scripted import CLOSE, GradioScript, ScriptedServer, World, an_app, http, make_state

from gradio_proto.effects import RunInThread, Sleep, TimedOut
from gradio_proto.errors import (
    AuthenticationError,
    ConnectError,
    DeadlineExceeded,
    GradioError,
    HTTPStatusError,
    SpaceError,
    SpaceNotFound,
    TooManyRequestsError,
)
from gradio_proto.flows.spaces import find_space, open_space
from gradio_proto.spaces import Duplication, Place, SpaceInfo, SpaceStatus
from gradio_proto.timeouts import Timeouts
from gradio_proto.urls import AppURL, parse_app_url

APP = "http://127.0.0.1:7860"


class ScriptedHub:
    """Says what it is told to; keeps what it was asked."""

    endpoint: AppURL = parse_app_url("https://hub.example.org")

    def __init__(self, *stages: str, **spaces: SpaceInfo) -> None:
        self.stages = list(stages)
        self.spaces = {name.replace("_", "/"): space for name, space in spaces.items()}
        self.asked: list[tuple[Any, ...]] = []
        self.trouble: list[GradioError] = []
        """Raised by the next questions."""

    def _asked(self, *what: Any) -> None:
        self.asked.append(what)
        if self.trouble:
            raise self.trouble.pop(0)

    def app_token(self, *, private: bool) -> str | None:
        self._asked("app_token", private)
        return "hf_token" if private else None

    def user(self) -> str:
        self._asked("user")
        return "me"

    def info(self, space_id: str) -> SpaceInfo:
        self._asked("info", space_id)
        if space_id not in self.spaces:
            raise SpaceNotFound("no", space_id=space_id)
        return self.spaces[space_id]

    def status(self, space_id: str) -> SpaceStatus:
        self._asked("status", space_id)
        return SpaceStatus(space_id, self.stages.pop(0) if len(self.stages) > 1 else self.stages[0])

    def duplicate(self, from_id: str, to_id: str, *, private: bool, secrets: dict[str, str]) -> None:
        self._asked("duplicate", from_id, to_id, private, secrets)
        self.spaces[to_id] = a_space(to_id, stage="NO_APP_FILE", duplicated_from=from_id)

    def request_hardware(self, space_id: str, hardware: str) -> None:
        self._asked("hardware", space_id, hardware)

    def set_sleep_time(self, space_id: str, seconds: int) -> None:
        self._asked("sleep", space_id, seconds)


def a_space(
    space_id: str = "user/space",
    *,
    stage: str = "RUNNING",
    private: bool = False,
    hardware: str | None = "cpu-basic",
    duplicated_from: str | None = None,
) -> SpaceInfo:
    return SpaceInfo(APP, None, private, "gradio", duplicated_from, SpaceStatus(space_id, stage, hardware))


def a_world(**timeouts: float | None) -> World:
    state = make_state()
    state.timeouts = Timeouts(**timeouts)
    return World(ScriptedServer(GradioScript(an_app())), state)


def find(hub: ScriptedHub, wanted: str | Duplication = "user/space", retries: int | None = None) -> Place:
    world = a_world()
    try:
        place: Place = world.run(find_space(hub, wanted, world.state.timeouts, retries))
        return place
    finally:
        world.close()


def open_(
    world: World,
    hub: ScriptedHub,
    stage: str,
    *,
    is_new: bool = False,
    told: Callable[[SpaceStatus], Any] = repr,
) -> Any:
    place = Place("user/space", parse_app_url(APP), False, SpaceStatus("user/space", stage), None, is_new)
    try:
        return world.run(open_space(world.state, hub, place, told))
    finally:
        world.close()


# Finding it.


@pytest.mark.parametrize(("private", "token"), [(False, None), (True, "hf_token")])
def test_where_it_is(private: bool, token: str | None) -> None:
    hub = ScriptedHub(user_space=a_space(private=private))
    place = find(hub)
    assert (str(place.url), place.id, place.private, place.token, place.is_new) == (
        APP,
        "user/space",
        private,
        token,
        False,
    )
    assert hub.asked == [("info", "user/space"), ("app_token", private)]


def test_a_bad_moment_is_waited_out() -> None:
    hub = ScriptedHub(user_space=a_space())
    hub.trouble = [ConnectError("no"), TooManyRequestsError("no", retry_after=20.0)]
    world = a_world()
    world.run(find_space(hub, "user/space", Timeouts(), None))
    assert [effect for effect in hub.asked if effect[0] == "info"] == [("info", "user/space")] * 3
    assert world.runner.now == 0.5 + 20
    world.close()


@pytest.mark.parametrize(
    "error",
    [
        TooManyRequestsError("no", retry_after=61.0),
        HTTPStatusError("no", status=418),
        AuthenticationError("no"),
    ],
)
def test_what_will_not_pass_is_told_at_once(error: GradioError) -> None:
    hub = ScriptedHub(user_space=a_space())
    hub.trouble = [error]
    with pytest.raises(type(error)) as caught:
        find(hub)
    assert caught.value is error
    assert len(hub.asked) == 1


def test_retries_are_counted() -> None:
    for retries, times in ((None, 3), (0, 1), (4, 5)):
        hub = ScriptedHub(user_space=a_space())
        hub.trouble = [ConnectError(str(n)) for n in range(9)]
        with pytest.raises(ConnectError):
            find(hub, retries=retries)
        assert len(hub.asked) == times


def test_a_hub_that_does_not_answer() -> None:
    """No question takes longer than a reply may."""
    world = a_world(read=3.0)
    flow = find_space(ScriptedHub(), "user/space", world.state.timeouts, None)
    effect = next(flow)
    while not isinstance(effect, RunInThread):
        effect = flow.send((None, 5.0))
    assert effect.deadline == 8.0
    with pytest.raises(DeadlineExceeded, match="the Hub did not answer") as caught:
        flow.throw(TimedOut())
    assert caught.value.kind == "read"
    world.close()


# Waiting for it.


def test_pauses_grow_and_the_app_is_asked_when_it_runs() -> None:
    world = a_world()
    hub = ScriptedHub(*["BUILDING"] * 5, "APP_STARTING", "RUNNING")
    told: list[SpaceStatus] = []
    app = open_(world, hub, "BUILDING", told=told.append)
    assert app is world.state.app
    assert [status.stage for status in told] == ["BUILDING", "APP_STARTING", "RUNNING"]
    pauses = [effect.deadline for effect in world.runner.effects if isinstance(effect, Sleep)]
    assert [b - a for a, b in zip([0.0, *pauses], pauses, strict=False)] == [0.5, 1, 2, 4, 8, 8, 8]


def test_a_sleeper_is_woken_once() -> None:
    world = a_world()
    open_(world, ScriptedHub("SLEEPING", "APP_STARTING", "SLEEPING", "RUNNING"), "STOPPED")
    assert [asked.target for asked in world.server.asked][:2] == ["/", "/config"]


@pytest.mark.parametrize("answer", [http(503, b"asleep"), http(302, b"", "location: https://example.org/")])
def test_what_the_waking_is_answered_does_not_matter(answer: bytes) -> None:
    class Gateway(GradioScript):
        def __call__(self, asked: Any) -> Any:
            return [answer] if asked.target == "/" else super().__call__(asked)

    world = World(ScriptedServer(Gateway(an_app())))
    assert open_(world, ScriptedHub("SLEEPING", "RUNNING"), "SLEEPING") is world.state.app
    assert [asked.target for asked in world.server.asked][:2] == ["/", "/config"]  # once is enough


def test_nor_that_it_is_never_answered() -> None:
    class Silent(GradioScript):
        def __call__(self, asked: Any) -> Any:
            return [3600.0] if asked.target == "/" else super().__call__(asked)

    world = World(ScriptedServer(Silent(an_app())))
    open_(world, ScriptedHub("RUNNING"), "SLEEPING")
    assert world.runner.now < 10


@pytest.mark.parametrize("lost", [[CLOSE], [b"HTTP/1.1 200 OK\r\n", CLOSE]])
def test_a_waking_that_did_not_arrive_is_done_again(lost: list[Any]) -> None:
    class Unlucky(GradioScript):
        answers = iter([lost, lost, [http(503)], [http(500)]])

        def __call__(self, asked: Any) -> Any:
            return next(self.answers) if asked.target == "/" else super().__call__(asked)

    world = World(ScriptedServer(Unlucky(an_app())))
    open_(world, ScriptedHub(*["SLEEPING"] * 5, "RUNNING"), "SLEEPING")
    assert [asked.target for asked in world.server.asked][:4] == ["/", "/", "/", "/config"]


def test_the_waking_takes_no_longer_than_the_deadline() -> None:
    class Silent(GradioScript):
        def __call__(self, asked: Any) -> Any:
            return [3600.0] if asked.target == "/" else super().__call__(asked)

    world = World(ScriptedServer(Silent(an_app())))
    world.state.timeouts = Timeouts(space=1.0)
    with pytest.raises(DeadlineExceeded, match=r"Timeouts\.space = 1 "):
        open_(world, ScriptedHub("SLEEPING"), "SLEEPING")
    assert world.runner.now == 1.0


@pytest.mark.parametrize(("seconds", "asked"), [(0, 0), (10.0, 5)])
def test_the_deadline(seconds: float, asked: int) -> None:
    world = a_world(space=seconds)
    hub = ScriptedHub("BUILDING")
    with pytest.raises(DeadlineExceeded, match=rf"BUILDING.*Timeouts\.space = {seconds:g} ") as caught:
        open_(world, hub, "BUILDING")
    assert (caught.value.kind, caught.value.retryable) == ("space", True)
    assert (world.runner.now, len(hub.asked)) == (seconds, asked)


def test_without_a_deadline() -> None:
    world = a_world(space=None)
    open_(world, ScriptedHub(*["BUILDING"] * 1000, "RUNNING"), "BUILDING")
    assert world.runner.now > 7900


def test_one_that_comes_in_the_last_moment_is_there() -> None:
    world = a_world(space=0.5)
    assert open_(world, ScriptedHub("RUNNING"), "BUILDING") is world.state.app


@pytest.mark.parametrize("stages", [["PAUSED"], ["BUILDING", "PAUSED"]])
def test_one_that_will_not_run(stages: list[str]) -> None:
    world = a_world()
    with pytest.raises(SpaceError, match="is paused") as caught:
        open_(world, ScriptedHub(*stages), stages[0])
    assert caught.value.stage == "PAUSED"
    assert not world.server.asked


def test_the_files_of_a_new_one_are_waited_for() -> None:
    open_(a_world(), ScriptedHub("NO_APP_FILE", "BUILDING", "RUNNING"), "NO_APP_FILE", is_new=True)
    with pytest.raises(SpaceError, match="no app"):
        open_(a_world(), ScriptedHub("NO_APP_FILE"), "NO_APP_FILE")


def test_trouble_with_the_hub_does_not_end_the_wait() -> None:
    hub = ScriptedHub("BUILDING", "RUNNING")
    hub.trouble = [*[ConnectError("no")] * 20, DeadlineExceeded("late", kind="read")]
    world = a_world()
    assert open_(world, hub, "BUILDING") is world.state.app


def test_trouble_that_stays_is_told_at_the_deadline() -> None:
    hub = ScriptedHub("BUILDING")
    hub.trouble = [ConnectError("no")] * 20
    with pytest.raises(DeadlineExceeded, match=r"Timeouts\.space = 10 ") as caught:
        open_(a_world(space=10.0), hub, "BUILDING")
    assert isinstance(caught.value.__cause__, ConnectError)


def test_what_will_not_pass_ends_the_wait() -> None:
    hub = ScriptedHub("BUILDING")
    hub.trouble = [AuthenticationError("no")]
    with pytest.raises(AuthenticationError):
        open_(a_world(), hub, "BUILDING")


def test_no_pause_of_the_hubs_prolongs_the_deadline() -> None:
    world = a_world(space=10.0)
    hub = ScriptedHub("BUILDING")
    hub.trouble = [TooManyRequestsError("no", retry_after=5.0), TooManyRequestsError("no", retry_after=60.0)]
    with pytest.raises(DeadlineExceeded):
        open_(world, hub, "BUILDING")
    assert world.runner.now == 10.0


# Copies.


def a_copy(to_id: str | None = None, **options: Any) -> Duplication:
    wanted: dict[str, Any] = {"private": True, "hardware": None, "secrets": {}, "sleep_minutes": 5, **options}
    return Duplication("user/space", to_id, **wanted)


def done(hub: ScriptedHub) -> list[tuple[Any, ...]]:
    """What has changed something."""
    return [asked for asked in hub.asked if asked[0] in ("duplicate", "hardware", "sleep")]


@pytest.mark.parametrize(("to_id", "name"), [(None, "me/space"), ("mine", "me/mine"), ("team/x", "team/x")])
def test_a_copy_is_made(to_id: str | None, name: str) -> None:
    hub = ScriptedHub(user_space=a_space())
    place = find(hub, a_copy(to_id, secrets={"KEY": "value"}))
    assert (place.id, place.is_new) == (name, True)
    assert done(hub) == [("duplicate", "user/space", name, True, {"KEY": "value"})]
    assert (("user",) in hub.asked) is (to_id != "team/x")


@pytest.mark.parametrize("duplicated_from", ["user/space", None])
def test_one_that_is_there_is_attached_to(duplicated_from: str | None) -> None:
    hub = ScriptedHub(user_space=a_space(), me_space=a_space("me/space", duplicated_from=duplicated_from))
    place = find(hub, a_copy(secrets={"KEY": "value"}))
    assert (place.id, place.is_new) == ("me/space", False)
    assert done(hub) == []


def test_one_of_something_else_is_not() -> None:
    hub = ScriptedHub(user_space=a_space(), me_space=a_space("me/space", duplicated_from="eve/space"))
    with pytest.raises(SpaceError, match="me/space is no duplicate of user/space, but of eve/space"):
        find(hub, a_copy(hardware="t4-small"))
    assert done(hub) == []


def test_the_original_is_as_good_as_a_copy() -> None:
    hub = ScriptedHub(user_space=a_space(duplicated_from="eve/space"))
    assert find(hub, a_copy("user/space")).id == "user/space"


@pytest.mark.parametrize(
    ("original", "wanted", "current", "expected"),
    [
        ("cpu-basic", None, "cpu-basic", []),
        ("t4-small", None, "cpu-basic", [("hardware", "me/space", "t4-small"), ("sleep", "me/space", 300)]),
        ("t4-small", None, "t4-small", [("sleep", "me/space", 300)]),
        ("t4-small", "cpu-basic", None, []),
        ("t4-small", "cpu-basic", "t4-small", [("hardware", "me/space", "cpu-basic")]),
        (None, None, "t4-small", [("sleep", "me/space", 300)]),
        (None, None, None, []),
    ],
)
def test_hardware(
    original: str | None, wanted: str | None, current: str | None, expected: list[tuple[Any, ...]]
) -> None:
    hub = ScriptedHub(user_space=a_space(hardware=original), me_space=a_space("me/space", hardware=current))
    find(hub, a_copy(hardware=wanted))
    assert done(hub) == expected


def test_a_change_is_never_asked_for_twice() -> None:
    hub = ScriptedHub(user_space=a_space())
    change = hub.duplicate

    def fail(*args: Any, **options: Any) -> None:
        change(*args, **options)
        raise ConnectError("no")

    hub.duplicate = fail  # type: ignore[method-assign]
    with pytest.raises(ConnectError):
        find(hub, a_copy())
    assert len(done(hub)) == 1
