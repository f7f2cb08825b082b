"""``docs/findings``: the programs that show what real servers do wrong, the list of them, and its page.

Each is tried on this library's own server, which is to show it where it imitates the defect, and not to where it has
none; those that it does not imitate are tried on a real server.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from servers.running import Servers

from gradio_proto.conformance.reference.twin import reference_twin, twin_variants
from gradio_proto.conformance.registry import all_cases
from gradio_proto.testing import EmbeddedServer

ROOT = Path(__file__).parent.parent
FINDINGS = ROOT / "docs" / "findings"
LIST: list[dict[str, Any]] = json.loads((FINDINGS / "findings.json").read_text("utf-8"))
BY_SLUG = {finding["slug"]: finding for finding in LIST}
HELPERS = {"plain", "server", "make_table", "make_official_client"}
SPEC = json.loads((ROOT / "spec" / "requirements.json").read_text("utf-8"))

NO_FINDING: Mapping[str, str] = {}
"""Defects of the specification that no program here shows, and why."""

PATIENCE = 1.0
"""Seconds of silence that are enough on a server in this process."""


@dataclass(frozen=True)
class Imitation:
    """How this library's own server shows a finding."""

    version: str
    defects: tuple[str, ...] = ()
    """Named ones; without any it does what that version is known to do wrong."""
    variant: str = "plain"
    options: Mapping[str, Any] | None = None
    """For the finding."""


IMITATED: Mapping[str, Imitation] = {
    "unknown_function_500": Imitation("6.31.0"),
    "open_routes": Imitation("6.31.0", variant="login"),
    "silent_without_data": Imitation("3.50.2"),
    "component_any_method": Imitation("4.0.2"),
    "none_as_string": Imitation("4.21.0", variant="short-queue"),
    "quoted_errors": Imitation("4.44.1"),
    "no_url": Imitation("4.13.0"),
    "batch_stops_queue": Imitation("4.0.2"),
    "one_heartbeat": Imitation("4.0.2", options={"interval": 0.5}),
    "hang_up_unnoticed": Imitation("4.0.2", ("job/hang-up-ignored",), options={"tries": 1}),
    "cancel_is_silent": Imitation("4.13.0"),
    "batch_last_result": Imitation("4.13.0", ("value/batch-last",)),
    "diff_old_indices": Imitation("4.19.1"),
    "hang_up_goes_on": Imitation("4.21.0", ("stream/hang-up-ignored",)),
    "hang_up_runs_waiting": Imitation("4.21.0", ("stream/hang-up-ignored",)),
    "raw_urls": Imitation("5.49.1"),
    "left_session_never_ends": Imitation("4.44.1"),
    "call_with_session": Imitation("4.44.1"),
    "call_error_lost": Imitation("4.44.1"),
    "cancel_ends_siblings": Imitation("6.31.0"),
    "cancelled_job_runs": Imitation("5.49.1"),
    "limit_in_pieces": Imitation("4.44.1", ("upload/too-large-accepted",), variant="small-files"),
    "traceback": Imitation("5.49.1"),
    "run_spoils_json": Imitation("5.49.1"),
    "chunks_for_nobody": Imitation("5.49.1"),
    "chunk_processed_twice": Imitation("5.49.1"),
    "heartbeat_leaves_input": Imitation("5.49.1"),
    "error_as_cache": Imitation("6.31.0"),
    "private_by_name": Imitation("6.31.0"),
}

REAL: Mapping[str, str] = {
    "same_function_twice": "3.36.1",
    "negative_numbers": "3.36.1",
    "names_without_letters": "3.36.1",
    "state_without_session": "3.36.1",
    "any_path_is_read": "3.36.1",
    "any_file_is_sent": "4.0.2",
    "urls_lose_server": "4.19.1",
    "double_completion": "4.44.1",
    "diff_nested_delete": "6.31.0",
    "diff_of_another": "4.44.1",
}
"""What our server does not imitate, and a version that has it. None of these leaves a server changed."""

STOPPED = "stop_repeats"
"""Is told when to stop the server."""
SPOILING = ("run_with_tqdm", "own_url_blocks")
"""What only a real server shows, which is of no use afterwards."""
GUARDED = "any_cookie_joins"
"""What only a real server with a login shows."""


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where the programs find each other, as when they are run by themselves."""
    monkeypatch.syspath_prepend(str(FINDINGS))
    yield
    for name in [*BY_SLUG, *HELPERS]:
        sys.modules.pop(name, None)


def try_on(url: str, slug: str, patience: float = 5.0, **options: Any) -> tuple[bool, str]:
    """Whether a finding is shown by the server at a URL, and what was seen."""
    shown: tuple[bool, str] = import_module(slug).finding(
        import_module("server").Server(url, patience), **options
    )
    return shown


def server_of(how: Imitation, *, has_it: bool) -> EmbeddedServer:
    app = reference_twin(how.version) if how.variant == "plain" else twin_variants(how.version)[how.variant]
    return EmbeddedServer(
        app,
        heartbeat=(how.options or {}).get("interval", 15.0),
        faithful_defects=has_it and not how.defects,
        defects=how.defects if has_it else (),
    )


# The list and its page


def test_the_page_is_current() -> None:
    table: ModuleType = import_module("make_table")
    page = (FINDINGS / "README.md").read_text("utf-8")
    assert page == table.page(), "run python docs/findings/make_table.py"
    assert all(f"({slug}.py)" in page for slug in BY_SLUG)


def test_every_program_is_on_the_list() -> None:
    assert {path.stem for path in FINDINGS.glob("*.py")} - HELPERS == set(BY_SLUG)
    assert len(BY_SLUG) == len(LIST)


def test_every_program_is_tried_here() -> None:
    assert {*IMITATED, *REAL, *SPOILING, GUARDED, STOPPED} == set(BY_SLUG)


def test_what_is_new_has_a_section() -> None:
    page = (FINDINGS / "README.md").read_text("utf-8")
    assert [
        slug for slug, finding in BY_SLUG.items() if finding["new"] and f"\n### {slug}\n" not in page
    ] == []


@pytest.mark.parametrize("slug", BY_SLUG)
def test_a_program_says_what_it_shows(slug: str) -> None:
    about = ast.get_docstring(ast.parse((FINDINGS / f"{slug}.py").read_text("utf-8")))
    assert about is not None
    title, rest = about.split("\n\n", 1)
    finding = BY_SLUG[slug]
    assert title.replace("\n", " ") == finding["title"] + "."
    if finding["requirement"] is not None:
        assert finding["requirement"] in rest


def test_every_defect_has_a_finding() -> None:
    found = {finding["defect"] for finding in LIST}
    known = {defect["id"] for defect in SPEC["defects"]}
    assert found <= known
    assert known - found == set(NO_FINDING)


def test_versions_and_requirements_are_those_of_the_specification() -> None:
    defects = {defect["id"]: defect for defect in SPEC["defects"]}
    for finding in LIST:
        defect = defects[finding["defect"]]
        for version in finding["versions"]:
            assert any(_is_within(version, **span) for span in defect["versions"]), (finding["slug"], version)
        if finding["requirement"] is None:
            assert defect["breaks"] == []
        else:
            assert finding["requirement"] in defect["breaks"], finding["slug"]


def _is_within(version: str, **span: Any) -> bool:
    """Whether a version is in a range, whose end may be a minor version (and includes all of that)."""
    number, first = _number(version), _number(span["from"])
    last = _number(span["to"]) if span["to"] else number
    return first <= number and number[: len(last)] <= last


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_every_case_is_one_of_the_testers() -> None:
    named = {case for finding in LIST for case in finding["cases"]}
    assert named <= all_cases().keys()
    by_chance = {"diff_of_another"}  # which no case can find that is tried once
    uneven = {f["slug"] for f in LIST if bool(f["cases"]) != (f["requirement"] is not None)}
    assert uneven == by_chance


# The programs


@pytest.mark.parametrize("slug", IMITATED)
def test_it_is_shown(slug: str) -> None:
    how = IMITATED[slug]
    with server_of(how, has_it=True) as server:
        is_shown, seen = try_on(server.url, slug, PATIENCE, **how.options or {})
    assert is_shown, seen


@pytest.mark.parametrize("slug", IMITATED)
def test_a_server_without_the_defect_does_not_show_it(slug: str) -> None:
    how = IMITATED[slug]
    with server_of(how, has_it=False) as server:
        is_shown, seen = try_on(server.url, slug, PATIENCE, **how.options or {})
    assert not is_shown, seen


def test_a_server_that_stops() -> None:
    how = Imitation("5.49.1")
    with server_of(how, has_it=True) as server:
        is_shown, seen = try_on(server.url, STOPPED, PATIENCE, stop=server.stop_queue)
    assert is_shown, seen
    with server_of(how, has_it=False) as server:
        is_shown, seen = try_on(server.url, STOPPED, PATIENCE, stop=server.stop_queue)
    assert not is_shown, seen


@pytest.mark.parametrize(
    ("slug", "version"),
    [
        ("negative_numbers", "4.21.0"),
        ("names_without_letters", "5.49.1"),
        ("any_path_is_read", "4.13.0"),
        ("any_file_is_sent", "4.0.2"),
        ("state_without_session", "3.36.1"),
        ("same_function_twice", "3.50.2"),
        ("urls_lose_server", "4.19.1"),
        ("double_completion", "4.44.1"),
        ("diff_nested_delete", "6.31.0"),
        ("diff_of_another", "4.44.1"),
        ("own_url_blocks", "4.13.0"),
        ("run_with_tqdm", "4.13.0"),
    ],
)
def test_our_server_does_not_show_what_only_real_ones_do(slug: str, version: str) -> None:
    with server_of(Imitation(version), has_it=False) as server:
        is_shown, seen = try_on(server.url, slug, PATIENCE)
    assert not is_shown, seen


def test_a_forged_cookie_does_not_open_our_socket() -> None:
    with server_of(Imitation("3.50.2", variant="login"), has_it=False) as server:
        assert try_on(server.url, "any_cookie_joins") == (
            False,
            "a WebSocket with a forged cookie was answered 403",
        )


@pytest.mark.real(*sorted(set(REAL.values())))
def test_a_real_server_shows_it(server_version: str, url: str) -> None:
    for slug, version in REAL.items():
        if version == server_version:
            is_shown, seen = try_on(url, slug)
            assert is_shown, f"{slug}: {seen}"


@pytest.mark.real("4.0.2")
def test_a_real_server_is_spoilt_by_it(real_server: Servers, server_version: str) -> None:
    with real_server.own(server_version) as running:
        for slug in SPOILING:
            is_shown, seen = try_on(running.url, slug, PATIENCE)
            assert is_shown, f"{slug}: {seen}"


@pytest.mark.real("3.36.1")
def test_a_real_server_with_a_login_shows_it(real_server: Servers, server_version: str) -> None:
    is_shown, seen = try_on(real_server(server_version, auth="user:pass word"), GUARDED)
    assert is_shown, seen


# As a command


@pytest.mark.parametrize(
    ("slug", "status", "last"),
    [
        ("quoted_errors", 1, "SHOWN: the function raised gr.Error('bad thing: x'), and the error is "),
        ("traceback", 0, "not shown: a join of no function was answered 500"),
        ("none_as_string", 2, "cannot be tried: the app shows its errors: run it with --hide-errors"),
        ("silent_without_data", 2, "cannot be tried: it is about ws, and this server speaks sse_v3"),
    ],
)
def test_a_command_tells_by_its_status(slug: str, status: int, last: str) -> None:
    with server_of(Imitation("4.44.1"), has_it=True) as server:
        command = [sys.executable, str(FINDINGS / f"{slug}.py"), server.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("> GET /config")
    assert lines[1].startswith("< HTTP/1.1 200 OK")
    assert lines[-1].startswith(last)


def test_a_command_without_a_server() -> None:
    command = [sys.executable, str(FINDINGS / "traceback.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert done.stderr.startswith("usage:")
    done = subprocess.run(
        [*command, "http://127.0.0.1:9"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stdout.splitlines()[-1].startswith("cannot be tried:")
