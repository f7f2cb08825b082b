"""What came out, as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from .cells import Row

PHASES: Final = ("not_sent", "sent_unknown", "accepted", "stream_lost")

HEAD: Final = """\
# Chaos

Real Gradio servers behind a bad network. A proxy stands before the server, and to each request of a
client (or each connection, for `refuse`) it does the following, drawn from a seed:

| mode | what happens |
|---|---|
| `split` | bytes travel in pieces, down to one by one |
| `delay` | each piece is held for up to 80 ms |
| `cut` | with probability 0.3, the connection ends at a random byte: it is reset, or closed |
| `silence` | with probability 0.3, the connection says nothing more from a random byte on, and hears nothing |
| `refuse` | no connection serves twice, and each is refused, reset or closed at accept with probability 0.3 |
| `reorder` | what the server says waits until another connection has overtaken it |
| `all` | all of them |

Calls come in storms of 3, 30 or 60 that overlap; two in five are generators, and one in five sends a file and gets one
back. Half of them are made to an app that keeps State, with a heartbeat; one client makes all those to an app. After
each storm the weather is fair for one call more, which must be right.

With `split`, `delay` and `reorder` every call must have its value. With the others a call that ends in an error must
name its phase in it (see [errors](errors.md#how-far-a-call-had-come)), and the proxy and the app know whether that is
true: `not_sent` means that nothing of the join has left and the function has not run, `sent_unknown` that the client
was given no answer to the join, `accepted` and `stream_lost` that it was. No function may run twice, and an error that
may be repeated (`retryable`) belongs to a call that has not run. Nothing is printed, and no thread, socket or file is
left. The column "wrong" counts what breaks one of these rules, and "fair" the calls in fair weather.

This page is made by `make chaos ARGS=--write`; nobody writes it by hand."""

CROWDS: Final = """\
## Ten thousand calls at once

One client makes all of these calls at the same time, each of which takes up to a second on the server. The network
holds each piece for 0 to 300 ms. None may be lost, or carried out twice. A real server takes some 15 jobs a second, of
all three clients together, so it is given a tenth."""


def page(rows: Sequence[Row], crowd_rows: Sequence[Row], seed: int) -> str:
    """The page of the documentation."""
    total = sum(row.calls for row in rows)
    wrong = sum(len(row.wrong) for row in [*rows, *crowd_rows])
    right = sum(row.right for row in rows)
    fair = sum(row.fair_calls for row in rows)
    longest = max((row.longest for row in rows), default=0.0)
    summary = f"""\
Seed {seed}. {total:,} calls: {right:,} gave their value, {total - right:,} an error. {fair:,} more in fair weather.
Wrong: {wrong}. The deadlines were 3 seconds (in `split`, `delay` and `reorder` the default ones), and the longest call
took {longest:.1f} s."""
    return "\n\n".join([HEAD, summary, _storms(rows), CROWDS, _crowds(crowd_rows)]) + "\n"


def text(rows: Sequence[Row], crowd_rows: Sequence[Row]) -> str:
    """The tables alone."""
    return "\n\n".join(part for part in (rows and _storms(rows), crowd_rows and _crowds(crowd_rows)) if part)


def _storms(rows: Sequence[Row]) -> str:
    phases = " | ".join(f"`{phase}`" for phase in PHASES)
    lines = [
        f"| Gradio | mode | client | calls | right | {phases} | fair | wrong | s |",
        f"|---|---|---|{'---:|' * (len(PHASES) + 5)}",
    ]
    for row in rows:
        cells = [row.version, f"`{row.mode}`", row.client, row.calls, row.right]
        cells += [_of_phase(row.errors, phase) for phase in PHASES]
        cells += [row.fair_calls, len(row.wrong), f"{row.seconds:.0f}"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _of_phase(errors: Mapping[str, int], phase: str) -> str:
    """How many errors of a phase, and of which types."""
    kinds = {kind: times for kind, times in sorted(errors.items()) if kind.split()[0] == phase}
    return ", ".join(f"{times} {kind.split()[1]}" for kind, times in kinds.items()) or "0"


def _crowds(rows: Sequence[Row]) -> str:
    lines = ["| server | client | calls | right | wrong | s |", "|---|---|---:|---:|---:|---:|"]
    for row in rows:
        server = "the embedded one" if row.version == "embedded" else f"Gradio {row.version}"
        lines.append(
            f"| {server} | {row.client} | {row.calls:,} | {row.right:,} | {len(row.wrong)} | {row.seconds:.0f} |"
        )
    return "\n".join(lines)
