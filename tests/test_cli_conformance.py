"""``gradio-proto conformance``: what its commands do, show and return."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_cases import CASES, made_cases

from gradio_proto.cli import main
from gradio_proto.cli.conformance import fuzzing
from gradio_proto.conformance import registry, runner
from gradio_proto.conformance import target as targets
from gradio_proto.conformance.clients import model as client_model
from gradio_proto.conformance.clients import run as client_run
from gradio_proto.conformance.clients.model import ClientReport, Outcome, Problem
from gradio_proto.conformance.model import Case, Needs, Result, Violation
from gradio_proto.conformance.reference import LaunchError
from gradio_proto.conformance.runner import UNREADABLE
from gradio_proto.conformance.spec import defects
from gradio_proto.testing import TestApp, serve
from gradio_proto.testing.defects import DEFECTS
from gradio_proto.testing.generations import LATEST, PROTOCOLS

ALL_CASES = registry.all_cases

PASSWORD, TOKEN, KEY = "hunter22-password", "hunter22-token", "hunter22-key"

app = TestApp(auth={"ada": PASSWORD})
open_app = TestApp()


@app.endpoint("/greet")
@open_app.endpoint("/greet")
def greet(name: str) -> str:
    return f"Hello, {name}!"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(open_app) as address:
        yield address


@pytest.fixture(scope="module")
def login_url() -> Iterator[str]:
    with serve(app) as address:
        yield address


@pytest.fixture(autouse=True)
def cases() -> Iterator[None]:
    with made_cases():
        yield


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLUMNS", "GRADIO_PROTO_PASSWORD", "GRADIO_PROTO_TOKEN"):
        monkeypatch.delenv(name, raising=False)


Capture = pytest.CaptureFixture[str]


def call(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    """The exit status, and what is printed on standard output and standard error."""
    status = main(["conformance", *arguments])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


# run


def test_what_holds(url: str, capsys: Capture) -> None:
    status, out, err = call(capsys, "run", url, "--select", "made/holds", "--seed", "7")
    assert (status, err) == (0, "")
    assert re.search(r"^Gradio \S+ sse_v3: 1 pass; seed 7, \d+\.\d s$", out, re.MULTILINE)


def test_what_fails(url: str, capsys: Capture) -> None:
    status, out, err = call(
        capsys, "run", url, "--select", "made/fails", "--seed", "7", "--endpoint", "/greet"
    )
    assert status == 1
    assert "made/fails: it was answered 404" in err  # as it happens
    for line in (
        r"FAIL made/fails \(MUST, major\)",
        r"  A server MUST please those who test it\.",
        r"  spec/streams\.md#events",
        r" +\d\.\d{3} \[1\] > GET /gradio_api/no-such-route",
        r"  last request: curl -i -N .*/no-such-route",
        r"  seed 7",
        rf"  replay: gradio-proto conformance replay made/fails {url} --endpoint /greet --seed 7",
    ):
        assert re.search(f"^{line}", out, re.MULTILINE), line


def test_what_warns_fails_with_strict(url: str, capsys: Capture) -> None:
    status, out, _ = call(capsys, "run", url, "--select", "made/warns")
    assert status == 0
    assert "WARN made/warns (SHOULD, major)" in out
    status, out, _ = call(capsys, "run", url, "--select", "made/warns", "--strict")
    assert status == 1
    assert re.search(r"replay: .* --seed \d+ --strict$", out, re.MULTILINE)


def test_a_seed_is_drawn_and_shown(url: str, capsys: Capture) -> None:
    seeds = set()
    for _ in range(3):
        _, out, _ = call(capsys, "run", url, "--select", "made/holds")
        seeds |= set(re.findall(r"; seed (\d+),", out))
    assert len(seeds) > 1


def test_the_same_seed_draws_the_same(url: str, capsys: Capture) -> None:
    tried = set()
    for _ in range(2):
        arguments = ("--select", "made/draws", "--skip", "made/draws/*", "--seed", "5", "--trace")
        status, out, _ = call(capsys, "run", url, *arguments)
        assert status == 1
        tried.add(tuple(re.findall(r"no-such-route-(\d+)", out)))
    assert len(tried) == 1


def test_an_error_of_the_tester(url: str, capsys: Capture) -> None:
    status, out, _ = call(capsys, "run", url, "--select", "made/breaks", "--select", "made/holds")
    assert status == 2
    assert "ZeroDivisionError: the tester divides by zero" in out
    # What is broken is broken, whatever else is not known.
    status, out, _ = call(capsys, "run", url, "--select", "made/breaks", "--select", "made/fails")
    assert status == 1


def test_where_nothing_can_be_tried_nothing_holds(url: str, capsys: Capture) -> None:
    status, _, err = call(capsys, "run", url, "--select", "made/wants")
    assert status == 2
    assert err == f"Error: {url}: nothing could be tried; run --dry-run says why\n"


def test_a_server_that_is_not_there(url: str, capsys: Capture) -> None:
    status, out, err = call(capsys, "run", "http://127.0.0.1:1", url, "--select", "made/holds")
    assert status == 2
    assert err.startswith("Error: http://127.0.0.1:1: no connection to 127.0.0.1:1")
    assert "1 pass" in out  # the other one is tried all the same


def test_a_server_whose_config_cannot_be_read(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(TestApp):
        def config(self, *arguments: Any, **options: Any) -> Any:
            return {"version": 1}

    monkeypatch.setitem(CASES, UNREADABLE, replace(CASES["made/holds"], id=UNREADABLE))
    with serve(Broken()) as url:
        for command in (["run", url], ["fuzz", url, "--max-time", "5"]):
            status, out, _ = call(capsys, *command, "--seed", "3", "--select", "made/draws")
            assert status == 1
            assert f"FAIL {UNREADABLE}" in out
            assert f"  replay: gradio-proto conformance replay {UNREADABLE} {url} --seed 3\n" in out


def test_a_role(url: str, capsys: Capture) -> None:
    arguments = ("--select", "made/wants", "--endpoint", "echo=/greet", "--rate", "1000")
    status, out, _ = call(capsys, "run", url, *arguments)
    assert (status, "1 pass" in out) == (0, True)


def test_what_disturbs_others(url: str, capsys: Capture) -> None:
    status, out, _ = call(capsys, "run", url, "--select", "made/disturbs", "--destructive")
    assert (status, "1 pass" in out) == (0, True)
    # It waits 2.5 seconds, as it says, which is no reason to leave it out of a quick run.
    status, out, _ = call(
        capsys, "run", url, "--select", "made/disturbs", "--destructive", "--profile", "quick"
    )
    assert status == 0


def test_a_dry_run(url: str, capsys: Capture) -> None:
    status, out, err = call(capsys, "run", url, "http://127.0.0.1:1", "--dry-run", "--select", "made")
    assert status == 2
    assert re.search(r"^made/holds +would be tried", out, re.MULTILINE)
    assert re.search(r"^made/disturbs +skipped: disturbs others on the same server", out, re.MULTILINE)
    assert f"{url}: 8 of 10 cases would be tried" in out
    assert "http://127.0.0.1:1" in err


def test_a_dry_run_reads_what_the_app_is_and_no_more(url: str, capsys: Capture) -> None:
    asked = []
    original = targets.Wire

    class Watched(original):  # type: ignore[misc, valid-type]
        def say(self, connection: int, kind: Any, text: str, *rest: Any) -> None:
            if kind == "request":
                asked.append(text)
            super().say(connection, kind, text, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(targets, "Wire", Watched)
        assert call(capsys, "run", url, "--dry-run")[0] == 0
    assert [request.partition("?")[0] for request in asked] == ["GET /config", "GET /gradio_api/info"]


def test_a_trace(url: str, capsys: Capture) -> None:
    status, out, err = call(capsys, "run", url, "--select", "made/fails", "--trace")
    assert (status, err) == (1, "")
    shown = out.partition("FAIL made/fails")[0]
    assert re.search(r"^ +\d\.\d{3} \[\d\] > GET /config$", shown, re.MULTILINE)
    assert "== made/fails\n" in shown
    assert "== made/fails: fail: it was answered 404\n" in shown


def test_no_progress(url: str, capsys: Capture) -> None:
    assert call(capsys, "run", url, "--select", "made/fails", "--no-progress")[2] == ""


def test_reports(url: str, tmp_path: Path, capsys: Capture) -> None:
    kinds = {kind: tmp_path / f"report.{kind}" for kind in ("junit", "ndjson", "html", "md")}
    reports = [word for kind, path in kinds.items() for word in ("-r", f"{kind}={path}")]
    status, _, err = call(capsys, "run", url, url, "--select", "made/fails", "--seed", "7", *reports)
    assert status == 1
    for kind, path in kinds.items():
        assert f"wrote {path}\n" in err
        assert "made/fails" in path.read_text("utf-8"), kind
    runs = [json.loads(line) for line in kinds["ndjson"].read_text("utf-8").splitlines()]
    assert [run["record"] for run in runs] == ["run", "result"] * 2
    command = f"gradio-proto conformance run {url} --select made/fails --seed 7"
    assert runs[0]["command"] == command

    merged = tmp_path / "merged.md"
    status, out, err = call(capsys, "report", str(kinds["ndjson"]), "-r", f"md={merged}")
    assert (status, out, err) == (0, "", f"wrote {merged}\n")
    assert merged.read_text("utf-8") == kinds["md"].read_text("utf-8")
    status, out, err = call(capsys, "report", str(kinds["ndjson"]))
    assert (status, err) == (0, "")
    assert out.count("FAIL made/fails (MUST, major)") == 2


def test_nothing_is_written_where_nothing_was_found_out(tmp_path: Path, capsys: Capture) -> None:
    status, _, _ = call(capsys, "run", "http://127.0.0.1:1", "-r", f"md={tmp_path / 'x.md'}")
    assert status == 2
    assert list(tmp_path.iterdir()) == []


def test_an_endpoint_that_the_app_does_not_have(url: str, capsys: Capture) -> None:
    for words in (("run",), ("run", "--dry-run"), ("replay", "made/holds"), ("fuzz", "--max-time", "1")):
        for endpoint in ("/gret", "echo=/gret"):
            status, _, err = call(capsys, *words, url, "--endpoint", endpoint)
            assert status == 2
            assert f"{url}: the app has no endpoint '/gret'" in err
            assert "/greet" in err


def test_a_login_that_is_refused(login_url: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    status, _, err = call(capsys, "run", login_url)
    assert (status, err) == (
        2,
        f"Error: {login_url}: the app wants a login: give a user name (--auth USER)\n",
    )
    monkeypatch.setenv("GRADIO_PROTO_PASSWORD", "wrong")
    status, _, err = call(capsys, "run", login_url, "--auth", "ada")
    assert (status, err) == (2, f"Error: {login_url}: the app does not accept this user name and password\n")


def test_a_report_that_cannot_be_written(url: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / ("x" * 300)
    status, out, err = call(capsys, "run", url, "--select", "made/holds", "-r", f"md={path}")
    assert (status, "1 pass" in out) == (2, True)
    assert err == f"Error: cannot write {path}: {os.strerror(errno.ENAMETOOLONG)}\n"


def test_reports_that_cannot_be_read(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.ndjson"
    path.write_bytes(b"{}\n")
    assert "line 1 is not of a report" in call(capsys, "report", str(path))[2]
    path.write_bytes(b"\xff\n")
    assert "codec can't decode" in call(capsys, "report", str(path))[2]

    def cannot(*arguments: Any, **options: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", cannot)
    status, _, err = call(capsys, "report", str(path))
    assert status == 2
    assert f"cannot read {path}: Permission denied" in err


# Baselines.


def test_a_baseline(url: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "known.json"
    chosen = ("run", url, "--select", "made/fails", "--select", "made/holds")
    status, out, err = call(capsys, *chosen, "--write-baseline", str(path))
    assert status == 0
    assert f"wrote {path}: 1 known failures\n" in err
    document = json.loads(path.read_text("utf-8"))
    assert [entry["case"] for entry in document["known"]] == ["made/fails"]

    status, out, _ = call(capsys, *chosen, "--baseline", str(path))
    assert status == 0
    assert "Baseline: 0 new, 1 known, 0 stale" in out

    # Written anew, it keeps the reasons that people have given.
    document["known"][0]["reason"] = "we know"
    path.write_text(json.dumps(document), "utf-8")
    assert call(capsys, *chosen, "--write-baseline", str(path))[0] == 0
    assert "we know" in path.read_text("utf-8")

    document["known"].append({"case": "made/holds", "reason": "it did not"})
    path.write_text(json.dumps(document), "utf-8")
    status, out, _ = call(capsys, *chosen, "--baseline", str(path))
    assert status == 1
    assert "stale  made/holds: the case does not fail any more" in out

    path.write_text('{"baseline": 1, "known": []}', "utf-8")
    status, out, _ = call(capsys, *chosen, "--baseline", str(path))
    assert status == 1
    assert "new    made/fails" in out


def test_what_is_known_is_marked_in_reports(url: str, tmp_path: Path, capsys: Capture) -> None:
    known, junit = tmp_path / "known.json", tmp_path / "junit.xml"
    arguments = ("run", url, "--select", "made/fails", "-r", f"junit={junit}")
    call(capsys, *arguments)
    assert 'failures="1"' in junit.read_text("utf-8")
    call(capsys, *arguments, "--write-baseline", str(known))
    assert 'failures="0"' in junit.read_text("utf-8")


def test_baselines_that_cannot_be(url: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "known.json"
    status, _, err = call(capsys, "run", url, "--baseline", str(path))
    assert (status, f"cannot read {path}: No such file" in err) == (2, True)
    path.write_text("[]", "utf-8")
    status, _, err = call(capsys, "run", url, "--baseline", str(path))
    assert (status, f"{path} is not a baseline" in err) == (2, True)
    status, _, err = call(capsys, "run", url, "--write-baseline", str(tmp_path / "no" / "known.json"))
    assert (status, f"there is no directory {tmp_path / 'no'}" in err) == (2, True)


def test_a_baseline_that_cannot_be_written(
    url: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gradio_proto.conformance import baseline

    def cannot(*arguments: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(baseline, "write", cannot)
    path = tmp_path / "known.json"
    status, _, err = call(capsys, "run", url, "--select", "made/holds", "--write-baseline", str(path))
    assert (status, err) == (2, f"Error: cannot write {path}: Permission denied\n")


# Which servers.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give the URL of a server, or --app"),
        (["http://127.0.0.1:1", "--app", "embedded"], "give the URL of a server, or --app, and not both"),
        (["127.0.0.1:7860"], "'127.0.0.1:7860' is no URL: write it with its scheme"),
        (["http://ada:hunter22@127.0.0.1:7860"], "the URL holds a user name or a password"),
        (["--app", "reference"], "--app reference wants a Python that has Gradio: --python PATH"),
        (["--app", "embedded", "--python", "python3"], "--python goes with --app reference"),
        (["http://127.0.0.1:1", "--gradio-version", "6.31.0"], "--gradio-version goes with --app embedded"),
        (["--app", "reference", "--python", "x", "--defect", "y"], "--defect goes with --app embedded"),
        (["--app", "embedded", "--gradio-version", "5.0"], "--gradio-version '5.0' is not known; there are: "),
        (["--app", "embedded", "--defect", "terminal/lots"], "'terminal/lots' is not known; did you mean "),
        (["--app", "embedded", "--defect", "zzzzzzzzzzzzzz"], "--defect 'zzzzzzzzzzzzzz' is not known; there are: "),
        (["--app", "embedded", "--defect", "ws/asks-twice"], "ws/asks-twice is for --gradio-version 3.36.1, 3.50.2"),
        (["--app", "embedded", "--endpoint", "/greet"], "--endpoint goes with a URL"),
        (["--app", "embedded", "--header", "x: y"], "--header goes with a URL"),
        (["--app", "embedded", "--token"], "--token goes with a URL"),
        (["http://127.0.0.1:1", "--endpoint", "echo="], "--endpoint 'echo=' names no endpoint"),
        (["http://127.0.0.1:1", "--endpoint", "ech=/greet"], "--endpoint with the role 'ech' is not known; "),
        (["http://ada:x@127.0.0.1:1"], "the URL holds a user name or a password: give them as --auth USER"),
        (["http://127.0.0.1:1", "--auth", "ada"], "set GRADIO_PROTO_PASSWORD: there is no terminal to ask on"),
        (["http://127.0.0.1:1", "--token"], "set GRADIO_PROTO_TOKEN: there is no terminal to ask on"),
        (["http://127.0.0.1:1", "--header", "hunter22"], "a header is written 'Name: value'"),
        (["http://127.0.0.1:1", "--rate", "0"], "Invalid value for '--rate'"),
        (["http://127.0.0.1:1", "--seed", "-1"], "Invalid value for '--seed'"),
        (["http://127.0.0.1:1", "--select", "made/hold"], "no case matches 'made/hold'; did you mean made/holds"),
        (["http://127.0.0.1:1", "--report", "pdf=x"], "--report 'pdf=x' is not KIND=PATH"),
        (["http://127.0.0.1:1", "--report", "md=no/such/x"], "--report no/such/x: there is no directory no/such"),
        (["http://127.0.0.1:1", "--report", "md=."], "--report .: it is a directory"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant(
    arguments: list[str], message: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    status, out, err = call(capsys, "run", *arguments)
    assert (status, out) == (2, "")
    assert message in " ".join(err.split())
    assert "hunter22" not in err


def test_the_embedded_server(capsys: Capture) -> None:
    versions = ("--gradio-version", "4.0.2", "--gradio-version", LATEST)
    status, out, err = call(capsys, "run", "--app", "embedded", *versions, "--select", "made/holds")
    assert (status, err) == (0, "")
    assert "Gradio 4.0.2 sse: 1 pass" in out
    assert f"Gradio {LATEST} {PROTOCOLS[LATEST]}: 1 pass" in out


def test_the_embedded_server_is_replayed_as_it_was(capsys: Capture) -> None:
    name = next(name for name, defect in DEFECTS.items() if defect.versions[-1] == LATEST)
    status, out, _ = call(
        capsys, "run", "--app", "embedded", "--defect", name, "--select", "made/fails", "--profile", "quick",
        "--destructive", "--seed", "3",
    )  # fmt: skip
    assert status == 1
    command = (
        f"gradio-proto conformance replay made/fails --app embedded --gradio-version {LATEST} --defect {name}"
        " --seed 3 --profile quick --destructive"
    )
    assert f"  replay: {command}\n" in out
    status, out, _ = call(capsys, *command.split()[2:])
    assert status == 1
    assert f"  replay: {command}\n" in out


def test_the_reference_app(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    @contextmanager
    def reference(python: str) -> Iterator[Any]:
        started.append(python)
        if python == "broken":
            raise LaunchError("there is no Gradio in it")
        with targets.embedded(LATEST) as target:
            yield target

    monkeypatch.setattr(targets, "reference", reference)
    status, out, err = call(
        capsys, "run", "--app", "reference", "--python", "broken", "--python", "good/bin/python",
        "--select", "made/fails", "--seed", "3", "--no-progress",
    )  # fmt: skip
    assert started == ["broken", "good/bin/python"]
    assert status == 1
    assert err == "Error: the reference app on broken: there is no Gradio in it\n"
    assert "replay made/fails --app reference --python good/bin/python --seed 3" in out


def test_one_server_is_enough(capsys: Capture) -> None:
    two = ("http://127.0.0.1:1", "http://127.0.0.1:2")
    for command in (("replay", "made/holds"), ("fuzz", "--max-time", "1")):
        status, _, err = call(capsys, *command, *two)
        assert (status, "Error: give one server" in err) == (2, True)


# Secrets.


def secrets_of(capsys: Capture, arguments: list[str], tmp_path: Path) -> str:
    """All that a run shows and writes."""
    kinds = {kind: tmp_path / f"report.{kind}" for kind in ("junit", "ndjson", "html", "md")}
    reports = [word for kind, path in kinds.items() for word in ("-r", f"{kind}={path}")]
    status, out, err = call(capsys, *arguments, *reports)
    assert status == 1
    return out + err + "".join(path.read_text("utf-8") for path in kinds.values())


@pytest.mark.parametrize("trace", [[], ["--trace"]], ids=["", "traced"])
def test_no_secret_is_shown(
    trace: list[str],
    login_url: str,
    tmp_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GRADIO_PROTO_PASSWORD", PASSWORD)
    monkeypatch.setenv("GRADIO_PROTO_TOKEN", TOKEN)
    monkeypatch.setenv("KEY", KEY)
    cookies: list[str] = []
    original = targets.Wire

    class Watched(original):  # type: ignore[misc, valid-type]
        def request(self, *arguments: Any, **options: Any) -> Any:
            cookies.append(self.headers.get("cookie", ""))
            return super().request(*arguments, **options)

    monkeypatch.setattr(targets, "Wire", Watched)
    shown = secrets_of(
        capsys,
        ["run", f"{login_url}/?token={TOKEN}", "--auth", "ada", "--token", "--header", "x-key: $KEY",
         "--header", f"x-other: {KEY}-2", "--select", "made/fails", "--select", "made/warns", *trace],
        tmp_path,
    )  # fmt: skip
    values = {pair.partition("=")[2] for cookie in cookies for pair in cookie.split("; ") if pair}
    assert values
    assert all(len(value) > 8 for value in values)
    for secret in (PASSWORD, TOKEN, KEY, "hunter22", *values):
        assert secret not in shown
    assert "x-key: [redacted]" in shown
    replay = f"replay made/fails {login_url} --auth ada --header 'x-key: $KEY' --header 'x-other: [redacted]' --token"
    assert replay in shown


def test_a_secret_that_a_server_says_again(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In the title of the app, in what is wrong, and in what was said.
    monkeypatch.setenv("GRADIO_PROTO_TOKEN", TOKEN)
    telling = TestApp(title=f"It is {TOKEN}")

    @telling.endpoint("/no")
    def no() -> str:
        return TOKEN

    def says(tester: Any) -> None:
        """What the server is called."""
        tester.note(f"its title is {tester.config_json['title']}")
        raise Violation(f"the title is {tester.config_json['title']}")

    monkeypatch.setitem(CASES, "made/fails", replace(CASES["made/fails"], run=says))
    with serve(telling) as url:
        shown = secrets_of(capsys, ["run", url, "--token", "--select", "made/fails", "--trace"], tmp_path)
    assert "the title is It is [redacted]" in shown
    assert TOKEN not in shown


# list, explain


def test_the_list(capsys: Capture) -> None:
    status, out, err = call(capsys, "list")
    assert (status, err) == (0, "")
    assert out.split("\n")[0].split() == ["case", "level", "severity", "versions", "needs"]
    assert re.search(r"^made/wants +MUST +major +all +endpoint echo, endpoint any", out, re.MULTILINE)
    assert re.search(r"^made/disturbs +MUST +major +all +--destructive", out, re.MULTILINE)
    assert f"\n{len(CASES)} cases\n" in out


def test_the_list_as_json(capsys: Capture) -> None:
    status, out, _ = call(capsys, "list", "--json", "--select", "made/draws", "--skip", "made/draws/well")
    (entry,) = json.loads(out)
    assert status == 0
    assert entry["id"] == "made/draws"
    assert entry["about"] == "Numbers are drawn, and asked for."
    assert (entry["level"], entry["severity"], entry["examples"]) == ("MUST", "major", 20)
    assert entry["requirement"]["link"] == "streams.md#events"
    assert entry["needs"] == {"endpoints": [], "variant": "plain", "destructive": False}


def test_the_list_of_defects(capsys: Capture) -> None:
    status, out, _ = call(capsys, "list", "--defects")
    assert status == 0
    assert len(out.splitlines()) > len(DEFECTS)
    status, out, _ = call(capsys, "list", "--defects", "--json")
    assert {entry["name"] for entry in json.loads(out)} == set(DEFECTS)


def test_the_list_of_roles(capsys: Capture) -> None:
    status, out, _ = call(capsys, "list", "--roles")
    assert status == 0
    assert re.search(r"^echo +textbox +textbox +1$", out, re.MULTILINE)
    status, out, _ = call(capsys, "list", "--roles", "--json")
    assert json.loads(out) == [{"role": "echo", "inputs": ["textbox"], "outputs": ["textbox"], "cases": 1}]


def test_every_role_is_listed(capsys: Capture) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "all_cases", ALL_CASES)
        roles = {entry["role"] for entry in json.loads(call(capsys, "list", "--roles", "--json")[1])}
        assert roles == {role for case in ALL_CASES().values() for role in case.needs.endpoints} - {"any"}


def test_explain(capsys: Capture) -> None:
    status, out, _ = call(capsys, "explain", "made/disturbs")
    assert status == 0
    for line in (
        "made/disturbs",
        "Requirement  MUST, in spec/streams.md#events",
        "             A server MUST please those who test it.",
        "Holds for    Gradio all (ws, sse, sse_v1, sse_v2, sse_v2.1, sse_v3)",
        "Severity     major",
        "Tried        The config is there.",
        "Needs        --destructive",
        "Waits        about 2.5 s",
        "gradio-proto conformance replay made/disturbs URL --destructive",
    ):
        assert line in out.splitlines()
    lines = call(capsys, "explain", "made/draws")[1].splitlines()
    assert "Needs        nothing of the app" in lines
    assert "Examples     20 by default, drawn from the seed" in lines
    lines = call(capsys, "explain", "made/wants")[1].splitlines()
    assert "gradio-proto conformance replay made/wants URL --endpoint echo=/NAME" in lines


def test_explain_what_is_known_to_be_broken(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    defect = next(iter(defects().values()))
    requirement = replace(CASES["made/holds"].requirement, id=defect.breaks[0])
    case = replace(CASES["made/holds"], requirement=requirement, needs=Needs(variant="login"))
    monkeypatch.setitem(CASES, "made/known", replace(case, id="made/known"))
    lines = call(capsys, "explain", "made/known")[1].splitlines()
    assert f"Known        {defect.text} (spec/{defect.link})" in lines
    assert "Needs        app run as login" in lines


def test_explain_what_there_is_not(capsys: Capture) -> None:
    status, _, err = call(capsys, "explain", "made/draw")
    assert status == 2
    assert "there is no case 'made/draw'; did you mean made/draws, made/draws/well" in err
    status, _, err = call(capsys, "explain", "zzzzzzzzzzzzzzzz")
    assert "there is no case 'zzzzzzzzzzzzzzzz'; `gradio-proto conformance list` has them all" in err


# replay


def test_a_replay_shows_all_that_is_said(url: str, capsys: Capture) -> None:
    status, out, _ = call(capsys, "replay", "made/draws", url, "--seed", "5")
    assert status == 1
    assert "made/draws/well" not in out
    numbers = re.findall(r"> GET /gradio_api/no-such-route-(\d+)", out.partition("FAIL made/draws")[0])
    assert len(numbers) > 1
    status, again, _ = call(capsys, "replay", "made/draws", url, "--seed", "5")
    assert (
        re.findall(r"> GET /gradio_api/no-such-route-(\d+)", again.partition("FAIL made/draws")[0]) == numbers
    )
    status, out, _ = call(capsys, "replay", "made/holds", url)
    assert status == 0
    assert "== made/holds: pass\n" in out
    assert "seed" in out


def test_a_replay_of_what_there_is_not(url: str, capsys: Capture) -> None:
    status, _, err = call(capsys, "replay", "made/hold", url)
    assert (status, "there is no case 'made/hold'; did you mean made/holds" in err) == (2, True)


# fuzz


class Clock:
    """A clock on which a second passes whenever it is looked at."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        self.time += 1
        return self.time


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "monotonic", Clock())


@pytest.mark.usefixtures("clock")
def test_fuzzing_until_the_time_is_over(url: str, capsys: Capture) -> None:
    status, out, _ = call(
        capsys, "fuzz", url, "--max-time", "3", "--seed", "5", "--select", "made/draws/well"
    )
    assert status == 0
    assert re.fullmatch(r"nothing found: \d+ examples, seeds 5 to 7\n", out)


@pytest.mark.usefixtures("clock")
def test_fuzzing_until_something_is_found(url: str, capsys: Capture) -> None:
    status, out, _ = call(capsys, "fuzz", url, "--max-time", "100", "--endpoint", "/greet")
    assert status == 1
    replay = re.search(r"conformance (replay made/draws \S+ --endpoint /greet --seed \d+)$", out, re.M)
    assert replay is not None
    assert call(capsys, *replay[1].split())[0] == 1


@pytest.mark.usefixtures("clock")
def test_fuzzing_tells_a_warning_once(url: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = CASES["made/draws"]
    monkeypatch.setitem(
        CASES,
        "made/draws",
        replace(drawing, requirement=replace(drawing.requirement, level="SHOULD")),
    )
    status, out, _ = call(
        capsys, "fuzz", url, "--max-time", "100", "--select", "made/draws", "--skip", "made/draws/*"
    )
    assert status == 0
    assert out.count("WARN made/draws (SHOULD, major)") == 1


@pytest.mark.usefixtures("clock")
def test_fuzzing_where_there_is_nothing_to_draw(url: str, capsys: Capture) -> None:
    status, _, err = call(capsys, "fuzz", url, "--max-time", "100", "--select", "made/holds")
    assert status == 2
    assert err == "Error: there is nothing to try: no case that was chosen draws examples here\n"


@pytest.mark.usefixtures("clock")
def test_fuzzing_where_the_tester_fails(url: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CASES, "made/breaks", replace(CASES["made/breaks"], examples=5))
    status, out, _ = call(capsys, "fuzz", url, "--max-time", "100", "--select", "made/breaks")
    assert status == 2
    assert "ZeroDivisionError" in out


# client


def client_report(*verdicts: str) -> ClientReport:
    from gradio_proto.conformance.clients.scenarios import SCENARIOS

    cases = client_model.cases_of(SCENARIOS)
    return ClientReport(
        ("python", "client.py"),
        tuple(
            client_model.Result(
                case,
                client_model.Verdict(verdict),
                (Outcome("error", "\x1b[2J", "E"),),
                (Problem("it asked twice", "joining/once"), Problem("it is slow"))
                if verdict == "fail"
                else (),
                asked=("POST queue/join",),
            )
            for case, verdict in zip(cases, verdicts, strict=False)
        ),
        1.0,
    )


def given_report(monkeypatch: pytest.MonkeyPatch, *verdicts: str) -> dict[str, Any]:
    """Has the command show this report; gives what it called for."""
    asked: dict[str, Any] = {}

    def run_client(command: Any, **options: Any) -> ClientReport:
        report = client_report(*verdicts)
        asked.update(options, command=command)
        for result in report.results:
            if options["on_result"] is not None:
                options["on_result"](result)
        return report

    monkeypatch.setattr(client_run, "run_client", run_client)
    return asked


def test_a_client(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = given_report(monkeypatch, "fail", "pass", "error")
    status, out, err = call(
        capsys, "client", "--command", "python 'my client.py'", "--persistent", "--select", "*@sse_v3", "--skip",
        "file/*", "--timeout", "3", "--jobs", "2",
    )  # fmt: skip
    assert status == 1
    assert asked["command"] == ["python", "my client.py"]
    assert (asked["select"], asked["skip"]) == (("*@sse_v3", "*@sse_v3/*"), ("file/*", "file/*/*"))
    assert (asked["timeout"], asked["jobs"], asked["persistent"]) == (3.0, 2, True)
    first, _, last = client_report("fail", "pass", "error").results
    assert err == f"fail  {first.case.id}\nerror {last.case.id}\n"
    assert f"fail  {first.case.id}\n" in out
    assert "      joining/once: it asked twice\n      it is slow\n      > POST queue/join\n" in out
    assert "\x1b" not in out
    assert out.endswith("3 cases: 1 pass, 1 fail, 1 error, in 1.0 s\n")


def test_a_run_that_is_interrupted_tells_what_it_has(
    url: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = runner.Run.result

    def interrupted(run: runner.Run, case: Case) -> Result:
        if case.id == "made/holds":
            return result(run, case)
        raise KeyboardInterrupt

    monkeypatch.setattr(runner.Run, "result", interrupted)
    path = tmp_path / "report.ndjson"
    baseline = tmp_path / "baseline.json"
    options = ("--report", f"ndjson={path}", "--write-baseline", str(baseline))
    status, out, err = call(capsys, "run", url, url, "--select", "made/*", "--seed", "1", *options)
    assert status == 130
    assert "1 pass; seed 1" in out
    assert err.endswith("interrupted\n")
    assert path.read_text(encoding="utf-8").count('"verdict"') == 1
    assert not baseline.exists()


def test_a_search_that_is_interrupted(url: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fuzzing.Search, "_try", interrupt)
    status, out, err = call(capsys, "fuzz", url, "--seed", "5", "--max-time", "100")
    assert (status, out, err) == (130, "nothing found: 0 examples, seeds 5 to 5\n", "\ninterrupted\n")


def test_a_client_as_json(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    given_report(monkeypatch, "pass", "fail")
    status, out, err = call(capsys, "client", "--command", "x", "--json")
    assert (status, err) == (1, "")
    document = json.loads(out)
    assert document["counts"]["pass"] == 1
    assert document["results"][1]["problems"][0]["requirement"] == "joining/once"


@pytest.mark.parametrize(("verdicts", "status"), [(("pass", "warn"), 0), (("error", "pass"), 2)])
def test_the_status_of_a_client(
    verdicts: tuple[str, ...], status: int, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_report(monkeypatch, *verdicts)
    assert call(capsys, "client", "--command", "x")[0] == status


def test_the_list_of_scenarios(capsys: Capture) -> None:
    status, out, _ = call(capsys, "client", "--list", "--select", "framing/*")
    assert status == 0
    assert re.search(r"^framing/\S+ +\S", out, re.MULTILINE)
    assert call(capsys, "client", "--list", "--select", "framing") == (status, out, "")
    status, out, _ = call(capsys, "client", "--list", "--json")
    assert {"id", "summary", "requirements", "expected"} == set(json.loads(out)[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say how the client is called: --command '...'"),
        (["--command", "'"], "--command cannot be split into words"),
        (["--command", " "], "--command is empty"),
        (["--command", "x", "--select", "framing", "--skip", "*"], "no scenario matches"),
        (
            ["--command", "x", "--select", "framing", "--select", "framin"],
            "no case matches 'framin'; did you mean framing/",
        ),
        (
            ["--command", "/no/such/program"],
            "--command: the command cannot be run: '/no/such/program' is no program",
        ),
    ],
)
def test_a_client_that_cannot_be_meant(arguments: list[str], message: str, capsys: Capture) -> None:
    status, _, err = call(capsys, "client", *arguments)
    assert (status, message in err) == (2, True)


def test_a_client_for_real(capsys: Capture, tmp_path: Path) -> None:
    script = tmp_path / "client.py"
    script.write_text(
        "import json, os\n"
        "from gradio_proto import Client\n"
        "with Client(os.environ['GRADIO_URL'], verbose=False) as client:\n"
        "    value = client.predict(*json.loads(os.environ['GRADIO_DATA']), api_name=os.environ['GRADIO_API_NAME'])\n"
        "print(json.dumps({'value': value}))\n",
        "utf-8",
    )
    status, out, err = call(
        capsys, "client", "--command", f"{sys.executable} {script}", "--select", "framing/comments@sse_v3"
    )
    assert (status, err) == (0, "")
    assert out.startswith("1 cases: 1 pass, in ")


# As a program of its own.


def test_where_there_is_no_utf_8() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gradio_proto", "conformance", "run", "--app", "embedded", "--seed", "1",
         "--select", "queue/join/unknown-fn", "--defect", "join/unknown-fn-accepted"],
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"\\u2717 fail" in done.stdout


def test_as_a_program(url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "gradio_proto", "conformance", "run", url,
         "--select", "queue/join/unknown-fn", "--endpoint", "/greet"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 pass" in done.stdout
