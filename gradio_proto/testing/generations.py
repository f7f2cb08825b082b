"""What older servers say otherwise than Gradio 6.31.0: two tables of fields, and one of behaviours.

Everything in this package is written as Gradio 6.31.0 has it, with what went away before it beside that. A
:class:`Generation` then leaves out what is not of its time, from the config to the last message, and answers the
few questions on which versions differ in more than fields. Only versions that were recorded are here; between
them, who knows.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final, Literal

from .jsonvalues import is_dict

Part = Literal[
    "config", "dependency", "component", "endpoint", "parameter", "output", "failure",
    "status", "estimation", "send_data", "process_starts", "progress", "log", "process_generating",
    "process_completed", "unexpected_error", "heartbeat", "file", "stream", "login page", "render",
]  # fmt: skip
"""What has fields: parts of the config and of the API info, messages by name, and what stands in them."""

_WS, _WS_LAST, _SSE = "3.36.1", "3.50.2", "4.0.2"
_SSE_V1, _SSE_V2, _SSE_V21, _V4, _V5, _V6 = "4.13.0", "4.19.1", "4.21.0", "4.44.1", "5.49.1", "6.31.0"

PROTOCOLS: Final[Mapping[str, str]] = {
    _WS: "ws",
    _WS_LAST: "ws",
    _SSE: "sse",
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
        "app_id": _WS_LAST,
        **dict.fromkeys(("js", "head", "protocol"), _SSE),
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
        "trigger_mode": _SSE,
        "id": _V4,
        "rendered_in": _V4,
        "zerogpu": _V4,
        "like_user_message": _V5,
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
    "component": {
        "skip_api": _SSE,
        "component_class_id": _SSE,
        "key": _V4,
        "api_info_as_input": _V5,
        "api_info_as_output": _V5,
    },
    "endpoint": {"show_api": _V4, "description": _V5, "api_visibility": _V6, "oauth_token": _V6},
    "parameter": dict.fromkeys(("parameter_name", "parameter_has_default", "parameter_default"), _V4),
    "output": {"render_config": _V4, "changed_state_ids": _V4, "used_cache": _V6},
    "failure": {"duration": _V4, "visible": _V4, "title": _V5},
    "status": {"msg": _SSE_V21, "event_id": _SSE_V21},
    "estimation": {"event_id": _SSE_V1},
    "send_data": {"event_id": _SSE},
    "process_starts": {"event_id": _SSE_V1, "eta": _SSE_V1},
    "progress": {"event_id": _SSE_V1},
    "log": {"event_id": _SSE_V1, "duration": _V4, "visible": _V4, "title": _V5},
    "process_generating": {"event_id": _SSE_V1, "time_limit": _V5},
    "process_completed": {
        "event_id": _SSE_V1,
        "title": _V5,
        "used_cache": _V6,
        "cache_duration": _V6,
        "avg_time": _V6,
    },
    "unexpected_error": {"event_id": _V4, "session_not_found": _V5},
    "heartbeat": {"event_id": _V4},
    "login page": dict.fromkeys(("page", "pages", "components", "dependencies", "current_page"), _V5),
    "stream": dict.fromkeys(("url", "size", "orig_name", "mime_type", "meta"), _V4),
    "file": {"is_stream": _SSE_V2, "meta": _SSE_V21},
    "render": {"page": _V5},
}
"""The first of the versions that has a field. What is not here, all of them have from the beginning."""

_AVERAGES = ("avg_event_process_time", "avg_event_concurrent_process_time", "queue_eta")

_UNTIL: Mapping[Part, Mapping[str, str]] = {
    "dependency": {"trigger": _WS, "every": _SSE_V21, "zerogpu": _V4, "like_user_message": _V5},
    "estimation": dict.fromkeys(_AVERAGES, _SSE),
    "status": dict.fromkeys(_AVERAGES, _SSE),
}
"""The last of the versions that has a field. What is not here, all of them have to the end."""


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
        self._left_out: dict[Part, set[str]] = {
            part: {name for name, since in fields.items() if _number(since) > number}
            for part, fields in _SINCE.items()
        }
        for part, fields in _UNTIL.items():
            gone = {name for name, until in fields.items() if _number(until) < number}
            self._left_out[part] |= gone
        v4, v5, v6 = (number >= _number(first) for first in (_V4, _V5, _V6))
        self.prefix = "/gradio_api" if v5 else ""
        """What stands before most routes."""
        self.compact_json = v4
        """Streamed messages are compact UTF-8; before, ASCII with spaces."""
        self.sends_edits = self.protocol not in ("ws", "sse", "sse_v1")
        """Streamed values after the first are edits."""
        self.asks_for_data = self.protocol in ("ws", "sse")
        """A job's inputs are asked for when its turn has come, and what is said about it goes to whoever joined."""
        self.has_sockets = self.protocol == "ws"
        """Who joins opens a WebSocket. Files are inline, or named by ``is_file``; the API info knows serializers."""
        self.ascii_sockets = version == _WS
        """What goes through it is ASCII."""
        self.beats_once = self.protocol == "sse"
        """A stream has one heartbeat, ever."""
        self.batches_kill_queue = self.protocol == "sse"
        """Nothing runs any more once a batch was to be made."""
        if self.has_sockets:
            # It was there, went away, and came again.
            self._left_out["status"].discard("msg")
        self.shown_version = f"{version}\n" if version == _WS else version
        """What its config says that it is."""
        self.names_root = self.sends_edits
        """The config has the address that the client used; before, nothing."""
        self.queue_is_null = not v4
        """Whether an endpoint has a queue is left to the app, unless it has none."""
        self.hides_names = self.asks_for_data
        """A private endpoint is without a name; on 3.x so is one that cancels, which is listed by its number."""
        self.shows_undocumented = self.asks_for_data
        """Nothing can be undocumented yet."""
        self.numbers_are_floats = number < _number(_SSE_V1)
        """A number is a float, whatever was sent, except where only whole ones may stand."""
        self.stumbles = True
        """A request for what is not there is answered like a failure of the server, or not at all."""
        self.names_missing_endpoints = version == _WS
        """A direct call of a name that is not there is told so."""
        self.speaks_pydantic_1 = version == _WS
        """What is wrong with a body is said in other words."""
        self.strips_usernames = version != _WS
        """Spaces around a username do not matter."""
        self.tells_cookies_apart = version != _WS
        """The names of cookies hold the app's id."""
        self.refuses_direct_calls: tuple[int, str] = {
            _WS: (401, "Not authorized to skip the queue"),
            _WS_LAST: (404, "Not Found"),
        }.get(
            version,
            (
                404,
                "This API endpoint does not accept direct HTTP POST requests. "
                "Please join the queue to use this API.",
            ),
        )
        """What a direct call is answered that would pass by the queue of an app that does not want that."""
        self.has_component_calls = version != _WS
        """There is ``/component_server``."""
        self.crashes_on_component_calls = self.asks_for_data
        """One for a function that a component does not offer makes the server stumble."""
        self.has_media = version != _WS
        """A function may give its media piece by piece."""
        self.looks_for_files_first = version == _WS
        """Whether a file is there is looked at before whether it may be seen."""
        self.names_images = self.protocol != "sse"
        """It is told what the file of an image is called."""
        self.needs_content_type = v5
        """A body of which nobody says that it is JSON is none."""
        self.hashes_uploads = not self.has_sockets
        """The folder of an upload is named after its content; before, at random."""
        self.closes_streams = v4
        """A message says that the stream ends."""
        self.shifts_deletes = v5
        """Edits that delete from a list count those before them; before, they name the original indices."""
        self.json_is_whole = v4
        """The edits of ``gr.JSON`` do not look into the value."""
        self.remembers_left_jobs = True
        """What ran when a session's reader left stays pending, so that no later stream of the session ends."""
        self.dies_of_stale_jobs = version == _V4
        """A stream breaks when it has sent the completion of a job that was cancelled while it waited."""
        self.can_cancel = v4
        """There are ``/cancel`` and ``/heartbeat``."""
        self.cancels_siblings = v4
        """``/cancel`` ends whatever runs of the function in the session, and not the job that it names."""
        self.cancels_queued = v6
        """A cancelled job leaves the line; before, it runs in its turn all the same."""
        self.cancels_by_endpoint = not v4
        """A call of an endpoint that has ``cancels`` cancels; later such an endpoint is for browsers only."""
        self.cancels_silently = True
        """Nobody is told of what such an endpoint has cancelled, and the stream does not end."""
        self.cancel_name = "" if self.asks_for_data else "cancel" if not v4 else "unnamed"
        """What such an endpoint is called; before 4.9 nothing."""
        self.tells_session = v4
        """A function that looks at its request sees the session."""
        self.resets = not v4
        """``/reset`` ends a generator, without a word; later it does nothing."""
        self.repeats_stop = True
        """A stopped server says so again and again, and leaves the stream open."""
        self.ignores_bad_data = self.has_sockets
        """A socket that was asked for data and sends something else never hears of its job again."""
        self.keeps_late_sockets = self.has_sockets
        """One that sends its data too late is told so, and not closed."""
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
        self.leaves_routes_open = True
        """Nobody has to log in to cancel, to reset, for a heartbeat or for a stream."""
        self.confuses_late_errors = True
        """Where a generator fails after a value, the message has no title, and the error's display time for a
        cache's."""
        self.quotes_urls = v6
        """The URLs of files are percent-encoded; before, they hold spaces and other letters as they are."""
        self.redirects_to_urls = not v6
        """A download by a URL is sent there."""
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
        self._says_none = not v4 and version != _WS
        self._crash_is_visible = v6
        self._shows_api = not v6 and not self.asks_for_data
        self.config_shows_api = not v6
        """The config says that there is an API page."""

    def healthy(self) -> Generation:
        """This version without what its servers do wrong (``spec/defects.md``), as far as that is shown here."""
        healed = copy.copy(self)
        healed.stumbles = healed.names_missing_endpoints = healed.shows_tracebacks = False
        healed.crashes_on_component_calls = healed.names_private = healed.leaves_routes_open = False
        healed.ignores_bad_data = healed.keeps_late_sockets = healed.repeats_stop = False
        healed.beats_once = healed.batches_kill_queue = healed.dies_of_stale_jobs = False
        healed.remembers_left_jobs = healed.cancels_siblings = healed.cancels_silently = False
        healed.cancels_queued = healed.forgets_events = healed.ends_input_streams = True
        healed.call_knows_sessions = healed.call_tells_errors = True
        healed.confuses_late_errors = healed.quotes_json = healed.reads_any_path = False
        healed.shifts_deletes = healed.quotes_urls = True
        healed.has_file_urls = not self.has_sockets
        healed._quotes = healed._says_none = False
        return healed

    def trim(self, part: Part, value: Mapping[str, Any]) -> dict[str, Any]:
        """Leave out of the value of some part of the protocol the fields that this version has not."""
        left_out = self._left_out[part]
        return {name: item for name, item in value.items() if name not in left_out}

    def message(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """A message as this version has it."""
        kind = message["msg"]
        trimmed = self.trim(kind, message) if kind in self._left_out else {**message}
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
            output: What a newer version says.
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
        """The field, with this value, by which versions before 6 say whether an endpoint is shown."""
        return {"show_api": value == "public"} if self._shows_api else {}
