"""Event streams, as the standard has them and as proxies make them."""

from __future__ import annotations

import json
from typing import Final

from ..model import Value
from ..steps import Bare, Close, End, Head, Pieces, Talk, begun, completed
from .build import EDGES, EITHER, ERROR, HTML, STREAMS, WELL, WELL_OR_ERROR, page, scenario, text

STANDARD: Final = ("message/framing/standard",)
CHUNKS: Final = ("message/framing/chunks",)
DONE: Final = completed("well")


def lines(ends: str, *, before: str = "", spread: bool = False) -> Talk:
    """A healthy talk whose completion is written with other ends of lines, or over several of them."""
    fields = {**DONE.fields, "event_id": f"{1:032x}"}
    words = json.dumps(fields, indent=1).split("\n") if spread else [json.dumps(fields)]
    body = "".join(f"data: {word}{ends}" for word in words)
    return (*begun(), text(f"{before}{body}{ends}"))


SCENARIOS: Final = (
    scenario(
        "framing/comments",
        "Comments stand before an event, within it and between two.",
        (text(": hello\n\n:\n"), *begun(), text(":within\n"), DONE, text(": and behind\n\n")),
        requirements=STANDARD,
        generations=STREAMS,
    ),
    scenario(
        "framing/long-comment",
        "A comment of a megabyte, as padding against buffers, stands before the events.",
        (text(":" + " " * 2**20 + "\n\n"), *WELL),
        requirements=STANDARD,
        generations=EDGES,
    ),
    scenario(
        "framing/event-lines",
        "Each event has a name, in a line `event:`.",
        (*begun(), text("event: message\n"), DONE),
        requirements=STANDARD,
        generations=STREAMS,
    ),
    scenario(
        "framing/id-lines",
        "Each event has an `id:` line, as a proxy gives it.",
        (text("id: 1\n"), *begun(), text("id: 2\n"), DONE),
        requirements=STANDARD,
        generations=STREAMS,
    ),
    scenario(
        "framing/retry-lines",
        "The stream begins with a `retry:` line.",
        (text("retry: 1\n\n"), *WELL),
        requirements=STANDARD,
        generations=STREAMS,
    ),
    scenario(
        "framing/unknown-lines",
        "Lines of fields that the standard does not know stand in an event.",
        (*begun(), text("colour: blue\nnothing\n"), DONE),
        requirements=STANDARD,
        generations=EDGES,
    ),
    scenario(
        "framing/crlf",
        "Lines end with CR LF.",
        lines("\r\n", before="\r\n"),
        requirements=(*STANDARD, "message/framing/line-ends"),
        generations=STREAMS,
    ),
    scenario(
        "framing/cr",
        "Lines end with CR.",
        lines("\r", before="\r"),
        requirements=(*STANDARD, "message/framing/line-ends"),
        generations=STREAMS,
    ),
    scenario(
        "framing/crlf-cut",
        "Lines end with CR LF, and a piece of the body ends between the two.",
        (Pieces(1), *lines("\r\n")),
        requirements=(*STANDARD, *CHUNKS),
        generations=EDGES,
    ),
    scenario(
        "framing/byte-order-mark",
        "The stream begins with a byte order mark.",
        (text(b"\xef\xbb\xbf"), *WELL),
        requirements=STANDARD,
        generations=STREAMS,
    ),
    scenario(
        "framing/data-lines",
        "A message is spread over several `data:` lines.",
        lines("\n", spread=True),
        requirements=STANDARD,
        generations=STREAMS,
    ),
    scenario(
        "framing/no-space",
        "No space stands behind `data:`.",
        (*begun(), text("data:" + json.dumps({**DONE.fields, "event_id": f"{1:032x}"}) + "\n\n")),
        requirements=STANDARD,
        generations=STREAMS,
    ),
    scenario(
        "framing/blank-lines",
        "More blank lines than one stand between two events.",
        (text("\n\n\n"), *begun(), text("\n\n\n"), DONE),
        requirements=STANDARD,
        generations=STREAMS,
    ),
    scenario(
        "framing/bytewise-chunks",
        "Every byte of the body is an HTTP chunk of its own.",
        (Pieces(1), *WELL),
        requirements=CHUNKS,
        generations=STREAMS,
    ),
    scenario(
        "framing/bytewise",
        "Every byte is sent by itself, those of the head and of chunk sizes too.",
        (Pieces(1, "connection"), *WELL),
        requirements=CHUNKS,
        generations=STREAMS,
    ),
    scenario(
        "framing/one-chunk",
        "All events come in one HTTP chunk.",
        (
            text(
                "".join(
                    f"data: {json.dumps({**step.fields, 'event_id': f'{1:032x}'})}\n\n"
                    for step in (*begun(), DONE)
                )
            ),
        ),
        requirements=CHUNKS,
        generations=STREAMS,
    ),
    scenario(
        "framing/chunk-extensions",
        "The chunks have extensions, and the last one has trailers.",
        (*WELL, Bare(b'0;name="value"\r\nx-trailer: yes\r\n\r\n')),
        requirements=CHUNKS,
        generations=EDGES,
        ending=False,
    ),
    scenario(
        "framing/until-close",
        "The body has no chunks, and ends with the connection.",
        (Head(framing="close"), *WELL),
        requirements=CHUNKS,
        generations=STREAMS,
    ),
    scenario(
        "framing/content-type",
        "The type of the stream is written in another case, with a charset.",
        (Head(headers=(("Content-Type", "Text/Event-Stream;charset=UTF-8"),)), *WELL),
        requirements=("message/framing/type",),
        generations=STREAMS,
    ),
    scenario(
        "framing/page",
        "A page of HTML with status 200 comes in place of the stream.",
        (page(),),
        requirements=("message/framing/type", "security/bounds/typed"),
        generations=STREAMS,
        expected=ERROR,
    ),
    scenario(
        "framing/no-stream",
        "A JSON object comes in place of the stream.",
        (Head(headers=(("content-type", "application/json"),)), text("{}"), End()),
        requirements=("message/framing/type",),
        generations=STREAMS,
        expected=ERROR,
    ),
    scenario(
        "framing/line-separators",
        "U+2028, U+2029, U+0085, VT and FF stand in a message as they are.",
        (
            *begun(),
            text(
                "data: "
                + json.dumps(
                    {**completed("a\u2028b\u2029c\x85d").fields, "event_id": f"{1:032x}"},
                    ensure_ascii=False,
                )
                + "\n\n"
            ),
        ),
        requirements=("message/framing/line-ends", "generations/json/escapes"),
        generations=STREAMS,
        expected=(Value("a\u2028b\u2029c\x85d"),),
    ),
    scenario(
        "framing/raw-utf-8",
        "Text beyond ASCII comes as it is, cut within its letters.",
        (
            *begun(),
            Pieces(1),
            text(
                "data: "
                + json.dumps({**completed("süß 😀 漢字").fields, "event_id": f"{1:032x}"}, ensure_ascii=False)
                + "\n\n"
            ),
        ),
        requirements=("generations/json/escapes", *CHUNKS),
        generations=STREAMS,
        expected=(Value("süß 😀 漢字"),),
    ),
    scenario(
        "framing/bad-utf-8",
        "A message holds bytes that are no UTF-8.",
        (*begun(), text(b'data: {"msg": "log", "log": "\xff\xfe", "level": "info"}\n\n'), DONE),
        requirements=("security/bounds/typed",),
        generations=EDGES,
        expected=EITHER,
    ),
    scenario(
        "framing/unfinished-event",
        "The body ends in the middle of the completion, without the blank line.",
        (*begun(), text("data: " + json.dumps({**DONE.fields, "event_id": f"{1:032x}"})), End()),
        requirements=("security/bounds/typed",),
        generations=EDGES,
        expected=WELL_OR_ERROR,
    ),
    scenario(
        "framing/bad-chunk",
        "A chunk has a size that is no number.",
        (*begun(), Bare(b"zz\r\n" + HTML + b"\r\n"), Close()),
        requirements=("security/bounds/typed",),
        generations=EDGES,
        expected=ERROR,
    ),
    scenario(
        "framing/gzip",
        "The stream says that it is compressed, though nobody has asked for that, and is not.",
        (Head(headers=(("content-type", "text/event-stream"), ("content-encoding", "gzip"))), *WELL),
        requirements=("security/bounds/typed",),
        generations=EDGES,
        expected=WELL_OR_ERROR,
    ),
)
