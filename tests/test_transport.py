"""What a transport is told where its caller says nothing."""

from __future__ import annotations

from gradio_proto.limits import Limits
from gradio_proto.timeouts import Timeouts
from gradio_proto.transport import TransportOptions
from gradio_proto.urls import parse_app_url


def test_certificates_are_checked_unless_the_caller_says_no() -> None:
    origin = parse_app_url("https://app.example").origin
    options = TransportOptions(origin=origin, limits=Limits(), timeouts=Timeouts())
    assert options.ssl_verify is True
    assert options.ssl_context is None
    assert options.proxy is None
    assert options.trust_env is True
