"""Vectors of refusals: what a reply of HTTP means for the caller."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import recorded as exchanges

from .vector import PROTOCOL_OF, PROTOCOLS, QUEUE, Names, Vector

TOPIC = "errors"
DESCRIPTION = (
    "A reply with a status that says no, and the kind of error that it is: 'authentication' (a login is wanted, or "
    "refused), 'validation' (the input was refused), 'queue_full', 'queue_stopped', 'too_many_requests', or "
    "'http_status' (nothing more is known). 'retryable' says whether the same call may succeed later, and cannot have "
    "run the function. 'says' are texts that the error must hold, 'says_not' those that it must not."
)

_OPERATIONS: Final = (
    "errors_join",
    "validate",
    "variant_auth",
    "variant_full",
    "files",
    "direct",
    "variant_maxfile",
)

_ROUTES: Final = re.compile(r"/(queue/join|queue/data|config|info|upload|call/[a-z]+|file=.*)\Z")


def kind_of(status: int, body: str) -> dict[str, Any]:
    """What a recorded refusal means, from what its server says in it."""
    try:
        detail = json.loads(body).get("detail")
    except (ValueError, AttributeError):
        detail = None
    if status == 401:
        said = detail.get("auth_message") if isinstance(detail, dict) else None
        return {"kind": "authentication", "retryable": False, "says": [said] if said else []}
    if status == 422:
        entries = detail if isinstance(detail, list) else []
        refused = [entry for entry in entries if entry.get("is_valid") is not True]
        passed = [entry["message"] for entry in entries if entry.get("is_valid") is True]
        says = [entry.get("message") or entry.get("msg") for entry in refused]
        return {
            "kind": "validation",
            "retryable": False,
            "says": says,
            "says_not": [text for text in passed if text],
        }
    if status == 503 and isinstance(detail, str) and "full" in detail:
        return {"kind": "queue_full", "retryable": True, "says": [detail]}
    return {"kind": "http_status", "retryable": status == 503, "says": [str(status)]}


def recorded() -> list[Vector]:
    """What real servers refused, once for each form of reply."""
    found: list[Vector] = []
    seen: set[tuple[str, int, str]] = set()
    for version, protocol in PROTOCOL_OF.items():
        for operation in _OPERATIONS:
            if operation not in exchanges.operations(version):
                continue
            for request, status, content_type, body in _refusals(version, operation):
                form = re.sub(r'"input":.*|/srv/[^"]*|[0-9a-f]{32}', "", body)
                if (protocol, status, form) in seen or len(body) > 600 or len(request) > 60:
                    continue
                seen.add((protocol, status, form))
                number = sum(vector.id.startswith(f"errors/recorded/{version}/") for vector in found) + 1
                found.append(
                    Vector(
                        f"errors/recorded/{version}/{number}",
                        f"Gradio {version} refuses {request.split('?')[0].split('=')[0]}.",
                        f"recorded {version}/{operation}",
                        {
                            "request": request,
                            "status": status,
                            "headers": {"content-type": content_type},
                            "body": Names().text(body),
                        },
                        kind_of(status, body),
                        (protocol,),
                    )
                )
    return found


def _refusals(version: str, operation: str) -> list[tuple[str, int, str, str]]:
    sent: dict[int, str] = {}
    found: list[tuple[str, int, str, str]] = []
    for record in exchanges.records(version, operation):
        if record["channel"] != "http" or "line" not in record:
            continue
        if record["dir"] == "send":
            sent[record["conn"]] = record["line"].rpartition(" ")[0]
        else:
            status = int(record["line"].split(" ")[1])
            request = sent[record["conn"]]
            route = _ROUTES.search(request.partition("?")[0])
            if status >= 400 and isinstance(record["body"], str) and route and request.isascii():
                headers = {name.lower(): value for name, value in record["headers"]}
                found.append((request, status, headers.get("content-type", ""), record["body"]))
    return found


JSON: Final = {"content-type": "application/json"}
HTML: Final = {"content-type": "text/html; charset=utf-8"}
PLAIN: Final = {"content-type": "text/plain"}

WRITTEN: Final[dict[str, tuple[str, int, dict[str, str], str, dict[str, Any]]]] = {
    "queue-stopped": (
        "The server is stopping: 503 is not always a full queue (6.31.0, routes.py).",
        503, JSON, '{"detail":"Queue is stopped."}',
        {"kind": "queue_stopped", "retryable": False, "says": ["Queue is stopped."]},
    ),
    "gateway/429": (
        "A gateway's limit, with a time to wait.",
        429, {**PLAIN, "retry-after": "7"}, "slow down",
        {"kind": "too_many_requests", "retryable": True, "retry_after": 7},
    ),
    "gateway/429-date": (
        "A date needs a wall clock: it counts as no time.",
        429, {**PLAIN, "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, "",
        {"kind": "too_many_requests", "retryable": True, "retry_after": None},
    ),
    "gateway/502": (
        "Behind a gateway that says so, the function may have run.",
        502, HTML, "<html><h1>Bad Gateway</h1></html>",
        {"kind": "http_status", "retryable": False, "says": ["502"]},
    ),
    "gateway/503": (
        "A gateway without a server behind it: nothing was passed on.",
        503, HTML, "<html><h1>Service Unavailable</h1></html>",
        {"kind": "http_status", "retryable": True, "says": ["503"]},
    ),
    "gateway/504": (
        "A gateway that has waited too long.", 504, HTML, "<html>Gateway Timeout</html>",
        {"kind": "http_status", "retryable": False, "says": ["504"]},
    ),
    "gateway/401": (
        "A login that is not the app's.", 401, HTML, "<html>Sign in</html>",
        {"kind": "authentication", "retryable": False},
    ),
    "traceback": (
        "Gradio 5.49.1 answers an unknown function with a Python traceback.", 500, PLAIN,
        "Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>\nKeyError: 99",
        {"kind": "http_status", "retryable": False, "says": ["500"]},
    ),
    "detail/odd": (
        "A detail of no known form.", 422, JSON, '{"detail":{"x":[1]}}', {"kind": "validation", "retryable": False},
    ),
    "detail/not-json": (
        "A body that is not what its type says.", 422, JSON, "{", {"kind": "validation", "retryable": False},
    ),
}  # fmt: skip


def vectors() -> list[Vector]:
    """All of them."""
    written = [
        Vector(
            f"errors/{id}",
            text,
            "written",
            {"request": "POST /queue/join", "status": status, "headers": headers, "body": body},
            expect,
            QUEUE if id in ("queue-stopped", "traceback") else PROTOCOLS,
        )
        for id, (text, status, headers, body, expect) in WRITTEN.items()
    ]
    return written + recorded()
