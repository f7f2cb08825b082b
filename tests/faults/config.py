"""What can be wrong with an app's config, or happen while a client connects."""

from __future__ import annotations

from typing import Any, Final

from . import fields
from .model import Fault

CONFIG: Final[dict[str, Any]] = fields.app().config("http://127.0.0.1:7860")

READ: Final = {
    "": (
        *(
            "version",
            "protocol",
            "api_prefix",
            "root",
            "space_id",
            "app_id",
            "enable_queue",
            "connect_heartbeat",
        ),
        *("show_error", "max_file_size", "auth_required", "auth_message", "username", "components"),
        "dependencies",
    ),
    "dependency": (
        *("id", "api_name", "inputs", "outputs", "queue", "batch", "cancels", "types", "backend_fn"),
        *("connection", "api_visibility", "show_api", "collects_event_data", "rendered_in", "time_limit"),
        "stream_every",
    ),
    "component": ("id", "type", "props", "skip_api", "api_info"),
}
"""The fields that a client reads, by where they are."""

EXPECTED: Final = {}

FIELDS: Final = tuple(
    fields.faults(
        "config",
        "config",
        CONFIG,
        {
            "": ("the config", lambda config: [config]),
            "dependency": ("an endpoint of the config", lambda config: config["dependencies"]),
            "component": ("the components of the config", lambda config: config["components"]),
        },
        READ,
        EXPECTED,
    )
)

FAULTS: tuple[Fault, ...] = FIELDS
