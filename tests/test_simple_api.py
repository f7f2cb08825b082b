"""What the simple API says, in the words of the queue: payloads, routes, events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import TRANSCRIPTS, records
from scripted import an_app

from gradio_proto.api_info import parse_api_info
from gradio_proto.app_errors import HIDDEN_MESSAGE, LOST_MESSAGE, app_error
from gradio_proto.config import parse_config
from gradio_proto.endpoints import App
from gradio_proto.errors import ArgumentError, RemoteProtocolError
from gradio_proto.limits import Limits
from gradio_proto.messages import (
    Heartbeat,
    Message,
    ProcessCompleted,
    ProcessGenerating,
    UnexpectedError,
    UnknownMessage,
    parse_message,
)
from gradio_proto.sentinels import END
from gradio_proto.simple_api import as_queue_message, call_payload, check_via, simple_route
from gradio_proto.sse import ServerSentEvent, SSEDecoder
