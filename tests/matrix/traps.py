"""What a client may stumble over (section 15 of the description of the protocol), and where that is tested."""

from __future__ import annotations

TRAPS: dict[int, str] = {
    1: "a stream that is opened before the join; an end of the stream while a job is open",
    2: "bodies that end without their last chunk",
    3: "two readers of one stream; a stream that breaks off takes the jobs of its session with it",
    4: "one function twice at once in a session; what ends one job ends its siblings",
    5: "`close_stream`, or no such word before 4.22",
    6: "a completion without `data`; messages after it",
    7: "four forms of heartbeat, and none on `ws` and 4.0",
    8: "line separators that end no line",
    9: "events of megabytes",
    10: "half a surrogate pair",
    11: "NaN and Infinity, and whole numbers that come back as floats",
    12: "`/run` gives JSON as a Python repr on 5.49",
    13: "None, updates and files are told by their shape",
    14: "defaults and names that servers do not fill in, or do not tell",
    15: "errors that are plain text, or a traceback",
    16: "quotes around the text of a gr.Error",
    17: "a version with a line break at its end",
    18: '`null`, `"None"` and `""` as the text of an error',
    19: "the order and the names of uploaded files; 413 in plain text",
    20: "routes that change their method between generations",
    21: "response heads that take seconds",
    22: "the query of the page",
    23: "slashes at the end of routes",
    24: "the case of header names",
    25: "close codes of WebSockets",
    26: "routes that say success to nonsense",
    27: "estimates that are null",
    28: "a config of 100 KB that alone knows the numbers of functions",
    29: "what stands before an app",
    30: "apps without a queue",
}

ELSEWHERE: dict[int, str] = {
    22: "tests/test_urls.py (no query of the caller's is sent on)",
}
"""Tests of what no server of the matrix would show."""
