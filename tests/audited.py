"""A program that is a client, and that tells everything its interpreter audits: files, sockets, programs, code.

``audited.py WAY LOG`` reads orders from standard input, one a line, and answers each with a line, as the command of the
conformance tester for clients does; an order with ``"life"`` is a whole life of a client (see :func:`live`). What the
interpreter audits meanwhile is written to LOG: an order as ``["order", ...]``, and each event as ``[event, arguments,
whether a module was being loaded]``. An audit hook cannot be taken away again, so this needs a process of its own.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import trio  # not audited: it asks for the C library when it is loaded, which is its own affair

SILENT = (
    *("sys._getframe", "object.__getattr__", "object.__setattr__", "builtins.id", "sys.set_asyncgen_hook"),
    *("_thread.start", "time.sleep"),
)
"""Events, by their beginnings, of which there are thousands, and which touch nothing beyond the interpreter."""


def loading() -> bool:
    """Whether a module is being loaded: Python's own machinery for that is under way."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def shown(argument: object) -> Any:
    """An argument of an event, for JSON."""
    if isinstance(argument, bytes):
        return argument.decode("utf-8", "replace")
    if isinstance(argument, tuple | list):
        return [shown(part) for part in argument]
    return argument if isinstance(argument, str | int | float | None) else f"<{type(argument).__name__}>"


def note(log: int, *what: Any) -> None:
    """Write a line. Neither this nor the descriptor it goes to is audited."""
    os.write(log, json.dumps(what).encode() + b"\n")


def audit(log: int) -> None:
    """Have everything noted from now on."""
    noting = False

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal noting
        if noting or event.startswith(SILENT):
            return
        noting = True
        try:
            note(log, event, shown(arguments), loading())
        finally:
            noting = False

    sys.addaudithook(watch)


async def live(way: Any, order: dict[str, Any]) -> dict[str, Any]:
    """All that a client does: it logs in, calls with files, reads a generator, streams an input, fails, and closes."""
    from gradio_proto import GradioError, handle_file

    given, directory, bait = order["given"], order["directory"], order["bait"]
    data = {"path": bait, "orig_name": "x", "meta": {"_type": "gradio.FileData"}}
    paths: list[Any] = []
    failures: list[str] = []
    client = await way.open(
        order["url"],
        transport=way.transport,
        auth=("ada", "open sesame"),
        token="hf_token",
        download_files=directory,
    )
    try:
        with Path(order["stream"]).open("rb") as reader:  # noqa: ASYNC230 - as quick as any
            for file in (handle_file(given), handle_file(reader), handle_file(b"bytes", name="b.txt")):
                paths.append(await client.predict(file, api_name="/copy"))
        job = await client.submit([handle_file(given), handle_file(b"c", name="c")], api_name="/copies")
        paths += await job.result()
        outputs = [output async for output in await client.submit(3, api_name="/count")]
        job = await client.submit("a", api_name="/gather")
        async for _ in job:
            await job.close_stream()
        for value in (bait, data, {**data, "url": f"file://{bait}"}, {**data, "is_stream": True}, None):
            for api_name in ("/copy", "/json"):
                try:
                    await client.predict(value, api_name=api_name)
                except GradioError as error:
                    failures.append(type(error).__name__)
        calls: list[Callable[[], Any]] = [
            lambda: client.predict(api_name="/copy"),  # its default names a file of this machine
            lambda: client.predict(handle_file(order["missing"]), api_name="/copy"),
            lambda: client.predict("x", api_name="/fail"),
        ]
        for call in calls:
            try:
                await call()
            except GradioError as error:
                failures.append(type(error).__name__)
        await client.predict(await client.predict(data, api_name="/json"), api_name="/json")
        job = await client.submit(1000, api_name="/count")
        await job.cancel()
        await client.view_api(print_info=False)
        await client.refresh()
        await client.reset_session()
        assert outputs == [0, 1, 2]
    finally:
        await client.close()
    return {"paths": paths, "failures": failures}


def answer(name: str, order: dict[str, Any]) -> dict[str, Any]:
    """Do what an order says."""
    if "life" in order:
        from ways import Asyncio, Sockets, Trio

        way = {"blocking": Sockets, "trio": Trio, "asyncio": Asyncio}[name]()
        result: dict[str, Any] = way.run(lambda: live(way, order["life"]))
        return result
    if name == "blocking":
        from gradio_proto.conformance.clients.runners import blocking

        return blocking.answer(order)
    if name == "trio":
        from gradio_proto.conformance.clients.runners import on_trio

        return trio.run(on_trio.answer, order)
    import asyncio

    from gradio_proto.conformance.clients.runners import on_asyncio

    return asyncio.run(on_asyncio.answer(order))


def main() -> None:
    """Answer orders."""
    _, name, path = sys.argv
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    audit(log)
    for line in sys.stdin:
        order = json.loads(line)
        note(log, "order", order)
        sys.stdout.write(f"{json.dumps(answer(name, order))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
