"""What a parser answers when it has no event to give."""

from __future__ import annotations

import enum
from typing import Final


class Sentinel(enum.Enum):
    """The answers of ``next_event()`` that are no event; compare them with ``is``."""

    NEED_DATA = "NEED_DATA"
    END = "END"

    def __repr__(self) -> str:
        return self.name


NEED_DATA: Final = Sentinel.NEED_DATA
"""Nothing more can be said before ``receive_data()`` is called again."""

END: Final = Sentinel.END
"""The peer has ended the stream, and every event of it has been handed out."""
