"""What can be wrong with the description of an app's endpoints."""

from __future__ import annotations

from typing import Any, Final

from . import fields
from .model import Fault

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

EXPECTED: Final = {}


def _endpoint(info: dict[str, Any]) -> dict[str, Any]:
    return info["named_endpoints"]["/predict"]


FIELDS: Final = tuple(
    fields.faults(
        "info",
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

FAULTS: tuple[Fault, ...] = FIELDS
