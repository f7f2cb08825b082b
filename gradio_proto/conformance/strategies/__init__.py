"""Hypothesis strategies for everything that Gradio servers and clients say to each other.

    from hypothesis import given
    from gradio_proto.conformance import strategies

    @given(strategies.message_streams("6.31.0"))
    def test_my_client(stream): ...

They are what the conformance tester draws from, and are meant for tests of other clients and servers as well. Where a
strategy depends on the version of Gradio, it takes one of :data:`VERSIONS`, the versions that were recorded.

Each shrinks to something short, ASCII and dull. A strategy that has ``hostile=`` stays without it to what every
server should take; with it, to what the type alone allows.
"""

from __future__ import annotations

try:
    import hypothesis as _hypothesis
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "the strategies need Hypothesis: pip install 'gradio_proto[conformance]'", name="hypothesis"
    ) from error

from .apps import DrawnApp, apps, configs, infos
from .chunkings import chunkings
from .diffs import DiffForm, diffs
from .event_streams import event_streams
from .files import FileToSend, file_contents, file_names
from .inputs import inputs
from .message_streams import MessageStream, StreamedJob, message_streams
from .messages import WireMessage, message_kinds, messages
from .schema_values import schema_values
from .schemas import schemas
from .texts import session_hashes, texts
from .values import value_changes, value_sequences, values
from .versions import VERSIONS

del _hypothesis

__all__ = [
    "VERSIONS",
    "DiffForm",
    "DrawnApp",
    "FileToSend",
    "MessageStream",
    "StreamedJob",
    "WireMessage",
    "apps",
    "chunkings",
    "configs",
    "diffs",
    "event_streams",
    "file_contents",
    "file_names",
    "infos",
    "inputs",
    "message_kinds",
    "message_streams",
    "messages",
    "schema_values",
    "schemas",
    "session_hashes",
    "texts",
    "value_changes",
    "value_sequences",
    "values",
]
