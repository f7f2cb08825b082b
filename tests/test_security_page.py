"""The page on security tells what is so: each rule has tests, and each test that it names is there and is run."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from faults.groups import BY_ID

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")

RULES = (
    *("Tokens", "Redirects", "The origin", "The URL of a file", "Files of this machine", "Cookies", "TLS"),
    *("Names of files", "Writing", "Bombs", "Input without a bound", "Terminals, logs, pages and code"),
    *("URLs and headers", "Diffs", "Telemetry", "Proxies", "Pickles, and everything else that runs"),
    *("Your data and your secrets", "Silence", "The life of the process"),
)
"""The rules, in the order of the list that they were written from: its numbers are cited elsewhere."""

SECTIONS = dict(zip(RULES, re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:], strict=False))

LINK = re.compile(r"\[([^\]]+)\]\(\.\./(tests/[\w/]+\.py)\)")

LINKS = [link for section in SECTIONS.values() for link in LINK.findall(section)]


def test_the_rules_are_all_there_in_order() -> None:
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert headings == [
        *(f"{number}. {rule}" for number, rule in enumerate(RULES, 1)),
        "What is not protected",
        "To report a weakness",
    ]


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_says_what_it_is_for_where_it_is_decided_and_what_holds_it(rule: str) -> None:
    said = re.findall(r"^\*\*([\w ]+?)\.?\*\*", SECTIONS[rule], re.MULTILINE)
    assert said == ["Threat", "Rule", "Decided in", "Held by"]
    held_by = SECTIONS[rule].partition("**Held by**")[2]
    names = LINK.findall(held_by)
    assert len(names) == len(set(names)) == held_by.count("](") >= 1
    decided = SECTIONS[rule].partition("**Decided in**")[2].partition("**Held by**")[0]
    for module in re.findall(r"`([\w/]+\.py)`", decided):
        places = (ROOT / "gradio_proto" / module, ROOT / "transports" / module)
        assert any(place.is_file() for place in places), module


def found_in(module: Path) -> list[str]:
    """The tests that pytest finds in a module and does not skip, each as often as it is defined.

    To have pytest collect the modules that are named here takes half a minute; what it looks for is in their text.
    """
    found: list[str] = []
    for node in ast.parse(module.read_text("utf-8")).body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if any(re.search(r"\.skip\b", ast.unparse(each)) for each in node.decorator_list):
            continue
        own = node.body if isinstance(node, ast.ClassDef) else [node]
        is_class = isinstance(node, ast.ClassDef) and node.name.startswith("Test")
        functions = [each for each in own if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
        if (is_class or own == [node]) and any(each.name.startswith("test_") for each in functions):
            found.append(node.name)
    return found


def test_each_test_that_is_named_is_collected() -> None:
    named = {(path, name) for name, path in LINKS if path.count("/") == 1}
    for path, name in named:
        assert re.fullmatch(r"tests/test_\w+\.py", path)
        assert found_in(ROOT / path).count(name) == 1, f"{path} has no {name}"
    assert len(named) > 60


def test_what_pytest_would_not_run_is_not_found(tmp_path: Path) -> None:
    module = tmp_path / "test_x.py"
    module.write_text(
        "def test_a(): ...\n"
        "async def test_b(): ...\n"
        "@pytest.mark.skip\ndef test_c(): ...\n"
        "def helper():\n    def test_d(): ...\n"
        "class TestE:\n    def test_f(self): ...\n"
        "class TestG:\n    def helper(self): ...\n"
        "class Other:\n    def test_h(self): ...\n"
    )
    assert found_in(module) == ["test_a", "test_b", "TestE"]


def test_each_fault_that_is_named_is_one() -> None:
    named = [(name, path) for name, path in LINKS if path.count("/") > 1]
    for name, path in named:
        assert name in BY_ID
        assert path == f"tests/faults/{name.partition('/')[0]}.py"
    assert len(named) > 15
