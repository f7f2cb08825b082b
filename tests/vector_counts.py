"""What the vectors cover, as the tables at the end of spec/vectors/README.md."""

from __future__ import annotations

import json
from typing import Any, Final

import vector_runner
from vector_jobs import STATES, table_of
from vector_runner import ACCOUNT, FOLDER
from vector_topics.messages import KINDS
from vector_topics.vector import PROTOCOLS

README: Final = FOLDER / "README.md"

MARK: Final = "<!-- The tables below are made by tests/make_vectors.py. -->\n"


def files() -> list[str]:
    """The files with vectors, by their names without the suffix."""
    return [path.stem for path in sorted(FOLDER.glob("*.json"))]


def transitions(machine: str) -> set[tuple[str, str]]:
    """Every pair of state and input that a machine knows."""
    rows = table_of(machine)["transitions"].items()
    return {(state, happened) for state, row in rows for happened in row}


def kinds_of_messages() -> dict[str, set[str]]:
    """The kinds of message, by generation, of which messages.json has a well-formed one that was recorded."""
    found: dict[str, set[str]] = {}
    for vector in vector_runner.read("messages")["vectors"]:
        if vector["source"].startswith("recorded"):
            for generation in vector["generations"]:
                found.setdefault(generation, set()).add(json.loads(vector["input"]["text"])["msg"])
    return found


def tables() -> str:
    """The tables; every vector of the jobs must have been run."""
    return "\n".join([_vectors(), _transitions(), _kinds()])


def _vectors() -> str:
    counts: dict[str, list[dict[str, Any]]] = {}
    for name in files():
        content = vector_runner.read(name)
        counts.setdefault(content["topic"], []).extend(content["vectors"])
    lines = [
        "| topic | vectors | of them recorded | " + " | ".join(PROTOCOLS) + " |",
        "|---|---|---|" + "---|" * len(PROTOCOLS),
    ]
    for topic, vectors in counts.items():
        recorded = sum(vector["source"].startswith("recorded") for vector in vectors)
        each = [sum(protocol in vector["generations"] for vector in vectors) for protocol in PROTOCOLS]
        lines.append(f"| {topic} | {len(vectors)} | {recorded} | {' | '.join(map(str, each))} |")
    total = [vector for vectors in counts.values() for vector in vectors]
    recorded = sum(vector["source"].startswith("recorded") for vector in total)
    each = [sum(protocol in vector["generations"] for vector in total) for protocol in PROTOCOLS]
    lines.append(f"| together | {len(total)} | {recorded} | {' | '.join(map(str, each))} |")
    return "\n".join([*lines, ""])


def _transitions() -> str:
    lines = ["| state machine | transitions | taken by a vector |", "|---|---|---|"]
    for path in sorted(STATES.glob("*.json")):
        every = transitions(path.stem)
        lines.append(f"| {path.stem} | {len(every)} | {len(every & ACCOUNT.transitions[path.stem])} |")
    return "\n".join([*lines, ""])


def _kinds() -> str:
    lines = ["| generation | kinds of message | in messages.json | in jobs |", "|---|---|---|---|"]
    parsed = kinds_of_messages()
    for protocol, kinds in KINDS.items():
        every = set(kinds)
        in_messages, in_jobs = len(every & parsed[protocol]), len(every & ACCOUNT.kinds[protocol])
        lines.append(f"| {protocol} | {len(every)} | {in_messages} | {in_jobs} |")
    return "\n".join([*lines, ""])


def page() -> str:
    """README.md with these tables."""
    text, mark, _ = README.read_text("utf-8").partition(MARK)
    return f"{text}{mark}\n{tables()}"
