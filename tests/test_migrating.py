"""docs/migrating.md has an answer for every public name of the official client, and what it calls the same is there."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from official_names import MODULES, names
from servers import install
from servers.running import Servers

import gradio_proto
from gradio_proto import AppError, Client, Job, ProgressUnit, Status
from gradio_proto.testing import TestApp, serve

PAGE = Path(__file__).parent.parent / "docs" / "migrating.md"
INTERNAL = "What programs should not have used"


def sections() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The headings of the page, each with the rows of its tables: what stands in their first two cells."""
    for part in re.split(r"^##+ ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        rows = [line.strip("| ").split(" | ", 1) for line in text.splitlines() if line.startswith("| `")]
        yield heading, [(there, here) for there, here in rows]


def answers() -> Mapping[str, Mapping[str, tuple[set[str] | None, str]]]:
    """By where it is and its name: the parameters that the page gives it (None for what is not called), and what it
    says."""
    found: dict[str, dict[str, tuple[set[str] | None, str]]] = {}
    for heading, rows in sections():
        owner = re.fullmatch(r"`([\w.]+)(\(\.\.\.\))?`", heading)
        if owner is None:
            continue
        place = found.setdefault(f"{owner[1]}.__init__()" if owner[2] else owner[1], {})
        for there, here in rows:
            for name, _, called, parameters in re.findall(r"`(\w+)((\()([^)`]*)\))?`", there):
                assert name not in place, f"{heading} has {name} twice"
                place[name] = (set(re.findall(r"\w+", parameters)) if called else None, here)
    return found


def internal() -> set[str]:
    """The names that have no answer of their own."""
    (rows,) = [rows for heading, rows in sections() if heading == INTERNAL]
    return {name for _, listed in rows for name in re.findall(r"`(\w+)`", listed)}


@pytest.fixture(scope="module")
def official(real_server: Servers) -> Mapping[str, set[str]]:
    # No server is started. Who leaves real servers out has not installed the official client either.
    if not install.is_installed(install.OFFICIAL_CLIENT):
        pytest.fail("the official client is not installed: run 'make servers'")
    (package,) = (install.SERVERS / install.OFFICIAL_CLIENT).glob("lib/python3*/site-packages/gradio_client")
    found = names(package)
    assert len(found["Client"]) > 40, "the source is not read as it should be"
    assert "timeout" in found["Job.result()"]
    return found


def test_every_name_has_an_answer(official: Mapping[str, set[str]]) -> None:
    told = answers()
    modules = ["gradio_client", *(f"gradio_client.{name}" for name in MODULES[1:])]
    classes = [owner for owner in told if owner in official and owner not in modules]
    without: list[str] = []
    for owner in (*modules, *classes):
        answered = {*told.get(owner, ()), *(internal() if owner in modules else ())}
        # A class that a module defines has a section of its own, or is named in that of its module.
        without += [f"{owner}.{name}" for name in official[owner] - answered]
    assert without == []
    assert {"Client", "Job", "Status", "StatusUpdate", "ProgressUnit", "AppError"} <= {*classes}


def test_no_name_is_made_up(official: Mapping[str, set[str]]) -> None:
    for owner, answered in answers().items():
        assert {*answered} <= official[owner], owner
    everything = set[str]().union(
        *(official[owner] for owner in official if owner.startswith("gradio_client"))
    )
    assert internal() <= everything


def test_every_parameter_has_an_answer(official: Mapping[str, set[str]]) -> None:
    for owner, answered in answers().items():
        for name, (parameters, _) in answered.items():
            function = f"{name}()" if owner.startswith("gradio_client") else f"{owner}.{name}()"
            if function in official:
                assert parameters == official[function] - {"cls"}, function
    assert {*answers()["Client.__init__()"]} == official["Client.__init__()"]


@pytest.fixture(scope="module")
def ours() -> Iterator[Mapping[str, Any]]:
    app = TestApp()

    @app.endpoint("/echo")
    def echo(text: str) -> str:
        return text

    with serve(app) as url, Client(url) as client:
        job = client.submit("x")
        yield {
            "gradio_client": gradio_proto,
            "gradio_client.exceptions": gradio_proto,
            "gradio_client.utils": gradio_proto,
            "Client": client,
            "Client.__init__()": inspect.signature(Client).parameters,
            "Job": job,
            "StatusUpdate": job.status(),
            "Status": Status,
            "ProgressUnit": ProgressUnit(),
            "AppError": AppError(),
        }


def test_what_is_the_same_is_there(ours: Mapping[str, Any], official: Mapping[str, set[str]]) -> None:
    compared = 0
    for owner, answered in answers().items():
        for name, (parameters, here) in answered.items():
            if not here.startswith("the same"):
                continue
            if owner.endswith("()"):
                assert name in ours[owner]
            else:
                value = getattr(ours[owner], name)
                if "the parameter is called" not in here and f"{owner}.{name}()" in official:
                    assert (parameters or set()) <= {*inspect.signature(value).parameters}, f"{owner}.{name}"
            compared += 1
    assert compared > 60


def test_what_is_not_there_is_not_there(ours: Mapping[str, Any]) -> None:
    missing = 0
    for owner, answered in answers().items():
        for name, (_, here) in answered.items():
            if here.startswith("not there"):
                assert not hasattr(ours[owner], name), f"{owner}.{name} is there by now"
                missing += 1
    assert missing > 30


def test_positional_arguments_have_the_same_order() -> None:
    parameters = [*inspect.signature(Client).parameters]
    assert parameters[:6] == ["src", "token", "max_workers", "verbose", "auth", "httpx_kwargs"]
    assert [*inspect.signature(Job.result).parameters][1] == "timeout"
