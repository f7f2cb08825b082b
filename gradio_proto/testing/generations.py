"""What older servers say otherwise than Gradio 6.31.0, one table of fields and one of behaviours.

Everything in this package is written as Gradio 6.31.0 has it. A :class:`Generation` then leaves out what came
later than itself, from the config to the last message, and answers the few questions on which versions differ
in more than fields. Only versions that were recorded are here; between them, who knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from .jsonvalues import is_dict

Part = Literal[
    "config", "dependency", "component", "endpoint", "parameter", "output", "failure",
    "status", "log", "process_generating", "process_completed", "unexpected_error", "heartbeat",
    "file", "stream", "login page", "render",
]  # fmt: skip
"""What has fields: parts of the config and of the API info, messages by name, and what stands in them."""

_SSE_V1, _SSE_V2, _SSE_V21, _V4, _V5, _V6 = "4.13.0", "4.19.1", "4.21.0", "4.44.1", "5.49.1", "6.31.0"

PROTOCOLS: Final[Mapping[str, str]] = {
    _SSE_V1: "sse_v1",
    _SSE_V2: "sse_v2",
    _SSE_V21: "sse_v2.1",
    _V4: "sse_v3",
    _V5: "sse_v3",
    _V6: "sse_v3",
}
"""The versions that can be served, oldest first, and the protocol that each names in its config."""

LATEST: Final = _V6

_SINCE: Mapping[Part, Mapping[str, str]] = {
    "config": {
        "body_css": _SSE_V2,
        "fill_height": _SSE_V2,
        **dict.fromkeys(
            ("connect_heartbeat", "max_file_size", "fill_width", "theme_hash", "username"),
            _V4,
        ),
        **dict.fromkeys(
            ("api_prefix", "vibe_mode", "pwa", "pages", "page", "mcp_server", "i18n_translations"), _V5
        ),
        "footer_links": _V6,
        "run_history": _V6,
    },
    "dependency": {
        "id": _V4,
        "rendered_in": _V4,
        **dict.fromkeys(
            (
                "api_description",
                "show_progress_on",
                "trigger_only_on_failure",
                "render_id",
                "connection",
                "time_limit",
                "stream_every",
                "event_specific_args",
                "js_implementation",
            ),
            _V5,
        ),
        "api_visibility": _V6,
        "component_prop_inputs": _V6,
    },
    "component": {"key": _V4, "api_info_as_input": _V5, "api_info_as_output": _V5},
    "endpoint": {"show_api": _V4, "description": _V5, "api_visibility": _V6, "oauth_token": _V6},
    "parameter": dict.fromkeys(("parameter_name", "parameter_has_default", "parameter_default"), _V4),
    "output": {"render_config": _V4, "changed_state_ids": _V4, "used_cache": _V6},
    "failure": {"duration": _V4, "visible": _V4, "title": _V5},
    "status": {"msg": _SSE_V21, "event_id": _SSE_V21},
    "log": {"duration": _V4, "visible": _V4, "title": _V5},
    "process_generating": {"time_limit": _V5},
    "process_completed": {"title": _V5, "used_cache": _V6, "cache_duration": _V6, "avg_time": _V6},
    "unexpected_error": {"event_id": _V4, "session_not_found": _V5},
    "heartbeat": {"event_id": _V4},
    "login page": dict.fromkeys(("page", "pages", "components", "dependencies", "current_page"), _V5),
    "stream": dict.fromkeys(("url", "size", "orig_name", "mime_type", "meta"), _V4),
    "file": {"is_stream": _SSE_V2, "meta": _SSE_V21},
    "render": {"page": _V5},
}
"""The first of the versions that has a field. What is not here, all of them have."""


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


class Generation:
    """What a server of one version says.

    Args:
        version: One of :data:`PROTOCOLS`.

    Raises:
        ValueError: It is not.
    """

    def __init__(self, version: str = LATEST) -> None:
        if version not in PROTOCOLS:
            raise ValueError(f"no recorded version {version!r}; there are {', '.join(PROTOCOLS)}")
        self.version = version
        self.protocol = PROTOCOLS[version]
        number = _number(version)
        self._newer: Mapping[Part, frozenset[str]] = {
            part: frozenset(name for name, since in fields.items() if _number(since) > number)
            for part, fields in _SINCE.items()
        }
        v4, v5, v6 = (number >= _number(first) for first in (_V4, _V5, _V6))
        self.prefix = "/gradio_api" if v5 else ""
        """What stands before most routes."""
        self.compact_json = v4
        """Messages are compact UTF-8; before, ASCII with spaces."""
        self.closes_streams = v4
        """A message says that the stream ends."""
        self.sends_edits = self.protocol != "sse_v1"
        """Streamed values after the first are edits."""
        self.shifts_deletes = v5
        """Edits that delete from a list count those before them; before, they name the original indices."""
        self.json_is_whole = v4
        """The edits of ``gr.JSON`` do not look into the value."""
        self.dies_of_stale_jobs = version == _V4
        """A stream breaks when it has sent the completion of a job that was cancelled while it waited."""
        self.can_cancel = v4
        """There are ``/cancel`` and ``/heartbeat``."""
        self.cancels_queued = v6
        """A cancelled job leaves the line; before, it runs in its turn all the same."""
        self.cancels_by_endpoint = not v4
        """A call of an endpoint that has ``cancels`` cancels; later such an endpoint is for browsers only."""
        self.cancel_name = "cancel" if not v4 else "unnamed"
        """What such an endpoint is called."""
        self.tells_session = v4
        """A function that looks at its request sees the session."""
        self.resets = not v4
        """``/reset`` ends a generator, without a word; later it does nothing."""
        self.looks_every = 10.0 if v6 else 0.05
        """Seconds after which a stream without messages looks whether its session and the queue still live."""
        self.renders = v4
        """There is ``gr.render``."""
        self.marks_rendered_components = v5
        """What was rendered says so itself; before, its properties do."""
        self.renames_rendered = v5
        """What is rendered anew gets another name than what it replaces, which is still there meanwhile."""
        self.has_input_streams = v5
        """A function may take its input in chunks."""
        self.ends_input_streams = v6
        """The end of such an input is its end; before, the last chunk is processed again, and a function without a time
        limit goes on waiting."""
        self.forgets_events = v6
        """A chunk for a job that has ended is refused; before, it is taken, and only those for jobs that never were
        make the server stumble."""
        self.has_validators = v5
        """Functions may have validators, which are asked before a job joins the queue."""
        self.takes_oauth_token = v6
        """A caller may send a token, to functions that want one."""
        self.checks_component_calls = not v4
        """A malformed ``/component_server`` request is told what is wrong with it."""
        self.has_call = number >= _number(_SSE_V21)
        """There is ``/call``."""
        self.has_call_v2 = v6
        """There is ``/call/v2``."""
        self.call_knows_sessions = v6
        """``/call`` works in a session of the caller's; before, its answer is never found then."""
        self.call_fills_states = v6
        """``/call`` takes values without a place for State."""
        self.names_private = v6
        """A private endpoint can be called by name all the same."""
        self.quotes_json = v5 and not v6
        """A direct call gives the values of ``gr.JSON`` as Python writes them, in a string."""
        self.shows_tracebacks = v5 and not v6
        """A bare 500 has a traceback for a body."""
        self.call_tells_errors = v6
        """``/call`` streams what went wrong; before, null."""
        self.chat_parts = v6
        """Chat messages have lists of parts for content."""
        self.not_found = "404: Not Found" if v5 else "404: Session not found."
        """What a stream of an unknown session says."""
        before = _number(_SSE_V21) > number
        self.no_session = "No session hash provided." if before else "Session hash not found."
        """What a join without a session is answered."""
        self.has_logout = number >= _number(_SSE_V21)
        """There is ``/logout``."""
        self.forgets_cookies = v4
        """Which takes the cookies away too."""
        self.explains_login = v5
        """Who is refused for want of a login is told the app's message."""
        self.quotes_urls = v6
        """The URLs of files are percent-encoded; before, they hold spaces and other letters as they are."""
        self.has_file_urls = self.sends_edits
        """FileData has a URL; before, null."""
        self.file_hash: Literal["sha1", "sha256"] = "sha256" if v4 else "sha1"
        """What names the folder of a file."""
        self.seeds_file_hashes = v5
        """That hash depends on the server too."""
        self.checks_upload_size = v4
        """There is ``max_file_size``."""
        self.file_name_letters: str | None = None if v6 else "._-, " if v5 else "._- "
        """What beside letters and digits is left in the name of a file; None: all but what is dangerous."""
        self.keeps_suffixes = v5
        """A file name that is too long is cut before its suffix; before, at its end."""
        self.needs_file_meta = v5
        """A file without ``meta`` is refused."""
        self.reads_any_path = before
        """A path of the server's own file system is as good as an upload."""
        self.hides_missing_files = v5
        """A download of what is not there is answered as one of what is not allowed."""
        self.has_playlists = v5
        """Media are played from playlists; before, from one long response."""
        self.disposes = v4
        """Downloads say how to show them, and may start anywhere; what a browser could run is an attachment."""
        self._quotes = not v5
        self._says_none = not v4
        self._crash_is_visible = v6
        self._shows_api = not v6

    def trim(self, part: Part, value: Mapping[str, Any]) -> dict[str, Any]:
        """Leave out the fields that came later."""
        newer = self._newer[part]
        return {name: item for name, item in value.items() if name not in newer}

    def message(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """A message as this version has it."""
        kind = message["msg"]
        trimmed = self.trim(kind, message) if kind in self._newer else {**message}
        output = message.get("output")
        if is_dict(output) and "error" in output:
            trimmed["output"] = self.failure(output, first=message["title"] is not None)
        elif is_dict(output):
            trimmed["output"] = self.trim("output", output)
        return trimmed

    def failure(self, output: Mapping[str, Any], *, first: bool = True) -> dict[str, Any]:
        """What stands in place of a failed function's output.

        Args:
            first: It failed before it gave anything.
        """
        trimmed = self.trim("failure", output)
        if "title" in output:  # gr.Error, which says so itself
            if self._quotes:
                # It was given to str() as an exception whose text is its repr.
                trimmed["error"] = repr(output["error"])
        elif not self._crash_is_visible:
            trimmed.pop("visible", None)
        if output["error"] is None and self._says_none and not first:
            trimmed["error"] = "None"
        return trimmed

    def visibility(self, value: str) -> dict[str, Any]:
        """The field by which versions before 6 say whether an endpoint is shown."""
        return {"show_api": value == "public"} if self._shows_api else {}
