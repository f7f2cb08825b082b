"""The target ``diffs``: the first value of a generator's outputs, and the edits that make the later ones of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gradio_proto.conformance.strategies.diffs import diffs as healthy_diffs
from gradio_proto.diff import OutputState
from gradio_proto.errors import LimitExceeded
from gradio_proto.limits import Limits

from .mutations import changed_json, odd_values
from .promises import Broken, Input, Target
from .seeds import reference, vectors

_SMALL: Final = {"diff_edits": 50, "json_depth": 40, "sse_message_bytes": 2000}
_TIGHT: Final = {"diff_edits": 3, "json_depth": 3, "sse_message_bytes": 30}

_ACTIONS: Final = ("replace", "append", "add", "delete", "", "Replace", "pop", None, 1, [], True)
_KEYS: Final = ("a", "b", "", "0", 0, 1, 2, -1, 10**20, True, False, None, 1.0, [], "__class__")


def _input(first: list[Any], diffs: list[Any], limits: dict[str, int] = _SMALL) -> Input:
    return {"first": first, "diffs": diffs, "limits": limits}


def _seeds() -> Iterator[Input]:
    for vector in vectors("diffs"):
        yield _input([vector["value"]], [[edits] for edits in vector["diffs"]])


_VALUES: Final = st.recursive(
    st.sampled_from(("", "x", "€", 0, 1, True, None, 1.5)),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("a", "b", "")), inner, max_size=3)
    ),
    max_leaves=8,
)
_EDITS: Final = st.tuples(
    st.sampled_from(_ACTIONS),
    st.lists(st.sampled_from(_KEYS), max_size=3) | odd_values(),
    _VALUES | odd_values(),
).map(list)
_DIFFS: Final = st.lists(_EDITS, max_size=4) | odd_values()
_LIMITS: Final = st.sampled_from((_SMALL, _SMALL, _TIGHT))


@st.composite
def _healthy(draw: st.DrawFn) -> Input:
    """Values that follow one another, as a server writes it down."""
    values = draw(st.lists(_VALUES, min_size=2, max_size=4))
    made = [draw(healthy_diffs(before, after)) for before, after in pairwise(values)]
    return _input([values[0]], [[list(map(list, edits))] for edits in made])


def _inputs(seeds: list[Input]) -> SearchStrategy[Input]:
    made = st.builds(
        _input, st.lists(_VALUES, max_size=3), st.lists(st.lists(_DIFFS, max_size=3), max_size=4), _LIMITS
    )
    begun = st.sampled_from(seeds) | _healthy() if seeds else _healthy()
    return made | begun.flatmap(_changed)


@st.composite
def _changed(draw: st.DrawFn, given: Input) -> Input:
    diffs = draw(changed_json(given["diffs"]))
    first = draw(changed_json(given["first"], most=1)) if draw(st.booleans()) else given["first"]
    return _input(
        first if isinstance(first, list) else [first],
        [each if isinstance(each, list) else [each] for each in diffs]
        if isinstance(diffs, list)
        else [[diffs]],
        draw(_LIMITS),
    )


def _run(given: Input) -> None:
    limits = Limits(**given["limits"])
    state = OutputState(limits)
    fed = _copy(given)
    state.replace(fed["first"])
    handed_out: list[tuple[Any, str]] = []
    values, broken = _copy(given["first"]), set[int]()
    try:
        for diffs in fed["diffs"]:
            is_whole = state.apply(diffs)
            found = state.snapshot()
            handed_out.append((found, _text(found)))
            values = [*values, *[None] * (len(diffs) - len(values))]
            for index, edits in enumerate(_copy(diffs)):
                if edits == [] or not isinstance(edits, list):
                    broken |= set() if edits == [] else {index}
                    continue
                if index in broken and not (isinstance(edits[0], list) and edits[0][:2] == ["replace", []]):
                    continue
                [(values[index], is_broken)] = reference("outputs")(values[index], [edits])
                broken = broken | {index} if is_broken else broken - {index}
            if _text(found) != _text(values) or state.broken != broken or is_whole is not (not broken):
                raise Broken(f"{_text(diffs):.300} makes {_text(found):.300}, and not {_text(values):.300}")
    except LimitExceeded:
        state.snapshot()  # the job ends; what it had can still be asked for
    finally:
        if any(_text(value) != text for value, text in handed_out) or _text(fed) != _text(given):
            raise Broken("what was handed out, or given, has changed")


def _copy(value: Any) -> Any:
    # deepcopy() runs out of stack where parsing does not.
    return json.loads(json.dumps(value))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


TARGET: Final = Target(
    name="diffs",
    about="a generator's first values, and the diffs that follow",
    modules=("diff",),
    seeds=_seeds,
    inputs=_inputs,
    run=_run,
    allowance=lambda given: given["limits"]["sse_message_bytes"],
    larger=lambda given, times: {
        **given,
        "diffs": given["diffs"] * times,
        "limits": {"diff_edits": 10**6, "json_depth": 500, "sse_message_bytes": 10**6},
    },
)
