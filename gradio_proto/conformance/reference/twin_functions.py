"""What the endpoints of the reference app do, written for the embedded server: see ``twin.py``.

They stand in the order of ``app.py``, and have the parameters and the docstrings of the functions there, since both are
in the API info.
"""

from __future__ import annotations

import io
import math
import wave
from collections.abc import Iterator
from typing import Any, Final

from gradio_proto.testing import Context, Error, File, update, validate

STEP: Final = 0.02
"""Seconds between the values of a generator, as on the real app."""


def echo(x: Any) -> Any:
    return x


def calc(a: float, op: str, b: float) -> tuple[float, str]:
    result = {"add": a + b, "sub": a - b, "mul": a * b}[op]
    return result, f"{a} {op} {b} = {result}"


def count(n: float, *, context: Context) -> Iterator[int]:
    for i in range(int(n)):
        context.sleep(STEP)
        yield i


def stream(t: str, *, context: Context) -> Iterator[str]:
    text = ""
    for word in t.split():
        text += word + " "
        context.sleep(STEP)
        yield text


def jsonstream(n: float, *, context: Context) -> Iterator[Any]:
    """Values whose differences need every kind of edit: add, append, replace, delete."""
    items: list[dict[str, Any]] = []
    for i in range(int(n)):
        items.append({"i": i, "s": "x" * i})
        context.sleep(STEP)
        yield {"items": items, "done": False, "n": i}
    yield {"items": items[1:], "done": True}


def progress(n: float, *, context: Context) -> str:
    context.progress(0.0, "begin")
    for i in range(int(n)):
        context.sleep(0.1)
        context.progress((i + 1, int(n)), f"step {i}")
    for i in range(int(n)):
        context.progress((i, int(n)), "tq")
        context.sleep(0.1)
    return "done"


def fail(x: str) -> str:
    raise Error(f"bad thing: {x}")


def crash(x: str) -> str:
    raise ValueError(f"crashed: {x}")


def gen_fail(n: float, *, context: Context) -> Iterator[int]:
    yield from count(n, context=context)
    raise Error("gen failed")


def gen_crash(n: float, *, context: Context) -> Iterator[int]:
    yield from count(n, context=context)
    raise ValueError("gen crashed")


def _shouted(given: File) -> File:
    return File(f"out {given.name}", given.data.upper())


def file(f: File | None) -> File | None:
    return None if f is None else _shouted(f)


def files(fs: list[File] | None) -> list[File]:
    return [_shouted(f) for f in fs or []]


def growing_file(text: str) -> Iterator[File]:
    for times in (1, 2, 3):
        yield File(f"part {times}.txt", (text * times).encode())


def shrink(n: float, *, context: Context) -> Iterator[list[str]]:
    """A list that loses and gains elements; each difference of it deletes or adds some."""
    letters = ["a", "b", "c", "d"][: int(n)]
    for kept in (letters, letters[:1], letters, letters[:2], []):
        context.sleep(STEP)
        yield kept


def state(text: str, words: list[str]) -> tuple[int, list[str]]:
    words.extend(text.split())  # in place, so that a server that shares a first value is found out
    return len(words), words


def slow(sec: float, *, context: Context) -> str:
    context.sleep(sec)
    return f"slept {sec}"


def nap(sec: float, *, context: Context) -> str:
    return slow(sec, context=context)


def slow_gen(n: float, delay: float, *, context: Context) -> Iterator[int]:
    for i in range(int(n)):
        yield i
        context.sleep(delay)


def replay(values: list[Any], *, context: Context) -> Iterator[Any]:
    """Yield each of these."""
    for value in values:
        context.sleep(STEP)
        yield value


def batch(xs: list[str], *, context: Context) -> list[list[str]]:
    context.sleep(STEP)
    return [[x.upper() for x in xs]]


def none(x: str) -> None:
    return None


def special(x: str) -> Any:
    """What a transport may get wrong: odd numbers, a large value, line separators, half a surrogate pair."""
    values: dict[str, Any] = {
        "nan": {"a": math.nan, "b": math.inf, "c": -math.inf},
        "bare nan": math.nan,
        "big": {"s": "é€😀" * 200_000},
        "unicode": {"s": "é€😀\u2028\u2029\u0085\0\r\n\x1f"},
        "lone": {"s": "\ud800"},
        "deep": {"a": [[[[{"b": [1, None, True, "x", {}]}]]]]},
    }
    return values[x]


def updated(x: str) -> Any:
    return update(value=x, label=f"new {x}", visible=True)


def ls(folder: Any) -> list[dict[str, Any]]:
    """What is in a folder, as a FileExplorer tells it."""
    return [{"name": "kinds.py", "type": "file", "valid": True}]


def req(*, context: Context) -> Any:
    return {
        "headers": context.request_headers,
        "qp": context.query_params,
        "username": context.username,
        "session_hash": context.session_hash,
        # Not in the real app, where a function that has not asked for it has no way to see it.
        "oauth_token": context.oauth_token,
    }


def seldata(*, context: Context) -> Any:
    data: Any = context.event_data
    return {"index": data["index"], "value": data["value"]}


def granted(x: str, *, context: Context) -> str:
    return f"{x}:{context.oauth_token}"


# The real one calls the last two `api_name` and `fn_index`, and then Gradio calls them this to its clients.
def awkward(headers: str, param_1: str, param_2: float) -> str:
    return f"{headers}|{param_1}|{param_2:g}"


def check(a: float, b: str) -> list[Any]:
    return [validate(a >= 0, "a must be positive"), validate(len(b) > 0, "b must not be empty")]


def validated(a: float, b: str) -> str:
    return f"{a}{b}"


def frames(frame: File | None, t: str) -> str:
    return f"{t} {None if frame is None else _size(frame.data)}"


def _size(png: bytes) -> tuple[int, int]:
    """The width and the height of a PNG, which stand at the same place in all."""
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def gather(word: str, sec: float, words: list[str], *, context: Context) -> tuple[str, list[str]]:
    """All chunks so far; each takes so long."""
    if word == "fail":
        raise Error("gather failed")
    context.sleep(sec)
    words = [*words, word]
    return " ".join(words), words


def tone(n: float) -> Iterator[bytes]:
    """Pieces of sound, each a WAV file of a tenth of a second."""
    for _ in range(int(n)):
        piece = io.BytesIO()
        with wave.open(piece, "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(2)
            writer.setframerate(8000)
            writer.writeframes(b"\0\x10" * 800)
        yield piece.getvalue()


def nothing() -> None:
    return None
