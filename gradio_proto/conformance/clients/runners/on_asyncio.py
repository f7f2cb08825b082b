"""Make the calls of the conformance tester with :class:`gradio_proto.AsyncClient`, on asyncio.

python on_asyncio.py --persistent    reads an order a line, and prints an answer a line
python on_asyncio.py                 takes one order from the environment
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from gradio_proto.client import AsyncClient, handle_file
from gradio_proto.timeouts import Timeouts

PLAIN = ("url", "api_name", "token")
NAMES = (*PLAIN, "data", "calls", "stream", "timeout", "headers")


def from_environment() -> dict[str, Any]:
    """The order in the environment, as a persistent command would read it."""
    given = {
        name: os.environ[f"GRADIO_{name.upper()}"] for name in NAMES if f"GRADIO_{name.upper()}" in os.environ
    }
    return {name: value if name in PLAIN else json.loads(value) for name, value in given.items()}


def is_file(value: Any) -> bool:
    """Whether an argument stands for a file."""
    return isinstance(value, dict) and "$file" in value


def argument(value: Any) -> Any:
    """An argument; a file stands as ``{"$file": path}``."""
    return handle_file(value["$file"]) if is_file(value) else value


def told(error: BaseException) -> dict[str, Any]:
    """An error, as the tester wants it."""
    return {"error": str(error), "type": type(error).__name__}


async def result(job: Any, is_stream: bool) -> dict[str, Any]:
    """What came out of a job."""
    try:
        return {"values": [value async for value in job]} if is_stream else {"value": await job.result()}
    except Exception as error:
        return told(error)


async def answer(order: dict[str, Any]) -> dict[str, Any]:
    """Make the calls of an order, all at once, with one client."""
    seconds = order.get("timeout")
    timeouts = Timeouts()
    if seconds is not None:
        timeouts = Timeouts(connect=seconds, read=seconds, write=seconds, idle=seconds, total=seconds)
    try:
        async with AsyncClient(
            order["url"],
            token=order.get("token"),
            headers=order.get("headers"),
            timeouts=timeouts,
            download_files=order.get("scratch", True),
        ) as client:
            jobs = [
                await client.submit(*map(argument, call["data"]), api_name=call["api_name"])
                for call in order.get("calls", [order])
            ]
            waiting = (result(job, order.get("stream", False)) for job in jobs)
            results = await asyncio.gather(*waiting)
    except Exception as error:
        return told(error)
    return {"results": results} if "calls" in order else results[0]


def say(answer: dict[str, Any]) -> None:
    """Print an answer."""
    sys.stdout.write(f"{json.dumps(answer)}\n")
    sys.stdout.flush()


def main() -> None:
    """Answer orders."""
    if "--persistent" not in sys.argv:
        say(asyncio.run(answer(from_environment())))
        return
    for line in sys.stdin:
        say(asyncio.run(answer(json.loads(line))))


if __name__ == "__main__":
    main()
