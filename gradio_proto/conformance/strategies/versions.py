"""The versions of Gradio that the strategies know: those that were recorded."""

from __future__ import annotations

from typing import Final

from ...testing.generations import PROTOCOLS

VERSIONS: Final = tuple([*PROTOCOLS][::-1])
"""Newest first. Each stands for the versions of its generation (see ``spec/schemas/index.json``)."""
