"""Runs the vectors of jobs on the library's own machines, and keeps an account of what they have been through.

From ``sse_v1`` on the steps are given to a Session and its Jobs. Below, where the client is asked and answers, they are
what a scripted server does to a whole client, over the network in memory.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scripted import Begun, a_job, http
from vector_server import Listener

from gradio_proto import Client
from gradio_proto import Job as ClientJob
from gradio_proto.errors import (
    AppError,
    AuthenticationError,
    ConnectionLost,
    GradioError,
    HTTPStatusError,
    JobCancelled,
    QueueError,
    RemoteProtocolError,
    ServerStopped,
    SessionLost,
    TooManyRequestsError,
    ValidationError,
)
from gradio_proto.events import Cancelled, Completed, Failed
from gradio_proto.files import FileOutput, as_file_outputs
from gradio_proto.http import Response, ResponseHead
from gradio_proto.limits import Limits
from gradio_proto.messages import parse_message
from gradio_proto.replies import reply_error
from gradio_proto.session import Session
from gradio_proto.testing.memory import MemoryRunner, MemoryTransport

STATES: Final = Path(__file__).parents[1] / "spec" / "states"

LIMITS: Final = Limits()

ERRORS: Final[dict[str, type[GradioError]]] = {
    "app": AppError,
    "authentication": AuthenticationError,
    "validation": ValidationError,
    "queue_full": QueueError,
    "too_many_requests": TooManyRequestsError,
    "http_status": HTTPStatusError,
    "connection_lost": ConnectionLost,
    "session_lost": SessionLost,
    "server_stopped": ServerStopped,
    "protocol": RemoteProtocolError,
}

Step = dict[str, Any]


@dataclass
class Account:
    """Which transitions vectors have taken, and which kinds of message they have brought, by generation."""

    transitions: dict[str, set[tuple[str, str]]] = field(default_factory=dict[str, set[tuple[str, str]]])
    kinds: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    def heard(self, protocol: str, step: Step) -> None:
        """A message has come."""
        if "message" in step:
            self.kinds.setdefault(protocol, set()).add(step["message"]["msg"])


def table_of(machine: str) -> dict[str, Any]:
    """The table of spec/states."""
    content: dict[str, Any] = json.loads((STATES / f"{machine}.json").read_text("utf-8"))
    return content


class Tracker:
    """A state machine that runs by the table in spec/states, and by nothing else."""

    def __init__(self, machine: str, account: Account) -> None:
        self._table = table_of(machine)
        self._taken = account.transitions.setdefault(machine, set())
        self.state: str = self._table["initial"]

    def take(self, happened: str) -> None:
        self._taken.add((self.state, happened))
        self.state = self._table["transitions"][self.state][happened]

    def take_message(self, message: dict[str, Any], *, fetches: bool = False) -> None:
        """The input that a message is."""
        if message["msg"] == "process_completed":
            output = message["output"]
            if not message["success"]:
                self.take("FAILED")
            elif output.get("data") is None:
                self.take("CANCELLED")
            else:
                self.take("RETURNED_FILES" if fetches else "COMPLETED")
            return
        inputs = self._table["inputs"].items()
        known = [name for name, cause in inputs if message["msg"] in cause["messages"]]
        self.take(known[0] if known else "REPORTED")


def run_jobs(vector: dict[str, Any], account: Account) -> None:
    protocol = vector["input"]["protocol"]
    for step in vector["input"]["steps"]:
        account.heard(protocol, step)
    for generation in vector["generations"]:
        given = {**vector["input"], "protocol": generation}
        is_asked = generation in ("ws", "sse")
        outcomes = Conversation(given).run() if is_asked else SharedStream(given, account).run()
        assert outcomes == vector["expect"]["jobs"], (generation, outcomes)


def failed(error: GradioError) -> dict[str, Any]:
    """The outcome that an error is."""
    kinds = [kind for kind, cls in ERRORS.items() if type(error) is cls]
    kind = kinds[0] if kinds else f"unnamed: {error!r}"
    outcome: dict[str, Any] = {"kind": "failed", "error": kind}
    if isinstance(error, AppError):
        outcome |= {
            "message": None if error.hidden else error.message,
            "title": error.title,
            "duration": error.duration,
            "visible": error.visible,
        }
    return outcome


def outcome_of(job: ClientJob, width: int) -> dict[str, Any]:
    """The outcome of a client's job, whose function has so many outputs."""
    try:
        return {"kind": "completed", "value": listed(job.result(timeout=30), width)}
    except JobCancelled:
        return {"kind": "cancelled"}
    except GradioError as error:
        return failed(error)


def listed(value: Any, width: int) -> list[Any]:
    """A client's value as the list of outputs that it was."""
    return [value] if width == 1 else list(value)


# sse_v1 and later


class SharedStream:
    """A session, given what a vector says happens to it."""

    def __init__(self, given: dict[str, Any], account: Account) -> None:
        self.given = given
        self.session = Session("s1", LIMITS)
        self.stream = Tracker("stream", account)
        self.jobs: dict[str, Begun] = {}
        self.trackers: dict[str, Tracker] = {}
        self.events: dict[str, str] = {}
        self.early: dict[str, list[dict[str, Any]]] = {}
        for letter, call in given["jobs"].items():
            self.trackers[letter] = Tracker("job", account)
            self.jobs[letter] = a_job(
                diffs=given["protocol"] != "sse_v1",
                convert=self._files if call.get("fetches_files") else list,
                version_info=tuple(int(number) for number in given["version"].split(".")),
                fetches_files=call.get("fetches_files", False),
            )

    @staticmethod
    def _files(data: list[Any]) -> list[Any]:
        return [as_file_outputs(value) for value in data]

    def run(self) -> dict[str, Any]:
        for step in self.given["steps"]:
            getattr(self, f"do_{step['do']}")(**{name: value for name, value in step.items() if name != "do"})
            self._compare()
        return {letter: self._outcome(begun) for letter, begun in self.jobs.items()}

    def _compare(self) -> None:
        assert self.session.stream.name == self.stream.state
        for letter, begun in self.jobs.items():
            assert begun.job.state.name == self.trackers[letter].state, letter
            assert begun.endings == begun.job.is_settled

    def _lost(self) -> None:
        """Follow those that have ended of what happened to the session."""
        for letter, begun in self.jobs.items():
            if begun.job.is_settled and self.trackers[letter].state != "SETTLED":
                self.trackers[letter].take("FAILED")

    def _outcome(self, begun: Begun) -> dict[str, Any]:
        outcome: dict[str, Any]
        match begun.job.outcome:
            case Completed(value):
                outcome = {"kind": "completed", "value": value}
            case Failed(error):
                outcome = failed(error)
            case Cancelled(by_server=by_server):
                outcome = {"kind": "cancelled", "by": "server" if by_server else "client"}
            case None:
                outcome = {"kind": "open"}
        return {"outputs": begun.outputs, "outcome": outcome}

    # What the client does.

    def do_join(self, job: str) -> None:
        self.session.join_sent(self.jobs[job].job)
        self.trackers[job].take("JOIN_SENT")

    def do_open(self) -> None:
        self.session.stream_requested()
        self.stream.take("REQUESTED")

    def do_close(self) -> None:
        self.session.stream_ended()
        self.stream.take("ENDED")
        self._lost()

    def do_cancel(self, job: str) -> None:
        self.jobs[job].job.cancel()
        self.trackers[job].take("CANCELLED")

    def do_fetched(self, job: str) -> None:
        machine = self.jobs[job].job
        for file in machine.files:
            assert isinstance(file, FileOutput)
            machine.local_paths[file] = f"/local/{file.name}"
        machine.fetched()
        self.trackers[job].take("COMPLETED")

    def do_fetch_failed(self, job: str) -> None:
        self.jobs[job].job.fail(ConnectionLost("the file could not be fetched"))
        self.trackers[job].take("FAILED")

    def do_upload_failed(self, job: str) -> None:
        self.do_fetch_failed(job)

    # What the server does.

    def do_accepted(self, job: str, event_id: str) -> None:
        self.session.join_accepted(self.jobs[job].job, event_id)
        if event_id in self.events:
            self._lost()
            return
        self.events[event_id] = job
        tracker = self.trackers[job]
        tracker.take("JOIN_ACCEPTED")
        for message in self.early.pop(event_id, []):
            tracker.take_message(message)
        self._lost()

    def do_refused(self, job: str, status: int, headers: dict[str, str], body: str) -> None:
        head = ResponseHead(status, "", tuple(headers.items()))
        error = reply_error(Response(head, body.encode("utf-8")), LIMITS, "/queue/join")
        self.session.join_failed(self.jobs[job].job, error)
        self.trackers[job].take("FAILED")

    def do_join_lost(self, job: str) -> None:
        self.session.join_failed(self.jobs[job].job, ConnectionLost("the answer never came"))
        self.trackers[job].take("FAILED")

    def do_opened(self) -> None:
        self.session.stream_opened()
        self.stream.take("OPENED")

    def do_ended(self, clean: bool) -> None:
        self.session.stream_ended(None if clean else ConnectionLost("the stream broke off"))
        self.stream.take("ENDED")
        self._lost()

    def do_message(self, message: dict[str, Any]) -> None:
        text = json.dumps(message)
        event_id = message.get("event_id")
        try:
            parsed = parse_message(text, LIMITS)
        except RemoteProtocolError as error:
            self.session.receive_malformed(str(error.event_id), error)
            self._lost()
            return
        self.session.receive(parsed, text)
        if message["msg"] == "close_stream":
            self.stream.take("CLOSE_STREAM")
        elif message["msg"] == "unexpected_error":
            self.stream.take("UNEXPECTED_ERROR")
            self._lost()
        elif message["msg"] != "heartbeat":
            self._track(event_id, message)

    def _track(self, event_id: str | None, message: dict[str, Any]) -> None:
        if event_id is None:
            values = message["msg"].startswith("process_") and "output" in message
            heard = [
                job for job in self.events.values() if self.trackers[job].state not in ("SETTLED", "FETCHING")
            ]
            if values and len(heard) > 1:
                self._lost()
                return
            for job in heard:
                self.trackers[job].take_message(message)
        elif event_id in self.events:
            job = self.events[event_id]
            fetches = self.given["jobs"][job].get("fetches_files", False)
            if self.trackers[job].state != "FETCHING":
                self.trackers[job].take_message(message, fetches=fetches)
        elif self.session.joining:
            self.early.setdefault(event_id, []).append(message)


# Below


class Conversation:
    """A client whose server says what a vector says, and checks what the client sends."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        (self.call,) = given["jobs"].values()
        self.server = Partner(given, self.call)
        self.runner = MemoryRunner(self.server)  # type: ignore[arg-type]
        self.outputs = next(iter(self._widths()), 1)

    def _widths(self) -> list[int]:
        """How many outputs the function has."""
        found = []
        for step in self.given["steps"]:
            output = step.get("message", {}).get("output", {})
            data = output.get("data") if isinstance(output, dict) else None
            if isinstance(data, list):
                found.append(len(data))
        return found

    def run(self) -> dict[str, Any]:
        self.server.outputs = self.outputs
        with Client("http://app", transport=MemoryTransport.to(self.runner), download_files=False) as client:
            job = client.submit(*(self.call["data"] or []), fn_index=self.call["fn_index"])
            for step in self.given["steps"]:
                self.runner.settle()
                if step["do"] == "cancel":
                    job.cancel(force=True)
                else:
                    self.server.do(step)
                    self.runner._take_actions()
            self.runner.settle()
            outcome = outcome_of(job, self.outputs)
            values = [listed(value, self.outputs) for value in job.outputs()]
        if outcome["kind"] == "cancelled":
            by_client = any(step["do"] == "cancel" for step in self.given["steps"])
            outcome["by"] = "client" if by_client else "server"
        if outcome["kind"] == "completed" and not self._yielded():
            values = []  # a plain function's result counts as its only output
        (letter,) = self.given["jobs"]
        return {letter: {"outputs": values, "outcome": outcome}}

    def _yielded(self) -> bool:
        return any(step.get("message", {}).get("msg") == "process_generating" for step in self.given["steps"])


class Partner(Listener):
    """The server of one job: says what it is told to, and keeps what it is sent."""

    def __init__(self, given: dict[str, Any], call: dict[str, Any]) -> None:
        super().__init__()
        self.given = given
        self.call = call
        self.outputs = 1
        self.conn = -1
        self.sent: deque[dict[str, Any]] = deque()
        self.session_hash: str | None = None

    def request(self, conn: int, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        path, _, query = target.partition("?")
        if path == "/queue/join":
            assert method == "GET"
            self.conn = conn
            if self.given["protocol"] == "sse":
                fields = dict(pair.split("=") for pair in query.split("&"))
                assert int(fields["fn_index"]) == self.call["fn_index"]
                self.session_hash = fields["session_hash"]
        elif path == "/queue/data":
            self.sent.append(json.loads(body))
            self.reply(conn, None)
        elif path == "/config":
            self.reply(conn, self._config())
        elif path == "/info":
            self.reply(conn, {"named_endpoints": {}, "unnamed_endpoints": {}})
        else:
            self.reply(conn, {"data": []})

    def frame(self, conn: int, message: Any) -> None:
        self.sent.append(message)

    def _config(self) -> dict[str, Any]:
        inputs = [*range(1, 1 + len(self.call["data"] or []))]
        outputs = [*range(100, 100 + self.outputs)]
        function = {"api_name": "f", "inputs": inputs, "outputs": outputs, "types": {"generator": True}}
        nothing = {"api_name": False, "inputs": [], "outputs": []}
        return {
            "version": self.given["version"],
            "protocol": self.given["protocol"],
            "enable_queue": True,
            "components": [
                {"id": id, "type": "json", "props": {"label": f"c{id}"}} for id in (*inputs, *outputs)
            ],
            "dependencies": [nothing] * (self.call["fn_index"] or 0) + [function],
        }

    # What a vector says.

    def do(self, step: Step) -> None:
        details = {name: value for name, value in step.items() if name not in ("do", "job")}
        getattr(self, f"do_{step['do']}")(**details)

    def do_connect(self) -> None:
        assert self.conn >= 0, "the client has not connected"

    def do_connected(self) -> None:
        self.begin(self.conn, is_socket=self.given["protocol"] == "ws")

    def do_sends(self, json: dict[str, Any]) -> None:
        assert self.sent, "the client has sent nothing"
        sent = self.sent.popleft()
        self.session_hash = self.session_hash or sent["session_hash"]
        assert sent["session_hash"] == self.session_hash
        sent["session_hash"] = "s1"
        sent.pop("event_data", None)  # that of a browser; requests.json has it
        wanted = {name: value for name, value in json.items() if name != "event_data"}
        assert {name: sent.get(name) for name in wanted} == wanted
        assert not any(value for name, value in sent.items() if name not in wanted)

    def do_message(self, message: Any = None, text: str | None = None) -> None:
        self.tell(self.conn, json.dumps(message) if text is None else text)

    def do_closed(self, code: int) -> None:
        self.end(self.conn, code)

    def do_ended(self, clean: bool) -> None:
        if clean and self.given["protocol"] == "sse":
            self.end(self.conn)
        self.hang_up(self.conn)

    def do_refused(self, status: int, headers: dict[str, str], body: str) -> None:
        self.say(self.conn, http(status, body.encode(), content_type=headers.get("content-type")))
