"""What takes secrets out of a text."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gradio_proto.redaction import LONGEST_CHAIN, SECRET_HEADERS, Secrets, may_be_secret


def test_secrets_are_hidden_in_every_form() -> None:
    secrets = Secrets(['pass"word', "abc"])
    assert (
        secrets.hide('{"password": "pass\\"word"} pass"word abc')
        == '{"password": "[redacted]"} [redacted] abc'
    )


def test_the_beginning_of_a_secret_that_was_cut_is_hidden() -> None:
    quoted = "it's \\ secret"
    secrets = Secrets(["0123456789abcdef", quoted])
    assert secrets.hide_cut("answered '0123456789abc'") == "answered '[redacted]'"
    assert secrets.hide_cut("answered '0123456'") == "answered '0123456'"
    assert secrets.hide_cut(f"answered {quoted!r}") == 'answered "[redacted]"'


@pytest.mark.parametrize(("length", "least"), [(9, 8), (16, 8), (17, 8), (40, 20), (41, 20)])
def test_how_much_of_a_secret_that_was_cut_is_looked_for(length: int, least: int) -> None:
    """Half of it, and eight characters at least: fewer stand in everything."""
    secret = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGH"[:length]
    secrets = Secrets([secret])
    for left in range(length + 1):
        shown = "[redacted]" if left >= least else secret[:left]
        assert secrets.hide_cut(f"it is '{secret[:left]}'") == f"it is '{shown}'"


def test_three_characters_are_no_secret() -> None:
    secrets = Secrets(["abc", "defg"])
    assert secrets.hide("abc defg") == "abc [redacted]"
    assert secrets.hide_within(["abc", "defg"]) == ["abc", "[redacted]"]
    assert Secrets().hide("abc") == "abc"


def test_a_secret_that_begins_with_another_is_hidden_whole() -> None:
    for order in (["0123", "01234567"], ["01234567", "0123"]):
        assert Secrets(order).hide("01234567 0123") == "[redacted] [redacted]"


def test_every_place_of_a_secret_is_hidden() -> None:
    secrets = Secrets(["abcd", "wxyz"])
    assert secrets.hide("abcd wxyz abcd") == "[redacted] [redacted] [redacted]"
    assert secrets.hide_within({"abcd": "x"}) == {"abcd": "x"}  # keys are names


def test_what_only_looks_like_the_beginning_of_a_secret_stays() -> None:
    secrets = Secrets(["0123456789"])
    assert secrets.hide_within("at 0123456 and 012345x") == "at 0123456 and 012345x"
    assert secrets.hide_within("at 012345x 0123456") == "at 012345x [redacted]"
    assert secrets.hide_within("0123450123456789"[:12]) == "012345[redacted]"


def test_what_forms_and_urls_make_of_a_secret_is_hidden() -> None:
    assert Secrets(["pass wörd/1"]).hide("password=pass%20w%C3%B6rd%2F1&x=1") == "password=[redacted]&x=1"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a 0123456789", "a [redacted]"),
        ("cut at 012345", "cut at [redacted]"),
        ("cut at 01234", "cut at 01234"),
        (["0123456789", 5, None], ["[redacted]", 5, None]),
        (("0123456789", {"a": ["b", "0123456789"]}), ("[redacted]", {"a": ["b", "[redacted]"]})),
    ],
)
def test_secrets_are_hidden_within_values(value: object, shown: object) -> None:
    assert Secrets(["0123456789"]).hide_within(value) == shown


def test_secrets_are_taken_out_of_an_error_and_its_causes() -> None:
    error, handled = ValueError("no 0123456789", 7), ValueError("0123456789")
    error.__cause__, error.__context__ = OSError(5, "the key 0123456789 is wrong"), handled
    error.data = {"key": "0123456789"}  # type: ignore[attr-defined]
    error.other = other = ["nothing"]  # type: ignore[attr-defined]
    Secrets(["0123456789"]).take_out(error)
    assert error.args == ("no [redacted]", 7)
    assert vars(error)["data"] == {"key": "[redacted]"}
    assert vars(error)["other"] is other
    assert error.__cause__.args == (5, "the key [redacted] is wrong")
    assert handled.args == ("0123456789",)


def test_an_error_that_holds_another_one() -> None:
    error = ValueError(OSError("0123456789"), 7)
    Secrets(["0123456789"]).take_out(error)
    assert str(error) == str(ValueError(OSError("[redacted]"), 7))


def test_errors_that_cause_each_other_in_a_circle_come_to_an_end() -> None:
    one, other = ValueError("0123456789"), ValueError("0123456789")
    one.__cause__, other.__cause__ = other, one
    Secrets(["0123456789"]).take_out(one)
    assert one.args == other.args == ("[redacted]",)


@pytest.mark.parametrize("name", ["authorization", "cookie", "x-key", "x-api-key", "key", "second", "x-sec-"])
def test_headers_that_may_be_secret(name: str) -> None:
    assert may_be_secret(name)


@pytest.mark.parametrize(
    "name",
    # What HTTP itself has for requests (RFC 9110, 9111, 9112, 9218), and what browsers add.
    [
        *("accept", "accept-charset", "accept-encoding", "accept-language", "expect", "host"),
        *("if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range"),
        *("connection", "te", "trailer", "transfer-encoding", "upgrade", "via", "keep-alive", "date"),
        *("content-encoding", "content-length", "content-type", "cache-control", "pragma", "priority"),
        *("referer", "origin", "user-agent", "dnt", "upgrade-insecure-requests"),
        *("sec-fetch-mode", "sec-websocket-key", "sec-ch-ua"),
    ],
)
def test_headers_that_are_harmless(name: str) -> None:
    assert not may_be_secret(name)


def test_as_many_errors_as_a_chain_may_have_are_looked_through() -> None:
    chain = [ValueError("0123456789") for _ in range(LONGEST_CHAIN + 1)]
    for error, cause in pairwise(chain):
        error.__cause__ = cause
    Secrets(["0123456789"]).take_out(chain[0])
    assert {error.args for error in chain[:-1]} == {("[redacted]",)}
    assert chain[-1].args == ("0123456789",)


def test_without_secrets_an_error_stays_as_it_is() -> None:
    error = ValueError(["0123456789"])
    args = error.args
    Secrets().take_out(error)
    assert error.args is args


@pytest.mark.parametrize(
    "name",
    ["authorization", "proxy-authorization", "x-hf-authorization", "cookie", "set-cookie", "x-ip-token"],
)
def test_headers_that_are_credentials_in_either_direction(name: str) -> None:
    assert name in SECRET_HEADERS


def test_the_beginning_of_a_long_secret_is_found_at_the_end_of_a_text() -> None:
    secrets = Secrets(["a" * 3_000 + str(number) for number in range(20)])
    assert secrets.hide_within(["a" * 10 + "b"] * 20) == ["a" * 10 + "b"] * 20
    assert secrets.hide_within("it is " + "a" * 2_000) == "it is [redacted]"
    assert secrets.hide_within("it is " + "a" * 6) == "it is [redacted]"
    assert secrets.hide_within("it is " + "a" * 5) == "it is " + "a" * 5
    assert secrets.hide_within("a" * 3_000 + "b") == "a" * 3_000 + "b"
