"""What takes secrets out of a text."""

from __future__ import annotations

from gradio_proto.redaction import Secrets


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
