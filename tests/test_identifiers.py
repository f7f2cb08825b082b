"""Identifiers of what servers call things."""

from __future__ import annotations

from keyword import iskeyword
from unicodedata import normalize

import pytest
from hypothesis import given
from typed_apps import texts

from gradio_proto.identifiers import LONGEST, identifier, is_plain, unique


@pytest.mark.parametrize("name", ["x", "_x", "n_in", "é", "处理", "match"])
def test_plain_names(name: str) -> None:
    assert is_plain(name)


@pytest.mark.parametrize("name", ["", "a b", "class", "None", "__x", "ﬁ", "1a", "a-b"])
def test_names_that_are_not_plain(name: str) -> None:
    assert not is_plain(name)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("some-name/with.odd chars", "some_name_with_odd_chars"),
        ("class", "class_"),
        ("__x__", "x"),
        ("3d", "fn_3d"),
        ("²", "fn_2"),
        ("ﬁ", "fi"),
        ("处理", "处理"),
        ("---", "fn"),
        ("", "fn"),
        ("a" * 300, "a" * LONGEST),
    ],
)
def test_identifiers(text: str, made: str) -> None:
    assert identifier(text, "fn") == made


@given(texts)
def test_every_text_becomes_an_identifier_that_python_reads_back(text: str) -> None:
    made = identifier(text, "fn")
    assert made.isidentifier()
    assert not iskeyword(made)
    assert normalize("NFKC", made) == made
    assert not made.startswith("_")
    assert is_plain(made)


def test_taken_names_get_a_number() -> None:
    assert unique("a", {"b"}) == "a"
    assert unique("a", {"a", "a_2"}) == "a_3"
    assert unique("A", ["A"], "") == "A2"


def test_thousands_of_names_that_are_alike_take_no_quadratic_time() -> None:
    lookups = 0

    class Taken(set[str]):
        def __contains__(self, name: object) -> bool:
            nonlocal lookups
            lookups += 1
            return super().__contains__(name)

    taken = Taken()
    for _ in range(1_000):
        taken.add(unique("a", taken))
    assert sorted(taken) == sorted(["a", *(f"a_{number}" for number in range(2, 1_001))])
    assert lookups < 25_000
