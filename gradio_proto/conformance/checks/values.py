"""The values of jobs: which output is where, and how a generator's values follow one another."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from gradio_proto.config import is_list, is_object

from ..judging import judge_positions, judge_session, judge_values
from ..model import Violation
from ..registry import case
from ..session import Job
from ..strategies import value_sequences
from ..tester import Tester
from .calls import WORKERS, make, plain_calls, wait_for_all

LETTERS: Final = ["a", "b", "c", "d"]
ITEMS: Final = 6
"""The most items of a list that a generator makes longer."""
BATCH: Final = 4
"""Jobs that the reference app takes in one batch."""
ROUNDS: Final = 3
"""How often so many jobs are joined, for some of them to get into one batch."""
GENERATORS: Final = ("count", "stream", "chat", "jsonstream", "shrink", "noqueue_gen")


def words() -> st.SearchStrategy[str]:
    """Texts of a few words, of any characters that do not split them."""
    word = st.text(st.characters(codec="utf-8", exclude_categories=("Z", "C")), min_size=1, max_size=6)
    return st.lists(word, max_size=6).map(" ".join)


def said_by_stream(text: str) -> list[Any]:
    """The values that ``stream`` of the reference app yields."""
    parts = text.split()
    return ["".join(f"{part} " for part in parts[: number + 1]) for number in range(len(parts))]


def said_by_jsonstream(count: int) -> list[Any]:
    """The same of ``jsonstream``."""
    items = [{"i": number, "s": "x" * number} for number in range(count)]
    steps: list[Any] = [{"items": items[: n + 1], "done": False, "n": n} for n in range(count)]
    return [*steps, {"items": items[1:], "done": True}]


def said_by_shrink(count: int) -> list[Any]:
    """The same of ``shrink``."""
    letters = LETTERS[:count]
    return [letters, letters[:1], letters, letters[:2], []]


# Outputs


@case("value/positions", endpoints=("any",))
def every_output_has_its_value(tester: Tester) -> None:
    """Call every plain endpoint: there are as many values as outputs, whenever there are any, in their order."""
    for job in make(tester, plain_calls(tester)):
        judge_positions(job)
    if tester.find("calc") is not None:
        job = tester.run("calc", 2, "add", 3)
        texts = job.values[1:]
        is_right = job.values[0] == 5 and len(texts) == 1 and isinstance(texts[0], str) and "=" in texts[0]
        tester.check(is_right, f"{job} was to give the sum and then a text, and gave {job.values}")


@case("value/state", endpoints=("state",), severity="critical")
def state_stays_on_the_server(tester: Tester) -> None:
    """Call a function with State twice in one session: it is null in the outputs, and counts on."""
    session = tester.session()
    endpoint = tester.endpoint("state")
    for number, text in enumerate(("a b", "c"), 1):
        job = session.submit(endpoint, *tester.data_for(endpoint, text))
        session.wait(job)
        judge_session(session)
        tester.check(job.values[1] is None, f"State came out of {job}: {job.values}")
        tester.check(
            job.values[0] == number + 1, f"{job} was to count {number + 1} words, and counted {job.values[0]}"
        )


@case("value/batch", endpoints=("batch",), severity="critical")
def each_of_a_batch_gets_its_own(tester: Tester) -> None:
    """Run so many jobs at once that the server makes batches of them: each gets the value for its own input."""
    endpoint = tester.endpoint("batch")
    # What comes while the server looks away, or its workers are busy, is taken together.
    count = WORKERS + BATCH if tester.protocol == "ws" else 2 * BATCH
    for _ in range(ROUNDS):
        sessions = [tester.session() for _ in range(count if tester.asks_for_data else 1)]
        jobs = [
            sessions[number % len(sessions)].submit(endpoint, f"word {number}", listen=False)
            for number in range(count)
        ]
        wait_for_all(jobs)
        for number, job in enumerate(jobs):
            wanted = [f"WORD {number}"]
            tester.check(
                job.values == wanted, f"{job} of a batch was to give {wanted}, and gave {job.values}"
            )
        for session in sessions:
            judge_session(session)


# Streamed values


@case("value/streamed/whole", endpoints=("stream",), examples=10, severity="critical")
def every_value_is_whole(tester: Tester) -> None:
    """Run a generator of texts in a generation without differences: each value is whole."""
    text = tester.draw(words(), "text")
    job = tester.run("stream", text)
    found = [heard.data for heard in job.all("process_generating")]
    wanted = [[value] for value in said_by_stream(text)]
    tester.check(found == wanted, f"{job} was to send {wanted} for {text!r}, and sent {found}")


@case("value/streamed/first", endpoints=("count", "stream"), severity="critical")
def the_first_value_is_whole(tester: Tester) -> None:
    """Run generators twice in one session: the first value of each job is whole, and not relative to anything."""
    session = tester.session()
    known: dict[str, tuple[Any, Any]] = {
        "count": (3, 0),
        "stream": ("a b", "a "),
        "shrink": (3, LETTERS[:3]),
        "jsonstream": (1, said_by_jsonstream(1)[0]),
    }
    for _ in range(2):
        for role, (argument, wanted) in known.items():
            endpoint = tester.find(role)
            if endpoint is None:
                continue
            job = session.submit(endpoint, argument)
            session.wait(job)
            first = next((heard.data for heard in job.all("process_generating")), None)
            tester.check(first == [wanted], f"the first value of {job} was to be {[wanted]}, and was {first}")


@case("value/streamed/differences", endpoints=("count", "stream"))
def later_values_are_differences(tester: Tester) -> None:
    """Run generators: each value but the first is a list of edits for each output."""
    jobs = make(
        tester, plain_calls(tester, ("count", "stream", "chat", "jsonstream", "shrink", "noqueue_gen"))
    )
    for job in jobs:
        judge_values(job)
        for heard in job.all("process_generating")[1:]:
            tester.check_schema("values/diff", heard.data[0])


@case("value/streamed/last", endpoints=("count",), examples=5, severity="critical")
def the_last_value_comes_again(tester: Tester) -> None:
    """Run generators: ``process_completed`` holds the value that was yielded last."""
    count = tester.draw(st.integers(1, 8), "count")
    job = tester.run("count", count)
    judge_values(job)
    tester.check(
        job.values == [count - 1], f"{job} has yielded {count - 1} last, and ended with {job.values}"
    )


@case("value/streamed/last/every-kind", endpoints=("count",), severity="critical")
def the_last_value_of_any_kind_comes_again(tester: Tester) -> None:
    """Run generators of every kind of value: what was streamed last is what ``process_completed`` holds."""
    for job in make(tester, plain_calls(tester, GENERATORS)):
        judge_values(job)


@case("value/streamed/last/files", endpoints=("growing_file",))
def the_last_file_comes_again(tester: Tester) -> None:
    """Run a generator of files: the one that was streamed last is the one that ``process_completed`` holds."""
    judge_values(tester.run("growing_file", "x"))


@case("value/streamed/last/same-function", endpoints=("count",), severity="critical")
def two_runs_of_a_generator_in_one_session(tester: Tester) -> None:
    """Run a generator twice at once in one session: each run has its own values."""
    session = tester.session()
    counts = (3, 7)
    jobs = [session.submit(tester.endpoint("count"), count) for count in counts]
    session.wait()
    for job, count in zip(jobs, counts, strict=True):
        wanted = [[number] for number in range(count)]
        found = judge_values(job)
        tester.check(
            found == wanted, f"{job} was to yield {wanted} beside another run of it, and yielded {found}"
        )
        tester.check(
            job.values == wanted[-1], f"{job} was to end with {wanted[-1]}, and ended with {job.values}"
        )


@case("value/streamed/empty", endpoints=("count",))
def a_generator_that_yields_nothing(tester: Tester) -> None:
    """Run a generator for no value at all: it succeeds, with null."""
    job = tester.run("count", 0)
    values = job.all("process_generating")
    tester.check(not values, f"{job} yields nothing, and sent {len(values)} values")
    tester.check(job.success, f"{job} yields nothing, and came to {job.output}")
    tester.check(job.values == [None], f"{job} yields nothing, and ended with {job.values} and not with null")


# Differences


@case("value/diff/actions", endpoints=("shrink",))
def edits_are_known_ones(tester: Tester) -> None:
    """Run generators whose values grow, shrink and change: each edit is one that a client knows."""
    for job in make(tester, plain_calls(tester, GENERATORS)):
        for heard in job.all("process_generating")[1:]:
            for edits in heard.data:
                tester.check_schema("values/diff", edits)
        judge_values(job)


@case("value/diff/replays", endpoints=("stream",), examples=12, severity="critical")
def differences_of_texts_replay(tester: Tester) -> None:
    """Run a generator of texts: its differences make the values that it is known to yield."""
    text = tester.draw(words(), "text")
    _must_replay(tester.run("stream", text), said_by_stream(text))


@case("value/diff/replays/lists", endpoints=("shrink",), examples=5, severity="critical")
def differences_of_lists_replay(tester: Tester) -> None:
    """Run a generator of lists that lose elements and gain some: its differences make the values that it yields."""
    count = tester.draw(st.integers(0, len(LETTERS)), "count")
    _must_replay(tester.run("shrink", count), said_by_shrink(count))


@case("value/diff/replays/objects", endpoints=("jsonstream",), examples=5, severity="critical")
def differences_of_objects_replay(tester: Tester) -> None:
    """Run a generator of objects that change in every way: its differences make the values that it yields."""
    count = tester.draw(st.integers(0, ITEMS), "count")
    _must_replay(tester.run("jsonstream", count), said_by_jsonstream(count))


@case("value/diff/replays/any-list", endpoints=("replay",), examples=12, severity="critical")
def differences_of_any_lists_replay(tester: Tester) -> None:
    """Have a generator yield lists that change in any way: its differences make the values that it yields."""
    letters = st.lists(st.sampled_from(LETTERS), max_size=5)
    wanted = tester.draw(st.lists(letters, min_size=2, max_size=4), "values")
    _must_replay(tester.run("replay", wanted), wanted)


@case("value/diff/replays/any-object", endpoints=("replay_json",), examples=12, severity="critical")
def differences_of_any_objects_replay(tester: Tester) -> None:
    """Have a generator yield objects that change in any way: its differences make the values that it yields."""
    wanted = tester.draw(value_sequences(min_size=2, max_size=4).map(_as_documents), "values")
    _must_replay(tester.run("replay_json", wanted), wanted)


@case("value/diff/replays/chat", endpoints=("chat",), examples=3, severity="critical")
def differences_of_a_chat_replay(tester: Tester) -> None:
    """Run a chat: what its differences make ends with the answer, letter by letter, and with the last value."""
    text = tester.draw(st.text("abc ", min_size=1, max_size=8), "text")
    job = tester.run("chat", text, [])
    found = [_spoken(values[0]) for values in judge_values(job)]
    answer = "Hello there"
    wanted = [answer[: number + 1] for number in range(len(answer))]
    tester.check(found == wanted, f"the answers of {job} were to grow letter by letter, and were {found}")


def _as_documents(values: list[Any]) -> list[Any]:
    """The values within an object: an app may read a text that it is given as JSON."""
    return [{"value": value} for value in values]


def _must_replay(job: Job, wanted: list[Any]) -> None:
    found = [values[0] for values in judge_values(job)]
    for number, (value, expected) in enumerate(zip(found, wanted, strict=False)):
        if value != expected:
            raise Violation(
                f"value {number} of {job} was to be {expected!r}, and its differences make {value!r}"
            )
    if len(found) != len(wanted):
        raise Violation(f"{job} was to yield {len(wanted)} values, and {len(found)} came")
    if wanted and job.values != [wanted[-1]]:
        raise Violation(f"{job} was to end with {wanted[-1]!r}, and ended with {job.values}")


def _spoken(chat: Any) -> object:
    """What was said last in a chat: its messages are objects from Gradio 5 on, and pairs before."""
    last: Any = chat[-1]
    content: Any = last["content"] if is_object(last) else last[1]
    return content[0]["text"] if is_list(content) else content
