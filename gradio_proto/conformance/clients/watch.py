"""What a client must not ask of a server, looked for in the log of what it has asked.

Each rule is a function of the :class:`Watched` that yields what was wrong, under the id of the requirement that was
broken. The rules hold in every scenario, whatever comes out of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gradio_proto.config import is_list

from .asked import Asked, body_of, session_of
from .model import SECRET, SECRET_HEADER, Scenario, Sent
from .rendering import SHARED, config_of

METHODS: Final = {
    "ws": {"queue/join": "GET"},
    "sse": {"queue/join": "GET", "queue/data": "POST"},
}
"""The method of the two routes whose meaning is the generation's; in all others :data:`SHARED_METHODS`."""

SHARED_METHODS: Final = {"queue/join": "POST", "queue/data": "GET"}

LEAST_HASH: Final = 10
"""Characters of a session hash that nobody can guess: 60 bits of base64. Real ones have 10 to 12."""


@dataclass(frozen=True)
class Watched:
    """What was seen of a client in one case."""

    scenario: Scenario
    generation: str
    log: Sequence[Asked]
    elsewhere: Sequence[Asked]
    """What was asked of the other origin."""
    canary: bytes = b"\0"
    """What a file holds that nobody may read."""


Broken = Iterator[tuple[str, str]]
"""Requirements that were broken, and how."""


def broken_in(watched: Watched) -> Broken:
    """Everything that was wrong."""
    for rule in RULES:
        yield from rule(watched)


def is_shared(watched: Watched) -> bool:
    """Whether a session has one stream for all its jobs."""
    return watched.generation in SHARED


def of_route(watched: Watched, route: str, method: str | None = None) -> list[Asked]:
    """The requests for a route."""
    return [asked for asked in watched.log if asked.route == route and method in (None, asked.method)]


def joins_of(watched: Watched) -> list[Asked]:
    """The bodies of joins: what starts a function."""
    if watched.generation == "ws":
        messages = [asked for asked in watched.log if asked.method == "WS" and asked.route == "message"]
        return [asked for asked in messages if "data" in body_of(asked)]
    route = "queue/data" if watched.generation == "sse" else "queue/join"
    return of_route(watched, route, "POST")


# The rules.


def _elsewhere(watched: Watched) -> Broken:
    for asked in watched.elsewhere:
        yield "security/origin/base", f"it asked another origin for {asked.method} {asked.target}"
        text = repr((asked.target, asked.headers)).encode() + asked.body
        if any(secret.encode() in text for secret in (SECRET, SECRET_HEADER[1])):
            yield "security/credentials/origin", f"it told another origin a secret: {asked.target}"


def _canary(watched: Watched) -> Broken:
    for asked in (*watched.log, *watched.elsewhere):
        if watched.canary in asked.body:
            yield "security/files/explicit", f"it sent a file of this machine to {asked.target}"


def _methods(watched: Watched) -> Broken:
    methods = METHODS.get(watched.generation, SHARED_METHODS)
    for asked in watched.log:
        if asked.route not in ("queue/join", "queue/data") or asked.method == "WS":
            continue
        if asked.method != methods.get(asked.route):
            yield "generations/detect/methods", f"{asked.method} {asked.route} is not of {watched.generation}"
        if asked.target.partition("?")[0].endswith("/"):
            yield "generations/routes/trailing-slash", f"it asked for {asked.target}"


def _bodies(watched: Watched) -> Broken:
    for asked in watched.log:
        if (
            asked.method not in ("POST", "WS")
            or asked.route in ("upload", "login", "pong", "close")
            or not asked.body
        ):
            continue
        if asked.method == "POST" and not asked.header("content-type").startswith("application/json"):
            yield "generations/json/content-type", f"the body of {asked.target} is not called JSON"
        try:
            text = asked.body.decode()
        except UnicodeDecodeError:
            yield "generations/json/utf-8", f"the body of {asked.target} is no UTF-8"
            continue
        strange: list[str] = []
        try:
            value = json.loads(text, parse_constant=strange.append)
        except ValueError:
            yield "generations/json/utf-8", f"the body of {asked.target} is no JSON"
            continue
        if strange:
            yield "generations/json/no-nan-in", f"the body of {asked.target} holds {strange[0]}"
        if any("\ud800" <= letter <= "\udfff" for letter in _strings(value)):
            yield "generations/json/utf-8", f"the body of {asked.target} holds a lone surrogate"


def _strings(value: Any) -> str:
    """All text of a value, surrogate escapes undone."""
    return json.dumps(value, ensure_ascii=False)


def _joins(watched: Watched) -> Broken:
    joins = joins_of(watched)
    allowed = len(watched.scenario.calls) if watched.scenario.joins is None else watched.scenario.joins
    if joins and not allowed and watched.scenario.requirements:
        yield watched.scenario.requirements[0], "it started a job all the same"
    elif len(joins) > allowed:
        is_early = watched.generation in ("ws", "sse")
        requirement = "queue/join/retry-before-data" if is_early else "queue/join/no-retry"
        yield requirement, f"it started {len(joins)} jobs for {len(watched.scenario.calls)} calls"
    for asked in joins:
        body = body_of(asked)
        data = body.get("data")
        if not is_list(data) or len(data) != len(watched.scenario.script.inputs):
            yield "queue/join/body/data", f"a join does not hold a value for each input: {asked.body[:80]!r}"
        if "batched" in body or ("event_id" in body and watched.generation != "sse"):
            yield "queue/join/body/internal", "a join holds what servers use among themselves"
        if "oauth_token" in body:
            yield "auth/oauth-token/declared", "a join holds a token that was not asked for"
        if len(session_of(asked)) < LEAST_HASH and watched.generation != "ws":
            yield "session/hash/unguessable", f"the session {session_of(asked)!r} can be guessed"


def _direct(watched: Watched) -> Broken:
    direct = [asked for asked in watched.log if asked.route in ("run", "api") and asked.method == "POST"]
    if len(direct) > len(watched.scenario.calls):
        yield "run/no-retry", f"it made {len(direct)} direct calls for {len(watched.scenario.calls)} calls"


def _of_ws(watched: Watched) -> Broken:
    if watched.generation != "ws":
        return
    said: dict[Any, int] = {}
    hashes: set[tuple[str, Any]] = set()
    for asked in watched.log:
        if asked.method != "WS" or asked.route != "message":
            continue
        body, number = body_of(asked), said.get(asked.conn, 0)
        said[asked.conn] = number + 1
        if not number and not {"fn_index", "session_hash"} <= body.keys():
            yield "queue/join/ws/hash", "its first message has no fn_index or no session_hash"
        if not number:
            job = (session_of(asked), body.get("fn_index"))
            if job in hashes:
                yield "queue/join/ws/not-twice", "two jobs of one function are under way in one session"
            hashes.add(job)
        if number and "data" in body and not {"fn_index", "session_hash"} <= body.keys():
            yield "queue/join/ws/data", "its data have no fn_index or no session_hash"
    for asked in of_route(watched, "info"):
        if asked.query.get("serialize") != "False":
            yield "discovery/info/as-sent", "it asked for the API information without serialize=False"


def _of_sse(watched: Watched) -> Broken:
    if watched.generation != "sse":
        return
    for asked in of_route(watched, "queue/join", "GET"):
        if not {"fn_index", "session_hash"} <= asked.query.keys():
            yield "queue/join/sse/get", f"a join names no function or no session: {asked.target}"
    ids = [body_of(asked).get("event_id") for asked in of_route(watched, "queue/data", "POST")]
    if any(not isinstance(each, str) for each in ids):
        yield "queue/join/sse/data", "the data came without the event_id that asked for them"


def _streams(watched: Watched) -> Broken:
    if not is_shared(watched):
        return
    for asked in of_route(watched, "queue/data", "GET"):
        if asked.beside is not None:
            yield "stream/session/one-reader", "it opened a second stream of a session"
        if not asked.joined_before:
            yield "stream/session/join-first", "it opened the stream of a session in which it had not joined"


def _cancels(watched: Watched) -> Broken:
    for asked in of_route(watched, "cancel"):
        if not {"event_id", "session_hash", "fn_index"} <= body_of(asked).keys():
            yield "cancel/route/body", "a cancel does not say of what"
        if len(watched.scenario.calls) > 1:
            yield "cancel/no-siblings", "it sent /cancel while other jobs of that function were open"
    if of_route(watched, "reset"):
        yield "cancel/reset/unused", "it sent a reset"


def _heartbeats(watched: Watched) -> Broken:
    config = config_of(watched.scenario.script, watched.generation, "")
    if of_route(watched, "heartbeat") and config.get("connect_heartbeat") is not True:
        yield "session/heartbeat/not-needed", "it opened a heartbeat that the app does not ask for"


def _forbidden(watched: Watched) -> Broken:
    for route, requirement in watched.scenario.forbidden:
        for asked in of_route(watched, route):
            yield requirement, f"it sent {asked.method} {asked.target}"


def _sent(watched: Watched) -> Broken:
    for wanted in watched.scenario.sent:
        if wanted.route == "queue/join" and wanted.body is not None:
            found = joins_of(watched)
        else:
            found = of_route(watched, wanted.route)
        if not found and not wanted.is_optional:
            yield wanted.requirement, f"it has not asked for {wanted.route or 'the page'}"
        for asked in found:
            wrong = _wrong_with(asked, wanted)
            if wrong is not None:
                yield wanted.requirement, f"{asked.method} {asked.target[:80]} {wrong}"


def _wrong_with(asked: Asked, wanted: Sent) -> str | None:
    if wanted.header is not None and wanted.header[1] not in asked.header(wanted.header[0]):
        return f"came without {wanted.header[1]!r} in its {wanted.header[0]}"
    if wanted.absent is not None and wanted.absent[1] in asked.header(wanted.absent[0]):
        return f"came with {wanted.absent[1]!r} in its {wanted.absent[0]}"
    if wanted.body is not None and body_of(asked).get(wanted.body[0]) != wanted.body[1]:
        return f"does not say {wanted.body[1]!r} as {wanted.body[0]}"
    if wanted.raw is not None and wanted.raw not in asked.body:
        return f"does not hold {wanted.raw!r}"
    if wanted.target is not None and wanted.target not in asked.target:
        return f"does not hold {wanted.target!r}"
    return None


RULES: Final = (
    _elsewhere,
    _canary,
    _methods,
    _bodies,
    _joins,
    _direct,
    _of_ws,
    _of_sse,
    _streams,
    _cancels,
    _heartbeats,
    _forbidden,
    _sent,
)

ALWAYS: Final = (
    "security/origin/base",
    "security/credentials/origin",
    "security/files/explicit",
    "generations/detect/methods",
    "generations/routes/trailing-slash",
    "generations/json/content-type",
    "generations/json/utf-8",
    "generations/json/no-nan-in",
    "queue/join/retry-before-data",
    "queue/join/no-retry",
    "queue/join/body/data",
    "queue/join/body/internal",
    "auth/oauth-token/declared",
    "session/hash/unguessable",
    "run/no-retry",
    "queue/join/ws/hash",
    "queue/join/ws/data",
    "queue/join/ws/text",
    "queue/join/ws/not-twice",
    "discovery/info/as-sent",
    "queue/join/sse/get",
    "queue/join/sse/data",
    "stream/session/one-reader",
    "stream/session/join-first",
    "cancel/route/body",
    "cancel/no-siblings",
    "cancel/reset/unused",
    "session/heartbeat/not-needed",
    "security/bounds/typed",
    "security/bounds/everything",
)
"""The requirements that are watched in every scenario."""
