"""What targets of bytes have in common: a machine, fed in pieces and asked for events.

Promised of each, beyond what :mod:`.promises` says: its events do not depend on where the bytes are cut; what it holds
between two pieces is bounded by its limit; and once it has failed, it says the same again, whatever else comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gradio_proto.conformance.strategies.chunkings import fixed, split_at
from gradio_proto.errors import TransportError
from gradio_proto.sentinels import END, NEED_DATA

from .mutations import changed_bytes
from .promises import Broken, Input, documented, held

HELD: Final = 1024
"""Bytes that a machine may hold beyond its limit: the names of its states."""

WATCHED: Final = 16
"""Pieces after which a machine is searched for what it holds. Searching takes longer than feeding."""


class Machine(Protocol):
    """What all sans-IO parsers here are."""

    def receive_data(self, data: bytes, /) -> None: ...
    def next_event(self) -> Any: ...


Tell = Callable[[list[Any], Any], bool]
"""Adds what an event says to what was said before; False if nothing comes after it."""


def bytes_of(given: Input) -> bytes:
    """The bytes of an input, whose JSON has a character for each."""
    data: str = given["data"]
    return data.encode("latin-1")


def input_of(data: bytes, **more: Any) -> Input:
    """The input of some bytes."""
    return {"data": data.decode("latin-1"), **more}


def repeated(given: Input, times: int) -> Input:
    """The input with its bytes so many times over, in many pieces."""
    return {**given, "data": given["data"] * times, "cuts": [], "piece": 16}


def fed_inputs(
    seeds: Sequence[Input], words: Sequence[bytes], options: SearchStrategy[dict[str, Any]]
) -> SearchStrategy[Input]:
    """Inputs of bytes: those of a seed, changed, or of words.

    Args:
        seeds: Inputs to begin with.
        words: Pieces of the language.
        options: What else an input says, such as its limit.
    """
    tokens = st.sampled_from(words) | st.binary(max_size=4)
    made = st.lists(tokens, max_size=40).map(b"".join)
    if seeds:
        made |= st.sampled_from([bytes_of(seed) for seed in seeds]).flatmap(
            lambda data: changed_bytes(data, words)
        )
    cuts = st.lists(st.integers(0, 4096), max_size=8).map(sorted)
    return st.builds(lambda data, cuts, more: {**input_of(data), "cuts": cuts, **more}, made, cuts, options)


def check_fed(
    given: Input, make: Callable[[], Machine], tell: Tell, limit: int, *, counts_around: bool = False
) -> list[Any]:
    """Feed a new machine the bytes of an input whole, cut as it says, and byte by byte.

    Where it fails, whose fault that is must not depend on the cuts; which of several faults is named, and what is
    quoted of them, may.

    Args:
        given: ``data``; ``cuts``, in order; or ``piece``, the size of all pieces.
        make: Makes a machine.
        tell: What its events say.
        limit: Bytes that it may hold beside the last piece.
        counts_around: Whether its limit counts what is unfinished more strictly than what comes whole.

    Returns:
        What was said, and at the end the failure if there was one.

    Raises:
        Broken: A promise was not kept.
    """
    data = bytes_of(given)
    size = given.get("piece", 0)
    points = [point for point in given.get("cuts", ()) if point < len(data)]
    ways = {
        "whole": [data] if data else [],
        "cut": fixed(data, size) if size else split_at(data, points),
        "byte by byte": fixed(data, 1) if not size else [],
    }
    whole = said(make(), ways["whole"], tell, limit)
    for way, pieces in ways.items():
        if pieces and way != "whole":
            found = said(make(), pieces, tell, limit)
            if _without_words(found) == _without_words(whole):
                continue
            is_limited = bool(found) and isinstance(found[-1], Failure) and found[-1].name == "LimitExceeded"
            may_be_limited = (
                counts_around and len(data) > given["limit"] and found[:-1] == whole[: len(found) - 1]
            )
            if not (is_limited and may_be_limited):
                raise Broken(f"{way} it says {found!r:.500}, and whole {whole!r:.500}")
    return whole


class Failure(NamedTuple):
    """The end of what a machine said."""

    name: str
    text: str
    is_loss: bool
    """The connection was lost; else the peer said what it may not."""


def _without_words(told: list[Any]) -> list[Any]:
    return [("failed", each.is_loss) if isinstance(each, Failure) else each for each in told]


def said(machine: Machine, pieces: Sequence[bytes], tell: Tell, limit: int) -> list[Any]:
    """What a machine says of the pieces, and of the end that follows them."""
    told: list[Any] = []
    for number, piece in enumerate([*pieces, b""]):
        try:
            machine.receive_data(piece)
            while (event := machine.next_event()) is not NEED_DATA and event is not END:
                if not tell(told, event):
                    return told
        except Exception as error:
            first = documented(error)
            told.append(Failure(*first, isinstance(error, TransportError)))
            _check_stays(machine, first)
            return told
        if number < WATCHED and (size := held(machine)) > limit + len(piece) + HELD:
            raise Broken(f"{size} bytes are held after a piece of {len(piece)}, under a limit of {limit}")
    return told


def _check_stays(machine: Machine, first: tuple[str, str]) -> None:
    """A machine that has failed says why again, and takes no notice of what else comes."""
    for more in (b"", b"\n\n"):
        try:
            event = machine.next_event()
        except Exception as error:
            again = documented(error)
            if again != first:
                raise Broken(f"first it failed with {first}, and then with {again}") from error
        else:
            raise Broken(f"it failed with {first}, and then said {event!r:.200}")
        try:
            machine.receive_data(more)
        except Exception:  # it may also refuse what comes after the end, which says enough
            pass
