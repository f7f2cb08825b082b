"""The mutation score (see :mod:`core_mutants`): what is mutated, what is chosen, what the chosen say of all."""

from __future__ import annotations

from pathlib import Path

import pytest
from core_mutants.holding import ALSO, core, own_tests, wider_tests
from core_mutants.sampling import FEWEST, Stratum, sample, score

PROJECT = Path(__file__).parent.parent


def test_the_core_is_what_is_pure() -> None:
    modules = core(PROJECT / "gradio_proto")
    assert {"sse", "session", "flows.calls"} <= modules.keys()
    assert not [name for name in modules if name.startswith(("client", "cli", "testing", "conformance"))]


def test_every_module_is_held_by_some_tests() -> None:
    tests = PROJECT / "tests"
    modules = core(PROJECT / "gradio_proto")
    assert [name for name in modules if not own_tests(name, tests) + wider_tests(name, tests)] == []
    # No name of a module or of tests is misspelt.
    assert ALSO.keys() <= modules.keys()
    assert {name: len(others) for name, others in ALSO.items()} == {
        name: len(wider_tests(name, tests)) for name in ALSO
    }


def test_each_module_has_its_share_of_the_sample() -> None:
    population = {"large": range(900), "small": range(90), "tiny": range(3)}
    chosen = sample(population, 100, seed=1)
    assert {name: len(members) for name, members in chosen.items()} == {"large": 91, "small": 9, "tiny": 3}
    assert len(sample(population, 1, seed=1)["large"]) == FEWEST
    assert all(len(set(members)) == len(members) for members in chosen.values())
    assert sample(population, 100, seed=1) == chosen
    assert sample(population, 100, seed=2) != chosen
    # What one module has does not depend on which others there are.
    assert sample({"large": range(900)}, 91, seed=1)["large"] == chosen["large"]


def test_modules_weigh_by_all_of_their_mutants() -> None:
    share, error = score([Stratum(all=900, tried=10, caught=9), Stratum(all=100, tried=10, caught=1)])
    assert share == pytest.approx(0.9 * 0.9 + 0.1 * 0.1)
    assert 0.1 < error < 0.3
    assert score([Stratum(10, 10, 7)]) == (pytest.approx(0.7), 0)  # all were tried: nothing is left to chance
    assert score([Stratum(10, 10, 10), Stratum(50, 0, 0)])[0] == 1  # nothing is known of the other


TEXT = '''
from __future__ import annotations
from typing import TYPE_CHECKING, Final
if TYPE_CHECKING:
    import spam
__all__ = ["f"]
LIMIT: Final = 7
"""How many."""
class C:
    @property
    def p(self) -> int | None:
        return len([1]) + LIMIT
def f(x: int = 1) -> str:
    """Says."""
    if x < 2:
        raise ValueError("no wording is mutated", "name")
    return "x"
'''


def test_mutants(tmp_path: Path) -> None:
    pytest.importorskip("mutmut", reason="it is installed by make core-mutants")
    from core_mutants.making import mutants_of

    (tmp_path / "m.py").write_text(TEXT, "utf-8")
    mutants = list(mutants_of("m", tmp_path / "m.py"))
    raised = 'ValueError("no wording is mutated", "name")'
    assert [(mutant.line, mutant.before, mutant.after) for mutant in mutants] == [
        (7, "LIMIT: Final = 7", "LIMIT: Final = None"),
        (7, "7", "8"),
        (12, "len([1]) + LIMIT", "len([1]) - LIMIT"),
        (13, "1", "2"),
        (15, "< 2", "<= 2"),
        (15, "2", "3"),
        (16, raised, 'ValueError(None, "name")'),
        (16, raised, 'ValueError("no wording is mutated", None)'),
        (16, raised, 'ValueError("name")'),
        (16, raised, 'ValueError("no wording is mutated", )'),
        (16, '"name"', '"XXnameXX"'),
        (16, '"name"', '"NAME"'),
        (17, '"x"', '"XXxXX"'),
        (17, '"x"', '"X"'),
    ]
    for mutant in mutants:
        compile(mutant.text(), "m", "exec")
        lines = mutant.difference().splitlines()[3:]
        assert len([line for line in lines if line.startswith("-")]) == 1
