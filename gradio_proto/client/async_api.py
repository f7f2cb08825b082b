"""``client.api`` of the async client."""

from __future__ import annotations

from typing import Any

from .api import Described
from .async_client import AsyncBoundEndpoint


class AsyncApiEndpoint(Described[Any], AsyncBoundEndpoint):
    """An endpoint with a signature. Made by :attr:`gradio_proto.AsyncClient.api`; otherwise it is what
    :meth:`gradio_proto.AsyncClient.endpoint` returns."""
