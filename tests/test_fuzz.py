"""The fuzzers of ``tests/fuzz``: some inputs of each target, its corpus, and that they see what they look for."""

from __future__ import annotations

import json
import re
import shlex
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fuzz import __main__ as command
from fuzz import config, corpus, diffs, findings, http, messages, sse, websocket
from fuzz.bytewise import input_of
from fuzz.driving import drawing
from fuzz.promises import PEAK, Broken, Input, Target, check, check_growth, documented, held, rendered
from fuzz.reach import PAGE, measured, table, written
from fuzz.table import TARGETS
from hypothesis import HealthCheck, given, settings

from gradio_proto import diff, job, journal, session
from gradio_proto import http as http_module
from gradio_proto import sse as sse_module
from gradio_proto.errors import GradioError, LocalProtocolError, RemoteProtocolError
from gradio_proto.messages import Message
from gradio_proto.typed import codegen

EXAMPLES = {"sse": 150, "messages": 100, "diffs": 60, "config": 25, "websocket": 100, "http": 120}
"""Inputs drawn of each target in the ordinary suite."""


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_drawn_keeps_every_promise(name: str) -> None:
    target = TARGETS[name]

    @given(target.inputs(corpus.pool(target)))
    @settings(max_examples=EXAMPLES[name], deadline=None, suppress_health_check=[*HealthCheck])
    def run(drawn: Input) -> None:
        check(target, drawn, thorough=zlib.crc32(rendered(drawn).encode()) % 8 == 0)

    run()


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_keeps_every_promise(name: str) -> None:
    target = TARGETS[name]
    inputs = corpus.read(target)
    assert inputs
    for each in inputs:  # ``make fuzz ARGS=--corpus`` is thorough with all of them
        check(target, each, thorough=zlib.crc32(rendered(each).encode()) % 4 == 0)


@pytest.mark.parametrize("name", TARGETS)
def test_more_takes_as_much_more(name: str) -> None:
    target = TARGETS[name]
    inputs = corpus.read(target)  # in the order of their length
    check_growth(target, inputs[len(inputs) * 3 // 4])


def test_the_corpora_are_small_and_in_order() -> None:
    paths = sorted(corpus.FOLDER.iterdir())
    assert [path.stem for path in paths] == sorted(TARGETS)
    assert sum(path.stat().st_size for path in paths) < 2_000_000
    for path in paths:
        lines = path.read_text("utf-8").splitlines()
        assert lines == sorted(set(lines), key=lambda line: (len(line), line))
        assert all(rendered(json.loads(line)) == line for line in lines)


def test_a_corpus_reaches_what_the_page_says() -> None:
    lines = {line.split()[0]: line.split() for line in written()}
    assert {*lines} == {module for each in TARGETS.values() for module in each.modules} | {
        "module",
        "together",
    }
    for line in [*table(measured([sse.TARGET, diffs.TARGET]))][1:]:
        name, _, taken = line.split()
        # Whoever changes the core need not measure again; the corpus reaches about as much of it.
        if name != "together":
            assert abs(int(taken.rstrip("%")) - int(lines[name][2].rstrip("%"))) <= 10


# That each promise can be broken, and is then seen to be.


def broken_by(target: Target, match: str | None = None) -> None:
    """See that the corpus, with the seeds, tells of a defect."""
    with pytest.raises(Broken, match=match):
        check_all(target)


def check_all(target: Target) -> None:
    for each in corpus.pool(target):
        check(target, each)


def after(method: Callable[..., Any], more: Callable[..., Any]) -> Callable[..., Any]:
    """A method that does something more in the end, with the same arguments."""

    def both(*arguments: Any, **named: Any) -> Any:
        result = method(*arguments, **named)
        more(*arguments, **named)
        return result

    return both


def test_an_undocumented_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_self: Any, line: bytes) -> None:
        raise KeyError(line)

    monkeypatch.setattr(sse_module.SSEDecoder, "_field", fails)
    broken_by(sse.TARGET, "KeyError")


@pytest.mark.parametrize(
    "error", [LocalProtocolError("x"), GradioError("an internal error: x"), KeyError("x")]
)
def test_errors_that_no_server_may_bring_about(error: Exception) -> None:
    with pytest.raises(Broken):
        documented(error)


def test_an_error_that_a_terminal_would_obey(monkeypatch: pytest.MonkeyPatch) -> None:
    assert documented(RemoteProtocolError("x", data="\x1b[2J"))
    monkeypatch.setattr(GradioError, "__str__", lambda self: self.args[0])
    with pytest.raises(Broken, match="terminal"):
        documented(RemoteProtocolError("x", data="\x1b[2J"))


def test_a_byte_that_is_lost_between_two_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    receive = sse_module.SSEDecoder.receive_data

    def loses(self: Any, data: bytes) -> None:
        receive(self, data if not self._buffer or len(data) < 2 else data[1:])

    monkeypatch.setattr(sse_module.SSEDecoder, "receive_data", loses)
    with pytest.raises(Broken, match="and whole"):
        check(sse.TARGET, {**input_of(b"data: abcdef\n\n", limit=100), "cuts": [8]})


def test_a_byte_that_is_read_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    receive = sse_module.SSEDecoder.receive_data
    monkeypatch.setattr(
        sse_module.SSEDecoder, "receive_data", lambda self, data: receive(self, data.replace(b"x", b"y"))
    )
    broken_by(sse.TARGET, "the standard wants")


def test_a_machine_that_forgets_that_it_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgets(self: Any) -> None:
        self._failed = False

    fail = sse_module.SSEDecoder._fail

    def fail_once(self: Any) -> None:
        try:
            fail(self)
        finally:
            forgets(self)

    monkeypatch.setattr(sse_module.SSEDecoder, "_fail", fail_once)
    with pytest.raises(Broken, match="it failed with"):
        check(sse.TARGET, input_of(b"data: " + b"x" * 20, limit=8))


def test_a_machine_that_keeps_what_it_has_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def keeps(self: Any, data: bytes) -> None:
        self.kept = [*getattr(self, "kept", ()), data]

    receive = http_module.HTTPConnection.receive_data
    monkeypatch.setattr(http_module.HTTPConnection, "receive_data", after(receive, keeps))
    body = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 16_000
    with pytest.raises(Broken, match="are held"):
        check(http.TARGET, {**input_of(body, kind="GET", limit=512), "cuts": [*range(1000, 16_000, 1000)]})


def test_work_that_grows_with_the_square(monkeypatch: pytest.MonkeyPatch) -> None:
    def looks_again(self: Any, _data: bytes) -> None:
        for _ in range(len(self._buffer)):
            pass

    monkeypatch.setattr(
        sse_module.SSEDecoder, "receive_data", after(sse_module.SSEDecoder.receive_data, looks_again)
    )
    with pytest.raises(Broken, match="steps"):
        check(sse.TARGET, input_of(b"data: " + b"x" * 1_500, limit=4_000))


def test_work_within_a_call_that_grows_with_the_square(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sse_module.SSEDecoder,
        "receive_data",
        after(sse_module.SSEDecoder.receive_data, lambda self, _data: sum(self._buffer)),
    )
    with pytest.raises(Broken, match="times the input"):
        # What is shorter takes no more than the noise that is tolerated.
        check_growth(sse.TARGET, input_of(b"data: x" + b"x" * 900, limit=10**6))


def test_memory_that_no_input_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        diff.OutputState, "replace", after(diff.OutputState.replace, lambda *_: len(bytes(2 * PEAK)))
    )
    broken_by(diffs.TARGET, "of memory")


def test_time_that_no_input_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.promises.SECONDS", 0.0)
    monkeypatch.setattr("fuzz.promises.SECONDS_A_BYTE", 0.0)
    broken_by(sse.TARGET, "of CPU time")


def test_a_job_that_ends_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def settles(self: Any, outcome: Any) -> None:
        hooks = [*self.on_settled]
        settle(self, outcome)
        for hook in hooks:
            hook()

    settle = job.Job._settle
    monkeypatch.setattr(job.Job, "_settle", settles)
    broken_by(messages.TARGET, "has ended 2 times")


def test_a_job_that_changes_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def changes(self: Any, message: Message, _text: str) -> None:
        if self.outcome is not None:
            self.outcome = job.Cancelled(by_server=True)

    monkeypatch.setattr(job.Job, "receive", after(job.Job.receive, changes))
    monkeypatch.setattr(session.Session, "hear", lambda self, job, message, text: job.receive(message, text))
    monkeypatch.setattr(session.Session, "_forget", lambda self, job, event_id: None)
    broken_by(messages.TARGET)


def test_a_job_that_has_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(self: Any, error: GradioError | None = None) -> None:
        self._move(session.StreamInput.ENDED)

    monkeypatch.setattr(session.Session, "stream_ended", ends)
    broken_by(messages.TARGET, "nobody will hear of")


def test_a_session_without_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal.Journal, "append", lambda self, text, message: self._texts.append(text))
    said = {"msg": "log", "event_id": "e1", "log": "x" * 1000, "level": "info"}
    steps = messages._begun("a", "e1", {"do": "message", "message": said, "times": 200})
    with pytest.raises(Broken, match="are held"):
        check(messages.TARGET, {"version": "6.31.0", "jobs": {"a": {}}, "steps": steps})


def test_a_session_that_refuses_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    ending = session.StreamState.ENDING
    moves = {**session.STREAM_TRANSITIONS[ending]}
    del moves[session.StreamInput.CLOSE_STREAM]
    monkeypatch.setitem(session.STREAM_TRANSITIONS, ending, moves)
    said = {"do": "message", "message": {"msg": "close_stream"}, "times": 2}
    with pytest.raises(Broken, match="refuses"):
        check(
            messages.TARGET,
            {"version": "6.31.0", "jobs": {"a": {}}, "steps": messages._begun("a", "e1", said)},
        )


def test_a_diff_that_is_applied_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    parse = diff._parse_edit
    monkeypatch.setattr(
        diff,
        "_parse_edit",
        lambda edit: ("replace", *parse(edit)[1:]) if edit[:1] == ["append"] else parse(edit),
    )
    broken_by(diffs.TARGET, "makes")


def test_a_value_that_changes_after_it_was_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff.OutputState, "snapshot", lambda self: [diff._copy([each])[0] for each in self._values]
                        if any(type(each) is not list for each in self._values) else self._values)  # fmt: skip
    broken_by(diffs.TARGET, "has changed|makes")


def test_a_module_that_is_no_python(monkeypatch: pytest.MonkeyPatch) -> None:
    generate = codegen.generate
    monkeypatch.setattr(config, "generate", lambda app, src: generate(app, src) + "def\n")
    broken_by(config.TARGET, "is no Python")


def test_a_cookie_that_should_not_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http.CookieJar, "__len__", lambda self: 10**6)
    broken_by(http.TARGET, "cookies")


def test_an_answer_to_the_server_that_depends_on_the_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    owed = iter(range(10**6))
    monkeypatch.setattr(
        websocket.WebSocketConnection, "data_to_send", lambda self: b"%06d" % (next(owed) * 10_000)
    )
    broken_by(websocket.TARGET, "what is owed")


def test_what_is_held_is_found_wherever_it_is() -> None:
    class Machine:
        def __init__(self) -> None:
            self.pieces = [b"12", {"345": bytearray(b"6")}]
            self.itself = self

    machine = Machine()
    assert held(machine) == 6
    assert vars(machine)  # which some Pythons make when they are asked for it
    assert held(machine) == 6


# How they are run.


def test_inputs_are_drawn_from_bytes() -> None:
    drawn: list[Input] = []
    draw = drawing(sse.TARGET, [], drawn.append)
    for number in range(50):
        draw(bytes(range(number, number + 100)))
    assert drawn
    assert all(set(each) == {"data", "cuts", "limit"} for each in drawn)


def test_a_finding_can_be_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = input_of(b"data: x\n\n", limit=100)
    with monkeypatch.context() as planted:
        planted.setattr(sse_module.SSEDecoder, "_dispatch", lambda self, data: 1 // 0)
        with pytest.raises(Broken) as caught:
            check(sse.TARGET, given)
        path = findings.write(tmp_path, sse.TARGET, given, caught.value)
        assert "ZeroDivisionError" in capsys.readouterr().out
        assert findings.read(path) == ("sse", given)
        monkeypatch.setattr("sys.argv", ["fuzz", "--replay", str(path)])
        with pytest.raises(Broken):
            command.main()
    assert command.main() == 0
    assert capsys.readouterr().out == "no promise is broken any more\n"


def test_a_corpus_is_distilled() -> None:
    data = (b"data: x\n\n", b"data: y\n\n", b"id: 7\ndata: longer\n\n", b": c\ndata: a\ndata: b\n\n")
    inputs = [input_of(each, limit=100) for each in data]
    chosen = corpus.distilled(sse.TARGET, inputs, kept=inputs[1:2])
    assert inputs[1] in chosen  # it was to stay
    assert inputs[0] not in chosen  # it reaches nothing else
    assert inputs[3] in chosen


def test_without_atheris_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("sys.argv", ["fuzz", "sse"])
    assert command.main() == 2
    assert "--group fuzz" in capsys.readouterr().out


def test_a_target_that_there_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["fuzz", "nothing"])
    with pytest.raises(SystemExit):
        command.main()
    assert "there is no target nothing" in capsys.readouterr().err


def test_the_commands_of_the_page_can_be_given() -> None:
    lines = re.findall(r"^\$ make fuzz ARGS='(.*)'$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(lines) == 5
    for line in lines:
        options = command.parser().parse_args(shlex.split(line))
        assert set(options.targets) <= set(TARGETS)
