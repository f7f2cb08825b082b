"""Values, differences between them, and the failures of functions."""

from __future__ import annotations

from typing import Any, Final

from ..model import Call, Either, Failure, Scenario, Sent, Value, Values
from ..steps import Again, Talk, begun, completed, failed, generating, message
from .build import ALL, DIFFS, ERROR, LATEST, scenario

TYPED: Final = ("security/bounds/typed",)
OLD: Final = ALL[:5]
BIG: Final = 10**9


def streamed(first: Any, *diffs: Any, last: Any) -> Talk:
    """A generator's values: the first one whole, then differences, then the last one whole."""
    return (*begun(), generating(first), *map(generating, diffs), completed(last))


def diff(
    id: str,
    summary: str,
    first: Any,
    *diffs: Any,
    last: Any,
    values: tuple[Any, ...] | None = None,
    requirements: tuple[str, ...] = ("value/diff/broken", "value/streamed/resynchronise"),
) -> Scenario:
    """A scenario of differences.

    Args:
        id: Its id.
        summary: What the server sends.
        first: The first value.
        diffs: The edits for each further one.
        last: The value at the end.
        values: What must come out, where that can be said; otherwise only the last value is looked at.
        requirements: What is checked.
    """
    return scenario(
        id,
        summary,
        streamed(first, *diffs, last=last),
        requirements=requirements,
        generations=DIFFS,
        outputs=("json",),
        dependency={"types": {"generator": True, "cancel": False, "continuous": False}},
        expected=(Value(last),) if values is None else (Values(values),),
        stream=values is not None,
    )


def failure(
    id: str,
    summary: str,
    output: Any,
    *,
    text: str | None = None,
    requirements: tuple[str, ...],
    generations: tuple[str, ...] = ALL,
    **fields: Any,
) -> Scenario:
    """A scenario in which the function fails."""
    return scenario(
        id,
        summary,
        (*begun(), failed(output, **fields)),
        requirements=requirements,
        generations=generations,
        expected=(Failure(text),),
    )


GENERATOR: Final = {"types": {"generator": True, "cancel": False, "continuous": False}}

SCENARIOS: Final = (
    # Whole values.
    scenario(
        "value/generator",
        "A generator yields three whole values.",
        (*begun(), generating("a"), generating("b"), generating("c"), completed("c")),
        requirements=("message/output/generating-at-end",),
        generations=("ws", "sse", "sse_v1"),
        dependency=GENERATOR,
        stream=True,
        expected=(Values(("a", "b", "c")),),
    ),
    scenario(
        "value/generator-empty",
        "A generator yields nothing.",
        (*begun(), completed(None)),
        requirements=("value/any-json",),
        generations=ALL,
        dependency=GENERATOR,
        expected=(Either(),),
    ),
    scenario(
        "value/failed-after-values",
        "A generator fails behind two values, and both are read.",
        (*begun(), generating("a"), generating([["append", [], "b"]]), failed({"error": "bad thing"})),
        requirements=("value/streamed/failed", "error/function/raises"),
        generations=DIFFS,
        dependency=GENERATOR,
        stream=True,
        expected=(Failure("bad thing"),),
    ),
    scenario(
        "value/failed-after-values-old",
        "A generator fails behind two values, and both are read.",
        (*begun(), generating("a"), generating("ab"), failed({"error": "bad thing"})),
        requirements=("value/streamed/failed", "error/function/raises"),
        generations=("ws", "sse", "sse_v1"),
        dependency=GENERATOR,
        stream=True,
        expected=(Failure("bad thing"),),
    ),
    scenario(
        "value/update",
        "A result is an update with a value.",
        (*begun(), completed({"__type__": "update", "value": "well", "label": "new", "visible": True})),
        requirements=("value/update",),
        generations=ALL,
        expected=(Either(),),
    ),
    scenario(
        "value/update-without-value",
        "A result is an update without a value.",
        (*begun(), completed({"__type__": "update", "visible": False})),
        requirements=("value/update",),
        generations=ALL,
        expected=(Either(),),
    ),
    scenario(
        "value/state",
        "The endpoint takes and gives State, between its other components.",
        (*begun(), completed("first", None, "second")),
        requirements=("queue/join/body/state", "value/left-out", "discovery/component/skipped"),
        generations=ALL[1:],
        inputs=("textbox", "state", "textbox"),
        outputs=("textbox", "state", "textbox"),
        calls=(Call(("one", "two")),),
        sent=(Sent("queue/join", "queue/join/body/state", body=("data", ["one", None, "two"])),),
        expected=(Value(["first", "second"]),),
    ),
    scenario(
        "value/state-ws",
        "The endpoint takes and gives State, between its other components.",
        (*begun(), completed("first", None, "second")),
        requirements=("queue/join/body/state", "value/left-out", "discovery/component/skipped-ws"),
        generations=("ws",),
        inputs=("textbox", "state", "textbox"),
        outputs=("textbox", "state", "textbox"),
        calls=(Call(("one", "two")),),
        sent=(Sent("queue/join", "queue/join/body/state", body=("data", ["one", None, "two"])),),
        expected=(Value(["first", "second"]),),
    ),
    scenario(
        "value/several",
        "The endpoint has two outputs.",
        (*begun(), completed("first", "second")),
        requirements=("value/one-or-several",),
        generations=ALL,
        outputs=("textbox", "textbox"),
        expected=(Value(["first", "second"]),),
    ),
    # Differences.
    diff(
        "diff/edits",
        "Values are replaced, appended to, added and deleted.",
        {"a": "x", "b": [1]},
        [["append", ["a"], "y"]],
        [["add", ["c"], None], ["add", ["b", 1], 2], ["replace", ["b", 0], 0]],
        [["delete", ["c"], None]],
        last={"a": "xy", "b": [0, 2]},
        values=(
            {"a": "x", "b": [1]},
            {"a": "xy", "b": [1]},
            {"a": "xy", "b": [0, 2], "c": None},
            {"a": "xy", "b": [0, 2]},
        ),
        requirements=("value/diff/order",),
    ),
    diff(
        "diff/empty",
        "A difference is an empty list: nothing has changed.",
        "a",
        [],
        [["append", [], "b"]],
        last="ab",
        values=("a", "a", "ab"),
        requirements=("value/diff/empty",),
    ),
    diff(
        "diff/root-replace",
        "The whole value is replaced by one of another type.",
        None,
        [["replace", [], [1]]],
        last=[1],
        values=(None, [1]),
        requirements=("value/diff/order",),
    ),
    diff(
        "diff/old-deletes",
        "Elements at the end of a list are deleted by the indices that they had.",
        [1, 2, 3, 4],
        [["delete", [1], None], ["delete", [2], None], ["delete", [3], None]],
        last=[1],
        values=([1, 2, 3, 4], [1]),
        requirements=("value/diff/delete-from-list",),
    ),
    diff(
        "diff/new-deletes",
        "Elements at the end of a list are deleted by one index, three times.",
        [1, 2, 3, 4],
        [["delete", [1], None], ["delete", [1], None], ["delete", [1], None]],
        last=[1],
        values=([1, 2, 3, 4], [1]),
        requirements=("value/diff/delete-from-list",),
    ),
    diff(
        "diff/nested-deletes",
        "Elements of nested lists are deleted by indices that 6.31 has counted down too far.",
        [[1, 2, 3], [1, 2, 3]],
        [
            ["delete", [0, 1], None],
            ["delete", [0, 0], None],
            ["delete", [1, -1], None],
            ["delete", [1, -2], None],
        ],
        last=[[1], [1]],
        values=([[1, 2, 3], [1, 2, 3]], [[1], [1]]),
        requirements=("value/diff/delete-from-list",),
    ),
    diff(
        "diff/equal",
        "A value changes from 1 to true, which the server takes for the same.",
        1,
        [],
        last=True,
        requirements=("value/diff/equal", "value/streamed/resynchronise"),
    ),
    diff(
        "diff/no-list",
        "A difference is no list of edits.",
        "a",
        {"append": "b"},
        last="ab",
    ),
    diff("diff/short-edit", "An edit has no path and no value.", "a", [["append"]], last="ab"),
    diff(
        "diff/unknown-action",
        "An edit has an action that nobody knows.",
        "a",
        [["reverse", [], "x"]],
        last="b",
    ),
    diff("diff/action-number", "An edit has a number for an action.", "a", [[5, [], "x"]], last="b"),
    diff(
        "diff/out-of-range",
        "An edit names an element that is not there.",
        [1],
        [["replace", [9], 2]],
        last=[2],
    ),
    diff(
        "diff/huge-index",
        "An element is added at index 1,000,000,000.",
        [1],
        [["add", [BIG], 2]],
        last=[1, 2],
        requirements=("value/diff/bounded", "value/diff/broken"),
    ),
    diff(
        "diff/negative-index",
        "An edit names an element from the end.",
        [1, 2],
        [["replace", [-3], 9]],
        last=[1],
    ),
    diff(
        "diff/missing-key",
        "An edit deletes a key that is not there.",
        {},
        [["delete", ["a"], None]],
        last={"b": 1},
    ),
    diff("diff/into-string", "A path leads into a string.", "abc", [["replace", [0], "x"]], last="xbc"),
    diff("diff/into-number", "A path leads into a number.", 5, [["append", ["a", "b"], "x"]], last=6),
    diff("diff/append-to-number", "Text is appended to a number.", 5, [["append", [], "x"]], last=6),
    diff(
        "diff/attributes",
        "Paths name what languages find behind an object, and not what it holds.",
        {"a": "x"},
        [["replace", ["__class__"], 1], ["add", ["__proto__", "polluted"], 1]],
        [["replace", ["a", "__doc__"], 1], ["append", ["constructor", "prototype"], "x"]],
        last={"a": "x"},
        requirements=("value/diff/plain", "value/diff/broken"),
    ),
    diff(
        "diff/path-odd",
        "A path holds a list, a float and null.",
        {"a": 1},
        [["replace", [[1]], 2], ["replace", [1.5], 2], ["replace", [None], 2]],
        last={"a": 2},
    ),
    diff("diff/path-text", "A path is a text.", {"a": 1}, [["replace", "a", 2]], last={"a": 2}),
    diff(
        "diff/deep-path",
        "A path is ten thousand steps deep.",
        {"a": 1},
        [["add", ["a"] * 10_000, 2]],
        last={"a": 2},
    ),
    scenario(
        "diff/growth",
        "A text is doubled again and again, by edits that add what is long already.",
        (
            *begun(),
            generating("x" * 1000),
            Again((generating([["append", [], "x" * 1000]]),), 2000),
            completed("well"),
        ),
        requirements=("value/diff/bounded", "security/bounds/everything"),
        generations=LATEST,
        dependency=GENERATOR,
    ),
    scenario(
        "diff/too-few-outputs",
        "A difference has no entry for the one output, and another has two.",
        (
            *begun(),
            generating("a"),
            message("process_generating", output={"data": []}, success=True),
            message("process_generating", output={"data": [[], []]}, success=True),
            completed("well"),
        ),
        requirements=TYPED,
        generations=DIFFS,
        dependency=GENERATOR,
        expected=(Either("well", is_any=False),),
    ),
    scenario(
        "diff/failed-generating",
        "A value comes without success, and then the completion.",
        (
            *begun(),
            message("process_generating", output={"error": "bad thing"}, success=False),
            failed({"error": "bad thing"}),
        ),
        requirements=TYPED,
        generations=DIFFS,
        dependency=GENERATOR,
        expected=ERROR,
    ),
    # Failures.
    failure(
        "failure/text",
        "The function fails, with a text.",
        {"error": "bad thing"},
        text="bad thing",
        requirements=("error/function/raises",),
    ),
    failure(
        "failure/null",
        "The function fails, and its text is hidden.",
        {"error": None},
        requirements=("error/function/null",),
    ),
    failure(
        "failure/empty",
        "The function fails, with an empty text.",
        {"error": ""},
        requirements=("error/function/null",),
    ),
    failure(
        "failure/none-string",
        "The function fails, with the text `None`.",
        {"error": "None"},
        requirements=("error/function/none-string",),
        generations=OLD,
    ),
    failure(
        "failure/quotes",
        "The function fails, with a text in Python's quotes.",
        {"error": "'bad thing: it\\'s'"},
        text="bad thing",
        requirements=("error/function/quotes",),
    ),
    failure(
        "failure/titled",
        "The function fails, with a duration of null and a title.",
        {"error": "bad thing", "duration": None, "visible": False, "title": "Oh"},
        text="bad thing",
        requirements=("error/function/duration",),
        generations=LATEST,
        title=None,
    ),
    failure(
        "failure/extra-keys",
        "The function fails, with keys that nobody knows.",
        {"error": "bad thing", "mood": "bad", "self": 1, "message": 2},
        text="bad thing",
        requirements=("error/function/extras",),
    ),
    failure("failure/number", "The error is a number.", {"error": 7}, requirements=TYPED),
    failure("failure/object", "The error is an object.", {"error": {"text": "bad"}}, requirements=TYPED),
    failure(
        "failure/odd-types",
        "The duration and the title have other types than they should.",
        {"error": "bad thing", "duration": "long", "visible": 3, "title": []},
        requirements=TYPED,
    ),
    failure("failure/null-output", "The output of a failure is null.", None, requirements=TYPED),
    failure("failure/text-output", "The output of a failure is a text.", "bad thing", requirements=TYPED),
    failure("failure/empty-output", "The output of a failure is empty.", {}, requirements=TYPED),
    failure(
        "failure/controls",
        "The text of an error has escapes for a terminal.",
        {"error": "bad \x1b[2J\u202e thing\r\n"},
        requirements=("security/print",),
    ),
    failure(
        "failure/cache-fields",
        "A failure has the fields of a cache.",
        {"error": "bad thing"},
        text="bad thing",
        requirements=("message/process-completed/cache-fields",),
        generations=LATEST,
        used_cache="full",
        cache_duration=10.0,
    ),
    failure(
        "failure/huge",
        "The text of an error has 8 MB.",
        {"error": "bad thing " * 800_000},
        text="bad thing",
        requirements=("error/function/raises",),
        generations=("ws", *LATEST),
    ),
)
