"""Writes docs/reference.md and docs/limits.md from the docstrings: ``python docs/make_reference.py``.

A public name is one line: the first sentence of its docstring. Fields and constants have theirs in the line
below them, which only the source knows, so modules are read as syntax trees and not imported.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from gradio_proto import _HOMES  # pyright: ignore[reportPrivateUsage]
from gradio_proto.limits import Limits

DOCS = Path(__file__).parent
ROOT = DOCS.parent
SOURCES = (ROOT, ROOT / "transports")

NOTE = "<!-- Made by docs/make_reference.py from the docstrings. Do not edit: run it again. -->"

CLIENT = {
    "client/client": (
        *("Client", "Client.close", "Client.predict", "Client.submit", "Client.map", "Client.endpoint"),
        *("Client.view_api", "Client.reset_session", "Client.src", "Client.config", "Client.protocol"),
        *("Client.app_version", "Client.session_hash"),
    ),
    "client/job": (
        *("Job", "Job.result", "Job.exception", "Job.cancelled", "Job.add_done_callback", "Job.cancel"),
        *("Job.status", "Job.outputs", "Job.events", "Job.send_chunk", "Job.close_stream", "Job.event_id"),
        "Job.session_hash",
    ),
    "client/async_client": ("AsyncClient", "AsyncClient.submit", "AsyncClient.run"),
    "client/async_job": ("AsyncJob", "AsyncJob.done"),
    "client/maps": ("MapIterator", "MapIterator.indexed", "MapIterator.close"),
    "client/mapping": ("MapProgress",),
    "client/files": ("handle_file",),
}

TRANSPORTS = {
    "embedded": ("EmbeddedTransport", "EmbeddedTransport.fileno", "EmbeddedTransport.turn"),
    "loop_reactor": ("LoopReactor", "LoopReactor.fileno", "LoopReactor.turn"),
}

TESTING = {
    "testing/app": ("TestApp", "TestApp.endpoint", "TestApp.render", "Rendering"),
    "testing/values": (
        *("Context", "Context.progress", "Context.info", "Context.warning", "Context.success"),
        *("Error", "update", "skip"),
    ),
    "testing/components": ("Component",),
    "testing/embedded": ("serve", "EmbeddedServer", "EmbeddedServer.stop_queue", "EmbeddedServer.close"),
    "testing/memory": ("MemoryTransport", "MemoryTransport.to", "MemoryRunner", "Deadlock"),
    "testing/protocol": ("ServerProtocol",),
}

CONFORMANCE = {
    "conformance/target": ("live", "reference", "embedded", "Target"),
    "conformance/runner": ("Options", "run", "plan", "Planned", "Observer", "Run"),
    "conformance/model": (
        "Case",
        "Needs",
        "Requirement",
        "Verdict",
        "Result",
        "Report",
        "Violation",
        "Skipped",
    ),
    "conformance/registry": ("all_cases", "case"),
    "conformance/tester": (
        *("Tester", "Tester.endpoint", "Tester.run", "Tester.session", "Tester.get", "Tester.post"),
        *("Tester.upload", "Tester.download", "Tester.check", "Tester.check_schema", "Tester.draw"),
    ),
    "conformance/session": ("Session", "Session.submit", "Session.wait", "Session.hang_up", "Job", "Heard"),
    "conformance/judging": ("judge_session", "judge_job"),
    "conformance/machine": ("ServerMachine", "explore"),
    "conformance/wire": ("Wire", "Reply", "EventStream", "Socket"),
    "conformance/transcript": ("Transcript", "Entry", "Secrets"),
    "conformance/reports": ("write_report",),
    "conformance/clients/run": ("run_client",),
    "conformance/pytest_plugin": ("conformance_tests",),
}

CORE = {
    "events": (
        *("Queued", "Started", "Progress", "Log", "Output", "Unknown", "Completed", "Failed", "Cancelled"),
    ),
    "http": ("Request", "ResponseHead", "HTTPConnection"),
    "sse": ("ServerSentEvent", "SSEDecoder"),
    "messages": ("parse_message",),
    "job": ("Job", "JobState", "JobInput"),
    "journal": ("Journal", "Cursor", "Budget"),
    "rendered": ("Rendered",),
    "session": ("Session", "StreamState", "StreamInput", "Baton"),
    "input_stream": ("InputStream",),
    "effects": (
        *("Connect", "StartTLS", "Send", "Receive", "IsQuiet", "Open", "ReadHead", "ReadBody", "Wait"),
        *("Sleep", "Now", "Signal", "ByteStream", "TimedOut"),
    ),
    "scheduler": (
        *("Scheduler", "Scheduler.spawn", "Scheduler.park", "Scheduler.resume", "Scheduler.end"),
        *("Scheduler.step_all", "Scheduler.next_deadline", "Scheduler.expire", "Task", "Parking"),
    ),
    "exchange": ("lower", "ConnectionPool", "Exchange", "Proxy"),
    "flows/state": ("ClientState", "Entropy", "LiveSession"),
    "flows/connect": ("connect",),
    "flows/calls": ("call", "cancel"),
    "flows/stream_input": ("send_chunk", "close_stream"),
    "flows/heartbeat": ("heartbeat",),
    "transport": ("Transport", "BlockingTransport", "AsyncTransport", "TransportOptions"),
}
"""The names of the core that a program with a loop of its own works with, in the order in which they build."""

HOMES_ELSEWHERE = {"ProgressUnit": "messages"}
"""Names that a module takes from another one and hands on."""

INHERITED = {
    "Client": ("client/base", "ClientBase"),
    "Job": ("client/job_base", "JobBase"),
    "TestApp": ("testing/app", "Page"),
}
"""Where a class has the names from that are not its own."""

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def tree(module: str) -> ast.Module:
    package = "gradio_transports" if module in TRANSPORTS else "gradio_proto"
    places = [source / package / f"{module}{end}" for source in SOURCES for end in (".py", "/__init__.py")]
    path = next(place for place in places if place.exists())
    return ast.parse(path.read_text(encoding="utf-8"))


def sentence(docstring: str | None) -> str:
    """The first sentence, on one line, with Sphinx roles as plain code."""
    text = " ".join((docstring or "").partition("\n\n")[0].split())
    text = re.sub(r":[a-z]+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")
    return re.split(r"(?<=[.!])\s+(?=[A-Z])", text)[0]


def definitions(body: list[ast.stmt]) -> Iterator[Definition]:
    """The public classes and functions of a module or class."""
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node


def find(body: list[ast.stmt], name: str) -> Definition:
    """The definition of that name."""
    (node,) = [node for node in definitions(body) if node.name == name]
    return node


def field_docs(node: ast.ClassDef) -> dict[str, str]:
    """The documented fields of a class: the string below each."""
    docs: dict[str, str] = {}
    for field, below in zip(node.body, node.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            docs[field.target.id] = " ".join(str(below.value.value).split())
    return docs


def described(module: str, name: str) -> str:
    """The line of one public name: a class, a function, or a method as ``Class.method``."""
    first, _, method = name.partition(".")
    node = find(tree(module).body, first)
    if method and first in INHERITED and method not in [own.name for own in definitions(node.body)]:
        module, base = INHERITED[first]
        node = find(tree(module).body, base)
    if method:
        node = find(node.body, method)
    shown = name if isinstance(node, ast.ClassDef) else name + parameters(node)
    return f"{'  ' * name.count('.')}- `{shown}`: {sentence(ast.get_docstring(node))}"


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """What a function takes, by name; nothing for a property."""
    if any(isinstance(name, ast.Name) and name.id == "property" for name in node.decorator_list):
        return ""
    takes = node.args
    names = [name.arg for name in (*takes.posonlyargs, *takes.args) if name.arg not in ("self", "cls")]
    names += [f"*{takes.vararg.arg}"] if takes.vararg else []
    names += [name.arg for name in takes.kwonlyargs]
    names += [f"**{takes.kwarg.arg}"] if takes.kwarg else []
    return f"({', '.join(names)})"


def section(module: str, names: tuple[str, ...]) -> list[str]:
    """The names of one module."""
    package = "gradio_transports" if module in TRANSPORTS else "gradio_proto"
    title = f"### `{package}.{module.replace('/', '.')}`"
    lines = [title, "", sentence(ast.get_docstring(tree(module))), ""]
    return [*lines, *(described(HOMES_ELSEWHERE.get(name, module), name) for name in names), ""]


def reference() -> str:
    """The page of names."""
    lines = ["# Reference", "", NOTE, "", "One line for each public name; `help()` says the rest.", ""]
    lines += [
        "## The package",
        "",
        "`from gradio_proto import ...` gives each of these; the heading is where it is at home.",
        "",
    ]
    homes = {module: names for module, names in _HOMES.items() if module != "client"}
    for module, names in {**CLIENT, **homes}.items():
        lines += section(module, names)
    lines += ["## Testing", "", sentence(ast.get_docstring(tree("testing"))), ""]
    for module, names in TESTING.items():
        lines += section(module, names)
    lines += ["## Conformance", "", "See how to [test servers](howto/conformance.md)", "and"]
    lines += ["[clients](howto/conformance-clients.md).", ""]
    for module, names in CONFORMANCE.items():
        lines += section(module, names)
    lines += [
        "## The sans-IO core",
        "",
        "For programs with a loop of their own: see [how](howto/sans-io.md).",
        "",
    ]
    for module, names in CORE.items():
        lines += section(module, names)
    lines += ["## Transports in other loops", "", "See [how](howto/loops.md).", ""]
    for module, names in TRANSPORTS.items():
        lines += section(module, names)
    return "\n".join(lines).rstrip() + "\n"


def limits() -> str:
    """The page of limits."""
    node = find(tree("limits").body, "Limits")
    assert isinstance(node, ast.ClassDef)
    docs = field_docs(node)
    lines = [
        "# Limits",
        "",
        NOTE,
        "",
        "What a server may make a client hold, by name. Past a limit there is a `LimitExceeded`, which is a",
        "`RemoteProtocolError` and has the limit's `name` and value (`limit`). Each limit can be set:",
        "",
        "```python",
        "from gradio_proto import Client, Limits",
        "",
        'with Client("http://127.0.0.1:7860", limits=Limits(sse_message_bytes=256 * 2**20)) as client:',
        '    print(client.predict("Ada", api_name="/greet"))  # prints Hello, Ada!',
        "```",
        "",
        "| limit | default | what it bounds, and why it is what it is |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{field.name}` | {amount(field.name, field.default)} | {docs[field.name]} |"
        for field in fields(Limits)
    ]
    return "\n".join(lines) + "\n"


def amount(name: str, value: object) -> str:
    assert isinstance(value, int)
    for unit, size in (("MiB", 2**20), ("KiB", 2**10)):
        if name.endswith("_bytes") and value % size == 0:
            return f"{value // size} {unit}"
    return f"{value:,}"


PAGES = {"reference.md": reference, "limits.md": limits}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (DOCS / name).write_text(make(), encoding="utf-8")
