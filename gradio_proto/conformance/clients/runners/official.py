"""Make the calls of the conformance tester with the official client, ``gradio_client``.

python official.py --persistent    reads an order a line, and prints an answer a line
python official.py                 takes one order from the environment

It runs on a Python that has ``gradio_client``, and needs nothing else.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

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


def told(error: BaseException) -> dict[str, Any]:
    """An error, as the tester wants it. (The client has one that derives from BaseException: CancelledError.)"""
    return {"error": str(error), "type": type(error).__name__}


def result(job: Any, order: dict[str, Any]) -> dict[str, Any]:
    """What came out of a job."""
    try:
        if order.get("stream"):
            return {"values": list(job)}
        return {"value": job.result(timeout=order.get("timeout"))}
    except BaseException as error:
        return told(error)


def answer(order: dict[str, Any]) -> dict[str, Any]:
    """Make the calls of an order, all at once, with one client."""
    official: Any = importlib.import_module("gradio_client")

    def argument(value: Any) -> Any:
        return official.handle_file(value["$file"]) if is_file(value) else value

    options: dict[str, Any] = {"verbose": False, "analytics_enabled": False, "headers": order.get("headers")}
    if order.get("token"):
        options["token"] = order["token"]
    if order.get("timeout"):
        options["httpx_kwargs"] = {"timeout": order["timeout"]}
    try:
        client = official.Client(order["url"], download_files=order.get("scratch", True), **options)
        jobs = [
            client.submit(*map(argument, call["data"]), api_name=call["api_name"])
            for call in order.get("calls", [order])
        ]
        results = [result(job, order) for job in jobs]
    except BaseException as error:
        return told(error)
    return {"results": results} if "calls" in order else results[0]


def say(answer: dict[str, Any]) -> None:
    """Print an answer."""
    sys.stdout.write(f"{json.dumps(answer, default=str)}\n")
    sys.stdout.flush()


def main() -> None:
    """Answer orders."""
    if "--persistent" not in sys.argv:
        say(answer(from_environment()))
        os._exit(0)  # its threads may wait for ever
    for line in sys.stdin:
        say(answer(json.loads(line)))
    os._exit(0)


if __name__ == "__main__":
    main()
