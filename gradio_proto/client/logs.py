"""The logger ``gradio_proto``, and the environment variable that has it written to stderr."""

from __future__ import annotations

import logging
import os
import warnings
from typing import Final

VARIABLE: Final = "GRADIO_PROTO_LOG"
"""The environment variable that says from which level on the log is written to stderr."""

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"

logger = logging.getLogger("gradio_proto")


def log_as_asked() -> bool:
    """Do what :data:`VARIABLE` says; whether the log then takes what a client does.

    A program that has handlers of its own keeps them, and gets no more.
    """
    asked = os.environ.get(VARIABLE, "").strip().lower()
    if asked in LEVELS:
        logger.setLevel(LEVELS[asked])
        if not logger.hasHandlers():
            handler = logging.StreamHandler()
            handler.setFormatter(logging.Formatter(FORMAT))
            logger.addHandler(handler)
    elif asked:
        warnings.warn(f"{VARIABLE} is one of {', '.join(LEVELS)}, not {asked[:20]!r}", stacklevel=2)
    return logger.isEnabledFor(logging.INFO)
