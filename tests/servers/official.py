"""Make calls with the official client, for a test that compares our results with its.

    .servers/gradio_client-2.7.2/bin/python official.py http://127.0.0.1:7860 DIRECTORY < calls.json

A call is an object with the optional keys ``api_name``, ``fn_index``, ``args``, ``kwargs``, ``outputs`` (all the
values of a generator are asked for) and ``follows`` (it needs the State of the call before). They are made one after
the other, with one client, which downloads to DIRECTORY; the list of what they returned is printed. In both lists
``{"$file": ...}`` stands for a file: its path in an argument, ``{"name": ..., "sha256": ...}`` in a result. A call
that raised has the result ``{"$error": [its exception's class, and those that it derives from], "message": ...}``.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def with_files(value: Any, handle_file: Callable[[str], Any]) -> Any:
    """The arguments of a call, with what the client at hand takes for a file in place of each marker."""
    if isinstance(value, dict):
        if value.keys() == {"$file"}:
            return handle_file(value["$file"])
        return {key: with_files(entry, handle_file) for key, entry in value.items()}
    return [with_files(item, handle_file) for item in value] if isinstance(value, list) else value


def without_paths(value: Any, directory: Path) -> Any:
    """A result in JSON, with a marker for each path below `directory`."""
    if isinstance(value, dict):
        return {key: without_paths(entry, directory) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without_paths(item, directory) for item in value]
    if isinstance(value, str) and value.startswith(f"{directory}/"):
        path = Path(value)
        return {"$file": {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}}
    return value


def make_calls(
    client: Any, handle_file: Callable[[str], Any], calls: list[dict[str, Any]], directory: Path
) -> list[Any]:
    """The results of the calls, made with either client: what is used here they have in common."""
    results: list[Any] = []
    for call in calls:
        endpoint = {name: call[name] for name in ("api_name", "fn_index") if name in call}
        try:
            args = with_files(call.get("args", []), handle_file)
            kwargs = with_files(call.get("kwargs", {}), handle_file)
            job = client.submit(*args, **kwargs, **endpoint)
            result = job.result(timeout=30)
            if call.get("outputs"):
                result = job.outputs()
        except Exception as error:
            names = [kind.__name__ for kind in type(error).__mro__]
            result = {"$error": names, "message": getattr(error, "message", None) or str(error)}
        results.append(without_paths(result, directory))
    return results


def is_lost(result: Any) -> bool:
    """Whether the official client lost the job: it does, when a join is answered while a stream is being closed."""
    return isinstance(result, dict) and not {"CancelledError", "TimeoutError"}.isdisjoint(
        result.get("$error", ())
    )


def main() -> None:
    import gradio_client

    url, directory = sys.argv[1], Path(sys.argv[2]).resolve()
    options = {
        "download_files": directory,
        "ssl_verify": False,
        "verbose": False,
        "analytics_enabled": False,
        "serialize": False,  # releases of the time of Gradio 3 make files of values otherwise
    }
    known = inspect.signature(gradio_client.Client).parameters
    client = gradio_client.Client(url, **{name: options[name] for name in options.keys() & known.keys()})
    handle_file = getattr(gradio_client, "handle_file", str)
    groups: list[list[dict[str, Any]]] = []
    for call in json.load(sys.stdin):
        if call.get("follows"):
            groups[-1].append(call)
        else:
            groups.append([call])
    results: list[Any] = []
    for group in groups:
        made = make_calls(client, handle_file, group, directory)
        for _ in range(4):
            if not any(is_lost(result) for result in made):
                break
            client.reset_session()
            made = make_calls(client, handle_file, group, directory)
        results += made
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
