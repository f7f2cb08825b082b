"""Which tests hold which module of the core.

A module's own tests are those of ``tests/test_<module>.py``. What they do not see is shown to some others, which use
the module a good deal; they are few and quick, for each survivor runs them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

LEFT_OUT: Final = (
    "client/",
    "cli/",
    "conformance/",
    "recording/",
    "testing/",
    "typed/",
    "__init__",
    "__main__",
)
"""What is not the core, or not what a client's calls rest on: the embedded server, recordings, typed records."""

ALSO: Final[Mapping[str, Sequence[str]]] = {
    "api_info": ("endpoints", "view_api"),
    "app_errors": ("errors", "job", "session"),
    "cancelling": ("flows_cancellation",),
    "carriers": ("flows_conversation", "endpoints", "flows_calls", "flows_state"),
    "config": ("endpoints", "rendered", "flows_connect"),
    "cookies": ("flows_requests", "flows_connect"),
    "diff": ("job", "session"),
    "effects": ("job", "session"),
    "endpoints": ("legacy_files", "rendered", "flows_calls", "flows_state"),
    "errors": ("app_errors", "job", "flows_requests"),
    "events": ("job", "session", "effects"),
    "exchange": ("socks", "replies", "flows_requests"),
    "filenames": ("flows_download", "flows_upload"),
    "files": ("flows_download", "flows_upload", "flows_calls"),
    "flows.calls": (
        "flows_simple",
        "flows_stream_input",
        "flows_direct",
        "flows_upload",
        "flows_download",
        "flows_cancellation",
        "flows_conversation",
        "flows_state",
    ),
    "flows.conversation": ("flows_streams", "flows_calls", "flows_cancellation", "flows_heartbeat"),
    "flows.connect": ("flows_spaces", "flows_calls"),
    "flows.direct": ("tracing", "flows_calls"),
    "flows.download": ("flows_legacy_files", "flows_calls"),
    "flows.foreign": ("flows_download", "flows_requests", "flows_legacy_files"),
    "flows.heartbeat": ("flows_conversation",),
    "flows.requests": (
        "flows_connect",
        "flows_calls",
        "flows_conversation",
        "flows_upload",
        "flows_download",
    ),
    "flows.state": ("flows_calls", "flows_handover"),
    "flows.streams": ("flows_conversation", "flows_calls"),
    "flows.traced": ("tracing", "flows_calls", "flows_connect"),
    "flows.upload": ("flows_calls", "flows_legacy_files"),
    "frozen": ("config", "endpoints"),
    "http": ("exchange", "socks"),
    "identifiers": ("api_info", "endpoints"),
    "input_stream": ("flows_stream_input", "session"),
    "job": ("session", "flows_conversation", "flows_download"),
    "journal": ("flows_conversation", "flows_calls", "job"),
    "jsontext": ("payload", "messages", "replies"),
    "legacy_files": ("files", "flows_legacy_files"),
    "limits": ("sse", "http", "websocket", "messages", "files", "exchange"),
    "messages": ("job", "session"),
    "multipart": ("flows_upload",),
    "payload": ("session", "flows_calls"),
    "redaction": ("errors", "tracing", "cookies"),
    "rendered": ("effects", "endpoints", "flows_state"),
    "replies": ("flows_requests", "session"),
    "scheduler": ("session", "flows_conversation"),
    "sentinels": ("sse", "http", "websocket"),
    "session": ("flows_conversation", "flows_streams", "flows_calls"),
    "socks": ("proxies",),
    "simple_api": ("flows_simple",),
    "spaces": ("flows_spaces",),
    "sse": ("flows_streams", "flows_conversation"),
    "status": ("job", "messages"),
    "text": ("errors", "redaction", "messages"),
    "timeouts": ("exchange", "flows_requests", "flows_conversation"),
    "tracing": ("flows_calls", "flows_connect"),
    "transfers": ("flows_upload", "flows_download"),
    "transport": ("exchange", "flows_requests", "flows_connect"),
    "urls": ("flows_connect", "proxies", "files"),
    "websocket": ("flows_conversation", "flows_streams"),
}
"""By module: the tests that see what its own do not, as ``tests/test_<name>.py``."""


def core(package: Path) -> dict[str, Path]:
    """The modules that are mutated, by their names within the package, like ``flows.calls``."""
    found: dict[str, Path] = {}
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if not name.startswith(LEFT_OUT) and path.name != "__init__.py":
            found[name.removesuffix(".py").replace("/", ".")] = path
    return found


def own_tests(module: str, tests: Path) -> list[str]:
    """The tests that are named after a module; for some there are none."""
    name = f"test_{module.replace('.', '_')}.py"
    return [name] if (tests / name).exists() else []


def wider_tests(module: str, tests: Path) -> list[str]:
    """The tests that are shown what the own ones do not see."""
    names = [f"test_{name}.py" for name in ALSO.get(module, ())]
    return [name for name in names if (tests / name).exists()]
