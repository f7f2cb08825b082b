"""``spec/*.md``: the text of the specification is in its form, whole, and true to what the library does."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
from recorded import operations, sockets, streams, versions

from gradio_proto.cancelling import CANCEL_ROUTE_SINCE, LEAVES_THE_QUEUE_SINCE
from gradio_proto.config import SKIPPED_TYPES, SUPPORTED_PROTOCOLS
from gradio_proto.flows.stream_input import ENDS_INPUT_SINCE
from gradio_proto.messages import Message, ProgressUnit, UnknownMessage
from gradio_proto.simple_api import SECOND_SIMPLE_API_SINCE, SIMPLE_API_SINCE
from gradio_proto.testing.generations import PROTOCOLS

ROOT = Path(__file__).parent.parent
SPEC = ROOT / "spec"
DOCUMENTS = sorted(SPEC.glob("*.md"))
TEXTS = {path.name: path.read_text("utf-8") for path in DOCUMENTS}

SECTIONS = {
    "discovery": ("discovery.md", "ws"),
    "auth": ("auth.md", "ws"),
    "joining": ("joining.md", "ws"),
    "messages": ("messages.md", "ws"),
    "values and diffs": ("values.md", "ws"),
    "stream lifetime": ("streams.md", "ws"),
    "errors": ("errors.md", "ws"),
    "files": ("files.md", "ws"),
    "cancel": ("cancel.md", "ws"),
    "sessions and heartbeats": ("sessions.md", "ws"),
    "/call": ("simple-api.md", "sse_v2"),
    "/run": ("direct.md", "ws"),
    "stream inputs": ("stream-input.md", "sse_v3"),
    "render": ("render.md", "sse_v3"),
}
"""What has to be specified for each generation: in which document, and from which generation on it exists."""


def load_script() -> ModuleType:
    found = importlib.util.spec_from_file_location("spec_make_requirements", SPEC / "make_requirements.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[module.__name__] = module  # dataclasses look there for what annotations mean
    found.loader.exec_module(module)
    return module


script = load_script()
MADE: dict[str, Any] = script.make()
REQUIREMENTS: list[dict[str, Any]] = MADE["requirements"]
DEFECTS: list[dict[str, Any]] = MADE["defects"]
GENERATIONS = [generation["name"] for generation in MADE["generations"]]
IDS = {item["id"] for item in (*REQUIREMENTS, *DEFECTS)}


def prose(text: str) -> str:
    """A document without its code."""
    return re.sub(r"^    .*$|`[^`]*`", "", text, flags=re.MULTILINE)


def sections(text: str) -> dict[str, str]:
    """The parts of a document by their headings."""
    parts = re.split(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


# Form.


def test_requirements_json_is_current() -> None:
    assert (SPEC / "requirements.json").read_text("utf-8") == script.page(), (
        "run python spec/make_requirements.py"
    )


GOOD = "- **[topic/one]** (client, MUST, all) A client MUST do it.\n"
GOOD_DEFECT = "- **[defect/one]** (4.0.2) It does not. *Breaks:* [topic/one]. *Clients:* beware.\n"


def test_a_document_is_read(tmp_path: Path) -> None:
    (tmp_path / "topic.md").write_text(
        "# Topic\n\n## The one\n\n- **[topic/one]** (server, MUST NOT, ..sse, 4.22..4.29, 6.0+) A server\n"
        "  MUST NOT do\n  it.\n\nMore of it.\n\n```\n- **[no/requirement]**\n```\n"
    )
    (tmp_path / "defects.md").write_text(GOOD_DEFECT)
    made = script.make(tmp_path)
    assert made["requirements"] == [
        {
            "id": "topic/one",
            "binds": "server",
            "level": "MUST NOT",
            "scope": "..sse, 4.22..4.29, 6.0+",
            "generations": ["ws", "sse", "sse_v3"],
            "versions": [
                {"from": "3.0", "to": "4.8"},
                {"from": "4.22", "to": "4.29"},
                {"from": "6.0", "to": None},
            ],
            "text": "A server MUST NOT do it.",
            "document": "topic.md",
            "section": "The one",
            "link": "topic.md#the-one",
        }
    ]
    assert made["defects"][0]["breaks"] == ["topic/one"]
    assert made["defects"][0]["clients"] == "beware."


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("- **[topic]** (client, MUST, all) A client MUST do it.", "no requirement"),
        ("- **[Topic/one]** (client, MUST, all) A client MUST do it.", "no requirement"),
        ("**[topic/one]** (client, MUST, all) A client MUST do it.", "no requirement"),
        ("- **[topic/one]** A client MUST do it.", "no requirement"),
        ("- **[topic/one]** (client, MUST) A client MUST do it.", "is wanted"),
        ("- **[topic/one]** (user, MUST, all) A user MUST do it.", "no role"),
        ("- **[topic/one]** (client, SHALL, all) A client SHALL do it.", "no level"),
        ("- **[topic/one]** (client, MUST, all) A client must do it.", "says not just MUST"),
        ("- **[topic/one]** (client, MUST, all) A client MUST NOT do it.", "says not just MUST"),
        ("- **[topic/one]** (client, MUST, all) It MUST do it, and MAY do more.", "says not just MUST"),
        ("- **[topic/one]** (client, MUST, sse_v4+) A client MUST do it.", "neither a generation nor"),
        ("- **[topic/one]** (client, MUST, 5.0..) A client MUST do it.", "neither a generation nor"),
        ("- **[topic/one]** (client, MUST, 5.0..4.0) A client MUST do it.", "ends before it begins"),
        ("- **[topic/one]** (client, MUST, sse..sse_v3) A client MUST do it.", "has no end"),
        (GOOD + GOOD, "there is another"),
    ],
)
def test_what_is_no_requirement_is_told(document: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "topic.md").write_text(document)
    with pytest.raises(script.SpecError, match=said):
        script.make(tmp_path)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("- **[defect/two]** (4.0.2) It does not. *Breaks:* [topic/one].", "is not 'what"),
        ("- **[topic/two]** (4.0.2) It does not. *Breaks:* [topic/one]. *Clients:* beware.", "is not 'what"),
        ("- **[defect/two]** (new) It does not. *Breaks:* [topic/one]. *Clients:* beware.", "neither"),
        (
            "- **[defect/two]** (4.0.2) It does not. *Breaks:* [topic/no]. *Clients:* beware.",
            "no requirement",
        ),
    ],
)
def test_what_is_no_defect_is_told(document: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "topic.md").write_text(GOOD)
    (tmp_path / "defects.md").write_text(document)
    with pytest.raises(script.SpecError, match=said):
        script.make(tmp_path)


def test_levels_stand_in_requirements_only() -> None:
    for name, text in TEXTS.items():
        if name != "README.md":
            rest = re.sub(r"^- \*\*\[.*\n(?:  .*\n)*", "", text, flags=re.MULTILINE)
            assert not re.findall(r"\b(?:MUST|SHOULD|SHALL|MAY|REQUIRED|RECOMMENDED|OPTIONAL)\b", rest), name


def test_sentences_stand_by_themselves() -> None:
    leaning = [
        each["id"] for each in REQUIREMENTS if re.match(r"(It|Its|That|This|They|These)\b", each["text"])
    ]
    assert not leaning, "who reads one of these alone does not know what it is about"


@pytest.mark.parametrize("name", TEXTS)
def test_links_and_citations_lead_somewhere(name: str) -> None:
    text = prose(TEXTS[name])
    for said, link in re.findall(r"\[([^\]]+)\]\(([^)]+)\)", text):
        if "://" not in link:
            path, _, anchor = link.partition("#")
            target = SPEC / path if path else SPEC / name
            assert target.exists(), f"[{said}]({link})"
            if anchor:
                assert anchor in map(script.slug, sections(target.read_text("utf-8"))), f"[{said}]({link})"
    unknown = set(script.CITED.findall(text)) - IDS
    assert not unknown


def test_the_readme_leads_to_every_document() -> None:
    linked = set(re.findall(r"\]\(([a-z-]+\.md)\)", TEXTS["README.md"]))
    assert linked == set(TEXTS) - {"README.md"}


# Wholeness.


@pytest.mark.parametrize("section", SECTIONS)
def test_every_generation_has_every_section(section: str) -> None:
    document, first = SECTIONS[section]
    for generation in GENERATIONS[GENERATIONS.index(first) :]:
        for role in ("client", "server"):
            assert any(
                each["document"] == document and each["binds"] == role and generation in each["generations"]
                for each in REQUIREMENTS
            ), f"nothing binds the {role} of {generation} in {document}"


def kind_of(message: type[Any]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", message.__name__).lower()


MESSAGES = {kind_of(each): each for each in get_args(Message) if each is not UnknownMessage}


def test_the_messages_are_those_that_the_library_knows() -> None:
    listed = re.findall(r"^\| \[(\w+)\]\(#\1\) \|", TEXTS["messages.md"], re.MULTILINE)
    assert sorted(listed) == sorted(MESSAGES)


@pytest.mark.parametrize("kind", MESSAGES)
def test_every_message_is_described(kind: str) -> None:
    text = sections(TEXTS["messages.md"])[kind]
    assert any(each["section"] == kind for each in REQUIREMENTS)
    names = [field.name for field in fields(MESSAGES[kind]) if field.name != "event_id"]
    if kind == "progress":
        names += [field.name for field in fields(ProgressUnit)]
    if kind == "process_streaming":
        text += sections(TEXTS["messages.md"])["process_generating"]  # "the fields are the same"
    assert not [name for name in names if f"`{name}`" not in text]


def routes_of_the_library() -> Iterator[str]:
    """The routes that the library asks for: texts that are given as one, with ``{}`` for what is filled in."""
    for path in (ROOT / "gradio_proto").rglob("*.py"):
        if not {"cli", "conformance", "testing"} & {*path.parts}:
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    called = (
                        node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
                    )
                    if called in ("target", "Telling", "FileOutput", "LiveSession"):
                        yield from texts_of([*node.args, *(each.value for each in node.keywords)])
                elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                    name = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
                    if name in ("RUN", "route"):
                        yield from texts_of([node.value])


def texts_of(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.IfExp):
            yield from texts_of([node.body, node.orelse])
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.fullmatch(r"[\w/=]+", node.value)
        ):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            text = "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
            )
            if not text.startswith("{}"):  # else it goes on from a route that is found elsewhere
                yield text


def described_routes() -> list[re.Pattern[str]]:
    table = sections(TEXTS["generations.md"])["Routes"]
    routes = re.findall(r"`(?:\{prefix\})?/([^`]*)`", table)
    return [re.compile(re.sub(r"\\\{\w+\\\}", r"[^ ]+", re.escape(route))) for route in routes]


def test_every_route_that_the_library_uses_is_described() -> None:
    used = set(routes_of_the_library())
    assert used >= {"config", "login", "info", "app_id", "queue/join", "queue/data", "run/predict", "upload",
                    "cancel", "heartbeat/{}", "stream/{}/close", "component_server", "file={}"}  # fmt: skip
    assert not [route for route in used if not any(each.fullmatch(route) for each in described_routes())]


def test_every_route_of_the_openapi_document_is_described() -> None:
    paths = json.loads((SPEC / "openapi.json").read_text("utf-8"))["paths"]
    assert len(paths) > 20
    assert not [path for path in paths if not any(each.fullmatch(path[1:]) for each in described_routes())]


def test_every_defect_is_spoken_of_where_it_matters() -> None:
    cited = {
        id for name, text in TEXTS.items() if name != "defects.md" for id in script.CITED.findall(prose(text))
    }
    assert not [each["id"] for each in DEFECTS if each["id"] not in cited]


def test_a_defect_breaks_what_holds_for_its_servers() -> None:
    by_id = {each["id"]: each for each in REQUIREMENTS}
    for each in DEFECTS:
        for id in each["breaks"]:
            assert by_id[id]["binds"] == "server", f"{each['id']} is a server's, and {id} binds clients"
            assert any(
                overlap(ours, theirs) for ours in each["versions"] for theirs in by_id[id]["versions"]
            ), f"{each['id']} is of {each['scope']}, and {id} holds for {by_id[id]['scope']}"


def overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(script._overlap(one["from"], one["to"], other["from"], other["to"]))


# Truth.


def test_the_generations_are_those_that_the_library_speaks() -> None:
    assert tuple(GENERATIONS) == SUPPORTED_PROTOCOLS
    for version, protocol in PROTOCOLS.items():
        assert script.parse_scope(version).generations == (protocol,)


@pytest.mark.parametrize(
    ("what", "since"),
    [
        ("`POST /cancel`", CANCEL_ROUTE_SINCE),
        ("`/cancel` takes a job out of the queue", LEAVES_THE_QUEUE_SINCE),
        ("`/call`, `/logout`", SIMPLE_API_SINCE),
        ("`/call/v2`", SECOND_SIMPLE_API_SINCE),
    ],
)
def test_features_begin_where_the_library_thinks(what: str, since: tuple[int, ...]) -> None:
    rows = re.findall(rf"^\| {re.escape(what)} \| ([0-9.]+) \|", TEXTS["generations.md"], re.MULTILINE)
    assert rows == [f"{since[0]}.{since[1]}"]


def test_the_end_of_a_chunked_input_changes_where_the_library_thinks() -> None:
    broken = next(each for each in DEFECTS if each["id"] == "defect/chunk-processed-twice")
    major, minor, _ = ENDS_INPUT_SINCE
    assert broken["versions"][0]["to"] == f"{major}.{minor - 1}"


def test_skipped_types_are_those_of_the_library() -> None:
    text = next(each["text"] for each in REQUIREMENTS if each["id"] == "discovery/component/skipped-ws")
    # A later Gradio's, which says skip_api, too.
    assert set(re.findall(r"`(\w+)`", text)) - {"skip_api"} == SKIPPED_TYPES - {"sidebar"}


# What the recorded servers do with the requirements on messages. Where they do not meet them is a defect.

BROKEN_BY = {
    "two completions": {
        ("4.44.1", "cancel_queued_same_fn"): "defect/cancel-ends-siblings",
        ("6.31.0", "cancel_queued_same_fn"): "defect/cancel-ends-siblings",
        ("4.44.1", "cancel_queued_then_reuse"): "defect/cancelled-job-runs",
        ("5.49.1", "cancel_queued_then_reuse"): "defect/cancelled-job-runs",
    },
    "not announced": {},
    "out of order": {},
    "nameless": {},
    "rank rises": {},
    "no bar": {},
}
"""The recordings in which a requirement is not met, and the defect that they show."""

ORDER = (
    {"send_hash"},
    {"estimation"},
    {"send_data"},
    {"process_starts"},
    {"progress", "log", "process_generating", "process_streaming"},
    {"process_completed"},
)


def jobs_in(version: str, operation: str) -> Iterator[list[dict[str, Any]]]:
    """The messages of each job; what is about the session is left out."""
    shared: dict[str, list[dict[str, Any]]] = {}
    for socket in sockets(version, operation):
        yield [json.loads(text) for text in socket]
    for stream in streams(version, operation):
        if "/queue/" in stream.target:
            messages = messages_of(stream.data)
            if "/queue/join" in stream.target:
                yield [each for each in messages if each["msg"] != "heartbeat"]
            else:
                for each in messages:
                    if each["msg"] not in ("heartbeat", "unexpected_error", "close_stream"):
                        shared.setdefault(each.get("event_id") or "", []).append(each)
    yield from shared.values()


def messages_of(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(event.removeprefix(b"data: ")) for event in data.split(b"\n\n") if event]


def violations(messages: list[dict[str, Any]], *, has_ids: bool) -> Iterator[str]:
    kinds = [each["msg"] for each in messages]
    if kinds.count("process_completed") > 1:
        yield "two completions"
        kinds = kinds[: kinds.index("process_completed")]
    places = [
        next(place for place, some in enumerate(ORDER) if kind in some)
        for kind in kinds
        if kind != "queue_full"
    ]
    if places != sorted(places) or kinds.count("process_starts") > 1:
        yield "out of order"
    if has_ids and not all(isinstance(each.get("event_id"), str) for each in messages):
        yield "nameless"
    ranks = [each["rank"] for each in messages if each["msg"] == "estimation"]
    if ranks != sorted(ranks, reverse=True):
        yield "rank rises"
    bars = [bar for each in messages if each["msg"] == "progress" for bar in each["progress_data"]]
    if any((bar["index"] is None) == (bar["progress"] is None) for bar in bars):
        yield "no bar"


@pytest.mark.parametrize("version", versions())
def test_recorded_servers_do_what_is_said_of_messages(version: str) -> None:
    found: dict[str, set[str]] = {kind: set() for kind in BROKEN_BY}
    (protocol,) = script.parse_scope(version).generations
    jobs = 0
    # In that one the client broke a rule: two readers of a session got half of the messages each.
    for operation in set(operations(version)) - {"two_streams"}:
        for messages in jobs_in(version, operation):
            jobs += 1
            for kind in violations(messages, has_ids=protocol not in ("ws", "sse")):
                found[kind].add(operation)
        for stream in streams(version, operation):
            is_announced = protocol == "sse_v3" and "/queue/data" in stream.target
            if is_announced and stream.ended and messages_of(stream.data)[-1]["msg"] != "close_stream":
                found["not announced"].add(operation)
    assert jobs > 70
    known = {
        kind: {operation for (each, operation) in some if each == version} for kind, some in BROKEN_BY.items()
    }
    assert found == known
    assert {id for some in BROKEN_BY.values() for id in some.values()} <= IDS


def test_the_check_of_recordings_finds_something() -> None:
    starts = {"msg": "process_starts", "event_id": "e"}
    ended = {"msg": "process_completed", "event_id": "e"}
    ranks: list[dict[str, Any]] = [{"msg": "estimation", "event_id": "e", "rank": rank} for rank in (0, 1)]
    bar = {"msg": "progress", "event_id": "e", "progress_data": [{"index": None, "progress": None}]}
    for messages, expected in (
        ([starts, ended], []),
        ([starts, ended, ended], ["two completions"]),
        ([ended, starts], ["out of order"]),
        ([starts, starts], ["out of order"]),
        ([{"msg": "process_starts"}], ["nameless"]),
        (ranks, ["rank rises"]),
        ([bar], ["no bar"]),
    ):
        assert list(violations(messages, has_ids=True)) == expected
