"""All operations, in the order of the table."""

from __future__ import annotations

from . import access, failures, files, lives, official, other_ways, queueing, sessions, streams, values
from .operation import OPERATIONS as IN_ANY_ORDER

CHAPTERS = [
    module.__name__
    for module in (values, official, streams, failures, sessions, queueing, files, other_ways, access, lives)
]

OPERATIONS = sorted(IN_ANY_ORDER, key=lambda operation: CHAPTERS.index(operation.check.__module__))
