"""From the name of a Hugging Face Space to its app: find it, wake it, wait for it, or make a copy of it.

The Hub is asked by :class:`~gradio_proto.spaces.Hub`, whose methods block; here each is one effect, with a deadline.
There are two flows, since a transport belongs to one origin: :func:`find_space` asks the Hub alone, and says where the
app is; :func:`open_space`, on the transport for that place, waits for the app and connects to it.

A Space that sleeps is woken as a visitor wakes it: by a request to its host. The Hub's own way, to restart it, is its
owner's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from ..effects import Flow, Now, RunInThread, Sleep, TimedOut
from ..endpoints import App
from ..errors import DeadlineExceeded, GradioError, SpaceError, SpaceNotFound, TransportError
from ..spaces import CPU_BASIC, Duplication, Hub, Place, SpaceInfo, SpaceStatus, app_url, not_running
from ..timeouts import Timeouts, deadline, earlier
from ..urls import target
from .connect import connect
from .requests import LONGEST_RETRY_AFTER, fetch
from .state import IDEMPOTENT_RETRIES, ClientState

T = TypeVar("T")

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 8.0
"""Seconds between two looks at a Space: doubled each time, so that one that wakes is soon noticed, and one that is
built for ten minutes costs the Hub eighty requests."""

WAKING: Final = 5.0
"""Seconds for the request that wakes a Space, which may be held until the app is there."""


def find_space(
    hub: Hub, wanted: str | Duplication, timeouts: Timeouts, max_retries: int | None
) -> Flow[Place]:
    """Find out where the app of a Space is; of a :class:`Duplication`, of the copy, which is made if it is not there.

    Raises:
        SpaceNotFound: There is no such Space, or none that the Hub would show.
        SpaceError: It has no app, or is not what it should be a copy of.
        AuthenticationError: The Hub does not accept the token, or wants one.
        GradioError: The Hub cannot be asked.
    """
    ask = partial(_ask, timeouts=timeouts, retries=IDEMPOTENT_RETRIES if max_retries is None else max_retries)
    is_new = False
    if isinstance(wanted, Duplication):
        wanted, is_new = yield from _duplicate(hub, wanted, timeouts, ask)
    info: SpaceInfo = yield from ask(partial(hub.info, wanted))
    url = app_url(info, hub.endpoint)
    token: str | None = yield from ask(partial(hub.app_token, private=info.private))
    return Place(info.id, url, info.private, info.status, token, is_new)


def open_space(
    state: ClientState, hub: Hub, place: Place, on_status: Callable[[SpaceStatus], Any]
) -> Flow[App]:
    """Wait until a Space runs, and connect to its app.

    Args:
        state: The client's, for the app's own origin.
        hub: What to ask.
        place: What :func:`find_space` found.
        on_status: Called with each status that differs from the one before, at once; what it raises ends the flow.

    Raises:
        SpaceError: It does not run, and will not by itself.
        DeadlineExceeded: It does not run within ``Timeouts.space``; its ``kind`` is ``"space"``.
        GradioError: The Hub, or then the app, cannot be asked.
    """
    yield from _wait_for(state, hub, place, on_status)
    return (yield from connect(state))


def _wait_for(
    state: ClientState, hub: Hub, place: Place, on_status: Callable[[SpaceStatus], Any]
) -> Flow[None]:
    """Go on when the Space runs.

    Trouble with the Hub is no news, and no reason to give up: the wait has a deadline of its own.
    """
    status, told = place.status, None
    pause, is_woken = FIRST_PAUSE, False
    trouble: GradioError | None = None
    _, now = yield Now()
    until = deadline(now, state.timeouts.space)
    while True:
        if status != told:
            on_status(status)
            told = status
        if status.is_running:
            return
        # The files of a copy come a little after it.
        is_empty = place.is_new and status.stage == "NO_APP_FILE"
        if not (status.is_asleep or status.is_coming or is_empty):
            raise not_running(status)
        _, now = yield Now()
        if until is not None and now >= until:
            raise _too_long(status, state.timeouts) from trouble
        if status.is_asleep and not is_woken:
            is_woken = yield from _wake(state, earlier(now + WAKING, until))
            _, now = yield Now()
        due = earlier(now + pause, until)
        assert due is not None
        yield Sleep(due)
        pause = min(pause * 2, LONGEST_PAUSE)
        trouble = None
        try:
            status = yield from _ask(partial(hub.status, place.id), timeouts=state.timeouts, retries=0)
        except GradioError as error:
            if not error.retryable and not isinstance(error, DeadlineExceeded):
                raise
            trouble = error
            pause = max(pause, getattr(error, "retry_after", None) or 0.0)


def _too_long(status: SpaceStatus, timeouts: Timeouts) -> DeadlineExceeded:
    return DeadlineExceeded(
        f"the Space {status.id} does not run yet ({status.stage}), and Timeouts.space = {timeouts.space:g} allows no "
        f"longer wait",
        kind="space",
        phase="not_sent",
    )


def _wake(state: ClientState, until: float | None) -> Flow[bool]:
    """Ask the host for anything; whether that has reached it. What it answers does not matter: the Hub tells what comes
    of it."""
    try:
        yield from fetch(state, "GET", target(state.url.base_path, "", ""), until=until)
    except TransportError as error:
        return isinstance(error, DeadlineExceeded) and error.kind != "connect"
    except GradioError:
        pass
    return True


def _ask(
    question: Callable[[], T],
    *,
    timeouts: Timeouts,
    retries: int,
    late: str = "the Hub did not answer in time",
) -> Flow[T]:
    """Ask the Hub, and again when it is a bad moment: as long after as it says. ``late`` is the word for no
    answer."""
    pause = FIRST_PAUSE
    while True:
        _, now = yield Now()
        try:
            answer, _ = yield RunInThread(question, deadline(now, timeouts.read))
            return answer  # type: ignore[no-any-return]
        except TimedOut as error:
            raise DeadlineExceeded(late, kind="read") from error
        except GradioError as error:
            at_least: float = getattr(error, "retry_after", None) or 0.0
            if not error.retryable or retries <= 0 or at_least > LONGEST_RETRY_AFTER:
                raise
            pause = max(pause, at_least)
        retries -= 1
        _, now = yield Now()
        yield Sleep(now + pause)
        pause *= 2


def _duplicate(
    hub: Hub, wanted: Duplication, timeouts: Timeouts, ask: Callable[[Callable[[], Any]], Flow[Any]]
) -> Flow[tuple[str, bool]]:
    """The name of a copy, and whether it was made now.

    As with the official client, a copy that is there is attached to, and its secrets stay; hardware and the time to
    sleep are set on a new one and an old one alike, and the hardware is the original's where none is named.
    """

    def change(what: Callable[[], Any]) -> Flow[Any]:
        late = "the Hub did not say in time whether it has done that; asked once more, duplicate() takes what is there"
        return _ask(what, timeouts=timeouts, retries=0, late=late)

    original: SpaceInfo = yield from ask(partial(hub.info, wanted.from_id))
    space_id = wanted.to_id or original.id.partition("/")[2]
    if "/" not in space_id:
        user: str = yield from ask(hub.user)
        space_id = f"{user}/{space_id}"
    copy: SpaceInfo | None = None
    try:
        copy = yield from ask(partial(hub.info, space_id))
    except SpaceNotFound:
        pass
    is_new = copy is None
    if copy is None:
        yield from change(
            partial(hub.duplicate, original.id, space_id, private=wanted.private, secrets=wanted.secrets)
        )
        copy = yield from ask(partial(hub.info, space_id))
        assert copy is not None
    if copy.duplicated_from not in (None, original.id, wanted.from_id) and copy.id != original.id:
        raise SpaceError(
            f"the Space {copy.id} is no duplicate of {original.id}, but of {copy.duplicated_from}: give another to_id",
            space_id=copy.id,
        )
    current = copy.status.hardware or CPU_BASIC
    hardware = wanted.hardware or original.status.hardware or current
    if hardware != current:
        yield from change(partial(hub.request_hardware, copy.id, hardware))
    if hardware != CPU_BASIC:
        yield from change(partial(hub.set_sleep_time, copy.id, wanted.sleep_minutes * 60))
    return copy.id, is_new
