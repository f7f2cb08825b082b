"""The twin of the reference app: that it is like the real one, and does what that does, in no time."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from servers.running import Servers

from gradio_proto import Client, handle_file
from gradio_proto.conformance.reference import TITLE, reference_twin, twin_variants, variants_of
from gradio_proto.conformance.reference.variants import AUTH_MESSAGE, PASSWORD, USERNAME
from gradio_proto.errors import (
    AppError,
    ArgumentError,
    AuthenticationError,
    GradioError,
    QueueError,
    ValidationError,
)
from gradio_proto.testing import Call, Context, EmbeddedServer, Returned, ServerProtocol, TestApp
from gradio_proto.testing.generations import PROTOCOLS
from gradio_proto.testing.memory import MemoryRunner, MemoryTransport

VERSIONS = ("3.50.2", "4.0.2", "4.13.0", "4.44.1", "5.49.1", "6.31.0")
BEFORE_FOUR = ("3.50.2",)
WITH_CHUNKS = ("5.49.1", "6.31.0")

ANOTHER_TYPE = {"chat", "file", "files", "growing_file", "image", "sound", "audio_stream", "frames"}
"""Endpoints with a component whose schema is shorter in a TestApp: what it says about the values is less exact."""

ANOTHER_DEPENDENCY = {
    "seldata": "a TestApp takes event data everywhere, and says of no endpoint that it collects them",
    "frames": "a TestApp says nothing of how progress is shown",
    "gather": "the same",
    "gather_briefly": "the same",
}
"""Endpoints of which the config says something else, and why."""


def fetched(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=30) as response:
        value: dict[str, Any] = json.load(response)
    return value


def described(info: dict[str, Any]) -> dict[str, Any]:
    """What the API info says of the endpoints that both have."""
    endpoints: dict[str, Any] = {}
    for name, endpoint in info["named_endpoints"].items():
        if not name.startswith("/kind_"):
            endpoint = {key: value for key, value in endpoint.items() if key != "code_snippets"}
            for key in ("parameters", "returns"):
                endpoint[key] = [shown(value, name[1:] in ANOTHER_TYPE) for value in endpoint[key]]
            endpoints[name] = endpoint
    return endpoints


def shown(value: dict[str, Any], is_shorter: bool) -> dict[str, Any]:
    left_out = {"example_input", "python_type", *(("type",) if is_shorter else ())}
    if value["component"] == "Radio":
        left_out.add("type")  # its schema has a title, too, which is the component's or its label
    return {key: item for key, item in value.items() if key not in left_out}


def dependencies(config: dict[str, Any]) -> dict[str, Any]:
    """What the config says of the endpoints with names, beside what numbers things."""
    numbers = {"id", "targets", "inputs", "outputs", "cancels", "js", "event_specific_args"}
    return {
        dependency["api_name"]: {key: value for key, value in dependency.items() if key not in numbers}
        for dependency in config["dependencies"]
        if dependency["api_name"] and not dependency["api_name"].startswith(("kind_", "unnamed"))
    }


@pytest.mark.real(*VERSIONS)
def test_the_twin_describes_itself_as_the_app_does(real_server: Servers, server_version: str) -> None:
    url = real_server(server_version)
    config = fetched(f"{url}/config")
    info = fetched(f"{url}{config.get('api_prefix', '')}/info")
    twin = reference_twin(server_version)
    assert described(twin.info()) == described(info.get("api", info))
    ours, theirs = dependencies(twin.config("http://app")), dependencies(config)
    assert ours.keys() == theirs.keys()
    assert twin.title == config["title"] == TITLE
    different = {name for name in ours if ours[name] != theirs[name]}
    assert different == ANOTHER_DEPENDENCY.keys() & ours.keys()


@pytest.mark.parametrize("version", PROTOCOLS)
def test_there_is_a_twin_of_each_version(version: str) -> None:
    app = reference_twin(version)
    assert app.find("echo") is not None
    assert {*twin_variants(version)} == {*variants_of(version)}


def test_there_is_no_twin_of_other_versions() -> None:
    with pytest.raises(ValueError, match=r"no recorded version '2\.0'"):
        reference_twin("2.0")


class Twin:
    """The twin, and a client of it, in memory."""

    def __init__(self, app: TestApp, *, origin: str = "http://app", **options: Any) -> None:
        self.version = app.generation.version
        self.runner = MemoryRunner(ServerProtocol(app))
        self.client = Client(origin, transport=MemoryTransport.to(self.runner), **options)

    def __enter__(self) -> Twin:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def predict(self, name: str, *args: Any) -> Any:
        return self.client.predict(*args, api_name=f"/{name}")

    def outputs(self, name: str, *args: Any) -> list[Any]:
        job = self.client.submit(*args, api_name=f"/{name}")
        job.result()
        return job.outputs()

    def error(self, name: str, *args: Any) -> AppError:
        error = self.client.submit(*args, api_name=f"/{name}").exception()
        assert isinstance(error, AppError)
        return error

    def upload(self, path: str, content: bytes) -> Any:
        self.runner.files[path] = content
        return handle_file(path)

    def content(self, path: str) -> tuple[str, bytes]:
        return path.rpartition("/")[2], self.runner.files[path]


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def twin(version: str) -> Iterator[Twin]:
    with Twin(reference_twin(version)) as twin:
        yield twin


def test_values(twin: Twin) -> None:
    assert twin.predict("echo", "é") == twin.predict("fast", "é") == twin.predict("noqueue", "é") == "é"
    assert twin.predict("calc", 6, "mul", 7)[0] == 42
    assert twin.predict("calc", 6, "sub", 7)[1].endswith("= -1.0" if twin.version < "4.1" else "= -1")
    assert "not in the list of choices" in str(twin.error("calc", 1, "div", 2))
    assert twin.predict("json", {"a": [1, None]}) == {"a": [1, None]}
    assert twin.predict("none", "x") is None
    assert twin.predict("awkward", "h", "a", 1.5) == "h|a|1.5"
    assert twin.predict("update", "x")["label"] == "new x"
    if twin.version != "4.0.2":  # whose queue dies of a batch
        jobs = [twin.client.submit(text, api_name="/batch") for text in "abcdef"]
        assert [job.result() for job in jobs] == [*"ABCDEF"]
    assert twin.predict("special", "deep") == {"a": [[[[{"b": [1, None, True, "x", {}]}]]]]}
    assert twin.predict("special", "unicode")["s"].startswith("é€😀\u2028")
    assert len(twin.predict("special", "big")["s"]) == 600_000
    assert twin.predict("special", "nan") == {"a": None, "b": None, "c": None}
    if twin.version not in BEFORE_FOUR:
        assert twin.predict("echo_1", "again") == "again"
        assert twin.outputs("noqueue_gen", 2) == [0, 1]


def test_streams(twin: Twin) -> None:
    assert twin.outputs("count", 3) == [0, 1, 2]
    assert twin.outputs("stream", "a b") == ["a ", "a b "]
    assert twin.outputs("jsonstream", 2) == [
        {"items": [{"i": 0, "s": ""}], "done": False, "n": 0},
        {"items": [{"i": 0, "s": ""}, {"i": 1, "s": "x"}], "done": False, "n": 1},
        {"items": [{"i": 1, "s": "x"}], "done": True},
    ]
    assert twin.outputs("shrink", 3) == [["a", "b", "c"], ["a"], ["a", "b", "c"], ["a", "b"], []]
    assert twin.outputs("shrink", 0) == [[], [], [], [], []]
    answer = twin.outputs("chat", "hi", [])
    assert len(answer) == len("Hello there")
    if twin.version < "5":
        assert answer[-1] == [["hi", "Hello there"]]
    else:
        assert [message["role"] for message in answer[-1]] == ["user", "assistant"]
        assert "Hello there" in str(answer[-1][1]["content"])
    if twin.version in BEFORE_FOUR:
        job = twin.client.submit(api_name="/every")
        assert [next(job) for _ in range(3)] == [1, 2, 3]
        job.cancel()


def test_time_passes_as_on_the_app(twin: Twin) -> None:
    def lasts(name: str, *args: Any) -> float:
        before = twin.runner.now
        twin.predict(name, *args)
        return round(twin.runner.now - before, 6)

    assert lasts("slow", 3600) == 3600
    assert lasts("nap", 7.5) == 7.5
    assert lasts("slow_gen", 3, 100) == 300
    assert lasts("count", 5) == 0.1
    assert lasts("progress", 2) == 0.4
    assert lasts("echo", "x") == 0
    if twin.version not in BEFORE_FOUR:  # one at a time, while others go on
        jobs = [twin.client.submit(10, api_name="/slow") for _ in range(2)]
        before = twin.runner.now
        assert lasts("nap", 15) == 15
        assert [job.done() for job in jobs] == [True, False]
        jobs[1].result()
        assert round(twin.runner.now - before, 6) == 20


def test_what_a_function_says_while_it_runs(twin: Twin) -> None:
    job = twin.client.submit(2, api_name="/progress")
    seen: list[Any] = []
    while not job.done():
        status = job.status()
        units = [(unit.index, unit.desc) for unit in status.progress_data or ()]
        if units and units not in seen[-1:]:
            seen.append(units)
        twin.runner.run_until(lambda: False, twin.runner.now + 0.05)
    assert seen == [
        [(None, "begin")],
        [(1, "step 0")],
        [(0, "tq")],
        [(1, "tq")],
    ]
    job = twin.client.submit("x", api_name="/log")
    logged: list[Any] = []
    while not job.done():
        status = job.status()
        if status.log is not None and status.log not in logged:
            logged.append(status.log)
        twin.runner.run_until(lambda: False, twin.runner.now + 0.01)
    success = [("ok x", "success")] if twin.version >= "5" else []
    assert logged == [("info x", "info"), ("warn x", "warning"), *success]
    assert job.result() == "logged"


def test_buttons_that_end_runs(version: str) -> None:
    """Each does nothing else. They are for browsers: our client calls none of them."""
    app = reference_twin(version)
    ends = [endpoint for endpoint in app.endpoints if endpoint.cancels]
    assert [endpoint.cancels for endpoint in ends] == [
        ["slow", "slow_gen"],
        ["tick", "slow"],
        ["tick"],
        ["ticks"],
    ]
    for endpoint in ends:
        button = app.endpoints[endpoint.id - 1]
        assert (button.visibility, button.queue) == ("private", False)
        assert Call(button, (), Context("/button")).step(lambda aside: None) == Returned(None)


def test_failures(twin: Twin) -> None:
    assert twin.error("fail", "x").message == "bad thing: x"
    titled = twin.error("fail_titled", "x")
    assert titled.message == "titled: x"
    if twin.version >= "5":
        assert (titled.title, titled.duration, titled.visible) == ("Oh no", None, False)
    assert twin.error("crash", "x").message == "crashed: x"
    for name, text in (("gen_fail", "gen failed"), ("gen_crash", "gen crashed")):
        job = twin.client.submit(2, api_name=f"/{name}")
        error = job.exception()
        assert isinstance(error, AppError)
        assert error.message == text
        assert job.outputs() == [0, 1]


def test_files(twin: Twin) -> None:
    given = twin.upload("/in/a b.txt", b"hello")
    assert twin.content(twin.predict("file", given)) == ("out a b.txt", b"HELLO")
    assert twin.predict("file", None) is None
    others = [given, twin.upload("/in/c.txt", b"c")]
    assert [twin.content(path)[1] for path in twin.predict("files", others)] == [b"HELLO", b"C"]
    assert twin.predict("files", []) == []
    assert [twin.content(path) for path in twin.outputs("growing_file", "ab")] == [
        (f"part {count}.txt", b"ab" * count) for count in (1, 2, 3)
    ]
    assert twin.content(twin.predict("sound", twin.upload("/in/s.wav", b"RIFF")))[1] == b"RIFF"
    assert twin.content(twin.predict("image", twin.upload("/in/i.png", PNG)))[1] == PNG
    assert twin.predict("image", None) is None
    sound = twin.outputs("audio_stream", 2)
    assert len(sound) == 2


PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\x0dIHDR" + b"\0\0\0\x03\0\0\0\x02" + b"\x08\x02\0\0\0"
"""The beginning of a picture of 3 by 2 pixels."""


def test_sessions_and_requests(twin: Twin) -> None:
    assert [twin.predict("state", text) for text in ("a b", "c")] == [2, 3]
    twin.client.reset_session()
    assert twin.predict("state", "d") == 1
    request = twin.predict("req")
    assert request["headers"]["host"] == "app"
    assert request["username"] is None
    assert (request["session_hash"] is None) == (twin.version < "4.4")
    assert "NoneType" in str(twin.error("seldata"))


def test_runs_leave_traces_and_are_ended(twin: Twin) -> None:
    assert twin.predict("ticked", "t") == 0
    assert twin.outputs("tick", "t", 3) == twin.outputs("ticks_alone", "u", 3) == [0, 1, 2]
    assert twin.outputs("tick_alone", "v", 3) == twin.outputs("ticks", "w", 3) == [0, 1, 2]
    assert [twin.predict("ticked", name) for name in "tuvw"] == [3, 3, 3, 3]
    job = twin.client.submit("long", 1000, api_name="/ticks")
    assert next(job) == 0
    job.cancel()
    before = twin.predict("ticked", "long")
    twin.predict("nap", 5)
    assert twin.predict("ticked", "long") <= before + 1 < 1000


@pytest.mark.parametrize("version", WITH_CHUNKS)
def test_input_in_chunks(twin: Twin) -> None:
    job = twin.client.submit("a", 0.25, api_name="/gather")
    job.send_chunk("b", 0.25)
    assert next(job) == "a"
    job.send_chunk("c", 0)
    job.close_stream()
    assert job.result() == "a b c"
    assert twin.error("gather", "fail", 0).message == "gather failed"
    twin.client.reset_session()
    job = twin.client.submit("a", 2, api_name="/gather_briefly")
    assert job.result() == "a", "its time is over after a chunk"
    job = twin.client.submit(twin.upload("/in/i.png", PNG), "t", api_name="/frames")
    job.close_stream()
    assert job.result() == "t (3, 2)"
    job = twin.client.submit(None, "t", api_name="/frames")
    job.close_stream()
    assert job.result() == "t None"


@pytest.mark.parametrize("version", ["4.44.1", *WITH_CHUNKS])
def test_what_is_rendered(twin: Twin) -> None:
    twin.predict("apply", 2)
    assert twin.predict("rendered_1", "x") == "x"
    twin.predict("apply_1", 2, "!")
    assert [twin.predict("box_1", "x") for _ in range(2)] == ["1: x! 0", "1: x! 1"]
    assert twin.outputs("count_boxes", 2) == [0, 1]
    twin.predict("apply_1", 1, "?")
    assert twin.predict("box_0", "x") == "0: x? 0"
    with pytest.raises(ArgumentError, match=r"no endpoint '/count_boxes'|was made by gr\.render"):
        twin.predict("count_boxes", 2)


@pytest.mark.parametrize("version", WITH_CHUNKS)
def test_inputs_are_validated(twin: Twin) -> None:
    assert twin.predict("validate", 0, "b") == "0b"
    with pytest.raises(ValidationError, match="a must be positive"):
        twin.predict("validate", -1, "b")
    with pytest.raises(ValidationError, match="b must not be empty"):
        twin.predict("validate", 1, "")


def test_tokens() -> None:
    app = reference_twin("6.31.0")
    with Twin(app) as twin:
        assert twin.predict("granted", "x") == "x:None"
        with pytest.raises(ArgumentError, match="needs your Hugging Face token"):
            twin.predict("granted_only", "x")
    with Twin(app, origin="https://app", oauth_token="hf_sesame") as twin:
        assert twin.predict("granted", "x") == twin.predict("granted_only", "x") == "x:hf_sesame"


def test_the_twin_in_each_variant(version: str) -> None:
    twins = twin_variants(version)
    with Twin(twins["plain"]) as plain:
        assert plain.predict("echo", "x") == "x"
    with pytest.raises(AuthenticationError):
        Twin(twins["login"])
    assert twins["login"].auth_message == AUTH_MESSAGE
    with Twin(twins["login"], auth=(USERNAME, PASSWORD)) as login:
        assert login.predict("req")["username"] == USERNAME
    with Twin(twins["short-queue"], max_retries=0) as short:
        assert "crashed" not in str(short.error("crash", "x"))
        jobs = [short.client.submit(9, api_name="/slow") for _ in range(4)]
        errors = [error for job in jobs if (error := job.exception()) is not None]
        assert [isinstance(error, QueueError) for error in errors] == [True, True]
    assert ("small-files" in twins) == (version >= "4.4")
    if "small-files" in twins:
        with Twin(twins["small-files"]) as small:
            assert small.client.config["max_file_size"] == 1000
            with pytest.raises(GradioError, match="takes files of 1000 bytes at most"):
                small.predict("file", small.upload("/in/x", b"x" * 1001))


def test_a_twin_that_is_served_takes_real_time() -> None:
    with EmbeddedServer(reference_twin("6.31.0", title="mine")) as server, Client(server.url) as client:
        assert client.config["title"] == "mine"
        began = time.monotonic()
        assert client.predict(0.05, api_name="/slow") == "slept 0.05"
        assert time.monotonic() - began >= 0.05
