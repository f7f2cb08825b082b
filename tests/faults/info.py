"""What can be wrong with the description of an app's endpoints."""

from __future__ import annotations

import copy
import functools
import json
from typing import Any, Final

from gradio_proto.errors import (
    AuthenticationError,
    ConnectionLost,
    DeadlineExceeded,
    HTTPStatusError,
    LimitExceeded,
    RemoteProtocolError,
)
from gradio_proto.limits import MIB, Limits
from gradio_proto.timeouts import Timeouts

from . import fields
from .answers import resets, responds, silent
from .model import Fault, Gives, raises
from .uses import only_predicts

INFO: Final[dict[str, Any]] = fields.app().info()

READ: Final = {
    "": ("named_endpoints", "unnamed_endpoints"),
    "endpoint": ("parameters", "returns", "api_visibility", "show_api", "description", "oauth_token"),
    "parameter": (
        *("label", "parameter_name", "parameter_has_default", "parameter_default", "type", "python_type"),
        *("component", "example_input", "serializer"),
    ),
    "return": ("label", "type", "python_type", "component", "serializer"),
}
"""The fields that a client reads, by where they are."""

EXPECTED: Final = {
    "named-endpoints-odd": raises(
        RemoteProtocolError, "info.named_endpoints is not an object", retryable=False
    ),
    "unnamed-endpoints-odd": raises(
        RemoteProtocolError, "info.unnamed_endpoints is not an object", retryable=False
    ),
}
"""What comes out where that is not the value of the call: what is not known has a default.

The endpoints are known from the config, too, so an app without any description of theirs can be called."""


def _endpoint(info: dict[str, Any]) -> dict[str, Any]:
    return info["named_endpoints"]["/predict"]


FIELDS: Final = tuple(
    fields.faults(
        "info",
        INFO,
        {
            "": ("the info", lambda info: [info]),
            "endpoint": ("an endpoint of the info", lambda info: [_endpoint(info)]),
            "parameter": ("a parameter of the info", lambda info: _endpoint(info)["parameters"]),
            "return": ("a return value of the info", lambda info: _endpoint(info)["returns"]),
        },
        READ,
        EXPECTED,
    )
)


_answered = functools.partial(fields.answered, "info")
_told = functools.partial(fields.told, "info")


def _with_parameter(**changes: Any) -> dict[str, Any]:
    info = copy.deepcopy(INFO)
    _endpoint(info)["parameters"][0].update(changes)
    return info


CIRCLE: Final = {
    "$ref": "#/$defs/a",
    "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}},
}
"""A schema that is written in terms of itself, twice: every level would double what was written before."""

NO_JSON: Final = raises(RemoteProtocolError, "the reply to /info is not valid JSON", retryable=False)

WHOLE: Final = (
    _answered("reset", "The connection is reset when the info is asked for.", resets, raises(ConnectionLost)),
    _answered(
        "reset-once",
        "The connection is reset when the info is asked for; the next time it is told.",
        resets,
        Gives(),
        options={},
    ),
    _answered(
        "silence",
        "The info is never told.",
        silent,
        raises(DeadlineExceeded, kind="read"),
        options={"timeouts": Timeouts(read=0.3)},
    ),
    _answered(
        "not-found", "There is no info.", responds("404 Not Found"), raises(HTTPStatusError, status=404)
    ),
    _answered(
        "server-error",
        "The info is answered 500: some apps have schemas that Gradio fails on.",
        responds("500 Internal Server Error", b"Internal Server Error", kind="text/plain"),
        raises(HTTPStatusError, "/info answered 500", status=500, retryable=False),
    ),
    _answered(
        "page",
        "The info is a page.",
        responds(body=b"<h1>Service</h1>", kind="text/html"),
        raises(HTTPStatusError, "/info answered 200 with text/html", status=200),
    ),
    _answered(
        "login",
        "The info wants a login, though the config did not.",
        responds("401 Unauthorized", b'{"detail": "Not authenticated"}'),
        raises(AuthenticationError, "wants a login"),
    ),
    _answered("empty", "The info is empty.", responds(), NO_JSON),
    _answered(
        "cut", "The info is half of a JSON text.", responds(body=json.dumps(INFO).encode()[:-20]), NO_JSON
    ),
    _answered(
        "endless",
        "The info goes on and on.",
        responds(body=b" " * (64 * MIB)),
        raises(LimitExceeded, name="json_body_bytes"),
        times=None,
        use=only_predicts,
        options={"limits": Limits(json_body_bytes=MIB), "max_retries": 0},
        limit="json_body_bytes",
    ),
    _told("null", "The info is null.", None, raises(RemoteProtocolError, "the API info is not an object")),
    _told(
        "list", "The info is a list.", [INFO], raises(RemoteProtocolError, "the API info is not an object")
    ),
    _told(
        "no-endpoints",
        "The info has neither named nor unnamed endpoints.",
        {"detail": "fine"},
        raises(RemoteProtocolError, "the API info names no endpoints"),
    ),
    _told(
        "unknown-endpoint",
        "The info describes endpoints that the config does not know.",
        {
            **INFO,
            "named_endpoints": {"/other": {"parameters": []}},
            "unnamed_endpoints": {"-1": {}, "x": {}, "7": {}},
        },
    ),
    _told(
        "fewer-parameters",
        "The info describes fewer parameters than the config has.",
        {"named_endpoints": {"/predict": {"parameters": [], "returns": []}}},
        raises(TypeError, "takes 0 positional arguments but 1 was given"),
    ),
    _told(
        "more-parameters",
        "The info describes more parameters than the config has.",
        {"named_endpoints": {"/predict": {"parameters": _endpoint(INFO)["parameters"] * 3, "returns": []}}},
        raises(TypeError, "missing"),
    ),
    _told(
        "schema-circle",
        "The schema of a parameter holds itself, twice.",
        _with_parameter(type=CIRCLE, python_type=None),
    ),
    _told(
        "schema-nowhere",
        "The schema of a parameter refers to nowhere.",
        _with_parameter(type={"$ref": "#/$defs/nowhere"}, python_type=None),
    ),
    _told("schema-true", "The schema of a parameter is true.", _with_parameter(type=True, python_type=None)),
    _told(
        "name-hostile",
        "The name of a parameter holds what would act on a terminal.",
        _with_parameter(parameter_name="x\x1b[2J\n\u202e"),
    ),
)

FAULTS: tuple[Fault, ...] = (*FIELDS, *WHOLE)
