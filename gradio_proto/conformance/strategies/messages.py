"""Messages as servers of each version write them: valid under ``spec/schemas``, in the version's own way of JSON."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ... import jsontext
from ...testing.generations import Generation, Part
from .apps import render_config
from .texts import texts
from .values import values

SERVER_STOPPED: Final = "Server stopped unexpectedly."


@dataclass(frozen=True, slots=True)
class WireMessage:
    """One message of a server."""

    text: str
    """The data of its event, or its WebSocket text frame."""
    value: dict[str, Any]
    """The same, decoded."""

    @property
    def msg(self) -> str:
        """Its kind."""
        kind: str = self.value["msg"]
        return kind


def wire_message(generation: Generation, fields: Mapping[str, Any]) -> WireMessage:
    """Write a message as that generation does.

    Args:
        generation: What the server speaks.
        fields: The message with all fields that Gradio 6.31.0 has, and those that older ones have beside them; what
            the generation has not is left out.
    """
    value = generation.message(fields)
    if generation.has_sockets:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=generation.ascii_sockets)
    elif generation.compact_json:
        text = jsontext.dumps(value).decode()
    else:
        text = json.dumps(value)
    return WireMessage(text, value)


def message_kinds(version: str) -> tuple[str, ...]:
    """The kinds of messages that servers of a version send on the queue's streams.

    >>> message_kinds("3.50.2")[:3]
    ('send_hash', 'send_data', 'queue_full')

    Raises:
        ValueError: There is no such version here.
    """
    return tuple(kind for kind, has in _HAS.items() if has(Generation(version)))


def messages(version: str, kind: str | None = None) -> SearchStrategy[WireMessage]:
    """Any message that a server of that version may send on the queue's streams, each valid by itself.

    What stands in ``output.data`` is a whole value: for the diffs of a streaming job, which only mean something
    behind another message, see :func:`message_streams`.

    >>> from hypothesis import given
    >>> @given(messages("4.44.1", "heartbeat"))
    ... def test_my_parser(message: WireMessage) -> None:
    ...     assert message.text == '{"msg":"heartbeat","event_id":null}'
    >>> test_my_parser()

    Args:
        version: One of :data:`VERSIONS`.
        kind: The value of ``msg``; any kind that the version has if it is None.

    Raises:
        ValueError: There is no such version here, or it has no such message.
    """
    kinds = message_kinds(version)
    if kind is not None and kind not in kinds:
        raise ValueError(f"Gradio {version} has no message {kind!r}; there are {', '.join(kinds)}")
    generation = Generation(version)
    fields = message_fields(version)
    drawn = [fields.of(each) for each in (kinds if kind is None else (kind,))]
    return st.one_of(drawn).map(lambda each: wire_message(generation, each))


@functools.cache
def message_fields(version: str) -> MessageFields:
    """The fields of the messages of a version."""
    return MessageFields(Generation(version))


def event_ids() -> SearchStrategy[str]:
    """Names that servers give to jobs: 32 hexadecimal digits."""
    return st.integers(0, 16**32 - 1).map("{:032x}".format)


# One choice each: a message has up to six of them, and nobody cares.
_DURATIONS: Final = (0, 0.0, 1, 2.5, 0.012345678901234567, 3600.5)

_NONE: Final[SearchStrategy[None]] = st.none()

_CACHES: Final = st.sampled_from((None, "full", "partial"))

_STATE_IDS: Final = st.sampled_from(((), (1,), (3, 14))).map(list)

_SECONDS: Final = st.sampled_from(_DURATIONS)

_MAYBE_SECONDS: Final = st.sampled_from((None, *_DURATIONS))


def _is_queued_by_post(generation: Generation) -> bool:
    return not generation.asks_for_data


def _always(generation: Generation) -> bool:
    return True


_HAS: Final[Mapping[str, Callable[[Generation], bool]]] = {
    "send_hash": lambda generation: generation.has_sockets,
    "send_data": lambda generation: generation.asks_for_data,
    "queue_full": lambda generation: generation.asks_for_data,
    "estimation": _always,
    "process_starts": _always,
    "progress": _always,
    "log": _always,
    "process_generating": _always,
    "process_streaming": lambda generation: generation.has_input_streams,
    "process_completed": _always,
    "heartbeat": lambda generation: not generation.has_sockets,
    "unexpected_error": _is_queued_by_post,
    "close_stream": lambda generation: generation.closes_streams,
}


class MessageFields:
    """The fields of each kind of message, before it is known for whom it is and what a function gave.

    Each is a strategy of what :func:`wire_message` takes. They are made once for each version: to make one costs more
    than to draw from it.
    """

    def __init__(self, generation: Generation) -> None:
        self._generation = generation

    def of(self, kind: str, event_id: str | None = None) -> SearchStrategy[dict[str, Any]]:
        """Any message of a kind.

        Args:
            kind: One of :func:`message_kinds`.
            event_id: The job that it is for, if it is for one; any if it is None.
        """
        message: SearchStrategy[dict[str, Any]] = getattr(self, kind)
        if kind not in _FOR_JOBS:
            return message
        named = event_ids() if event_id is None else st.just(event_id)
        # The name comes second, as servers write it.
        return st.tuples(named, message).map(lambda drawn: {"msg": kind, "event_id": drawn[0], **drawn[1]})

    @functools.cached_property
    def send_hash(self) -> SearchStrategy[dict[str, Any]]:
        """The server asks for the session."""
        return _fixed(msg=st.just("send_hash"))

    @functools.cached_property
    def send_data(self) -> SearchStrategy[dict[str, Any]]:
        """The server asks for the inputs."""
        return _fixed()

    @functools.cached_property
    def queue_full(self) -> SearchStrategy[dict[str, Any]]:
        """The server refuses the job."""
        return _fixed(msg=st.just("queue_full"))

    @functools.cached_property
    def estimation(self) -> SearchStrategy[dict[str, Any]]:
        """Where the job stands."""
        times = self._known(
            "estimation",
            avg_event_process_time=_SECONDS,
            avg_event_concurrent_process_time=_MAYBE_SECONDS,
            rank_eta=_MAYBE_SECONDS,
            queue_eta=_SECONDS,
        )
        return st.tuples(st.integers(0, 9), st.integers(0, 3), times).map(
            lambda drawn: {"rank": drawn[0], "queue_size": drawn[0] + 1 + drawn[1], **drawn[2]}
        )

    @functools.cached_property
    def process_starts(self) -> SearchStrategy[dict[str, Any]]:
        """The function runs."""
        return self._known("process_starts", eta=_MAYBE_SECONDS)

    @functools.cached_property
    def progress(self) -> SearchStrategy[dict[str, Any]]:
        """Bars, each of a fraction or of steps; fractions of steps came with Gradio 5."""
        steps: SearchStrategy[Any] = st.integers(0, 100)
        if self._generation.has_input_streams:
            steps = steps | st.floats(0, 100)
        common = {"unit": st.sampled_from(("steps", "it", None)), "desc": st.none() | texts()}
        counted = _fixed(index=steps, length=st.none() | steps, progress=st.none(), **common)
        fraction = _fixed(index=st.none(), length=st.none(), progress=st.floats(0, 1), **common)
        return _fixed(progress_data=st.lists(counted | fraction, min_size=1, max_size=3))

    @functools.cached_property
    def log(self) -> SearchStrategy[dict[str, Any]]:
        """What the function tells its user."""
        levels = ["info", "warning"]
        if self._generation.has_input_streams:
            levels.append("success")
        if self._generation.ends_input_streams:
            levels.append("error")
        return self._known(
            "log",
            log=texts(max_size=20),
            level=st.sampled_from(levels),
            duration=_MAYBE_SECONDS,
            visible=st.booleans(),
            title=texts(),
        )

    @functools.cached_property
    def process_generating(self) -> SearchStrategy[dict[str, Any]]:
        """A value of a generator."""
        return self._outputs.flatmap(self.generating)

    def generating(self, data: list[Any]) -> SearchStrategy[dict[str, Any]]:
        """A value of a generator: the whole of it, or a diff for each output."""
        return _fixed(
            output=self.output(data, is_generating=True), success=st.just(True), time_limit=st.none()
        )

    @functools.cached_property
    def process_streaming(self) -> SearchStrategy[dict[str, Any]]:
        """The value for a chunk of the input."""
        return self._outputs.flatmap(self.streaming)

    def streaming(self, data: list[Any]) -> SearchStrategy[dict[str, Any]]:
        """The value for a chunk of the input, which is this."""
        return _fixed(
            output=self.output(data, is_generating=True), success=st.just(True), time_limit=_MAYBE_SECONDS
        )

    @functools.cached_property
    def process_completed(self) -> SearchStrategy[dict[str, Any]]:
        """The end of a job: its outputs, a failure, or a cancellation."""
        ends = [
            self._outputs.flatmap(
                lambda data: self.completed(data, is_generating=False, render_configs=self._render_configs)
            ),
            self.failed(),
        ]
        if self._generation.can_cancel:
            ends.append(self.cancelled)
        return st.one_of(ends)

    def completed(
        self,
        data: list[Any],
        *,
        is_generating: bool | None,
        render_configs: SearchStrategy[dict[str, Any] | None] = _NONE,
    ) -> SearchStrategy[dict[str, Any]]:
        """The end of a job that gave these outputs."""
        return self._known(
            "process_completed",
            output=self.output(data, is_generating=is_generating, render_configs=render_configs),
            success=st.just(True),
            title=st.none(),
            used_cache=_CACHES,
            cache_duration=_MAYBE_SECONDS,
            avg_time=_MAYBE_SECONDS,
        )

    def failed(self, *, first: bool = True) -> SearchStrategy[dict[str, Any]]:
        """The end of a job that failed: by gr.Error, or by another exception, whose text may be hidden.

        Args:
            first: Whether it failed before it gave anything.
        """
        raised = _fixed(error=texts(), duration=_MAYBE_SECONDS, visible=st.booleans(), title=texts())
        crashed = _fixed(error=st.none() | texts(), visible=st.just(True))
        return _fixed(
            output=raised | crashed,
            success=st.just(False),
            title=texts() if first else st.none(),
            used_cache=st.none(),
            cache_duration=_MAYBE_SECONDS,
            avg_time=_MAYBE_SECONDS,
        )

    @functools.cached_property
    def cancelled(self) -> SearchStrategy[dict[str, Any]]:
        """The end of a job that was cancelled."""
        return _fixed(
            output=_fixed(),
            success=st.just(True),
            title=st.none(),
            used_cache=st.none(),
            cache_duration=st.none(),
            avg_time=st.none(),
        )

    @functools.cached_property
    def heartbeat(self) -> SearchStrategy[dict[str, Any]]:
        """The server lives."""
        return _fixed(msg=st.just("heartbeat"), event_id=st.none())

    @functools.cached_property
    def unexpected_error(self) -> SearchStrategy[dict[str, Any]]:
        """The session is over: the server does not know it, stops, or has stumbled over one of its jobs."""
        unknown = st.just((self._generation.not_found, True))
        others = st.just(SERVER_STOPPED) | event_ids().map(repr)
        told = unknown | others.map(lambda text: (text, False))
        return told.map(
            lambda drawn: {
                "msg": "unexpected_error",
                "event_id": None,
                "message": drawn[0],
                "session_not_found": drawn[1],
                "success": False,
            }
        )

    @functools.cached_property
    def close_stream(self) -> SearchStrategy[dict[str, Any]]:
        """The stream ends."""
        return _fixed(msg=st.just("close_stream"), event_id=st.none())

    def output(
        self,
        data: list[Any],
        *,
        is_generating: bool | None,
        render_configs: SearchStrategy[dict[str, Any] | None] = _NONE,
    ) -> SearchStrategy[dict[str, Any]]:
        """What a function gave at one step."""
        return self._known(
            "output",
            data=st.just(data),
            is_generating=st.just(is_generating),
            duration=_SECONDS,
            average_duration=_SECONDS,
            render_config=render_configs,
            changed_state_ids=_STATE_IDS,
            used_cache=_CACHES,
        )

    def _known(self, part: Part, **fields: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
        """The fields that the generation has, since drawing the others would be for nothing."""
        return _fixed(**self._generation.trim(part, fields))

    @functools.cached_property
    def _render_configs(self) -> SearchStrategy[dict[str, Any] | None]:
        if not self._generation.renders:
            return st.none()
        version = self._generation.version
        names = st.lists(st.sampled_from(("box", "go")), max_size=2)
        # Rarely: few functions render.
        return st.integers(0, 7).flatmap(
            lambda die: names.map(lambda drawn: render_config(version, [*drawn])) if die == 7 else st.none()
        )

    @functools.cached_property
    def _outputs(self) -> SearchStrategy[list[Any]]:
        return st.lists(outputs(), max_size=3)


@functools.cache
def outputs() -> SearchStrategy[Any]:
    """What stands in ``output.data``: a value, or an update of a component, whose value may be missing."""
    changed = st.fixed_dictionaries(
        {"__type__": st.just("update")}, optional={"value": values(max_size=4), "label": texts()}
    )
    return values() | changed


_FOR_JOBS: Final = frozenset(
    (
        *("send_data", "estimation", "process_starts", "progress", "log"),
        *("process_generating", "process_streaming", "process_completed"),
    )
)
"""The kinds that name a job, from the generation on that names jobs at all."""


def _fixed(**fields: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    """Objects with these fields, in this order: Hypothesis' own ``fixed_dictionaries`` shuffles them."""
    return st.tuples(*fields.values()).map(lambda drawn: dict(zip(fields, drawn, strict=True)))
