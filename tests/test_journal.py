"""What a job has said, kept in its wire form, bounded, and read by any number of cursors."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradio_proto.diff import OutputState
from gradio_proto.errors import LimitExceeded
from gradio_proto.events import Log, Output, Progress, Queued, Started, Unknown
from gradio_proto.journal import PARSED_CHARACTERS, PARSED_MESSAGES, Budget, Cursor, Journal
from gradio_proto.limits import Limits
from gradio_proto.messages import parse_message


class Kept:
    """A journal under test."""

    def __init__(self, *, unread: int = 10**6, budget: Budget | None = None, **options: Any) -> None:
        self.budget = budget or Budget(10**7)
        limits = Limits(job_unread_bytes=unread)
        options = {"diffs": True, "convert": lambda data: data[0], **options}
        self.journal = Journal(limits, self.budget, **options)

    def say(self, msg: str, **fields: Any) -> int:
        text = json.dumps({"msg": msg, "event_id": "e", **fields})
        self.journal.append(text, parse_message(text, Limits()))
        return len(text)

    def value(self, *data: Any, msg: str = "process_generating") -> int:
        return self.say(msg, output={"data": [*data]}, success=True)

    def cursor(self) -> Cursor:
        return Cursor(self.journal)


def values(cursor: Cursor) -> list[Any]:
    found = []
    while (event := cursor.next_event()) is not None:
        if isinstance(event, Output):
            found.append(event.value)
    return found


def test_every_message_is_an_event() -> None:
    kept = Kept()
    cursor = kept.cursor()
    assert cursor.is_at_end
    assert cursor.next_event() is None
    kept.say("estimation", rank=1, queue_size=2, rank_eta=None)
    kept.say("process_starts", eta=1.5)
    kept.say("progress", progress_data=[{"progress": 0.5}])
    kept.say("log", log="hi", level="info", title="T", duration=None, visible=False)
    kept.value("a")
    kept.say("brand_new", more=1)
    kept.say("send_data")  # of another generation: nothing to tell
    events = []
    while (event := cursor.next_event()) is not None:
        events.append(event)
    assert events[:2] == [Queued(1, 2, None), Started(1.5)]
    assert isinstance(events[2], Progress)
    assert events[2].units[0].progress == 0.5
    assert events[3:5] == [Log("hi", "info", "T", None, False), Output("a")]
    assert isinstance(events[5], Unknown)
    assert events[5].message.msg == "brand_new"
    assert len(events) == 6
    assert cursor.is_at_end
    assert (cursor.outputs, kept.journal.outputs, kept.journal.read) == (1, 1, 7)


def test_diffs_are_rebuilt() -> None:
    kept = Kept()
    kept.value("a")
    kept.value([["append", [], "b"]])
    kept.value([])
    kept.value("whole", msg="process_streaming")
    assert values(kept.cursor()) == ["a", "ab", "ab", "whole"]
    assert values(kept.cursor()) == ["a", "ab", "ab", "whole"]


def test_without_diffs_every_value_is_whole() -> None:
    kept = Kept(diffs=False)
    kept.value("a")
    kept.value([["append", [], "b"]])
    assert values(kept.cursor()) == ["a", [["append", [], "b"]]]


def test_a_broken_diff_shows_the_older_value_until_it_is_mended() -> None:
    kept = Kept()
    kept.value("a", "x")
    cursor = kept.cursor()
    assert values(cursor) == ["a"]
    kept.value([["append", [7], "b"]], [])
    assert values(cursor) == ["a"]  # the other output may be newer
    assert not cursor.is_whole
    kept.value([["append", [7], "b"]], 5)
    assert values(cursor) == []  # nothing at all is known
    kept.value([["replace", [], "c"]], [["replace", [], "d"]])
    assert values(cursor) == ["c"]
    assert cursor.is_whole


def test_a_value_without_data_is_none() -> None:
    kept = Kept()
    kept.say("process_generating", output={}, success=True)
    cursor = kept.cursor()
    assert values(cursor) == []
    assert not cursor.is_whole
    kept.value("a")
    kept.say("process_generating", output={"data": None}, success=True)
    assert values(cursor) == ["a"]
    assert not cursor.is_whole


def test_short_messages_that_have_just_come_are_not_parsed_again() -> None:
    kept = Kept()
    kept.value("x")
    kept.value("x" * PARSED_CHARACTERS)
    assert kept.journal.message(0) is kept.journal.message(0)
    assert kept.journal.message(1) is not kept.journal.message(1)


def test_long_messages_and_old_ones_are_parsed_again() -> None:
    kept = Kept()
    kept.value("x" * PARSED_CHARACTERS)
    for number in range(PARSED_MESSAGES):
        kept.value([["append", [], str(number % 10)]])
    assert len(values(kept.cursor())) == PARSED_MESSAGES + 1
    assert values(kept.cursor())[0] == "x" * PARSED_CHARACTERS


def test_as_many_messages_as_are_kept_parsed_are_not_parsed_again() -> None:
    kept = Kept(unread=10**7)
    longest = PARSED_CHARACTERS - Kept().value("")
    for _ in range(PARSED_MESSAGES):
        kept.value("x" * longest)
    for number in (0, 1, PARSED_MESSAGES - 1):
        assert kept.journal.message(number) is kept.journal.message(number)
    kept.value("x" * longest)
    assert kept.journal.message(0) is not kept.journal.message(0)
    assert kept.journal.message(1) is kept.journal.message(1)
    kept.value("x" * (longest + 1))
    last = kept.journal.end - 1
    assert kept.journal.message(last) is not kept.journal.message(last)


def test_no_more_is_given_up_than_makes_room_for_as_much_again() -> None:
    size = Kept().value("0")
    kept = Kept(unread=size * 10, diffs=False)
    reader = kept.cursor()
    for number in range(10):
        kept.value(str(number))
        assert values(reader) == [str(number)]
    assert (kept.journal.first, kept.journal.size) == (0, size * 10)  # as much as the limit is not too much
    kept.value("x")
    assert (kept.journal.first, kept.journal.size) == (6, size * 5)
    assert values(kept.cursor()) == ["6", "7", "8", "9", "x"]


def test_what_nobody_has_read_is_never_given_up() -> None:
    size = Kept().value("0")
    kept = Kept(unread=size * 4, diffs=False)
    reader = kept.cursor()
    kept.value("0")
    assert values(reader) == ["0"]
    for number in range(1, 5):
        kept.value(str(number))
    assert kept.journal.first == 1
    assert values(reader) == ["1", "2", "3", "4"]
    assert values(kept.cursor()) == ["1", "2", "3", "4"]


def test_a_client_may_hold_as_much_as_its_budget() -> None:
    size = Kept().value("a")
    budget = Budget(size * 2)
    assert budget.used == 0
    one, two = Kept(budget=budget), Kept(budget=budget)
    one.value("a")
    two.value("b")
    assert (budget.used, one.journal.first, two.journal.first) == (size * 2, 0, 0)
    assert (values(one.cursor()), values(two.cursor())) == (["a"], ["b"])
    one.value("c")  # what was read of it makes room
    assert (one.journal.first, budget.used) == (1, size * 2)
    with pytest.raises(LimitExceeded) as caught:
        one.value("d")
    assert (caught.value.name, caught.value.limit) == ("client_unread_bytes", size * 2)


def test_a_client_that_holds_too_much_gives_up_no_more_than_that() -> None:
    size = Kept().value("a")
    kept = Kept(budget=Budget(size * 3), diffs=False)
    reader = kept.cursor()
    kept.value("a")
    kept.value("b")
    assert values(reader) == ["a", "b"]
    kept.value("c")
    assert (kept.journal.first, kept.budget.used) == (0, size * 3)
    kept.value("d")
    assert (kept.journal.first, kept.budget.used) == (1, size * 3)


def test_every_cursor_counts_its_own_outputs() -> None:
    kept = Kept()
    first, second = kept.cursor(), kept.cursor()
    for number in range(3):
        kept.value([["replace", [], number]] if number else number)
    kept.say("log", log="x", level="info")
    assert (first.outputs, first.is_whole, first.is_at_end) == (0, True, False)
    values(first)
    assert (first.outputs, second.outputs, kept.journal.outputs) == (3, 0, 3)
    assert (kept.journal.read, kept.journal.end, first.is_at_end) == (4, 4, True)
    second.next_event()
    assert (second.outputs, second.is_at_end, kept.journal.read) == (1, False, 4)


def test_what_is_no_output_changes_none() -> None:
    outputs = OutputState(Limits())
    outputs.replace(["a"])
    for text in (
        '{"msg": "log", "log": "x", "level": "info", "event_id": "e"}',
        '{"msg": "process_generating", "output": {}, "success": true, "event_id": "e"}',
    ):
        assert not Kept().journal.advance(outputs, parse_message(text, Limits()))
        assert outputs.snapshot() == ["a"]


def test_what_has_been_read_is_given_up_first() -> None:
    kept = Kept(unread=1000)
    reader = kept.cursor()
    expected = ""
    kept.value("")
    for number in range(100):
        kept.value([["append", [], str(number)]])
        expected += str(number)
        assert values(reader)[-1] == expected
    assert kept.journal.size <= 1000
    assert kept.budget.used == kept.journal.size
    assert kept.journal.first > 0
    assert kept.journal.outputs == 101
    late = values(kept.cursor())  # starts from the value that was folded
    assert late[-1] == expected
    assert len(late) == kept.journal.end - kept.journal.first


def test_a_slow_cursor_skips_what_was_given_up() -> None:
    kept = Kept(unread=600)
    slow, fast = kept.cursor(), kept.cursor()
    kept.value("0")
    assert values(slow) == ["0"]
    for number in range(1, 20):
        kept.value([["append", [], str(number % 10)]])
        values(fast)
    seen = values(slow)
    assert seen[-1] == "01234567890123456789"
    assert len(seen) < 19


def test_who_comes_after_everything_was_given_up_is_told_the_next_value() -> None:
    kept = Kept(unread=300)
    first, late = kept.cursor(), kept.cursor()
    kept.value("a")
    kept.value([["append", [], "b"]])
    assert values(first) == ["a", "ab"]
    for number in range(3):
        kept.say("log", log=str(number), level="info")
        assert isinstance(first.next_event(), Log)
    assert kept.journal.first >= 2
    assert not late.is_at_end
    assert values(late) == []
    assert late.is_at_end
    kept.value([["append", [], "c"]])
    assert values(late) == values(first) == ["abc"]


def test_more_unread_than_a_job_may_have() -> None:
    kept = Kept(unread=200)
    kept.value("a")
    kept.value("b")
    with pytest.raises(LimitExceeded) as caught:
        kept.value("c")
    assert (caught.value.name, caught.value.limit) == ("job_unread_bytes", 200)


def test_the_limit_of_one_message_more_and_one_less() -> None:
    size = Kept().value("a")
    Kept(unread=size).value("a")
    with pytest.raises(LimitExceeded):
        Kept(unread=size - 1).value("a")


def test_a_shared_budget_is_given_back_with_the_journal() -> None:
    budget = Budget(250)
    one, two = Kept(budget=budget), Kept(budget=budget)
    one.value("a")
    two.value("b")
    with pytest.raises(LimitExceeded) as caught:
        two.value("c")
    assert caught.value.name == "client_unread_bytes"
    used = budget.used
    assert used == one.journal.size + two.journal.size
    del two, caught  # the traceback knows it
    gc.collect()
    assert budget.used == one.journal.size < used


def test_a_job_that_is_read_gives_way_when_the_client_holds_too_much() -> None:
    budget = Budget(400)
    hog, read = Kept(budget=budget), Kept(budget=budget)
    cursor = read.cursor()
    hog.value("x" * 120)
    for number in range(50):
        read.value(number) if number == 0 else read.value([["replace", [], number]])
        assert values(cursor)[-1] == number
    assert budget.used <= budget.limit


@given(
    st.lists(st.sampled_from(["value", "read one", "read two", "log"]), max_size=60),
    st.integers(300, 1500),
)
@settings(max_examples=60)
def test_cursors_agree_however_they_take_turns(doings: list[str], unread: int) -> None:
    """A cursor tells the newest value, unless that was given up before it got there: then the next one."""
    kept = Kept(unread=unread)
    cursors = {"read one": kept.cursor(), "read two": kept.cursor()}
    text, newest = "", -1
    read = {"read one": 0, "read two": 0}
    for number, doing in enumerate(doings):
        try:
            if doing == "value":
                text += str(number)
                kept.value([["append", [], str(number)]] if newest >= 0 else text)
                newest = kept.journal.end - 1
            elif doing == "log":
                kept.say("log", log=str(number), level="info")
            else:
                has_news = newest >= max(read[doing], kept.journal.first)
                assert values(cursors[doing])[-1:] == ([text] if has_news else [])
                assert cursors[doing].is_at_end
                assert cursors[doing].is_whole
                read[doing] = kept.journal.end
        except LimitExceeded:
            assert kept.journal.size > unread
            return
    assert kept.budget.used == kept.journal.size
    assert kept.journal.size <= unread


FULL = [["replace", [], "b"]]


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([[FULL], [[["append", [], "c"]]]], ["b", "bc"]),
        ([[[["append", [], "c"]]], [[["append", [], "d"]]], [FULL]], ["b"]),
        ([[[["delete", ["k"], None]], []]], []),
        ([[FULL, []], [[["append", [], "c"]], FULL]], ["bc"]),
        # What may be a value is one.
        ([[[*FULL, "c"]]], [[*FULL, "c"]]),
        ([[[["write", [], "b"]]]], [[["write", [], "b"]]]),
        ([[["append"]]], [["append"]]),
        ([["b"]], ["b"]),
        # Once it is known, it may be broken: what is shown is older, and not nothing.
        ([[[["append", [], "c"]], []], [FULL, FULL], [[["no edit"]], [["append", [], "c"]]]], ["b", "b"]),
        ([[[], []]], [[]]),
    ],
)
def test_a_server_that_begins_with_a_diff(messages: list[Any], expected: list[Any]) -> None:
    """It takes the generator for one that ended midway, and whose last value nobody here knows."""
    kept = Kept(first_is_whole=False)
    for data in messages:
        kept.value(*data)
    assert values(kept.cursor()) == expected


def test_a_first_value_that_looks_like_a_diff() -> None:
    """Servers that cannot begin with a diff may send it, as what a ``gr.JSON`` shows."""
    kept = Kept()
    kept.value(FULL)
    kept.value([["append", [0, 0], "d"]])
    assert values(kept.cursor()) == [[["replace", [], "b"]], [["replaced", [], "b"]]]


@pytest.mark.parametrize("first", [[[["append", [], "x"]], []], ["a", 0]], ids=["unknown", "broken"])
def test_whoever_reads_late_knows_as_little(first: list[Any]) -> None:
    """What was missed, or never known, is not made up for by what has been given up since."""
    kept = Kept(unread=2000, first_is_whole=False, convert=list)
    kept.value(*first)
    kept.value([["no edit"]], [["replace", [], 1]])
    early = kept.cursor()
    said = [values(early)]
    while not kept.journal.first:
        kept.value([], [["replace", [], 2]])
        said.append(values(early))
    assert kept.journal.first > 2
    late = kept.cursor()
    assert late.next_event() == (Output(said[-1][0]) if said[-1] else None)
    assert not late.is_whole
    assert not early.is_whole
