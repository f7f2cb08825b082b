"""The vectors of spec/vectors: they are current, all of them pass, and they leave nothing out."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest
import vector_runner
from make_vectors import FOLDER, made
from vector_counts import README, files, kinds_of_messages, page, transitions
from vector_jobs import STATES, Account
from vector_topics.messages import KINDS
from vector_topics.vector import PROTOCOL_OF
from vector_topics.wire import messages

MOST_BYTES = 300_000
"""Of one file: a reader's editor has to take it."""

MACHINES = [path.stem for path in sorted(STATES.glob("*.json"))]


@pytest.fixture(scope="module")
def account() -> Account:
    """What the vectors of jobs have been through."""
    for name in files():
        if name.startswith("jobs"):
            vector_runner.failures(name)
    return vector_runner.ACCOUNT


def test_files_are_current() -> None:
    pages = made()
    assert sorted(pages) == [f"{name}.json" for name in files()]
    stale = [name for name, text in pages.items() if (FOLDER / name).read_text("utf-8") != text]
    assert not stale, f"run python tests/make_vectors.py: {stale}"


@pytest.mark.parametrize("name", files())
def test_every_vector(name: str) -> None:
    failures = vector_runner.failures(name)
    assert not failures, "\n".join([f"{len(failures)} vectors fail", *failures])


@pytest.mark.parametrize("name", files())
def test_files_are_of_the_format(name: str) -> None:
    path = FOLDER / f"{name}.json"
    assert path.stat().st_size < MOST_BYTES
    content = vector_runner.read(name)
    assert content["format"] == 1
    assert name.partition("-")[0] == content["topic"]
    for vector in content["vectors"]:
        assert [*vector] == ["id", "description", "source", "generations", "input", "expect"]
        assert vector["id"].startswith(f"{content['topic']}/")
        assert vector["source"].split(" ")[0] in ("recorded", "property", "written")
        assert vector["generations"]
        assert vector["expect"]
        assert set(vector["generations"]) <= set(KINDS)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_transition_is_taken(machine: str, account: Account) -> None:
    assert transitions(machine) == account.transitions[machine]


@pytest.mark.parametrize("protocol", KINDS)
def test_every_kind_of_message_is_there(protocol: str, account: Account) -> None:
    kinds = set(KINDS[protocol])
    assert kinds_of_messages()[protocol] == kinds
    assert kinds <= account.kinds[protocol]


@pytest.mark.parametrize("version", PROTOCOL_OF)
def test_what_a_version_was_recorded_to_say_is_there(version: str) -> None:
    sent = {json.loads(text)["msg"] for _, text in messages(version)}
    there = {
        json.loads(vector["input"]["text"])["msg"]
        for vector in vector_runner.read("messages")["vectors"]
        if vector["source"].startswith(f"recorded {version}/")
    }
    assert there == sent
    assert sent <= set(KINDS[PROTOCOL_OF[version]])


def test_the_counts_are_current(account: Account) -> None:
    assert account.transitions
    assert README.read_text("utf-8") == page(), "run python tests/make_vectors.py"


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(FOLDER / "example.py"), run_name="__main__")
    assert capsys.readouterr().out == "all vectors pass\n"


def test_tables_of_states_are_current() -> None:
    pages = runpy.run_path(str(Path(STATES).parent / "make_states.py"))["pages"]()
    assert sorted(pages) == [f"{machine}.json" for machine in MACHINES]
    for name, text in pages.items():
        assert (STATES / name).read_text("utf-8") == text, "run python spec/make_states.py"


@pytest.mark.parametrize("machine", MACHINES)
def test_every_word_of_a_table_has_a_meaning(machine: str) -> None:
    table = json.loads((STATES / f"{machine}.json").read_text("utf-8"))
    assert table["initial"] in table["states"]
    assert table["transitions"].keys() == table["states"].keys()
    for row in table["transitions"].values():
        assert row.keys() <= table["inputs"].keys()
        assert set(row.values()) <= table["states"].keys()
    for text in (*table["states"].values(), *[cause["description"] for cause in table["inputs"].values()]):
        assert text.endswith(".")
    kinds = {kind for kinds in KINDS.values() for kind in kinds}
    assert {kind for cause in table["inputs"].values() for kind in cause["messages"]} <= kinds
