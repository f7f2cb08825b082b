"""What can be wrong with the differences in which a generator's values come from ``sse_v2`` on.

An output that missed one keeps its last value, and is not handed out until a whole value comes. The other outputs, the
other jobs and the result, which is always sent whole, must not suffer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gradio_proto.conformance.clients.steps import (
    Again,
    Message,
    Step,
    Until,
    begun,
    completed,
    generating,
)
from gradio_proto.errors import LimitExceeded
from gradio_proto.limits import KIB, MIB, Limits

from .model import Fault, Gives, raises
from .said import exactly, name_of, says, whole
from .uses import iterates, iterates_unharmed, iterates_until

FIRST: dict[str, Any] = {"a": [1, "x"], "b": {"c": None}, "n": 1.5}
"""The first value of the one output; differences are to this."""

EDITS: tuple[tuple[str, str, Any], ...] = (
    # Their form.
    ("edits-null", "The edits of an output are null.", None),
    ("edits-object", "The edits of an output are an object.", {"a": 1}),
    ("edits-text", "The edits of an output are a text.", "replace"),
    ("edits-number", "The edits of an output are a number.", 7),
    ("edits-true", "The edits of an output are true.", True),
    ("edit-null", "An edit is null.", [None]),
    ("edit-text", "An edit is a text of three letters.", ["add"]),
    ("edit-object", "An edit is an object with three keys.", [{"action": "replace", "path": [], "value": 1}]),
    ("edit-empty", "An edit is an empty list.", [[]]),
    ("edit-of-two", "An edit has no value.", [["replace", []]]),
    ("edit-of-four", "An edit has four parts.", [["replace", [], 1, 2]]),
    ("action-unknown", "The action of an edit is one that nobody knows.", [["move", ["a"], 1]]),
    ("action-in-capitals", "The action of an edit is written in capitals.", [["REPLACE", ["n"], 1]]),
    ("action-null", "The action of an edit is null.", [[None, ["n"], 1]]),
    ("action-number", "The action of an edit is a number.", [[0, ["n"], 1]]),
    ("action-list", "The action of an edit is a list.", [[["replace"], ["n"], 1]]),
    ("path-null", "The path of an edit is null.", [["replace", None, 1]]),
    ("path-text", "The path of an edit is a text.", [["replace", "a", 1]]),
    ("path-number", "The path of an edit is a number.", [["replace", 0, 1]]),
    ("path-object", "The path of an edit is an object.", [["replace", {"0": "a"}, 1]]),
    # Where they lead.
    ("key-missing", "A path leads to a key that is not there.", [["replace", ["z"], 1]]),
    ("key-missing-within", "A path leads through a key that is not there.", [["replace", ["z", "c"], 1]]),
    ("key-number", "A path has a number for a key.", [["replace", [0], 1]]),
    ("key-null", "A path has null for a key.", [["replace", [None], 1]]),
    ("key-list", "A path has a list for a key.", [["replace", [["a"]], 1]]),
    ("key-object", "A path has an object for a key.", [["replace", [{}], 1]]),
    ("index-behind", "A path leads behind the end of a list.", [["replace", ["a", 2], 1]]),
    ("index-huge", "A path has an index of twenty digits.", [["replace", ["a", 10**20], 1]]),
    ("index-negative", "A path has a negative index.", [["replace", ["a", -1], 1]]),
    ("index-float", "A path has a float for an index.", [["replace", ["a", 0.0], 1]]),
    ("index-true", "A path has true for an index.", [["replace", ["a", True], 1]]),
    ("index-text", "A path has a digit in a text for an index.", [["replace", ["a", "0"], 1]]),
    ("index-name", "A path has the name of an attribute for an index.", [["replace", ["a", "__class__"], 1]]),
    ("into-text", "A path leads into a text.", [["replace", ["a", 1, 0], 1]]),
    ("into-number", "A path leads into a number.", [["replace", ["n", 0], 1]]),
    ("into-null", "A path leads into null.", [["replace", ["b", "c", "d"], 1]]),
    ("long-path", "A path has ten thousand steps.", [["replace", ["a"] * 10_000, 1]]),
    # What they do there.
    ("append-to-number", "A text is appended to a number.", [["append", ["n"], "x"]]),
    ("append-to-list", "A text is appended to a list.", [["append", ["a"], "x"]]),
    ("append-to-object", "A text is appended to the whole output, an object.", [["append", [], "x"]]),
    ("append-to-null", "A text is appended to null.", [["append", ["b", "c"], "x"]]),
    ("append-number", "A number is appended to a text.", [["append", ["a", 1], 7]]),
    ("append-null", "Null is appended to a text.", [["append", ["a", 1], None]]),
    ("append-list", "A list is appended to a text.", [["append", ["a", 1], ["x"]]]),
    ("add-to-nothing", "A value is added to no container.", [["add", [], 1]]),
    ("add-to-text", "A value is added to a text.", [["add", ["a", 1, 0], "y"]]),
    ("add-behind", "A value is added far behind the end of a list.", [["add", ["a", 7], 1]]),
    ("add-negative", "A value is added before the beginning of a list.", [["add", ["a", -1], 1]]),
    ("add-key-to-list", "A key is added to a list.", [["add", ["a", "z"], 1]]),
    ("add-index-to-object", "An index is added to an object.", [["add", [0], 1]]),
    ("delete-nothing", "The whole output is deleted.", [["delete", [], None]]),
    ("delete-missing", "A key is deleted that is not there.", [["delete", ["z"], None]]),
    ("delete-from-text", "A letter is deleted from a text.", [["delete", ["a", 1, 0], None]]),
    ("delete-from-number", "An index is deleted from a number.", [["delete", ["n", 0], None]]),
    (
        "delete-too-many",
        "More elements are deleted from a list than it has.",
        [["delete", ["a", 0], None]] * 3,
    ),
    ("delete-true", "True is deleted from a list.", [["delete", ["a", True], None]]),
    # One of several.
    (
        "second-of-two",
        "The second of two edits does not fit: the first is taken back.",
        [["replace", ["n"], 9], ["replace", ["z"], 1]],
    ),
    (
        "third-of-three",
        "The last of three edits does not fit: what was added, deleted and appended before is taken back.",
        [
            ["append", ["a", 1], "y"],
            ["add", ["a", 0], 0],
            ["delete", ["b", "c"], None],
            ["replace", ["z"], 1],
        ],
    ),
)

RIGHT: tuple[tuple[str, str, Any, Any], ...] = (
    ("none", "There are no edits.", [], FIRST),
    ("replace-all", "The whole output is replaced.", [["replace", [], 7]], 7),
    ("add-at-end", "An element is added at the end.", [["add", ["a", 2], 3]], {**FIRST, "a": [1, "x", 3]}),
    ("add-in-front", "An element is added in front.", [["add", ["a", 0], 0]], {**FIRST, "a": [0, 1, "x"]}),
    (
        "add-known-key",
        "A key is added that is there: it is replaced.",
        [["add", ["n"], 2]],
        {**FIRST, "n": 2},
    ),
    ("append-nothing", "An empty text is appended.", [["append", ["a", 1], ""]], FIRST),
    (
        "append-surrogate",
        "Half a character is appended.",
        [["append", ["a", 1], "\ud83d"]],
        {**FIRST, "a": [1, "x\ud83d"]},
    ),
    (
        "delete-old-index",
        "Elements are deleted by the indices that they had, as up to 5.0.",
        [["delete", ["a", 0], None], ["delete", ["a", 1], None]],
        {**FIRST, "a": []},
    ),
    (
        "delete-new-index",
        "Elements are deleted by indices that count what has gone before, as from 5.1 on.",
        [["delete", ["a", 1], None], ["delete", ["a", 0], None]],
        {**FIRST, "a": []},
    ),
    (
        "delete-negative-index",
        "An element is deleted by a negative index, as 5.1 and later say it of a list in a list.",
        [["delete", ["a", -1], None]],
        {**FIRST, "a": [1]},
    ),
    ("empty-key", "A key is empty.", [["add", [""], 1]], {**FIRST, "": 1}),
    (
        "proto-key",
        "A key is the name of an attribute.",
        [["add", ["__class__"], 1]],
        {**FIRST, "__class__": 1},
    ),
)


def streaming(id: str, happens: str, *steps: Step, outputs: list[Any], generation: str = "sse_v3") -> Fault:
    """A job that yields, beside a sibling that yields, too."""
    talk = (
        Until("queue/join", 2),
        *begun(1),
        *begun(2),
        generating("sib", job=2),
        generating(FIRST),
        *steps,
        generating([["append", [], "ling"]], job=2),
        completed("end"),
        completed("sibling", job=2),
    )
    return Fault(
        id=f"diffs/{id}",
        happens=happens,
        phase="stream",
        served=exactly(whole(*talk, generation=generation), generation=generation, next_job=3),
        use=iterates_unharmed,
        expect=Gives(outputs),
    )


def all_edits() -> Iterator[Fault]:
    """An edit that does not fit, then one that would, and then a whole value, which mends it."""
    for name, happens, edits in EDITS:
        yield streaming(
            f"malformed/{name}",
            happens,
            generating(edits),
            generating([["replace", ["n"], 2]]),
            generating([["replace", [], "mended"]]),
            outputs=[FIRST, "mended"],
        )
    for name, happens, edits, value in RIGHT:
        yield streaming(f"right/{name}", happens, generating(edits), outputs=[FIRST, value])


MEASURED = 4 * MIB
"""The limit of what is measured where another one is run into: with less, what an allocator keeps weighs too much."""


def limited(id: str, happens: str, *steps: Step, name: str, limit: int, measured: str | None = None) -> Fault:
    """More than a limit allows: whoever reads the outputs is told so, and the result is well."""
    limits = {name: limit} if measured in (None, name) else {name: limit, measured: MEASURED}
    return Fault(
        id=f"diffs/{id}",
        happens=happens,
        phase="stream",
        served=says(*begun(1), *steps, completed("end")),
        use=iterates_until,
        expect=raises(LimitExceeded, name=name, retryable=False),
        options={"limits": Limits(**limits)},
        limit=measured,
    )


OTHERS = (
    *(
        streaming(
            f"whole-values/{name_of(generation)}",
            "A generation without differences sends lists that look like them.",
            generating([["replace", [], 7]]),
            outputs=[FIRST, [["replace", [], 7]]],
            generation=generation,
        )
        for generation in ("sse_v1",)
    ),
    Fault(
        id="diffs/before-first-value",
        happens="A job begins with a difference: to the last value of another, which has ended midway.",
        phase="stream",
        served=says(*begun(1), generating([["replace", [], 7]]), completed("end"), generation="sse_v2.1"),
        use=iterates,
        expect=Gives([7]),
    ),
    Fault(
        id="diffs/looks-like-a-difference",
        happens="A job begins with a value that looks like a difference, where the first value is whole.",
        phase="stream",
        served=says(*begun(1), generating([["replace", [], 7]]), completed("end")),
        use=iterates,
        expect=Gives([[["replace", [], 7]]]),
    ),
    Fault(
        id="diffs/after-completion",
        happens="Differences come when the job has its result.",
        phase="stream",
        served=says(*begun(1), generating("one"), completed("end"), generating([["append", [], "!"]])),
        use=iterates,
        expect=Gives(["one"]),
    ),
    streaming(
        "no-outputs",
        "Differences come for no output.",
        Message({**generating().fields}),
        outputs=[FIRST, FIRST],
    ),
    streaming(
        "data-null",
        "Null comes in the place of all differences.",
        Message({"msg": "process_generating", "success": True, "output": {"data": None}}),
        outputs=[FIRST, "end"],
    ),
    streaming(
        "more-outputs",
        "Differences come for an output that was not there.",
        generating([["replace", ["n"], 2]], [["replace", [], "new"]]),
        outputs=[FIRST, {**FIRST, "n": 2}],
    ),
    streaming(
        "after-a-whole-value",
        "A whole value comes in the place of differences, as process_streaming.",
        Message({"msg": "process_streaming", "success": True, "output": {"data": ["whole"]}}),
        generating([["append", [], "!"]]),
        outputs=[FIRST, "whole", "whole!"],
    ),
)

APPEND = ["append", ["a", 1], "x"]

LIMITS = (
    limited(
        "limit/edits",
        "A message has more edits than the limit.",
        generating(FIRST),
        generating([APPEND] * 65),
        name="diff_edits",
        limit=64,
    ),
    limited(
        "limit/edits-of-outputs",
        "A message has edits for more outputs than the limit.",
        generating(FIRST),
        generating(*[[["replace", [], 1]]] * 65),
        name="diff_edits",
        limit=64,
    ),
    limited(
        "limit/malformed-outputs",
        "A message has what is no edits for more outputs than the limit.",
        generating(FIRST),
        generating(*[7] * 65),
        name="diff_edits",
        limit=64,
    ),
    limited(
        "limit/inserts",
        "Each edit of a message moves a hundred thousand elements.",
        generating([0] * 100_000),
        generating([["add", [0], 1]] * 3),
        name="diff_edits",
        limit=100,
        measured="sse_message_bytes",
    ),
    limited(
        "limit/depth",
        "Edits nest a value deeper than the limit, a level each.",
        generating(FIRST),
        *(generating([["add", ["b"] * level, {"b": {}}]]) for level in range(1, 12)),
        name="json_depth",
        limit=10,
    ),
    limited(
        "limit/growth",
        "A text grows by a message at a time, past what a message may be.",
        generating(FIRST),
        Again((generating([["append", ["a", 1], "x" * 8 * KIB]]),), 16),
        name="sse_message_bytes",
        limit=64 * KIB,
    ),
    limited(
        "limit/growth-by-keys",
        "An object grows by keys, past what a message may be.",
        generating(FIRST),
        *(generating([["add", [f"{n}"], "x" * 8 * KIB]]) for n in range(16)),
        name="sse_message_bytes",
        limit=64 * KIB,
    ),
    limited(
        "limit/growth-measured",
        "A text grows without end.",
        generating(FIRST),
        Again((generating([["append", ["a", 1], "x" * 256 * KIB]]),), 40),
        name="sse_message_bytes",
        limit=8 * MIB,
        measured="sse_message_bytes",
    ),
    limited(
        "limit/malformed-outputs-measured",
        "A message of four megabytes has what is no edits, for as many outputs as fit.",
        generating(FIRST),
        generating(*[7] * 1_300_000),
        name="diff_edits",
        limit=1000,
        measured="sse_message_bytes",
    ),
)

FAULTS = (*all_edits(), *OTHERS, *LIMITS)
