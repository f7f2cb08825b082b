"""Run every scenario of the client tester on the official Python client, and write down what came out.

    python docs/findings/make_official_client.py           runs them, for some minutes: writes the data and the page
    python docs/findings/make_official_client.py --page    makes the page anew of the data that are there

The official client is the one in ``.servers``, which ``make servers`` installs.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from gradio_proto.conformance.clients import report_data, run_client
from gradio_proto.conformance.clients.report import table
from gradio_proto.conformance.clients.scenarios import SCENARIOS

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
DATA = HERE / "official-client.json"
PAGE = HERE / "official-client.md"
CLIENT = "gradio_client-2.7.2"
TIMEOUT = 20.0
"""Seconds for one case: what has not come by then on a busy machine does not come."""

KEPT = ("id", "scenario", "generation", "verdict", "outcomes", "problems", "reason")

FINDINGS = (
    (
        "A secret of the user (a token, a header) is sent to another origin, where a file is redirected there, where "
        "the `url` of a streamed file names it, and where `api_prefix` is the URL of it.",
        ("file/redirect-elsewhere@sse_v3", "file/stream-elsewhere@sse_v3", "config/prefix-url@sse_v3"),
    ),
    (
        "A file of the user's machine is uploaded because the API information names its path as a default.",
        ("info/default-file@sse_v3",),
    ),
    (
        "The path of a file with `..` in it makes the client ask for another route of the app.",
        ("file/dot-segments@sse_v3",),
    ),
    (
        "Event streams are read by far less than their standard: comments, `event:`, `id:` and `retry:` lines, a byte "
        "order mark, CR and CRLF, several data lines and raw U+2028 end the job, on most generations in an empty "
        "`CancelledError`.",
        (
            "framing/comments@sse_v3",
            "framing/event-lines@sse_v3",
            "framing/id-lines@sse_v3",
            "framing/retry-lines@sse_v3",
            "framing/byte-order-mark@sse_v3",
            "framing/cr@sse_v3",
            "framing/crlf@sse_v3",
            "framing/data-lines@sse_v3",
            "framing/line-separators@sse",
        ),
    ),
    (
        "A job that joins while the stream of another one ends is lost, on a healthy server too, and so is one whose "
        "first stream ended without a word about it.",
        (
            "stream/crossing-join@sse_v3",
            "stream/end-without-a-word@sse_v3",
            "stream/close-stream-early@sse_v3",
        ),
    ),
    (
        "What the server says of the whole session is not told: `unexpected_error` ends in a `KeyError`, or in an "
        "empty `CancelledError`.",
        ("stream/unexpected-error@sse_v3", "stream/session-not-found@sse_v3"),
    ),
    (
        "Messages that are not known end the job in a `KeyError`; `process_streaming` is one of them.",
        ("message/streaming@sse_v3", "message/unknown@sse"),
    ),
    (
        "Differences are applied by index alone: those of servers before 5.49 leave who iterates waiting for ever, "
        "those of nested lists give wrong values, and one that cannot be applied ends the job, though the completion "
        "holds the right value.",
        (
            "diff/old-deletes@sse_v3",
            "diff/nested-deletes@sse_v3",
            "diff/out-of-range@sse_v3",
            "diff/no-list@sse_v3",
        ),
    ),
    (
        "Who iterates over a job that fails behind some values gets these, and no error.",
        ("value/failed-after-values@sse_v3",),
    ),
    (
        "A failure whose output has the key `message` or `self` ends in a `TypeError` in place of the app's error.",
        ("failure/extra-keys@sse_v3",),
    ),
    (
        "A queue that was stopped is told as one that is full, to be tried again; a 422 of the server itself is told "
        "without a word of what is wrong.",
        ("join/queue-stopped@sse_v3", "join/invalid@sse_v3"),
    ),
    (
        "Cookies that were set for https only are sent over http, those that were taken back are sent all the same, "
        "and one that is none ends the connection in a `KeyError`.",
        ("cookie/secure@sse_v3", "cookie/deleted@sse_v3", "cookie/odd@sse_v3"),
    ),
    (
        "A message that does not end, a head that drips in and informational responses without end are waited for "
        "without end; a compressed config and the edits of a difference grow without bound.",
        (
            "message/endless@sse_v3",
            "config/drip@sse_v3",
            "config/informational-for-ever@sse_v3",
            "config/compressed-bomb@sse_v3",
            "diff/growth@sse_v3",
        ),
    ),
    (
        "An app of Gradio 3.36 makes the client turn to another host than the app's, which could not be reached here.",
        ("config/version-newline-ws@ws",),
    ),
    (
        "An answer to an upload that names more files than there were, or a number, is taken for right.",
        ("upload/too-many@sse_v3", "upload/numbers@sse_v3"),
    ),
)
"""What stands out: a sentence, and cases that show it. A test holds that each of these is in the data as wrong."""

INTRODUCTION = """\
# The official Python client on the hostile server

What the official client, `{client}`, makes of every scenario of the
[client tester](../howto/conformance-clients.md). It is a record, made by a program: to repeat it, run

    make servers
    .venv/bin/python docs/findings/make_official_client.py

One scenario by itself, with all that the client has asked of the server:

    gradio-proto conformance client --persistent --select 'framing/comments@sse_v3' \\
        --command '.servers/{client}/bin/python \\
                   gradio_proto/conformance/clients/runners/official.py --persistent'

The data behind this page are [official-client.json](official-client.json). Each case had {timeout:g} seconds. Our own
clients pass all of them, which `tests/test_conformance_clients.py` holds.

The client does not speak `ws`, and says so (`Unknown protocol: ws`): on that generation it passes what must end in an
error, and fails the rest, so its line below says nothing about WebSockets.

| generation | pass | warn | fail |
|---|---|---|---|
"""


def run() -> None:
    """Run everything, and write the data."""
    command = [
        str(ROOT / ".servers" / CLIENT / "bin" / "python"),
        str(ROOT / "gradio_proto" / "conformance" / "clients" / "runners" / "official.py"),
        "--persistent",
    ]
    data = report_data(run_client(command, persistent=True, timeout=TIMEOUT, jobs=6))
    results = [{key: result[key] for key in KEPT} for result in data["results"]]
    lines = ",\n".join(json.dumps(result) for result in results)
    DATA.write_text(f'{{"client": "{CLIENT}", "timeout": {TIMEOUT}, "results": [\n{lines}\n]}}\n', "utf-8")


def page(data: dict[str, Any]) -> str:
    """The page, made of the data."""
    counts: dict[str, Counter[str]] = {}
    for result in data["results"]:
        counts.setdefault(result["generation"], Counter())[result["verdict"]] += 1
    rows = (
        f"| `{generation}` | {found['pass']} | {found['warn']} | {found['fail']} |"
        for generation, found in sorted(counts.items(), key=lambda item: (item[0] != "ws", item[0]))
    )
    findings = (f"- {sentence} ({', '.join(f'`{case}`' for case in cases)})" for sentence, cases in FINDINGS)
    return "\n".join(
        [
            INTRODUCTION.format(client=data["client"], timeout=data["timeout"]) + "\n".join(rows),
            "",
            "## What stands out",
            "",
            *findings,
            "",
            "## Every scenario",
            "",
            "Where generations differ, each outcome is followed by those that it is of.",
            "",
            table(SCENARIOS, data["results"]),
            "",
        ]
    )


if __name__ == "__main__":
    if "--page" not in sys.argv:
        run()
    PAGE.write_text(page(json.loads(DATA.read_text("utf-8"))), "utf-8")
