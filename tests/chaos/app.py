"""The app behind the chaos proxy, twice: run by a Python that has Gradio, with the reference app's command line.

Every function is called with the name of its call, and counts under that how often it has run: ``/ran`` tells. At
``/plain`` a client may change its session when it likes; at ``/state`` the app keeps State, so that clients keep their
session, and a heartbeat.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import threading
from collections import Counter
from typing import Any

# Set before the import: Gradio reads them while it is imported, and the tests run without a network.
os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1", GRADIO_SERVER_NAME="127.0.0.1")

import gradio as gr
import uvicorn
from fastapi import FastAPI

RAN: Counter[str] = Counter()


async def answer(name: str, seconds: float) -> str:
    RAN[name] += 1
    await asyncio.sleep(seconds)
    return f"{name} is answered"


async def steps(name: str, count: float) -> Any:
    RAN[name] += 1
    text = name
    for step in range(int(count)):
        text += f" {step}"  # which is told as a difference: one that is missed spoils the rest
        yield text
        await asyncio.sleep(0.02)


def shout(name: str, path: str) -> str:
    RAN[name] += 1
    target = os.path.join(tempfile.mkdtemp(), "shouted.txt")
    with open(path, "rb") as reader, open(target, "wb") as writer:
        writer.write(reader.read().upper())
    return target


def ran() -> dict[str, int]:
    return dict(RAN)


def build(*, has_state: bool) -> gr.Blocks:
    with gr.Blocks(analytics_enabled=False, title="chaos") as demo:
        if has_state:
            gr.State([])
        text, number, file_in = gr.Textbox(), gr.Number(), gr.File(type="filepath")
        text_out, file_out, json_out = gr.Textbox(), gr.File(), gr.JSON()
        for function, inputs, output in (
            (answer, [text, number], text_out),
            (steps, [text, number], text_out),
            (shout, [text, file_in], file_out),
            (ran, None, json_out),
        ):
            gr.Button().click(function, inputs, output, api_name=function.__name__, concurrency_limit=None)
    return demo


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--mount", required=True, help="one of the two paths, at which it is asked whether it is there"
    )
    parser.add_argument("--exit-with-parent", action="store_true")
    options = parser.parse_args(arguments)
    if options.exit_with_parent:

        def watch() -> None:
            while os.read(0, 1):
                pass
            os._exit(0)

        threading.Thread(target=watch, daemon=True).start()
    app = FastAPI()
    for path in ("/plain", "/state"):
        demo = build(has_state=path == "/state").queue(max_size=None)
        app = gr.mount_gradio_app(app, demo, path=path)
    uvicorn.run(app, port=options.port, log_level="error")


if __name__ == "__main__":
    main()
