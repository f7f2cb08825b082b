"""Vectors of jobs, from recordings: what was said in a session, and what became of its jobs."""

from __future__ import annotations

import ast
import json
from typing import Any, Final

import recorded

from .errors import kind_of
from .exchanges import Recording, Step, recordings
from .reference import outputs
from .vector import PROTOCOL_OF, Vector

DESCRIPTION: Final = (
    "What is said in one session, and what becomes of its jobs: 'jobs' are the calls, by letter; 'steps' are what "
    "happens, in order. In 'expect', 'outputs' are the values that a job gave before its end, whole, each a list with "
    "one entry for each output; 'outcome' is its one end. README.md lists the steps and the outcomes."
)

_LEFT_OUT: Final = {
    "errors_join",  # joins that no client makes
    "sse0_nodata",
    "two_streams",  # two readers of one session
    "disconnect",  # a client that closes the stream under its jobs
    "_setup",
    "extra_setup",
    "audio_stream",
    "req",  # what the headers of the recorder were
    "req_headers",
    "variant_auth",
    "variant_rootpath",
    "variant_mount",
    "extra_call_special",
    "extra_fast",
    "render",
}

_OPEN: Final = {"kind": "open"}


def _text_of(error: Any, version: tuple[int, ...]) -> str | None:
    """What a failed function's author meant to say: None where the server hides it."""
    if error is None or (error == "None" and version < (4, 44)):
        return None
    if version < (5,) and error[:1] in "'\"" and error[:1] == error[-1:] and len(error) > 1:
        return str(ast.literal_eval(error))
    return str(error)


def failure(message: dict[str, Any], version: tuple[int, ...]) -> dict[str, Any]:
    """The outcome that a process_completed without success is."""
    output = message["output"]
    text = _text_of(output.get("error"), version)
    return {
        "kind": "failed",
        "error": "app",
        "message": text,
        "title": output.get("title") or message.get("title") or "Error",
        "duration": output.get("duration", 10),
        "visible": output.get("visible", True),
    }


def of_session(message: dict[str, Any]) -> dict[str, Any]:
    """The outcome that an unexpected_error is for every open job."""
    text = message["message"]
    if text == "Server stopped unexpectedly.":
        return {"kind": "failed", "error": "server_stopped"}
    lost = message.get("session_not_found") or text.startswith("404")
    return {"kind": "failed", "error": "session_lost" if lost else "connection_lost"}


class Oracle:
    """What recorded steps mean, worked out by the words of PROTOCOL alone."""

    def __init__(self, version: str, recording: Recording) -> None:
        self.version = tuple(int(number) for number in version.split("."))
        self.diffs = PROTOCOL_OF[version] in ("sse_v2", "sse_v2.1", "sse_v3")
        self.recording = recording
        self.sent: dict[str, list[dict[str, Any]]] = {letter: [] for letter in recording.jobs}
        self.outcomes: dict[str, dict[str, Any]] = {}
        self.letters: dict[str | None, str] = {}
        self.steps: list[Step] = []

    def run(self) -> dict[str, Any]:
        """The jobs' ends; ``steps`` are then those that matter."""
        for step in self.recording.steps:
            self.steps.append(step)
            self._step(step)
            if step.get("message", {}).get("msg") == "unexpected_error":
                # Some servers repeat it for ever: the client leaves.
                self.steps.append({"do": "close"})
                break
        for letter in self.recording.jobs:
            if letter not in self.outcomes:
                self.steps.append({"do": "cancel", "job": letter})
                self.outcomes[letter] = {"kind": "cancelled", "by": "client"}
        return {
            letter: {"outputs": self._values(letter), "outcome": self.outcomes[letter]}
            for letter in self.recording.jobs
        }

    def _end(self, letter: str, outcome: dict[str, Any]) -> None:
        self.outcomes.setdefault(letter, outcome)

    def _open(self) -> list[str]:
        return [letter for letter in self.letters.values() if letter not in self.outcomes]

    def _step(self, step: Step) -> None:
        match step:
            case {"do": "accepted", "job": letter, "event_id": event_id}:
                self.letters[event_id] = letter
            case {"do": "connected", "job": letter}:
                self.letters[None] = letter
            case {"do": "refused", "job": letter, "status": status, "body": body}:
                self._end(letter, {"kind": "failed", "error": kind_of(status, body)["kind"]})
            case {"do": "message", "message": message}:
                self._message(message)
            case {"do": "cancel", "job": letter}:
                self._end(letter, {"kind": "cancelled", "by": "client"})
            case {"do": "closed", "job": letter, "code": code}:
                stopped = {"kind": "failed", "error": "server_stopped"}
                self._end(letter, stopped if code == 1012 else {"kind": "cancelled", "by": "server"})
            case {"do": "ended"}:
                for letter in self._open():
                    self._end(letter, {"kind": "failed", "error": "connection_lost"})
            case _:
                pass

    def _message(self, message: dict[str, Any]) -> None:
        letter = self.letters.get(message.get("event_id"), self.letters.get(None))
        match message:
            case {"msg": "unexpected_error", "message": text} if self._stumbles(text):
                pass
            case {"msg": "unexpected_error"}:
                for each in self._open():
                    self._end(each, of_session(message))
            case {"msg": "queue_full"} if letter:
                self._end(letter, {"kind": "failed", "error": "queue_full"})
            case {"msg": "process_generating" | "process_streaming"} if (
                letter and letter not in self.outcomes
            ):
                self.sent[letter].append(message)
            case {"msg": "process_completed", "success": True, "output": output} if letter:
                value = output.get("data")
                cancelled = {"kind": "cancelled", "by": "server"}
                self._end(letter, cancelled if value is None else {"kind": "completed", "value": value})
            case {"msg": "process_completed"} if letter:
                self._end(letter, failure(message, self.version))
            case _:
                pass

    def _stumbles(self, text: str) -> bool:
        """Whether it is only the KeyError of a job that has completed twice (up to 5.45): no other is lost."""
        return self.letters.get(text.strip("'"), "") in self.outcomes

    def _values(self, letter: str) -> list[Any]:
        messages = self.sent[letter]
        data = [message["output"]["data"] for message in messages]
        if not data or not self.diffs or messages[0]["msg"] == "process_streaming":
            return data
        first, *later = data
        columns = [
            [value, *(made for made, _ in outputs(value, [diffs[place] for diffs in later]))]
            for place, value in enumerate(first)
        ]
        return [list(row) for row in zip(*columns, strict=True)]


def from_recordings(versions: list[str]) -> list[Vector]:
    """What these versions were seen to say."""
    found: list[Vector] = []
    for version in versions:
        for operation in recorded.operations(version):
            if operation in _LEFT_OUT:
                continue
            for number, recording in enumerate(recordings(version, operation)):
                oracle = Oracle(version, recording)
                expect = oracle.run()
                given = {
                    "version": version,
                    "protocol": PROTOCOL_OF[version],
                    "jobs": recording.jobs,
                    "steps": oracle.steps,
                }
                if len(json.dumps(given)) > 12_000:
                    continue
                found.append(
                    Vector(
                        f"jobs/recorded/{version}/{operation}" + (f"/{number + 1}" if number else ""),
                        f"The recorded operation {operation} of Gradio {version}.",
                        f"recorded {version}/{operation}",
                        given,
                        {"jobs": expect},
                        (PROTOCOL_OF[version],),
                    )
                )
    return found
