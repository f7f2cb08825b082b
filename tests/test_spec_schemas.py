"""``spec/schemas``: each schema takes what was recorded of its kind and its versions, and nothing else.

What was recorded comes from ``spoken.py``, named there by where it was found, and never by what it looks like.
"""

from __future__ import annotations

import copy
import functools
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urljoin

import make_schemas
import pytest
import schema_table
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator, Registry, meta
from recorded import body, operations, records, versions
from spoken import Said, files_sent, inside, said
from test_testing_conversations import Replay, recorded_app
from testing_simulation import World

from gradio_proto.testing.generations import PROTOCOLS, Generation, Part

SPEC = Path(__file__).parent.parent / "spec"
SCHEMAS = SPEC / "schemas"


BASE = SCHEMAS.as_uri() + "/"


def absolute(schema: Any, base: str) -> Any:
    """The same schema, with references that mean the same wherever it stands."""
    if isinstance(schema, list):
        return [absolute(item, base) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: urljoin(base, item) if name == "$ref" else absolute(item, base) for name, item in schema.items()
    }


DOCUMENTS: Mapping[str, Any] = {
    path.relative_to(SCHEMAS).as_posix(): absolute(json.loads(path.read_text("utf-8")), path.as_uri())
    for path in SCHEMAS.rglob("*.json")
}
INDEX = DOCUMENTS["index.json"]
KINDS: Mapping[str, Any] = {entry["kind"]: entry for entry in INDEX["kinds"]}
RANGES = {
    (kind, part["schema"]): part["recorded"] for kind, entry in KINDS.items() for part in entry["ranges"]
}

NEVER_SAID = {"messages/call_heartbeat": None, "messages/upload_heartbeat": {"msg": "heartbeat"}}
"""What no exchange was slow enough for, and what the sources of servers have for it."""


def pointer(kind: str, version: str) -> str:
    """Where the index has the schema of a kind for a recorded version."""
    (found,) = [part["schema"] for part in KINDS[kind]["ranges"] if version in part["recorded"]]
    return found


def schemas() -> Iterator[tuple[str, Any]]:
    return ((name, document) for name, document in DOCUMENTS.items() if name != "index.json")


REGISTRY = Registry([(BASE + name, document) for name, document in schemas()])


@functools.cache
def validator(schema: str) -> Draft202012Validator:
    """A validator for what the index points to."""
    return compiled(json.dumps({"$ref": BASE + schema}))


@functools.cache
def compiled(text: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(text), registry=REGISTRY)


def looked_up(reference: str) -> Any:
    """The schema that an absolute reference means."""
    name, fragment = reference.removeprefix(BASE).split("#/$defs/")
    return DOCUMENTS[name]["$defs"][fragment]


@functools.cache
def corpus() -> Mapping[tuple[str, str], list[Said]]:
    """All that was recorded, by kind and version, each thing once."""
    found: dict[tuple[str, str], dict[str, Said]] = defaultdict(dict)
    for version in versions():
        things = [thing for operation in operations(version) for thing in _operation(version, operation)]
        things += [Said("replies/config", body(version, "config")), Said("replies/info", whole_info(version))]
        things += [*inside(things, body(version, "config").get("protocol", "ws"))]
        for thing in things:
            found[thing.kind, version][json.dumps(thing.value)] = thing
    return {key: [*things.values()] for key, things in found.items()}


def _operation(version: str, operation: str) -> list[Said]:
    exchanged = records(version, operation)
    files = files_sent(exchanged) if operation in ("files", "image") else ()
    return [*said(exchanged), *files]


def whole_info(version: str) -> Any:
    return body(version, "info" if version < "5" else "gradio_api_info")


# The files.


def test_they_are_what_their_table_makes() -> None:
    assert make_schemas.differences(SCHEMAS, make_schemas.files()) == []


def test_a_file_that_is_not(tmp_path: Path) -> None:
    make_schemas.write(tmp_path, {"a.json": "1", "b.json": "2", "c/d.json": "3"})
    assert make_schemas.differences(tmp_path, {"a.json": "1", "b.json": "4", "e.json": "5"}) == [
        "b.json",
        "c/d.json",
        "e.json",
    ]
    make_schemas.write(tmp_path, {"a.json": "1"})
    assert make_schemas.differences(tmp_path, {"a.json": "1"}) == []


def test_they_are_schemas_of_draft_2020_12() -> None:
    for _, document in schemas():
        meta.validate(document)
        assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    with pytest.raises(ValueError, match="is not valid under any of"):
        meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "strnig"})


def test_every_reference_leads_to_a_schema() -> None:
    for _, document in schemas():
        for reference in references(document):
            assert isinstance(looked_up(reference), dict)


def references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        schema = [*schema.values()]
    if isinstance(schema, list):
        for item in schema:
            yield from references(item)


def test_the_index_has_each_schema_once() -> None:
    in_files = {f"{name}#/$defs/{part}" for name, document in schemas() for part in document["$defs"]}
    assert {schema for _, schema in RANGES} == in_files
    assert len(RANGES) == len(in_files)


def test_the_index_has_the_recorded_servers() -> None:
    assert [server["recorded"] for server in INDEX["servers"]] == versions()
    for server in INDEX["servers"]:
        config = body(server["recorded"], "config")
        assert server["protocol"] == config.get("protocol", "ws")
        assert server["api_prefix"] == config.get("api_prefix", "")


def test_the_ranges_of_a_kind_follow_each_other() -> None:
    number = schema_table.number
    for entry in KINDS.values():
        recorded = [version for part in entry["ranges"] for version in part["recorded"]]
        first = versions().index(recorded[0])
        assert recorded == versions()[first : first + len(recorded)]
        for part in entry["ranges"]:
            assert number(part["first"]) <= number(part["recorded"][0])
            assert part["before"] is None or number(part["recorded"][-1]) < number(part["before"])
        for part, later in pairwise(entry["ranges"]):
            assert number(part["before"]) <= number(later["first"])


def test_what_the_readme_shows_of_the_index() -> None:
    readme = (SCHEMAS / "README.md").read_text("utf-8")
    blocks = re.findall(r"(?:^    .*\n)+", readme, re.MULTILINE)
    server, kind = (json.loads(block) for block in blocks)
    assert server in INDEX["servers"]
    assert {"about": KINDS[kind["kind"]]["about"], **kind} in INDEX["kinds"]


# What was recorded.


def test_all_that_was_recorded_has_a_schema() -> None:
    """Every message, request and reply that is JSON; :func:`spoken.said` raises for what it cannot name."""
    assert {kind for kind, _ in corpus()} == KINDS.keys() - NEVER_SAID
    for kind, version in corpus():
        assert any(version in part["recorded"] for part in KINDS[kind]["ranges"]), (kind, version)


def test_every_schema_has_been_met() -> None:
    met = {(kind, pointer(kind, version)) for kind, version in corpus()}
    assert {kind for kind, _ in RANGES.keys() - met} == NEVER_SAID.keys()


@pytest.mark.parametrize("version", versions())
def test_what_was_recorded_is_valid(version: str) -> None:
    for (kind, spoken_by), things in corpus().items():
        if spoken_by != version:
            continue
        check = validator(pointer(kind, version))
        for thing in things:
            if thing.refused:
                assert not check.is_valid(thing.value), (kind, thing.value)
            else:
                check.validate(thing.value)
                assert validator(f"{kind}.json").is_valid(thing.value)  # which is for all versions


@pytest.mark.parametrize(("kind", "value"), NEVER_SAID.items())
def test_what_was_not_recorded(kind: str, value: Any) -> None:
    for part in KINDS[kind]["ranges"]:
        validator(part["schema"]).validate(value)
        assert not validator(part["schema"]).is_valid({"msg": "done"})


def closed(schema: Any, name: str) -> Any:
    """The same schema, of objects that have no fields but those that it names."""
    if isinstance(schema, list):
        return [closed(item, name) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(item, name) for key, item in schema.items()}
    if "properties" in result and result.get("type") == "object" and name != "values/update.json":
        result["additionalProperties"] = False
    return result


def test_every_recorded_field_is_named() -> None:
    """In all that servers say: to requests the recorder has added what servers ignore."""
    known = Registry([(BASE + name, closed(document, name)) for name, document in schemas()])
    for (kind, version), things in corpus().items():
        if kind.startswith("requests/"):
            continue
        check = Draft202012Validator({"$ref": BASE + pointer(kind, version)}, registry=known)
        for thing in things:
            if not thing.refused:
                check.validate(thing.value)


UNTYPED = {"event_data", "data", "value", "example_inputs", "example_input", "parameter_default"}
"""Fields that may be any JSON, where they are not typed."""


def test_what_every_recorded_one_has_is_required() -> None:
    """So that a schema asks for no less than it could, and for no more; and says of each field what it is."""
    checked = 0
    for (kind, schema), recorded in RANGES.items():
        contents = looked_up(BASE + schema)
        values = [
            thing.value
            for version in recorded
            for thing in corpus().get((kind, version), ())
            if not thing.refused
        ]
        if not values or "properties" not in contents:
            continue
        assert set(contents.get("required", ())) == set.intersection(*map(set, values)), schema
        for name, field in contents["properties"].items():
            assert types_of(field) or name in UNTYPED, (schema, name)
        checked += 1
    assert checked > 100


# What is not valid.

Steps = tuple["str | int", ...]

WRONG: Mapping[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "integer": st.integers(),
    "number": st.floats(-1e9, 1e9).filter(lambda x: not x.is_integer()),
    "string": st.text(max_size=3),
    "array": st.lists(st.integers(), max_size=2),
    "object": st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
}


def type_name(value: Any) -> str:
    if isinstance(value, float):
        return "number"
    names = {
        type(None): "null",
        bool: "boolean",
        int: "integer",
        str: "string",
        list: "array",
        dict: "object",
    }
    return names[type(value)]


def types_of(schema: Any) -> set[str]:
    """The JSON types that a schema takes; none, if it takes all."""
    if "$ref" in schema:
        return types_of(looked_up(schema["$ref"]))
    if "anyOf" in schema:
        return set().union(*(types_of(branch) for branch in schema["anyOf"]))
    if "const" in schema:
        return {type_name(schema["const"])}
    if "enum" in schema:
        return {type_name(value) for value in schema["enum"]}
    names = schema.get("type", ())
    types = {names} if isinstance(names, str) else set(names)
    return types | {"integer"} if "number" in types else types


Place = tuple[Steps, frozenset[str]]
"""A path into a value, and the types that are right there; none of them: a field that may not be missing."""


def spoilable(schema: Any, value: Any, path: Steps = ()) -> Iterator[Place]:
    """Where a valid value can be made wrong."""
    if "$ref" in schema:
        yield from spoilable(looked_up(schema["$ref"]), value, path)
        return
    if types := types_of(schema):
        yield path, frozenset(types)
    for name in schema.get("required", ()):
        yield (*path, name), frozenset()
    for sub, item, steps in below(schema, value):
        yield from spoilable(sub, item, (*path, *steps))
    for branch in schema.get("anyOf", ()):
        if is_valid(branch, value):
            yield from alternatives(spoilable(branch, value, path), schema, len(path))


def below(schema: Any, value: Any) -> Iterator[tuple[Any, Any, Steps]]:
    """The schemas that a schema has for what is in a value, and for that value."""
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        yield from ((properties[name], value[name], (name,)) for name in properties if name in value)
        if "additionalProperties" in schema:
            yield from ((schema["additionalProperties"], value[name], (name,)) for name in value)
    if isinstance(value, list):
        first = schema.get("prefixItems", [])
        yield from ((each, item, (i,)) for i, (each, item) in enumerate(zip(first, value, strict=False)))
        if "items" in schema:
            yield from ((schema["items"], item, (i,)) for i, item in enumerate(value))
    if "if" in schema:
        yield schema["then" if is_valid(schema["if"], value) else "else"], value, ()


def alternatives(places: Iterable[Place], schema: Any, depth: int) -> Iterator[Place]:
    """Places in one branch of a schema: what is wrong there is wrong in no other branch."""
    for path, types in places:
        if types and len(path) == depth:
            types |= types_of(schema)
        for branch in schema["anyOf"] if types and len(path) == depth + 1 else ():
            types |= types_of(branch.get("properties", {}).get(path[-1], {}))
        yield path, types


def is_valid(schema: Any, value: Any) -> bool:
    return compiled(json.dumps(schema)).is_valid(value)


@functools.cache
def examples(schema: str) -> list[tuple[Any, list[Place]]]:
    """Values that a schema takes, no two of one shape, and where they can be spoiled."""
    shapes: dict[str, Any] = {}
    for (kind, part), recorded in RANGES.items():
        for version in recorded if part == schema else ():
            for thing in corpus().get((kind, version), ()):
                if not thing.refused and len(shapes) < 25:
                    shapes.setdefault(shape(thing.value), thing.value)
            if kind in NEVER_SAID:
                shapes[kind] = NEVER_SAID[kind]
    found = [(value, [*spoilable({"$ref": BASE + schema}, value)]) for value in shapes.values()]
    return [(value, places) for value, places in found if places]


def shape(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{name}:{shape(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(sorted({shape(item) for item in value})) + "]"
    return type_name(value)


def spoiled(value: Any, path: Steps, wrong: Any = None, *, drop: bool = False) -> Any:
    """A copy that has another thing at that place, or nothing."""
    if not path:
        return wrong
    result = copy.copy(value)
    if len(path) == 1 and drop:
        del result[path[0]]
    else:
        result[path[0]] = spoiled(value[path[0]], path[1:], wrong, drop=drop)
    return result


ANYTHING = {"replies/component_server"}
"""What may be any JSON."""

SPOILABLE = [schema for kind, schema in RANGES if kind not in ANYTHING]


@pytest.mark.parametrize("schema", SPOILABLE)
def test_what_is_spoiled_is_not_valid(schema: str) -> None:
    check = validator(schema)
    valid = examples(schema)

    @settings(max_examples=20, deadline=None)
    @given(st.data())
    def spoil(data: st.DataObject) -> None:
        value, places = data.draw(st.sampled_from(valid))
        path, types = data.draw(st.sampled_from(places))
        if not types:
            assert not check.is_valid(spoiled(value, path, drop=True)), f"without {path}"
            return
        name = data.draw(st.sampled_from(sorted(WRONG.keys() - types)))
        wrong = data.draw(WRONG[name])
        assert not check.is_valid(spoiled(value, path, wrong)), f"with {wrong!r} at {path}"

    spoil()


def test_each_required_field_is_missed() -> None:
    """Every one that a schema names itself, and not those alone on which the test above has hit."""
    for schema in SPOILABLE:
        for name in looked_up(schema).get("required", ()):
            value = examples(schema)[0][0]
            assert not validator(schema).is_valid(spoiled(value, (name,), drop=True)), (schema, name)


# The text.


def tables(text: str) -> Iterator[tuple[str, list[str]]]:
    """The rows of the tables of fields in ``spec/messages.md``, each with the heading that it stands below."""
    heading = ""
    for line in text.split("\n"):
        if line.startswith("### "):
            heading = line[4:]
        elif line.startswith("| `") and heading:
            yield heading, [cell.strip() for cell in line.strip("|").split("|")]


TYPES = {"list": "array"}
"""The words of the text that are not those of JSON Schema."""


def test_the_text_has_the_same_fields() -> None:
    told: dict[str, dict[str, set[str]]] = defaultdict(dict)
    for heading, cells in tables((SPEC / "messages.md").read_text("utf-8")):
        words = cells[-2].split(" or ")
        told[heading][cells[0].strip("`")] = {TYPES.get(word, word) for word in words}
    assert len(told) >= 7
    for heading, fields in told.items():
        kind = "values/output" if heading == "The output" else f"messages/{heading}"
        known: dict[str, set[str]] = defaultdict(set)
        for part in KINDS[kind]["ranges"]:
            for name, schema in looked_up(BASE + part["schema"])["properties"].items():
                known[name] |= (
                    types_of(schema) - {"integer"} if "number" in types_of(schema) else types_of(schema)
                )
        assert fields == {name: types for name, types in known.items() if name not in ("msg", "event_id")}


# Our own server.


def exchanged(replay: Replay) -> Iterator[dict[str, Any]]:
    """The records of a conversation that our server has had, as ``recorded.py`` describes them."""
    yield from (record for record in replay.records if record["dir"] == "send")
    for conn, answer in replay.ours.items():
        head = {"channel": "http", "dir": "recv", "conn": conn, "line": f"HTTP/1.1 {answer.status}"}
        headers = [*answer.headers.items()]
        if answer.frames:
            yield from (
                {"channel": "ws", "dir": "recv", "conn": conn, "text": frame}
                for frame in answer.frames
                if isinstance(frame, str)
            )
        elif answer.headers.get("content-type", "").startswith("text/event-stream"):
            yield {**head, "headers": headers, "body": "<stream>"}
            yield {"channel": "sse", "dir": "recv", "conn": conn, "raw": answer.body.decode()}
        else:
            yield {**head, "headers": headers, "body": answer.body.decode()}


@pytest.mark.parametrize("version", PROTOCOLS)
def test_what_our_own_server_says_is_valid(version: str) -> None:
    things: list[Said] = []
    for operation in (
        "count",
        "stream",
        "progress",
        "fail_titled",
        "gen_crash",
        "update",
        "state",
        "errors_join",
    ):
        world = World()
        world.use(recorded_app(world, version=version))
        replay = Replay(operation, world, version=version)
        replay.play()
        conversation = [*said(exchanged(replay))]
        things += [*conversation, *inside(conversation, PROTOCOLS[version])]
    for target, kind in (("config", "config"), ("info", "info"), ("queue/status", "queue_status")):
        prefix = "" if target == "config" else Generation(version).prefix
        answer = world.request("GET", f"{prefix}/{target}")
        reply = Said(f"replies/{kind}", json.loads(answer.body))
        things += [reply, *inside([reply], PROTOCOLS[version])]
    for thing in things:
        if not thing.kind.startswith("requests/"):
            validator(pointer(thing.kind, version)).validate(thing.value)
    recorded = {kind for kind, of in corpus() if of == version and kind.startswith("messages/p")}
    assert {thing.kind for thing in things} >= recorded - {"messages/process_streaming"}


def described(part: str, version: str) -> str:
    """The kind that our own server calls so."""
    if part == "stream":
        return "values/file_out" if version > "4.21.0" else "values/stream_out"
    names = {"status": "replies/queue_status", "login page": "replies/login_page", "config": "replies/config"}
    names |= {"file": "values/file_out", "render": "values/render_config"}
    return names.get(part) or (f"messages/{part}" if f"messages/{part}" in KINDS else f"values/{part}")


@pytest.mark.parametrize("part", get_args(Part))
def test_our_own_server_leaves_out_the_same_fields(part: Part) -> None:
    """What a version has is in two tables: in that of the schemas, and in that by which our own server goes."""
    here: dict[str, set[str]] = {}
    for version in PROTOCOLS:
        ranges = KINDS[described(part, version)]["ranges"]
        schema = next((each["schema"] for each in ranges if version in each["recorded"]), None)
        if schema is not None:
            here[version] = set(looked_up(BASE + schema)["properties"])
    # By which of its fields an endpoint is hidden, that server says by other means.
    names = set().union(*here.values()) - {"show_api"}
    kept = {version: set(Generation(version).trim(part, dict.fromkeys(names))) for version in here}
    sometimes = {name for version in kept for name in names - kept[version]}
    for version, fields in here.items():
        assert fields & names <= kept[version]
        assert kept[version] & sometimes == fields & sometimes
