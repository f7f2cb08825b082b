"""What servers owe to their users, beside what the areas ask; paths are in :mod:`.downloads`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ..model import Skipped
from ..registry import case
from ..tester import Tester
from .auth import as_nobody

PRIVATE: Final = "private"
"""The private endpoint of the reference app, which gives back its input."""


@case("security/server/sessions", variant="login")
def cancel_wants_the_login(tester: Tester) -> None:
    """Ask to cancel and to reset jobs without the login that the app wants: it is refused."""
    body = {"session_hash": tester.new_name(), "event_id": "nobody", "fn_index": 0}
    routes = ["reset", *(["cancel"] if tester.version >= (4, 30) else [])]
    with as_nobody(tester):
        for route in routes:
            reply = tester.post(route, body)
            tester.check(
                reply.status in (401, 403),
                f"{reply.asked} was answered {reply.status} without a login, and not refused",
            )


@case("security/server/sessions/heartbeat", variant="login")
def the_heartbeat_wants_the_login(tester: Tester) -> None:
    """Open the heartbeat of a session without the login that the app wants: it is refused."""
    if tester.version < (4, 25):
        raise Skipped("there are no heartbeats before 4.25")
    with as_nobody(tester):
        stream = tester.wire.open_events(tester.wire.target(f"heartbeat/{tester.new_name()}"))
        stream.close()
    tester.check(
        stream.status in (401, 403),
        f"{stream.asked} was answered {stream.status} without a login, and not refused",
    )


@case("security/server/sessions/chunks", variant="login")
def chunks_want_the_login(tester: Tester) -> None:
    """Send a chunk of input to a job, and end it, without the login that the app wants: both are refused."""
    if tester.version < (5, 0):
        raise Skipped("there is no input in chunks before 5.0")
    body: dict[str, Any] = {"data": [], "fn_index": 0, "session_hash": tester.new_name()}
    with as_nobody(tester):
        for route, json in (("stream/nobody", body), ("stream/nobody/close", {})):
            reply = tester.post(route, json)
            tester.check(
                reply.status in (401, 403),
                f"{reply.asked} was answered {reply.status} without a login, and not refused",
            )


@case("security/server/privacy")
def private_endpoints_do_not_run_by_name(tester: Tester) -> None:
    """Call the private endpoint of the reference app by its name, directly and by the simple API: it is refused."""
    if not tester.target.is_reference:
        raise Skipped("only the reference app is known to have a private endpoint that may be called")
    attempts: list[Callable[[], int]] = [
        lambda: tester.post(f"run/{PRIVATE}", {"data": ["x"]}).status,
        lambda: tester.post(f"api/{PRIVATE}", {"data": ["x"]}).status,
    ]
    if tester.version >= (4, 20):
        attempts.append(lambda: tester.post(f"call/{PRIVATE}", {"data": ["x"]}).status)
    for route, attempt in zip(("run", "api", "call"), attempts, strict=False):
        status = attempt()
        tester.check(
            status >= 400, f"/{route}/{PRIVATE}, a private endpoint, was answered {status} and not refused"
        )
