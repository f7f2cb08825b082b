"""``spec/asyncapi.json`` and ``spec/openapi.json``: valid by the standard validators, and true of what was recorded."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import make_documents
import pytest
from make_schemas import pointer
from openapi_spec_validator import OpenAPIV31SpecValidator
from recorded import operations, records, versions
from servers import install
from spoken import route_of, said

SPEC = Path(__file__).parent.parent / "spec"


def document(name: str) -> Any:
    return json.loads((SPEC / name).read_text("utf-8"))


ASYNCAPI = document("asyncapi.json")
OPENAPI = document("openapi.json")


@pytest.mark.parametrize("name", ["asyncapi.json", "openapi.json"])
def test_they_are_what_their_tables_make(name: str) -> None:
    assert (SPEC / name).read_text("utf-8") == make_documents.files()[name], (
        "run python spec/make_documents.py"
    )


@pytest.mark.parametrize("name", ["asyncapi.json", "openapi.json"])
def test_every_reference_leads_somewhere(name: str) -> None:
    for reference in references(document(name)):
        file, _, fragment = reference.partition("#")
        found = document(file or name)
        for step in fragment.split("/")[1:]:
            found = found[step]
        assert isinstance(found, dict)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = [*value.values()]
    if isinstance(value, list):
        for item in value:
            yield from references(item)


# By the standard validators.


def is_openapi(value: Any) -> bool:
    errors = OpenAPIV31SpecValidator(value, base_uri=(SPEC / "openapi.json").as_uri()).iter_errors()
    return next(errors, None) is None


def test_openapi_is_valid() -> None:
    assert is_openapi(OPENAPI)


def test_broken_openapi_is_not() -> None:
    untold = copy.deepcopy(OPENAPI)
    del untold["paths"]["/config"]["get"]["responses"]["200"]["description"]
    assert not is_openapi(untold)
    twice = copy.deepcopy(OPENAPI)
    twice["paths"]["/config"]["get"]["operationId"] = "get_page"
    assert not is_openapi(twice)


PARSE = """
const { Parser, fromFile } = require('@asyncapi/parser');
(async () => {
  const parser = new Parser();
  for (const file of process.argv.slice(1)) {
    const { diagnostics } = await fromFile(parser, file).parse();
    console.log(JSON.stringify(diagnostics.filter(({ severity }) => severity === 0).map(({ code }) => code)));
  }
})();
"""


def one_channel(carrier: str) -> Any:
    """A smaller document of the same kind."""
    small = copy.deepcopy(ASYNCAPI)
    small["channels"] = {name: it for name, it in small["channels"].items() if name.startswith(carrier)}
    small["operations"] = {name: it for name, it in small["operations"].items() if carrier in name}
    names = {name for channel in small["channels"].values() for name in channel["messages"]}
    messages = small["components"]["messages"]
    small["components"]["messages"] = {name: messages[name] for name in names}
    return small


def test_asyncapi_is_valid(tmp_path: Path) -> None:
    """By the official parser; and documents that are broken, each in its own way, are not."""
    node = shutil.which("node")
    if node is None or not install.is_installed(install.ASYNCAPI_PARSER):
        pytest.skip("Node or the package @asyncapi/parser is missing: run 'make servers' where there is Node")
    (tmp_path / "schemas").symlink_to(SPEC / "schemas")
    sent, nowhere, unknown = (one_channel("heartbeat") for _ in range(3))
    next(iter(sent["operations"].values()))["action"] = "shout"
    next(iter(nowhere["channels"].values()))["servers"] = [{"$ref": "#/servers/nowhere"}]
    next(iter(unknown["components"]["messages"].values()))["payload"]["schema"] = {
        "$ref": "./schemas/none.json"
    }
    paths = [SPEC / "asyncapi.json"]
    for count, written in enumerate((one_channel("heartbeat"), sent, nowhere, unknown)):
        paths.append(tmp_path / f"{count}.json")
        paths[-1].write_text(json.dumps(written), encoding="utf-8")
    done = subprocess.run(
        [node, "-e", PARSE, *map(str, paths)],
        cwd=install.SERVERS / install.ASYNCAPI_PARSER,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    errors = [json.loads(line) for line in done.stdout.splitlines()]
    assert [bool(found) for found in errors] == [False, False, True, True, True], errors


# The text.


def test_the_text_has_the_same_routes() -> None:
    told: dict[str, tuple[bool, str]] = {}
    for routes, since in re.findall(r"^\| (`\S*/.*?`) \| .*? \| (.*?) \|", section("Routes"), re.MULTILINE):
        names = re.findall("`(.*?)`", routes)
        spans = (
            [since.split(",")[0]] * len(names) if since.count(",") < 2 else since.split(", ")[: len(names)]
        )
        for name, span in zip(names, spans, strict=True):
            told[nameless(name.removeprefix("{prefix}"))] = ("{prefix}" in name, span.removesuffix(".x"))
    known: dict[str, tuple[bool, str]] = {}
    for path, item in OPENAPI["paths"].items():
        found = [entry["x-gradio-since"] for name, entry in item.items() if name != "servers"]
        span = told.get(nameless(path), (False, ""))[1]
        first = min(found, key=number)
        known[nameless(path)] = ("servers" not in item, span if first.startswith(span) else first)
    assert told == known


def section(heading: str) -> str:
    """A section of the text that tells of the generations."""
    text = (SPEC / "generations.md").read_text("utf-8")
    return text.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def nameless(path: str) -> str:
    """A path, whatever its parameters are called."""
    return re.sub(r"\{\w+\}", "{}", path)


# What was recorded.


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def is_in(span: Mapping[str, Any], version: str) -> bool:
    since, until = span.get("x-gradio-since", "0"), span.get("x-gradio-until", "99")
    return number(since) <= number(version) <= number(until)


def operation_of(route: str) -> dict[str, Any] | None:
    """What the OpenAPI document has for a method and a path."""
    method, path = route.split(" ", 1)
    for template, item in sorted(OPENAPI["paths"].items(), key=lambda entry: entry[0].count("{")):
        rest = ".*" if template.startswith("/file=") else "[^/]+"
        pattern = rest.join(re.split(r"\\{\w+\\}", re.escape(template)))
        if re.fullmatch(pattern, path) and method.lower() in item:
            return {**item[method.lower()], "path": template}
    return None


NOT_DESCRIBED = re.compile(r"GET /(openapi\.json|file/.*|gradio|sub/path|mcp/schema)")
"""What no client of an app needs."""


def expected(line: str, version: str) -> dict[str, Any] | None:
    """What the OpenAPI document has for a request line: None if this version has no such route."""
    route = route_of(line)
    found = operation_of(route)
    if found is None or not is_in(found, version):
        return None
    unprefixed = "servers" in OPENAPI["paths"][found["path"]]
    prefixed = not unprefixed and version >= "5"
    return found if ("/gradio_api/" in line) == prefixed else None


@pytest.mark.parametrize("version", versions())
def test_every_recorded_answer_is_described(version: str) -> None:
    seen = 0
    for operation in operations(version):
        asked: dict[int, str] = {}
        for record in records(version, operation):
            if record["channel"] != "http":
                continue
            line = (record.get("line") or record["raw"]).split("\r\n")[0]
            if record["dir"] == "send":
                asked[record["conn"]] = line
                continue
            request, status = asked[record["conn"]], line.split(" ")[1]
            if not request.isascii() or request.count(" ") > 2 or NOT_DESCRIBED.fullmatch(route_of(request)):
                continue  # no client sends the like
            found = expected(request, version)
            if record.get("body") == "Invalid HTTP request received.":
                continue  # by the HTTP library below Gradio, of a header that the recorder has made up
            if found is None:
                assert status in ("404", "405"), f"{status} of {request}"
            elif status != "404" or "404" in found["responses"]:
                answer = found["responses"][status]
                assert is_in(answer, version), f"{status} of {request}"
                seen += 1
    assert seen > 150


@pytest.mark.parametrize("version", versions())
def test_every_recorded_message_is_on_its_channel(version: str) -> None:
    channels = [
        channel for channel in ASYNCAPI["channels"].values() if version in channel["x-gradio-recorded"]
    ]
    known = {
        ASYNCAPI["components"]["messages"][name]["payload"]["schema"]["$ref"]
        for channel in channels
        for name in channel["messages"]
    }
    for operation in operations(version):
        for thing in said(records(version, operation)):
            if thing.kind.startswith("messages/"):
                assert f"./schemas/{pointer(thing.kind, version)}" in known
