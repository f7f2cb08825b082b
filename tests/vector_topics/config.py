"""Vectors of discovery: what an app says about itself, and what a client must make of it."""

from __future__ import annotations

import json
from typing import Any, Final

import recorded as exchanges

from . import apps
from .vector import PROTOCOL_OF, PROTOCOLS, Vector

TOPIC = "config"
DESCRIPTION = (
    "The config of an app: 'config', the JSON of GET /config, or 'html', the page that embeds it, where /config does "
    "not answer. 'app' is what it says of the app, and 'functions' of its functions, in order: 'fn_index' is the "
    "number to join by, 'api_name' is null for an unnamed one and false for one that is closed to clients. 'error' is "
    "'unsupported_protocol' (say which one, and end) or 'malformed' (it is no Gradio app's config)."
)

HOSTILE_ROOT: Final = "https://elsewhere.example/x"


def functions(config: dict[str, Any], listed: dict[str, Any]) -> list[dict[str, Any]]:
    """What a recorded config says of each function, checked against what /info of the same server lists."""
    found: list[dict[str, Any]] = []
    for position, entry in enumerate(config["dependencies"]):
        name = entry["api_name"]
        if name is False or entry.get("api_visibility") == "private":
            visibility = "private"
        elif entry.get("show_api") is False or entry.get("api_visibility") == "undocumented":
            visibility = "undocumented"
        else:
            visibility = "public"
        names = listed["unnamed_endpoints"] if name is None else listed["named_endpoints"]
        is_listed = (str(position) if name is None else f"/{name}") in names
        assert is_listed == (visibility == "public" and entry["backend_fn"]), (config["version"], entry)
        found.append(
            {
                "fn_index": entry.get("id", position),
                "api_name": name,
                "visibility": visibility,
                "queue": entry["queue"],
                "is_generator": any(entry["types"].get(kind) for kind in ("generator", "continuous")),
                "connection": entry.get("connection", "sse"),
                "cancels": entry.get("cancels", []),
            }
        )
    return found


def recorded() -> list[Vector]:
    """The recorded app in each version."""
    found: list[Vector] = []
    for version, protocol in PROTOCOL_OF.items():
        config = apps.config(version)
        app = {
            "version": [int(number) for number in version.split(".")],
            "protocol": protocol,
            "api_prefix": "/gradio_api" if version[0] in "56" else "",
            "enable_queue": True,
            "connect_heartbeat": version in ("4.44.1", "5.49.1", "6.31.0"),
            "show_error": True,
            "max_file_size": None,
            "app_id": config.get("app_id"),
            "auth_required": False,
        }
        found.append(
            Vector(
                f"config/recorded/{version}",
                f"What Gradio {version} says, cut down to what a client reads.",
                f"recorded {version}/config",
                {"config": config},
                {"app": app, "functions": functions(config, apps.info(version))},
                (protocol,),
            )
        )
    return found


def pages() -> list[Vector]:
    """The page of an app that wants a login: /config refuses, and the page tells what it may."""
    found: list[Vector] = []
    for version, protocol in PROTOCOL_OF.items():
        html = next(
            record["body"]
            for record in exchanges.records(version, "variant_auth")
            if record["dir"] == "recv" and "window.gradio_config" in str(record.get("body"))
        )
        start = html.index("window.gradio_config")
        end = html.index("</script>", start)
        script = html[html.rindex("<script", 0, start) : end] + "</script>"
        if "auth_required" not in script:
            continue
        found.append(
            Vector(
                f"config/page/{version}",
                f"The login page of Gradio {version}.",
                f"recorded {version}/variant_auth",
                {"html": f"<!doctype html>\n<html><head>{script}</head><body></body></html>"},
                {"app": {"auth_required": True, "auth_message": "please log in"}},
                (protocol,),
            )
        )
    return found


MINIMAL: Final[dict[str, Any]] = {"components": [], "dependencies": []}


def written() -> list[Vector]:
    """What servers may say too, or should not."""
    cases: dict[str, tuple[str, Any, dict[str, Any]]] = {
        "protocol/absent": (
            "No protocol means ws.",
            MINIMAL,
            {"app": {"protocol": "ws", "enable_queue": False}},
        ),
        "protocol/null": ("Nor does null.", {**MINIMAL, "protocol": None}, {"app": {"protocol": "ws"}}),
        "protocol/newer": (
            "A generation that the client does not know.",
            {**MINIMAL, "protocol": "sse_v4", "version": "7.0.0"},
            {"error": "unsupported_protocol"},
        ),
        "protocol/not-text": (
            "A protocol that is no string.",
            {**MINIMAL, "protocol": 3},
            {"error": "malformed"},
        ),
        "version/newline": (
            "3.36 ends it in a line feed.",
            {**MINIMAL, "version": "3.36.1\n"},
            {"app": {"version": [3, 36, 1]}},
        ),
        "version/development": (
            "A development version.",
            {**MINIMAL, "version": "6.31.0.dev1"},
            {"app": {"version": [6, 31, 0]}},
        ),
        "version/beta": (
            "A beta version.",
            {**MINIMAL, "version": "5.0.0b10"},
            {"app": {"version": [5, 0, 0]}},
        ),
        "version/short": ("Two numbers.", {**MINIMAL, "version": "4.9"}, {"app": {"version": [4, 9, 0]}}),
        "version/none": ("No version.", MINIMAL, {"app": {"version": [0, 0, 0]}}),
        "version/text": ("No numbers.", {**MINIMAL, "version": "main"}, {"app": {"version": [0, 0, 0]}}),
        "enable_queue/ws-off": (
            "3.x without a queue: every call goes by /run.",
            {**MINIMAL, "enable_queue": False},
            {"app": {"enable_queue": False}},
        ),
        "enable_queue/sse": (
            "From 4.0 on the queue is always there.",
            {**MINIMAL, "protocol": "sse", "enable_queue": False},
            {"app": {"enable_queue": True}},
        ),
        "root-elsewhere": (
            "Where the server believes to be is no place to send anything to: the URL that the user gave is.",
            {**MINIMAL, "protocol": "sse_v3", "root": HOSTILE_ROOT, "api_prefix": "/gradio_api"},
            {"app": {"api_prefix": "/gradio_api"}},
        ),
        "app_id/64-bit": (
            "A number above 2^53.",
            {**MINIMAL, "app_id": 16538474280455143519},
            {"app": {"app_id": 16538474280455143519}},
        ),
        "login": (
            "An app that tells nothing before the login.",
            {"auth_required": True, "auth_message": "hello", "root": ""},
            {"app": {"auth_required": True, "auth_message": "hello"}},
        ),
        "not-an-object": ("A config that is no object.", [], {"error": "malformed"}),
        "no-dependencies": ("An object that is no config.", {"hello": "world"}, {"error": "malformed"}),
        "dependencies/not-a-list": (
            "Functions that are no list.",
            {"dependencies": {}},
            {"error": "malformed"},
        ),
        "gradio-2": (
            "The config of a Gradio 2 app.",
            {"allow_flagging": "manual", "input_components": [], "output_components": []},
            {"error": "unsupported_protocol"},
        ),
    }
    found = [
        Vector(f"config/{id}", text, "written", {"config": config}, expect)
        for id, (text, config, expect) in cases.items()
    ]
    dependencies: dict[str, tuple[str, list[dict[str, Any]], list[dict[str, Any]]]] = {
        "position": (
            "Without ids, a function's number is its position.",
            [{"api_name": "a"}, {"api_name": "b"}],
            [{"fn_index": 0, "api_name": "a"}, {"fn_index": 1, "api_name": "b"}],
        ),
        "id": (
            "An id wins over the position (4.44 and later).",
            [{"id": 7, "api_name": "a"}, {"id": 3, "api_name": "b"}],
            [{"fn_index": 7, "api_name": "a"}, {"fn_index": 3, "api_name": "b"}],
        ),
        "visibility/show_api": (
            "Hidden, and callable (4.13 to 5.x).",
            [{"api_name": "a", "show_api": False}],
            [{"fn_index": 0, "visibility": "undocumented"}],
        ),
        "visibility/false": (
            "Closed.",
            [{"api_name": False}],
            [{"fn_index": 0, "api_name": False, "visibility": "private"}],
        ),
        "visibility/unknown": (
            "A word that the client does not know hides something, at least.",
            [{"api_name": "a", "api_visibility": "members"}],
            [{"fn_index": 0, "visibility": "undocumented"}],
        ),
        "queue": (
            "null means: as enable_queue says.",
            [
                {"api_name": "a", "queue": None},
                {"api_name": "b", "queue": False},
                {"api_name": "c", "queue": True},
            ],
            [{"fn_index": 0, "queue": None}, {"fn_index": 1, "queue": False}, {"fn_index": 2, "queue": True}],
        ),
        "generator": (
            "3.x calls what is repeated by every= continuous.",
            [
                {"api_name": "a", "types": {"continuous": True, "generator": False}},
                {"api_name": "b", "types": {"generator": True}},
            ],
            [{"fn_index": 0, "is_generator": True}, {"fn_index": 1, "is_generator": True}],
        ),
        "junk": (
            "An entry that makes no sense keeps its position.",
            [None, {"api_name": "b"}],  # type: ignore[list-item]
            [{"fn_index": 1, "api_name": "b"}],
        ),
    }
    found += [
        Vector(
            f"config/functions/{id}",
            text,
            "written",
            {"config": {"components": [], "dependencies": entries}},
            {"functions": expect},
        )
        for id, (text, entries, expect) in dependencies.items()
    ]
    inner = {**MINIMAL, "version": "6.31.0", "protocol": "sse_v3", "title": 'a } "b" {</b> \\'}
    embedded: dict[str, tuple[str, str, dict[str, Any]]] = {
        "braces": (
            "Braces and quotes in its strings do not end it.",
            f"<script>window.gradio_config = {json.dumps(inner)};</script><script>x = {{}}</script>",
            {"app": {"version": [6, 31, 0], "protocol": "sse_v3"}},
        ),
        "mentioned-before": (
            "Other scripts mention the variable before it is set.",
            "<script>if (window.gradio_config) go();</script>"
            f"<script>window.gradio_config={json.dumps(inner)};</script>",
            {"app": {"version": [6, 31, 0]}},
        ),
        "none": ("A page of something else.", "<html><body>Welcome</body></html>", {"error": "malformed"}),
        "cut": (
            "A page that breaks off.",
            '<script>window.gradio_config = {"version": "6',
            {"error": "malformed"},
        ),
    }
    found += [
        Vector(f"config/html/{id}", text, "written", {"html": html}, expect, PROTOCOLS)
        for id, (text, html, expect) in embedded.items()
    ]
    return found


def vectors() -> list[Vector]:
    """All of them."""
    return written() + pages() + recorded()
