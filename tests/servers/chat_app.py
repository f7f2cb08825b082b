"""Chats on a real Gradio, each an app of its own: run by tests/test_real_chat.py, in a Python that has that Gradio.

.servers/6.31.0/bin/python chat_app.py 7860
"""

from __future__ import annotations

import sys
import time

import gradio as gr
import uvicorn
from fastapi import FastAPI

MAJOR = int(gr.__version__.split(".")[0])
MESSAGES = {"type": "messages"} if MAJOR in (4, 5) else {}
"""What makes a chat one of messages, where there are two kinds."""
USUAL = MESSAGES if MAJOR == 5 else {}
"""What kind an author of that version is told to take."""


def answer(message, history):
    """Say how much of the conversation is known, word by word."""
    files = "" if isinstance(message, str) else f" with {len(message.get('files', []))} files"
    for text in (f"{len(history)}", f"{len(history)} before{files}"):
        yield text
        time.sleep(0.05)


def forever(message, history):
    """Say so as well, and more and more."""
    for count in range(200):
        yield f"{len(history)}" + " more" * count
        time.sleep(0.02)


def ponder(message, history):
    """Think, and then say it."""
    thought = {"role": "assistant", "content": "hm", "metadata": {"title": "Thinking"}}
    return [thought, {"role": "assistant", "content": "42"}]


def chatbot(**options):
    """An app with the history as an argument, which it gives back."""
    with gr.Blocks() as demo:
        history = gr.Chatbot(**options)
        gr.Button().click(lambda value: value, history, history, api_name="echo")
    return demo


def main() -> None:
    """Serve all of them on the port that the command line names."""
    demos = {
        "answer": gr.ChatInterface(answer, **USUAL),
        "forever": gr.ChatInterface(forever, **USUAL),
        "messages" if MAJOR >= 6 else "tuples": chatbot(),
    }
    if MAJOR in (4, 5):
        demos["messages"] = chatbot(**MESSAGES)
    if MAJOR >= 4:
        demos["look"] = gr.ChatInterface(answer, multimodal=True, **USUAL)
    if MAJOR >= 5:
        demos["ponder"] = gr.ChatInterface(ponder, **USUAL)
    app = FastAPI()
    for name, demo in demos.items():
        app = gr.mount_gradio_app(app, demo.queue(), path=f"/{name}")
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error")


if __name__ == "__main__":
    main()
