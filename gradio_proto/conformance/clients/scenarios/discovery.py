"""Finding the app: the config, the API information, where the app is, and who may ask."""

from __future__ import annotations

import gzip
import json
from typing import Any, Final

from ..model import Call, Failure, Sent
from ..rendering import as_json, config_of
from ..steps import (
    ABSENT,
    CANARY,
    ELSEWHERE,
    HERE,
    Again,
    Answer,
    Bare,
    Close,
    Head,
    Jobs,
    Pause,
    Pieces,
    Reset,
    Script,
    Silence,
    Text,
)
from .build import (
    ALL,
    EITHER,
    ERROR,
    LATEST,
    SHARED,
    WELL,
    WELL_OR_ERROR,
    detail,
    page,
    plain,
    redirect,
    scenario,
)

TYPED: Final = ("security/bounds/typed",)
BOUNDS: Final = ("security/bounds/everything",)
PREFIX: Final = ("generations/routes/plain-prefix",)
REDIRECTS: Final = ("security/origin/redirects",)
BOMB: Final = gzip.compress(bytes(200 * 2**20), 9, mtime=0)
"""200 MB of nothing, in 200 KB."""


def healthy(generation: str = "sse_v3") -> Answer:
    """The config of a healthy app, to be said in another way."""
    return as_json(config_of(Script(Jobs(())), generation, HERE))


def config(id: str, summary: str, *answer: Any, requirements: tuple[str, ...] = TYPED, **options: Any) -> Any:
    """A scenario in which every request for the config is answered so."""
    options = {"expected": ERROR, **options}
    replies = {"config": (answer,), **options.pop("replies", {})}
    return scenario(id, summary, WELL, replies=replies, requirements=requirements, **options)


def changed(id: str, summary: str, entries: dict[str, Any], **options: Any) -> Any:
    """A scenario whose config has other entries."""
    options.setdefault("requirements", ("discovery/config/lenient",))
    return scenario(id, summary, WELL, config=entries, **options)


def prefix(id: str, summary: str, value: Any) -> Any:
    """A scenario with an ``api_prefix`` that no client may take."""
    return changed(
        f"config/prefix-{id}",
        summary,
        {"api_prefix": value},
        requirements=PREFIX,
        expected=ERROR,
        credentials=True,
    )


ODD_SCHEMAS: Final[tuple[Any, ...]] = (
    True,
    False,
    {},
    None,
    "string",
    {"type": ["string", "null"], "additionalProperties": True},
    {"$ref": "#/$defs/Self", "$defs": {"Self": {"$ref": "#/$defs/Self"}}},
    {"anyOf": [{"type": "object", "additionalProperties": False}, {"enum": [1, None]}, {"const": 5}]},
    {"type": "array", "items": False, "prefixItems": [True]},
)

SPARE: Final = (
    "mode",
    "app_id",
    "title",
    "theme",
    "css",
    "layout",
    "username",
    "is_colab",
    "space_id",
    "show_error",
    "dev_mode",
    "analytics_enabled",
    "stylesheets",
    "pages",
    "page",
    "max_file_size",
    "connect_heartbeat",
    "enable_queue",
    "root",
)
"""Keys of the config that nothing depends on where an app is just called."""

SCENARIOS: Final = (
    # The config.
    changed(
        "config/version-newline",
        "The version ends with a newline.",
        {"version": "6.31.0\n"},
        requirements=("generations/features/version-string",),
    ),
    changed(
        "config/version-newline-ws",
        "The version ends with a newline, as that of 3.36.1 does.",
        {"version": "3.36.1\n"},
        requirements=("generations/features/version-string",),
        generations=("ws",),
    ),
    changed(
        "config/version-development",
        "The version has letters behind its numbers.",
        {"version": " 6.31.0.dev0+local"},
        requirements=("generations/features/version-string",),
    ),
    changed(
        "config/version-odd",
        "The version is no number at all.",
        {"version": "latest"},
        requirements=("generations/features/version-string", "security/bounds/typed"),
        expected=WELL_OR_ERROR,
    ),
    changed(
        "config/version-absent",
        "There is no version.",
        {"version": ABSENT},
        generations=ALL,
        expected=WELL_OR_ERROR,
    ),
    changed(
        "config/few-keys",
        "There is nothing in the config that a call could do without.",
        dict.fromkeys(SPARE, ABSENT),
        generations=ALL[1:],
    ),
    changed(
        "config/odd-types",
        "Entries that a call can do without are of other types than they should be.",
        {
            "username": 5,
            "max_file_size": "big",
            "space_id": [],
            "title": None,
            "connect_heartbeat": "no",
            "theme": 1,
            "pages": {},
            "page": 3,
            "is_space": "x",
            "app_id": "x",
            "show_error": 0,
        },
    ),
    changed(
        "config/extra-keys",
        "The config has keys that nobody knows.",
        {"mood": {"a": [1, None]}, "": 1},
        generations=ALL,
        requirements=("generations/json/unknown-keys",),
    ),
    changed(
        "config/app-id",
        "The app_id has 64 bits.",
        {"app_id": 16538474280455143519},
        requirements=("generations/json/big-numbers",),
    ),
    changed(
        "config/protocol-unknown",
        "The protocol is one that nobody knows.",
        {"protocol": "sse_v99"},
        requirements=("generations/detect/unknown",),
        expected=(Failure("sse_v99"),),
        joins=0,
    ),
    changed(
        "config/protocol-odd",
        "The protocol is a list.",
        {"protocol": ["sse_v3"]},
        requirements=("generations/detect/unknown", "security/bounds/typed"),
        expected=ERROR,
        joins=0,
    ),
    changed(
        "config/protocol-not-version",
        "The protocol is of another generation than the version.",
        {"version": "3.50.2"},
        requirements=("generations/detect/protocol",),
        generations=SHARED,
    ),
    changed(
        "config/gradio-2",
        "The app is one of Gradio 2.",
        {
            "allow_flagging": "never",
            "dependencies": ABSENT,
            "components": ABSENT,
            "protocol": ABSENT,
            "input_components": [],
        },
        requirements=("discovery/config/gradio-2",),
        expected=ERROR,
    ),
    changed(
        "config/auth-required",
        "The config is that of the page to log in.",
        {
            "auth_required": True,
            "auth_message": "please log in",
            "dependencies": ABSENT,
            "components": ABSENT,
        },
        requirements=("discovery/login-page/not-the-app",),
        expected=ERROR,
        joins=0,
    ),
    changed(
        "config/root-elsewhere",
        "The root is at another origin.",
        {"root": ELSEWHERE},
        generations=ALL,
        requirements=("discovery/root-hint", "security/origin/base"),
        credentials=True,
    ),
    changed(
        "config/root-odd",
        "The root is no address at all.",
        {"root": "http://[::1"},
        requirements=("discovery/root-hint",),
    ),
    changed(
        "config/prefix-other",
        "The api_prefix is another one than usual.",
        {"api_prefix": "/deep/er"},
        requirements=("generations/routes/base",),
    ),
    changed(
        "config/prefix-empty",
        "The api_prefix is empty.",
        {"api_prefix": ""},
        requirements=("generations/routes/base",),
    ),
    changed(
        "config/prefix-number",
        "The api_prefix is a number.",
        {"api_prefix": 5},
        requirements=PREFIX,
        expected=WELL_OR_ERROR,
    ),
    prefix("url", "The api_prefix is the URL of another origin.", ELSEWHERE),
    prefix("host", "The api_prefix begins with two slashes.", "//localhost/x"),
    prefix("at", "The api_prefix would make a host of what follows.", "@localhost"),
    prefix("dots", "The api_prefix leads upwards.", "/a/../../b"),
    prefix("query", "The api_prefix holds a query.", "/a?b=c"),
    prefix("lines", "The api_prefix holds a line break and a header.", "/a HTTP/1.1\r\nx: y"),
    changed(
        "config/dependencies-odd",
        "The dependencies hold what is none.",
        {"dependencies": [None, 5, {}, [], {"id": "x"}]},
        requirements=TYPED,
        expected=ERROR,
    ),
    changed(
        "config/dependencies-empty",
        "There are no dependencies.",
        {"dependencies": []},
        requirements=TYPED,
        expected=ERROR,
    ),
    changed(
        "config/components-absent",
        "There are no components.",
        {"components": []},
        requirements=TYPED,
        expected=WELL_OR_ERROR,
    ),
    scenario(
        "config/component-unknown",
        "The components are of types that nobody knows.",
        WELL,
        config={
            "components": [
                {"id": 1, "type": "hologram", "props": {}, "skip_api": False},
                {"id": 2, "type": "hologram", "props": {}, "skip_api": False},
                {"id": 3, "type": "button", "props": {}, "skip_api": True},
            ]
        },
        requirements=("discovery/config/lenient",),
    ),
    scenario(
        "config/dependency-id",
        "The dependency's id is not its position.",
        WELL,
        dependency={"id": 40},
        sent=(Sent("queue/join", "discovery/dependency/number", body=("fn_index", 40)),),
        requirements=("discovery/dependency/number",),
    ),
    scenario(
        "config/dependency-no-id",
        "The dependency has no id.",
        WELL,
        dependency={"id": ABSENT},
        sent=(Sent("queue/join", "discovery/dependency/number", body=("fn_index", 0)),),
        requirements=("discovery/dependency/number",),
    ),
    scenario(
        "config/no-function",
        "There is no function behind the dependency.",
        WELL,
        dependency={"backend_fn": False},
        requirements=("discovery/dependency/no-function",),
        expected=ERROR,
        joins=0,
    ),
    scenario(
        "config/name-false",
        "The one dependency has no name.",
        WELL,
        dependency={"api_name": False},
        requirements=("discovery/endpoint/closed",),
        expected=ERROR,
        joins=0,
    ),
    config(
        "config/page",
        "A page is the answer to every request.",
        page(),
        replies={"": ((page(),),)},
        requirements=("discovery/config/not-a-page",),
        generations=LATEST,
    ),
    config("config/not-found", "Nothing is there.", detail(404, "Not Found")),
    config(
        "config/bad-gateway",
        "The config is answered 502, by a page.",
        page(502),
        requirements=("error/http/no-json",),
    ),
    config(
        "config/server-error",
        "The config is answered 500, in plain text.",
        plain(500, "Internal Server Error"),
        requirements=("error/http/no-json",),
    ),
    config(
        "config/unauthorized",
        "The config is answered 401, with an object for a detail.",
        detail(401, {"error": "Not authenticated", "auth_message": "please log in"}),
        requirements=("auth/protected/detail",),
    ),
    config(
        "config/unauthorized-old",
        "The config is answered 401, with a text for a detail.",
        detail(401, "Not authenticated"),
        requirements=("auth/protected/detail",),
    ),
    config("config/no-json", "The config is no JSON.", Answer(body=b'{"version": "6.31.0", ')),
    config("config/list", "The config is a list.", Answer(body=b"[]")),
    config("config/null", "The config is null.", Answer(body=b"null")),
    config("config/empty", "The config is empty.", Answer(body=b"")),
    config(
        "config/deep",
        "The config is nested a hundred thousand deep.",
        Answer(body=b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        requirements=BOUNDS,
    ),
    config(
        "config/endless",
        "The config has 200 MB and does not end.",
        Head(headers=(("content-type", "application/json"),)),
        Text(b'{"a": "'),
        Again((Text(b"x" * 2**20),), 200),
        requirements=BOUNDS,
    ),
    config(
        "config/compressed-bomb",
        "The config is 200 MB of nothing, compressed though nobody has asked for that.",
        Answer(body=BOMB, headers=(("content-encoding", "gzip"),)),
        requirements=("security/bounds/compression", "security/bounds/everything"),
    ),
    config(
        "config/compressed",
        "The config is compressed, though nobody may have asked for that.",
        Answer(body=gzip.compress(healthy().body, mtime=0), headers=(("content-encoding", "gzip"),)),
        expected=EITHER,
    ),
    config(
        "config/short",
        "The config has less bytes than it has promised.",
        Answer(body=b'{"version":', length=9000),
    ),
    config("config/lost", "The connection is closed without an answer.", Close()),
    config("config/reset", "The connection is reset without an answer.", Reset()),
    config("config/garbage", "What answers speaks no HTTP.", Bare(b"220 smtp.example ESMTP\r\n"), Close()),
    config(
        "config/silence",
        "The config never comes.",
        Silence(),
        requirements=("security/bounds/time",),
        timeout=0.6,
    ),
    config(
        "config/drip",
        "The head of the config comes a byte at a time, and does not end.",
        Bare(b"HTTP/1.1 200 OK\r\nx-a: "),
        Again((Bare(b"x"),), every=0.05),
        requirements=("security/bounds/time",),
        timeout=0.6,
    ),
    config(
        "config/endless-head",
        "The head of the config has 64 MB and does not end.",
        Bare(b"HTTP/1.1 200 OK\r\n"),
        Again((Bare(b"x-a: " + b"b" * 1000 + b"\r\n"),), 64_000),
        requirements=BOUNDS,
    ),
    scenario(
        "config/bytewise",
        "The config comes a byte at a time.",
        WELL,
        replies={"config": ((Pieces(1, "connection"), healthy()),)},
        requirements=("message/framing/chunks",),
    ),
    scenario(
        "config/slow",
        "The config comes after half a second.",
        WELL,
        replies={"config": ((Pause(0.5), healthy()),)},
        requirements=TYPED,
    ),
    config(
        "config/two-lengths",
        "The config has two lengths, which differ.",
        Bare(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 9\r\n\r\n{}{}{}{}{"),
        Close(),
    ),
    config(
        "config/informational-for-ever",
        "Nothing but informational responses comes.",
        Again((Bare(b"HTTP/1.1 103 Early Hints\r\n\r\n"),), every=0.02),
        requirements=("security/bounds/time",),
        timeout=0.6,
    ),
    scenario(
        "config/closed-behind",
        "The server closes the connection behind the config, without having said so.",
        WELL,
        replies={"config": ((healthy(), Close()),)},
        requirements=("queue/join/no-retry",),
    ),
    scenario(
        "config/reset-behind",
        "The server resets the connection behind the config.",
        WELL,
        replies={"config": ((healthy(), Pause(0.02), Reset()),)},
        requirements=("queue/join/no-retry",),
    ),
    # Where it is.
    scenario(
        "config/redirect",
        "The config is at another path of the same origin.",
        WELL,
        replies={"config": ((redirect(307, "/config/"),), (healthy(),))},
        requirements=REDIRECTS,
    ),
    config(
        "config/redirect-elsewhere",
        "The config is redirected to another origin.",
        redirect(302, ELSEWHERE + "/config"),
        requirements=REDIRECTS,
        credentials=True,
    ),
    config(
        "config/redirect-loop",
        "The config is redirected to itself, for ever.",
        redirect(302, "/config"),
        requirements=(*REDIRECTS, *BOUNDS),
    ),
    config(
        "config/redirect-nowhere",
        "The config is redirected, and nobody says where.",
        Answer(302, b"", (), None),
        requirements=REDIRECTS,
    ),
    config(
        "config/redirect-file",
        "The config is redirected to a file of this machine.",
        redirect(302, "file://" + CANARY),
        requirements=(*REDIRECTS, "security/files/explicit"),
    ),
    # Cookies.
    scenario(
        "cookie/affinity",
        "The config sets a cookie, which every later request must bring.",
        WELL,
        replies={"config": ((Answer(body=healthy().body, headers=(("set-cookie", "replica=7; Path=/"),)),),)},
        sent=(
            Sent("queue/join", "auth/cookie/everywhere", header=("cookie", "replica=7")),
            Sent("queue/data", "auth/cookie/everywhere", header=("cookie", "replica=7")),
        ),
        requirements=("auth/cookie/affinity", "auth/cookie/everywhere"),
    ),
    scenario(
        "cookie/secure",
        "The config sets a cookie for https only.",
        WELL,
        replies={
            "config": (
                (
                    Answer(
                        body=healthy().body,
                        headers=(
                            ("set-cookie", "safe=1; Path=/; Secure; SameSite=none"),
                            ("set-cookie", "plain=2; Path=/"),
                        ),
                    ),
                ),
            )
        },
        sent=(
            Sent("queue/join", "auth/cookie/rules", absent=("cookie", "safe=1")),
            Sent("queue/join", "auth/cookie/rules", header=("cookie", "plain=2")),
        ),
        requirements=("auth/cookie/rules",),
    ),
    scenario(
        "cookie/deleted",
        "A later answer takes the cookie back.",
        WELL,
        replies={
            "config": ((Answer(body=healthy().body, headers=(("set-cookie", "gone=1; Path=/"),)),),),
            "info": (
                (
                    Answer(
                        body=b'{"named_endpoints": {}, "unnamed_endpoints": {}}',
                        headers=(("set-cookie", "gone=1; Path=/; Max-Age=0"),),
                    ),
                ),
            ),
        },
        sent=(Sent("queue/join", "auth/cookie/rules", absent=("cookie", "gone=1"), is_optional=True),),
        requirements=("auth/cookie/rules",),
        expected=WELL_OR_ERROR,
    ),
    scenario(
        "cookie/odd",
        "Cookies are set that are none, for other hosts, and far too many.",
        WELL,
        replies={
            "config": (
                (
                    Answer(
                        body=healthy().body,
                        headers=(
                            ("set-cookie", "=;;;"),
                            ("set-cookie", "x"),
                            ("set-cookie", "a=b; Domain=example.com"),
                            *(("set-cookie", f"c{i}={'x' * 500}; Path=/") for i in range(60)),
                        ),
                    ),
                ),
            )
        },
        sent=(Sent("queue/join", "auth/cookie/rules", absent=("cookie", "a=b")),),
        requirements=("auth/cookie/rules", *BOUNDS),
    ),
    scenario(
        "credentials/sent",
        "Nothing is wrong: the token and the header are sent to the app.",
        WELL,
        credentials=True,
        sent=(
            Sent("queue/join", "security/origin/base", header=("x-users-own", "another-secret")),
            Sent("config", "security/origin/base", header=("x-users-own", "another-secret")),
        ),
        requirements=("security/credentials/origin",),
        generations=ALL[1:],
    ),
    # API information.
    *(
        scenario(
            f"info/schema-{number}",
            f"The schema of the parameter is `{json.dumps(schema)}`.",
            WELL,
            info={
                "parameters": [
                    {
                        "label": "text",
                        "parameter_name": "text",
                        "parameter_has_default": False,
                        "parameter_default": None,
                        "type": schema,
                        "component": "Textbox",
                        "python_type": {"type": "str", "description": ""},
                        "example_input": "",
                    }
                ]
            },
            requirements=("discovery/info/schemas",),
        )
        for number, schema in enumerate(ODD_SCHEMAS)
    ),
    scenario(
        "info/extra-keys",
        "The API information has keys that nobody knows.",
        WELL,
        info={"mood": "good"},
        requirements=("generations/json/unknown-keys",),
        generations=ALL,
    ),
    scenario(
        "info/default",
        "A parameter is left out that has a default.",
        WELL,
        info={
            "parameters": [
                {
                    "label": "text",
                    "parameter_name": "text",
                    "parameter_has_default": True,
                    "parameter_default": "as usual",
                    "type": {"type": "string"},
                    "python_type": {"type": "str", "description": ""},
                    "component": "Textbox",
                    "example_input": "",
                }
            ]
        },
        calls=(Call(()),),
        requirements=("discovery/info/defaults",),
        sent=(Sent("queue/join", "discovery/info/defaults", body=("data", ["as usual"])),),
    ),
    scenario(
        "info/default-file",
        "The default of a parameter looks like a file of this machine.",
        WELL,
        inputs=("file",),
        info={
            "parameters": [
                {
                    "label": "file",
                    "parameter_name": "file",
                    "parameter_has_default": True,
                    "parameter_default": {
                        "path": CANARY,
                        "meta": {"_type": "gradio.FileData"},
                        "orig_name": "canary.txt",
                        "url": CANARY,
                    },
                    "type": {"type": "string"},
                    "component": "File",
                    "python_type": {"type": "filepath", "description": ""},
                    "example_input": "",
                }
            ]
        },
        calls=(Call(()),),
        requirements=("security/files/explicit",),
        forbidden=(("upload", "security/files/explicit"),),
        expected=WELL_OR_ERROR,
    ),
    scenario(
        "info/no-default",
        "A parameter is left out that has no default.",
        WELL,
        calls=(Call(()),),
        requirements=("discovery/info/no-defaults",),
        generations=ALL[1:5],
        joins=0,
        expected=ERROR,
    ),
    *(
        scenario(
            f"info/{name}",
            f"The API information is {what}.",
            WELL,
            replies={"info": ((answer,),)},
            requirements=TYPED,
            expected=WELL_OR_ERROR,
        )
        for name, what, answer in (
            ("list", "a list", Answer(body=b"[]")),
            ("null", "null", Answer(body=b"null")),
            ("page", "a page", page()),
            ("no-json", "no JSON", Answer(body=b"{")),
            ("error", "answered 500, in plain text", plain(500, "Internal Server Error")),
            (
                "odd",
                "an object with odd entries",
                Answer(body=b'{"named_endpoints": {"/say": 5, "x": null}, "unnamed_endpoints": []}'),
            ),
        )
    ),
    scenario(
        "info/absent",
        "There is no API information.",
        WELL,
        generations=("ws",),
        replies={"info": ((detail(404, "Not Found"),),)},
        requirements=("discovery/info/absent",),
    ),
    # What a session is held by.
    *(
        scenario(
            f"heartbeat/{name}",
            f"The app asks for a heartbeat, and {what}.",
            WELL,
            config={"connect_heartbeat": True},
            replies={"heartbeat": (talk,)},
            requirements=(requirement,),
        )
        for name, what, talk, requirement in (
            (
                "odd",
                "sends what is no JSON there",
                (Head(), Text(b"data: ALIVE\n\ndata: \xff{\n\n"), Silence()),
                "session/heartbeat/text",
            ),
            (
                "broken",
                "breaks it off",
                (Head(), Text(b"data: ALIVE\n\n"), Close()),
                "session/heartbeat/loss",
            ),
            ("missing", "has none", (detail(404, "Not Found"),), "session/heartbeat/loss"),
            (
                "elsewhere",
                "redirects it to another origin",
                (redirect(302, ELSEWHERE + "/"),),
                "security/origin/redirects",
            ),
            ("silent", "never answers it", (Silence(),), "session/heartbeat/loss"),
        )
    ),
)
