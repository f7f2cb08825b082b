"""What a job's outputs are now: full values, and the diffs between them, applied.

From ``sse_v2`` (Gradio 4.17) on, the first value of a generator is sent whole, and every later one as a list
of edits for each output, ``[action, path, value]``, relative to the value before it:

* ``["replace", path, value]``: what is there is now ``value``;
* ``["append", path, text]``: the string there grew by ``text``;
* ``["add", path, value]``: a list has a new element, or a dict a new key: the last of the path;
* ``["delete", path, null]``: a dict's key, or a list's last element, is gone.

A path is a list of list indices and dict keys; the empty path is the output itself.

Servers delete from lists at the end only, but they do not agree on the index to say so. For ``[1, 2, 3]``
that becomes ``[1]``, those up to 5.0 at least name the elements' old indices (1, 2); later ones count what
has gone before (1, 1), and shift the indices in a nested list once more for every list around it, so that
they may even be negative. A delete in a list therefore takes its last element, whatever index it names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from .errors import LimitExceeded
from .limits import KIB, Limits

# Inserting before the end of a list moves what is behind it: so many elements count as one edit more.
_MOVES_PER_EDIT: Final = KIB

_ACTIONS: Final = frozenset({"replace", "append", "add", "delete"})

# The builtin, for type checkers: comparing its result does not turn Any into a list of unknown elements.
_type: Final = cast("Callable[[Any], type[Any]]", type)


class _Malformed(Exception):
    """An edit does not fit the value that it is for."""


# How a growing text is handed out without copying it each time
#
# A language model's answer grows by a few characters a message, and whoever iterates over the outputs wants a
# real ``str`` each time; a copy each time makes the cost of an answer grow with the square of its length.
# CPython extends a string in place if nobody else can see it (one local variable refers to it and nothing
# else does), but the one handed out last is in the consumer's hands.
#
# So there are two strings, used in turn: ``_front`` is the one handed out last, and ``_back`` the one before
# it, which a consumer that goes from one value to the next has dropped by now. The back lacks what the front
# got last (``_lag``) and what has come since (``_pending``). It gets both, in place, and is the front from
# then on. If somebody has kept it, or the interpreter has no such trick (or, in 3.11, a debugger traces it), the
# same statements make a copy.
class _GrowingText:
    __slots__ = ("_back", "_front", "_lag", "_pending")

    def __init__(self, text: str) -> None:
        self._front = text
        self._back = ""
        self._lag = text
        self._pending = ""

    def __len__(self) -> int:
        return len(self._front) + len(self._pending)

    def append(self, text: str) -> None:
        pending, self._pending = self._pending, ""  # the local variable is the only reference now
        pending += text
        self._pending = pending

    def cut(self, length: int) -> None:
        """Take back what was appended since the text had that length, with no copy() in between."""
        self._pending = self._pending[: length - len(self._front)]

    def copy(self) -> str:
        """Return the text as it is now (called ``copy`` as in list and dict: copying a value calls it)."""
        if self._pending:
            text, self._back = self._back, self._front
            text += self._lag
            text += self._pending
            self._front, self._lag, self._pending = text, self._pending, ""
        return self._front


class _Undo:
    """How to take back the edits of one diff, newest first."""

    __slots__ = ("_steps", "_texts")

    def __init__(self) -> None:
        self._steps: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        self._texts: set[_GrowingText] = set()

    def add(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._steps.append((function, arguments))

    def append_to(self, text: _GrowingText) -> None:
        # Cutting copies: once for each text, however many appends there were.
        if text not in self._texts:
            self._texts.add(text)
            self.add(text.cut, len(text))

    def run(self) -> None:
        for function, arguments in reversed(self._steps):
            function(*arguments)


_COPIED: Final = frozenset({list, dict, _GrowingText})


def _copy(value: Any) -> Any:
    """Copy a list or dict and the containers in it, and share the rest. A loop, since recursion has a limit."""
    copied = value.copy()
    unfinished: list[Any] = [copied]
    while unfinished:
        container = unfinished.pop()
        kind = _type(container)
        for key, item in enumerate(container) if kind is list else container.items():
            if type(item) in _COPIED:
                container[key] = inner = item.copy()
                if type(inner) is not str:
                    unfinished.append(inner)
    return copied


def _measure(value: Any) -> tuple[int, int]:
    """Return a JSON value's size and depth.

    The size counts one for each element and each character, in keys too: never more than its JSON text has.
    """
    size = depth = 0
    level: list[Any] = [[value]]
    while level:
        depth += 1
        deeper: list[Any] = []
        for container in level:
            size += len(container)
            kind = _type(container)
            if kind is dict:
                size += sum(map(len, container))
            for item in container.values() if kind is dict else container:
                kind = _type(item)
                if kind is str or kind is _GrowingText:
                    size += len(item)
                elif kind is list or kind is dict:
                    deeper.append(item)
        level = deeper
    return size - 1, depth - 1


class OutputState:
    """The current outputs of one job.

    Values go in and out by copy: what was handed out never changes, and what is done to it, or to a message
    whose data went in, changes nothing here. Strings are shared, containers are not. Applying a diff costs
    what its edits cost; a snapshot costs a visit of every container, and for a text what it grew by.

    Args:
        limits: ``diff_edits`` bounds the edits of one message; ``json_depth`` the depth that edits may give
            an output; ``sse_message_bytes`` the size of all outputs, which a server sends whole in the end.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._values: list[Any] = []
        self._broken: set[int] = set()
        self._unknown: set[int] = set()
        self._growth = 0  # size that edits have added since the outputs were known to be within the limit

    @property
    def broken(self) -> frozenset[int]:
        """The indices of the outputs that missed a diff and show an older value."""
        return frozenset(self._broken)

    @property
    def has_unknown(self) -> bool:
        """Whether some output has had no value yet: see :meth:`begin_unknown`."""
        return bool(self._unknown)

    @property
    def is_empty(self) -> bool:
        """Whether no value has come yet."""
        return not self._values

    def replace(self, data: list[Any]) -> None:
        """Set every output to a full value, of which ``data`` has one each. No output is broken after that."""
        self._values = _copy(data)
        self._broken.clear()
        self._unknown.clear()
        self._growth = 0

    def become(self, other: OutputState) -> None:
        """Have the outputs that another has, known or not.

        Args:
            other: Whose; what happens to one of the two afterwards changes nothing in the other.
        """
        self._values = other.snapshot()
        self._broken = {*other._broken}
        self._unknown = {*other._unknown}
        self._growth = other._growth

    def begin_unknown(self, count: int) -> None:
        """Have outputs whose values are not known: each is broken until a full value comes for it.

        Args:
            count: How many.
        """
        self._values = [None] * count
        self._broken = set(range(count))
        self._unknown = {*self._broken}

    def apply(self, diffs: list[Any]) -> bool:
        """Apply one diff for each output.

        An output whose diff is malformed keeps the value that it had before, and takes no more diffs until a
        full value comes for it, here or through :meth:`replace`; the other outputs go on.

        Returns:
            Whether every output is what the server says it is, which it is not while one is broken.

        Raises:
            LimitExceeded: See :class:`OutputState`. The outputs are those from before, or partly newer ones.
        """
        # An app that is reloaded while it runs may gain outputs: the server's diff starts from null then.
        added = max(0, len(diffs) - len(self._values))
        # An output that is added or broken counts as an edit: it takes more memory than its few bytes in a message.
        edits_left = self._less(self._limits.diff_edits, added)
        self._values.extend([None] * added)
        for index, edits in enumerate(diffs):
            if edits == []:
                continue
            kind = _type(edits)
            if kind is not list or (index in self._broken and not _is_full_value(edits)):
                edits_left = self._less(edits_left, 1)
                self._broken.add(index)
            else:
                edits_left = self._apply_to(index, edits, edits_left)
        if self._growth > self._limits.sse_message_bytes:
            if _measure(self._values)[0] > self._limits.sse_message_bytes:
                raise LimitExceeded("sse_message_bytes", self._limits.sse_message_bytes)
            self._growth = 0
        return not self._broken

    def snapshot(self) -> list[Any]:
        """Return the outputs as they are now: a new list, the caller's own."""
        values: list[Any] = _copy(self._values)
        return values

    def _apply_to(self, index: int, edits: list[Any], edits_left: int) -> int:
        """Apply all edits of one output, or none; return how many more this message may have."""
        undo = _Undo()
        try:
            for edit in edits:
                edits_left = self._less(edits_left, self._apply_edit(index, edit, undo))
        except (_Malformed, LimitExceeded) as error:
            undo.run()
            if isinstance(error, LimitExceeded):
                raise
            self._broken.add(index)
        else:
            self._broken.discard(index)
            self._unknown.discard(index)
        return edits_left

    def _less(self, edits_left: int, cost: int) -> int:
        if cost > edits_left:
            raise LimitExceeded("diff_edits", self._limits.diff_edits)
        return edits_left - cost

    def _apply_edit(self, index: int, edit: Any, undo: _Undo) -> int:
        """Apply one edit, say how to undo it, and return its cost in edits."""
        action, path, value = _parse_edit(edit)
        container: Any = self._values
        key: Any = index
        for element in path:
            container, key = _lookup(container, key), element
        if action == "append" and type(value) is str:
            text = _lookup(container, key)
            kind = _type(text)
            if kind is str:
                undo.add(container.__setitem__, key, text)
                container[key] = text = _GrowingText(text)
            elif kind is not _GrowingText:
                raise _Malformed
            undo.append_to(text)
            text.append(value)
            self._growth += len(value)
            return 1
        if action == "replace":
            old = _lookup(container, key)
            container[key] = self._take(value, len(path))
            undo.add(container.__setitem__, key, old)
            return 1
        if not path:
            raise _Malformed
        kind = _type(container)
        if kind is list and type(key) is int:
            size = len(container)
            if action == "add" and 0 <= key <= size:
                container.insert(key, self._take(value, len(path)))
                undo.add(container.pop, key)
                return 1 + (size - key) // _MOVES_PER_EDIT
            if action == "delete" and size:
                undo.add(container.append, container.pop())
                return 1
        elif kind is dict and type(key) is str:
            if action == "add":
                taken = self._take(value, len(path))
                if key in container:
                    undo.add(container.__setitem__, key, container[key])
                else:
                    undo.add(container.pop, key)
                container[key] = taken
                return 1
            if action == "delete" and key in container:
                undo.add(container.__setitem__, key, container.pop(key))
                return 1
        raise _Malformed

    def _take(self, value: Any, depth: int) -> Any:
        """Copy a new value that is to stand ``depth`` containers deep in an output."""
        if type(value) not in _COPIED:  # a text or a number, as nearly always
            self._growth += len(value) if type(value) is str else 1
            return value
        size, height = _measure(value)
        if depth + height > self._limits.json_depth:
            raise LimitExceeded("json_depth", self._limits.json_depth)
        self._growth += size
        return _copy(value)


def _parse_edit(edit: Any) -> tuple[Any, list[Any], Any]:
    kind = _type(edit)
    if kind is not list or len(edit) != 3:
        raise _Malformed
    action, path, value = edit
    kind = _type(path)
    if kind is not list:
        raise _Malformed
    return action, path, value


def are_diffs(data: list[Any]) -> bool:
    """Whether values can be nothing but a diff for each output: lists of edits, not all of them empty."""
    return any(data) and all(_are_edits(edits) for edits in data)


def _are_edits(edits: Any) -> bool:
    kind = _type(edits)
    return kind is list and all(_is_edit(edit) for edit in edits)


def _is_edit(edit: Any) -> bool:
    try:
        action, _, _ = _parse_edit(edit)
    except _Malformed:
        return False
    return type(action) is str and action in _ACTIONS


def _is_full_value(edits: Any) -> bool:
    kind = _type(edits[0])
    return kind is list and edits[0][:2] == ["replace", []]


def _lookup(container: Any, key: Any) -> Any:
    # Exact types: true and false are no indices, though Python takes them for 1 and 0.
    kind = _type(container)
    if kind is list:
        if type(key) is int and 0 <= key < len(container):
            return container[key]
    elif kind is dict and type(key) is str and key in container:
        return container[key]
    raise _Malformed
