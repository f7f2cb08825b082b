"""Observers of a run: what is said, as it is said, and results without secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from ..terminal import safe

if TYPE_CHECKING:
    from gradio_proto.conformance.model import Case, Result
    from gradio_proto.conformance.runner import Observer
    from gradio_proto.conformance.transcript import Entry
    from gradio_proto.redaction import Secrets


class Trace:
    """Prints every exchange as it goes."""

    def began(self, case: Case) -> None:
        """A case begins."""
        click.echo(f"== {case.id}")

    def ended(self, result: Result) -> None:
        """It has ended."""
        reason = f": {safe(result.reason)}" if result.reason else ""
        click.echo(f"== {result.case_id}: {result.verdict.value}{reason}\n")

    def said(self, entry: Entry) -> None:
        """Something was said."""
        from gradio_proto.conformance.transcript import Transcript

        for line in Transcript([entry]).lines():
            click.echo(safe(line))


class Discreet:
    """Hands everything on to other observers, without what must not be shown."""

    def __init__(self, secrets: Secrets, observers: Sequence[Observer]) -> None:
        self._secrets = secrets
        self._observers = observers

    def began(self, case: Case) -> None:
        """A case begins."""
        for observer in self._observers:
            observer.began(case)

    def ended(self, result: Result) -> None:
        """It has ended."""
        shown = discreet(result, self._secrets)
        for observer in self._observers:
            observer.ended(shown)

    def said(self, entry: Entry) -> None:
        """Something was said."""
        shown = _discreet_entry(entry, self._secrets)
        for observer in self._observers:
            observer.said(shown)


def discreet(result: Result, secrets: Secrets) -> Result:
    """The result without what must not be shown.

    What is said is redacted as it is noted. This is for the rest: reasons, and what was noted before the secret was
    known, as a cookie is only when the server has set it.
    """
    from gradio_proto.conformance.transcript import Transcript

    entries = [_discreet_entry(entry, secrets) for entry in result.transcript]
    return replace(result, reason=secrets.hide(result.reason), transcript=Transcript(entries))


def _discreet_entry(entry: Entry, secrets: Secrets) -> Entry:
    return replace(
        entry,
        text=secrets.hide(entry.text),
        body=secrets.hide(entry.body),
        headers=tuple((name, secrets.hide(value)) for name, value in entry.headers),
    )
