"""Vectors of streamed outputs: a value and the diffs that follow it."""

from __future__ import annotations

import json
from typing import Any

from recorded import streams

from .reference import outputs
from .vector import Vector

TOPIC = "diffs"
DESCRIPTION = (
    "One output of a generator: its first value, which comes whole, and the diffs that follow it (sse_v2 and later). "
    "'outputs' has an entry for each diff: the value after it, and whether it is 'broken': then a diff did not fit, "
    "the value is the last good one, and diffs mean nothing until one replaces the whole value."
)

DIFFING = ("sse_v2", "sse_v2.1", "sse_v3")

CASES: dict[str, tuple[str, Any, list[Any], list[Any]]] = {
    "unchanged": ("An empty diff.", {"a": [1]}, [[]], [{"a": [1]}]),
    "text/grows": ("A text grows.", "a ", [[["append", [], "b "]], [["append", [], "c"]]], ["a b ", "a b c"]),
    "text/replaced": ("A text that does not grow.", "ab", [[["replace", [], "b"]]], ["b"]),
    "null/to-text": ("From null.", None, [[["replace", [], "a"]]], ["a"]),
    "null/from-text": ("To null.", "a", [[["replace", [], None]]], [None]),
    "list/from-text": ("To another type.", "a", [[["replace", [], []]]], [[]]),
    "list/element-replaced": ("One element.", [1, 2], [[["replace", [1], 3]]], [[1, 3]]),
    "list/add-at-end": (
        "Elements are added one after the other.",
        [1],
        [[["add", [1], 2], ["add", [2], 3]]],
        [[1, 2, 3]],
    ),
    "list/add-before": ("An insertion.", [1, 3], [[["add", [1], 2], ["add", [0], 0]]], [[0, 1, 2, 3]]),
    "list/delete/original-indices": (
        "Up to 5.0 at least, deletes name the indices that the elements had before the diff.",
        ["a", "b", "c", "d"],
        [[["delete", [1], None], ["delete", [2], None], ["delete", [3], None]]],
        [["a"]],
    ),
    "list/delete/shifted-indices": (
        "Later servers count what has gone before.",
        ["a", "b", "c", "d"],
        [[["delete", [1], None], ["delete", [1], None], ["delete", [1], None]]],
        [["a"]],
    ),
    "list/delete/to-empty": ("All of them.", [1, 2], [[["delete", [0], None], ["delete", [0], None]]], [[]]),
    "list/delete/nested-original": (
        "In nested lists, by original indices.",
        [[1, 2, 3], [1, 2, 3]],
        [
            [
                ["delete", [0, 1], None],
                ["delete", [0, 2], None],
                ["delete", [1, 1], None],
                ["delete", [1, 2], None],
            ]
        ],
        [[[1], [1]]],
    ),
    "list/delete/nested-shifted-twice": (
        "6.x shifts the indices in a nested list once more for every list around it: they may be negative.",
        [[1, 2, 3], [1, 2, 3]],
        [
            [
                ["delete", [0, 1], None],
                ["delete", [0, 0], None],
                ["delete", [1, -1], None],
                ["delete", [1, -2], None],
            ]
        ],
        [[[1], [1]]],
    ),
    "list/delete/after-change": (
        "Elements that stay are changed before the tail goes.",
        ["a", "b", "c"],
        [[["replace", [0], "x"], ["delete", [1], None], ["delete", [2], None]]],
        [["x"]],
    ),
    "dict/keys": (
        "A dict's keys come, change and go.",
        {"a": 1, "b": 2, "c": {"d": []}},
        [
            [
                ["replace", ["a"], "x"],
                ["delete", ["b"], None],
                ["delete", ["c", "d"], None],
                ["add", ["e"], [1]],
            ]
        ],
        [{"a": "x", "c": {}, "e": [1]}],
    ),
    "dict/add-again": (
        "Adding a key that is there replaces its value.",
        {"a": 1},
        [[["add", ["a"], 2]]],
        [{"a": 2}],
    ),
    "dict/numeric-key": (
        "A key that looks like an index.",
        {"0": "a"},
        [[["append", ["0"], "b"]]],
        [{"0": "ab"}],
    ),
    "chat/tuples": ("The chat of 4.x.", [["hi", "h"]], [[["append", [0, 1], "e"]]], [[["hi", "he"]]]),
    "chat/messages": (
        "The chat of 6.x.",
        [{"role": "assistant", "content": [{"text": "h", "type": "text"}]}],
        [[["append", [0, "content", 0, "text"], "e"], ["add", [1], {"role": "user", "content": []}]]],
        [
            [
                {"role": "assistant", "content": [{"text": "he", "type": "text"}]},
                {"role": "user", "content": []},
            ]
        ],
    ),
    "update/unchanged": (
        "What gr.skip() leaves: first an update, then nothing.",
        {"__type__": "update"},
        [[], []],
        [{"__type__": "update"}, {"__type__": "update"}],
    ),
}

BROKEN: dict[str, tuple[str, Any, Any]] = {
    "not-a-list": ("A diff that is no list.", "a", "append"),
    "null": ("A diff that is null.", "a", None),
    "edit-too-short": ("An edit without a value.", "a", [["append", []]]),
    "unknown-action": ("An action that nobody knows.", "a", [["move", [], "b"]]),
    "path-not-a-list": ("A path that is no list.", {"a": "b"}, [["replace", "a", "c"]]),
    "no-such-index": ("An index behind the end.", [1], [["replace", [1], 2]]),
    "negative-index": ("A negative index, but in a delete.", [1], [["replace", [-1], 2]]),
    "boolean-index": ("true is no index.", [1, 2], [["replace", [True], 3]]),
    "no-such-key": ("A key that is not there.", {"a": 1}, [["replace", ["b"], 2]]),
    "into-text": ("A path into a text.", "abc", [["replace", [0], "x"]]),
    "append-to-number": ("A number that is to grow.", 1, [["append", [], "x"]]),
    "append-number": ("A text that is to grow by a number.", "a", [["append", [], 1]]),
    "delete-from-empty": ("A delete from an empty list.", [], [["delete", [0], None]]),
    "delete-root": ("A delete of the value itself.", [1], [["delete", [], None]]),
    "add-root": ("An addition with no place.", [1], [["add", [], 2]]),
    "add-behind-gap": ("An addition that would leave a gap.", [1], [["add", [2], 3]]),
    "half-applied": (
        "One edit fits and the next does not: neither counts.",
        {"a": "x", "b": [1]},
        [["append", ["a"], "y"], ["replace", ["b", 7], 2]],
    ),
}


def recorded() -> list[Vector]:
    """What real servers sent for their generators."""
    found: list[Vector] = []
    for version in ("4.19.1", "4.21.0", "4.44.1", "5.49.1", "6.31.0"):
        for operation in ("stream", "chat", "jsonstream", "extra_shrink", "extra_nonefirst", "extra_same"):
            for number, data in enumerate(_messages(version, operation)):
                vector = _recorded(version, operation, number, data)
                if vector is not None:
                    found.append(vector)
    return found


def _messages(version: str, operation: str) -> list[list[dict[str, Any]]]:
    """The value messages of each stream of one operation."""
    found: list[list[dict[str, Any]]] = []
    for stream in streams(version, operation):
        if "/queue/data" not in stream.target:
            continue
        lines = stream.data.decode("utf-8").split("\n")
        messages = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
        values = [one for one in messages if one["msg"] in ("process_generating", "process_completed")]
        if values and len({one["event_id"] for one in values}) == 1:
            found.append(values)
    return found


def _recorded(version: str, operation: str, number: int, messages: list[dict[str, Any]]) -> Vector | None:
    *generating, last = [one["output"].get("data") for one in messages]
    if len(generating) < 2 or last is None:
        return None
    assert len(last) == 1
    value, diffs = generating[0][0], [data[0] for data in generating[1:]][:12]
    made = list(outputs(value, diffs))
    # What is right is said by the server itself: its last message has the whole value.
    if len(diffs) == len(generating) - 1:
        assert made[-1] == (last[0], False), (version, operation, made[-1], last)
    return Vector(
        f"diffs/recorded/{version}/{operation}" + (f"/{number + 1}" if number else ""),
        "As it was sent; the last value is the one that the server repeated whole.",
        f"recorded {version}/{operation}",
        {"value": value, "diffs": diffs},
        {"outputs": [{"value": seen, "broken": broken} for seen, broken in made]},
        ({"4.19.1": "sse_v2", "4.21.0": "sse_v2.1"}.get(version, "sse_v3"),),
    )


def vectors() -> list[Vector]:
    """All of them."""
    found = [
        Vector(
            f"diffs/{id}",
            text,
            "written",
            {"value": value, "diffs": diffs},
            {"outputs": [{"value": after, "broken": False} for after in values]},
            DIFFING,
        )
        for id, (text, value, diffs, values) in CASES.items()
    ]
    for id, (text, value, edits) in BROKEN.items():
        found.append(
            Vector(
                f"diffs/broken/{id}",
                text + " The value stays, further diffs mean nothing, and a whole value mends it.",
                "property",
                {"value": value, "diffs": [edits, [["replace", ["a"], "z"]], [], [["replace", [], "whole"]]]},
                {
                    "outputs": [
                        *[{"value": value, "broken": True}] * 3,
                        {"value": "whole", "broken": False},
                    ]
                },
                DIFFING,
            )
        )
    return found + recorded()
