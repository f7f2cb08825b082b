"""One Gradio app with every kind of endpoint, for every version of Gradio from 3.36 on: the reference app.

    python app.py --port 7860 [--auth user:password] [--max-size N] [--hide-errors] [--root-path /path]

The conformance tester runs it where its user has no app, and this library's own tests run against it. It runs in the
server's own environment, so it imports Gradio, what that needs, and the standard library only (from Python 3.10 on).
What a version does not have (see the ``if VERSION`` lines) is left out there; everything else has the same name
and the same behaviour everywhere, so that a test can run over all versions. ``twin.py`` beside it is the same app for
the embedded server.
"""

from __future__ import annotations

import argparse
import inspect
import io
import math
import os
import tempfile
import threading
import time
import wave
from typing import Any

# Set before the import: Gradio reads them while it is imported, and the tests run without a network.
os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1", GRADIO_SERVER_NAME="127.0.0.1")

import gradio as gr
from kinds import VERSION, kinds, old_kinds

TITLE = "gradio_proto reference app"
"""By which the conformance tester knows that it has this app before it."""
STEP = 0.02
"""Seconds between the values of a generator: enough for each to travel by itself."""
TICKS: dict[str, int] = {}
"""How far each run of `tick` has come, by its name."""


def echo(x: Any) -> Any:
    return x


def calc(a: float, op: str, b: float) -> tuple[float, str]:
    result = {"add": a + b, "sub": a - b, "mul": a * b}[op]
    return result, f"{a} {op} {b} = {result}"


def count(n: float) -> Any:
    for i in range(int(n)):
        time.sleep(STEP)
        yield i


def stream(t: str) -> Any:
    text = ""
    for word in t.split():
        text += word + " "
        time.sleep(STEP)
        yield text


def chat(msg: str, history: Any) -> Any:
    """Type out an answer: a list of messages on Gradio 5 and 6, of pairs before."""
    history = list(history or [])
    answer = ""
    for letter in "Hello there":
        answer += letter
        time.sleep(STEP)
        if VERSION >= (5,):
            yield [
                *history,
                {"role": "user", "content": msg},
                {"role": "assistant", "content": answer},
            ]
        else:
            yield [*history, [msg, answer]]


def jsonstream(n: float) -> Any:
    """Values whose differences need every kind of edit: add, append, replace, delete."""
    items: list[dict[str, Any]] = []
    for i in range(int(n)):
        items.append({"i": i, "s": "x" * i})
        time.sleep(STEP)
        yield {"items": items, "done": False, "n": i}
    yield {"items": items[1:], "done": True}


# The default of `progress` is how Gradio finds out that the function reports progress.
def progress(n: float, progress: Any = gr.Progress()) -> str:  # noqa: B008
    progress(0.0, desc="begin")
    for i in range(int(n)):
        time.sleep(0.1)  # the server looks for news about every 50 ms, and sends the last state only
        progress((i + 1, int(n)), desc=f"step {i}")
    for _ in progress.tqdm(range(int(n)), desc="tq"):
        time.sleep(0.1)
    return "done"


def log(x: str) -> str:
    gr.Info(f"info {x}")
    time.sleep(STEP)
    if VERSION >= (5,):
        gr.Warning(f"warn {x}", duration=3, visible=False, title="My title")
    else:
        gr.Warning(f"warn {x}")
    if hasattr(gr, "Success"):
        time.sleep(STEP)
        gr.Success(f"ok {x}")
    time.sleep(STEP)
    return "logged"


def fail(x: str) -> str:
    raise gr.Error(f"bad thing: {x}")


def fail_titled(x: str) -> str:
    if VERSION >= (5,):
        raise gr.Error(f"titled: {x}", duration=None, visible=False, title="Oh no")
    raise gr.Error(f"titled: {x}")


def crash(x: str) -> str:
    raise ValueError(f"crashed: {x}")


def gen_fail(n: float) -> Any:
    yield from count(n)
    raise gr.Error("gen failed")


def gen_crash(n: float) -> Any:
    yield from count(n)
    raise ValueError("gen crashed")


def _shouted(given: Any) -> str:
    """A file of its own beside nothing else, called ``out <name>``, with the text in upper case."""
    source = getattr(given, "name", given)  # 3.x gives an open file, later versions its path
    target = os.path.join(tempfile.mkdtemp(), "out " + os.path.basename(source))
    with open(source, "rb") as reader, open(target, "wb") as writer:
        writer.write(reader.read().upper())
    return target


def growing_file(text: str) -> Any:
    for count in (1, 2, 3):
        target = os.path.join(tempfile.mkdtemp(), f"part {count}.txt")
        with open(target, "w", encoding="utf-8") as writer:
            writer.write(text * count)
        yield target


def file(f: Any) -> Any:
    return None if f is None else _shouted(f)


def files(fs: Any) -> Any:
    return [_shouted(f) for f in fs or []]


def image(im: Any) -> Any:
    return None if im is None else im.rotate(180)


def state(text: str, words: list[str]) -> tuple[int, list[str]]:
    words.extend(text.split())  # in place, so that a server that shares a first value is found out
    return len(words), words


def slow(sec: float) -> str:
    time.sleep(sec)
    return f"slept {sec}"


def shrink(n: float) -> Any:
    """A list that loses and gains elements; each difference of it deletes or adds some."""
    letters = ["a", "b", "c", "d"][: int(n)]
    for kept in (letters, letters[:1], letters, letters[:2], []):
        time.sleep(STEP)
        yield kept


def slow_gen(n: float, delay: float) -> Any:
    for i in range(int(n)):
        yield i
        time.sleep(delay)


def tick(name: str, n: float) -> Any:
    """Count, and leave a trace of every step: whoever asks `ticked` sees whether this still runs."""
    for i in range(int(n)):
        TICKS[name] = i + 1
        yield i
        time.sleep(STEP)


def ticked(name: str) -> int:
    return TICKS.get(name, 0)


def replay(values: Any) -> Any:
    """Yield each of these."""
    for value in values:
        time.sleep(STEP)
        yield value


def batch(xs: list[str]) -> list[list[str]]:
    time.sleep(STEP)  # what comes meanwhile is the next batch
    return [[x.upper() for x in xs]]


def none(x: str) -> None:
    return None


def special(x: str) -> Any:
    """What a transport may get wrong: odd numbers, a large value, line separators, half a surrogate pair."""
    return {
        "nan": {"a": math.nan, "b": math.inf, "c": -math.inf},
        "bare nan": math.nan,
        "big": {"s": "é€😀" * 200_000},
        "unicode": {"s": "é€😀\u2028\u2029\u0085\0\r\n\x1f"},
        "lone": {"s": "\ud800"},
        "deep": {"a": [[[[{"b": [1, None, True, "x", {}]}]]]]},
    }[x]


def update(x: str) -> Any:
    return gr.update(value=x, label=f"new {x}", visible=True)


def req(request: gr.Request) -> Any:
    return {
        "headers": dict(request.headers),
        "qp": dict(request.query_params),
        "username": request.username,
        "session_hash": getattr(request, "session_hash", None),
    }


def seldata(event: gr.SelectData) -> Any:
    return {"index": event.index, "value": event.value}


# Both take the caller's Hugging Face token, the second one whoever else asks for it (6.x).
def granted(x: str, token: gr.OAuthToken | None) -> str:
    return f"{x}:{token.token if token else None}"


def granted_only(x: str, token: gr.OAuthToken) -> str:
    return f"{x}:{token.token}"


def awkward(headers: str, api_name: str, fn_index: float) -> str:
    return f"{headers}|{api_name}|{fn_index:g}"


def now() -> float:
    return time.time()


def validate_input(a: float, b: str) -> Any:
    return [gr.validate(a >= 0, "a must be positive"), gr.validate(len(b) > 0, "b must not be empty")]


def validate(a: float, b: str) -> str:
    return f"{a}{b}"


def frames(frame: Any, t: str) -> str:
    return f"{t} {None if frame is None else frame.size}"


def gather(word: str, sec: float, words: list[str]) -> tuple[str, list[str]]:
    """All chunks so far; each takes so long."""
    if word == "fail":
        raise gr.Error("gather failed")
    time.sleep(sec)
    words = [*words, word]
    return " ".join(words), words


def tone(n: float) -> Any:
    """Pieces of sound, each a WAV file of a tenth of a second."""
    for _ in range(int(n)):
        piece = io.BytesIO()
        with wave.open(piece, "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(2)
            writer.setframerate(8000)
            writer.writeframes(b"\0\x10" * 800)
        yield piece.getvalue()


def api(
    name: str, function: Any, inputs: Any, outputs: Any, *, limit: int | None = None, **options: Any
) -> Any:
    """Offer `function` as the endpoint `name`; `limit` is how many run at once (4.0+: a queue each)."""
    if VERSION >= (4,):
        options["concurrency_limit"] = limit
    # A button for each, since the endpoint needs an event to hang on.
    return gr.Button(name).click(function, inputs, outputs, api_name=name, **options)


def hidden(name: str, visibility: str) -> dict[str, Any]:
    """The options that hide an endpoint from the API page ("undocumented"), or from the API ("private")."""
    if VERSION >= (6,):
        return {"api_name": name, "api_visibility": visibility}
    if visibility == "private" or VERSION < (4, 13):
        return {"api_name": False}
    return {"api_name": name, "show_api": False}


def build() -> gr.Blocks:
    messages = {"type": "messages"} if VERSION[0] == 5 else {}
    with gr.Blocks(analytics_enabled=False, title=TITLE) as demo:
        text, text2 = gr.Textbox(label="T in"), gr.Textbox(label="T2")
        text_out, text_out2 = gr.Textbox(label="T out"), gr.Textbox(label="T out2")
        number, number2 = gr.Number(label="N in", value=3), gr.Number(label="N2", value=5)
        number_out = gr.Number(label="N out")
        operation = gr.Radio(["add", "sub", "mul"], label="Op", value="add")
        delay = gr.Number(label="delay", value=0.3)
        file_in, file_out = gr.File(label="F in"), gr.File(label="F out")
        files_in = gr.File(label="Fs in", file_count="multiple")
        files_out = gr.File(label="Fs out", file_count="multiple")
        image_in, image_out = gr.Image(label="I in", type="pil"), gr.Image(label="I out", type="pil")
        json_in, json_out = gr.JSON(label="J in"), gr.JSON(label="J out")
        chatbot = gr.Chatbot(label="chat", **messages)
        words = gr.State([])

        api("echo", echo, text, text_out)
        api("calc", calc, [number, operation, number2], [number_out, text_out])
        api("count", count, number, number_out)
        api("stream", stream, text, text_out)
        api("chat", chat, [text, chatbot], chatbot)
        api("jsonstream", jsonstream, number, json_out)
        api("progress", progress, number, text_out)
        api("log", log, text, text_out)
        api("fail", fail, text, text_out)
        api("fail_titled", fail_titled, text, text_out)
        api("crash", crash, text, text_out)
        api("gen_fail", gen_fail, number, number_out)
        api("gen_crash", gen_crash, number, number_out)
        api("file", file, file_in, file_out)
        api("files", files, files_in, files_out)
        api("growing_file", growing_file, text, file_out)
        api("image", image, image_in, image_out)
        sound_in, sound_out = (
            gr.Audio(label="S in", type="filepath"),
            gr.Audio(label="S out", type="filepath"),
        )
        api("sound", echo, sound_in, sound_out)
        letters_out = gr.CheckboxGroup(["a", "b", "c", "d"], label="L out")
        api("shrink", shrink, number, letters_out)
        if VERSION < (4, 13) and hasattr(gr, "FileExplorer"):
            gr.FileExplorer(root=os.path.dirname(os.path.abspath(__file__)))
        api("state", state, [text, words], [number_out, words])
        # One at a time: whoever comes second sees its position in the queue.
        running = api("slow", slow, number, text_out, limit=1)
        api("nap", lambda sec: slow(sec), number, text_out)  # one function has one limit, whatever its names
        running_gen = api("slow_gen", slow_gen, [number, delay], number_out)

        # No name at all on 3.x, where such an endpoint is known by its index; later versions make one up.
        unnamed_name = hidden("unnamed", "private") if VERSION >= (4,) else {}
        button = gr.Button("unnamed")
        button.click(lambda: None, None, None, queue=False, **unnamed_name)
        button.click(None, None, None, cancels=[running, running_gen], queue=False, **unnamed_name)

        api("noqueue", echo, text, text_out, queue=False)
        if VERSION >= (4,):
            api("noqueue_gen", count, number, number_out, queue=False)
        api("batch", batch, text, text_out, batch=True, max_batch_size=4, limit=1)
        api("json", echo, json_in, json_out)
        api("none", none, text, text_out)
        api("special", special, text, json_out)
        api("update", update, text, text_out)
        api("req", req, None, json_out)
        api("seldata", seldata, None, json_out)
        api("awkward", awkward, [text, text2, number], text_out)
        api("fast", echo, text, text_out2)

        # The same function again, without a name: "/echo_1" on 4.0 and later, unnamed before.
        gr.Button("again").click(echo, text, text_out)
        gr.Button("private").click(echo, text, text_out, **hidden("private", "private"))
        gr.Button("undoc").click(echo, text, text_out, **hidden("undoc", "undocumented"))

        # Two events cancel `tick`; one of them cancels less. `tick_alone` is one that nothing cancels.
        ticking = api("tick", tick, [text, number], number_out, limit=2)
        api("tick_alone", tick, [text, number], number_out, limit=2)
        api("ticked", ticked, text, number_out)
        # Whoever calls these says what they yield.
        api("replay", replay, json_in, letters_out)
        api("replay_json", replay, json_in, json_out)
        # The same as `tick`, without a limit.
        unlimited = api("ticks", lambda name, n: (yield from tick(name, n)), [text, number], number_out)
        api("ticks_alone", lambda name, n: (yield from tick(name, n)), [text, number], number_out)
        for cancelled in ([ticking, running], [ticking], [unlimited]):
            button.click(None, None, None, cancels=cancelled, queue=False, **unnamed_name)

        if VERSION < (4,):
            gr.Button("every").click(now, None, number_out, api_name="every", every=0.5)
        if VERSION >= (3, 50):
            sound = gr.Audio(label="sound", streaming=True, autoplay=False)
            api("audio_stream", tone, number, sound)
        if VERSION >= (4, 44):

            @gr.render(inputs=number, triggers=[number.submit])
            def rendered(n: float) -> None:
                for i in range(int(n)):
                    gr.Button(f"r{i}").click(echo, text, text_out, api_name=f"rendered_{i}")

            # Rendered as a page loads, for who has a browser.
            @gr.render(inputs=[number, text])
            def boxes(n: float, suffix: str) -> None:
                for i in range(int(n)):
                    box, total = gr.Textbox(label=f"Box {i}", key=f"box{i}"), gr.State(0)
                    gr.Button(f"b{i}").click(
                        lambda x, t, i=i: (f"{i}: {x}{suffix} {t}", t + 1),
                        [box, total],
                        [box, total],
                        api_name=f"box_{i}",
                    )
                if n > 1:
                    gr.Button("all").click(count, number, number_out, api_name="count_boxes")

        if VERSION >= (5,):
            camera = gr.Image(label="cam", type="pil", sources=["webcam"], streaming=True)
            camera.stream(frames, [camera, text], text_out, api_name="frames", time_limit=3, stream_every=0.5)
            # What is streamed need not be media.
            for name, time_limit in (("gather", None), ("gather_briefly", 1)):
                camera.stream(
                    gather,
                    [text, number, words],
                    [text_out, words],
                    api_name=name,
                    time_limit=time_limit,
                    concurrency_limit=None,
                )
        if VERSION >= (5, 43):
            api("validate", validate, [number, text], text_out, validator=validate_input)
        if VERSION >= (6,):
            api("granted", granted, text, text_out)
            api("granted_only", granted_only, text, text_out)
        for kind in kinds() if VERSION >= (4, 13) else old_kinds() if VERSION < (4,) else ():
            api(*kind)
    return demo


def build_without_queue() -> gr.Blocks:
    """What 3.x runs without a queue: neither generators nor progress."""
    with gr.Blocks(analytics_enabled=False) as demo:
        text, text_out = gr.Textbox(label="T in"), gr.Textbox(label="T out")
        number, number_out = gr.Number(label="N in"), gr.Number(label="N out")
        words = gr.State([])
        api("echo", echo, text, text_out)
        api("calc", calc, [number, text, number], [number_out, text_out])
        api("fail", fail, text, text_out)
        api("state", state, [text, words], [number_out, words])
    return demo


def mount(demo: gr.Blocks, path: str, port: int, launch: dict[str, Any]) -> None:
    """Serve the app as part of another one; of the options of `launch`, those that `mount_gradio_app` knows."""
    import uvicorn
    from fastapi import FastAPI

    known = inspect.signature(gr.mount_gradio_app).parameters
    options = {name: value for name, value in launch.items() if name in known}
    app = gr.mount_gradio_app(FastAPI(), demo, path=path, **options)
    uvicorn.run(app, port=port, log_level="warning")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--auth", help="user:password, asked for at login")
    parser.add_argument("--max-size", type=int, help="jobs that the queue holds")
    parser.add_argument("--workers", type=int, default=10, help="jobs that run at once (3.x)")
    parser.add_argument("--no-queue", action="store_true", help="a small app without a queue (3.x)")
    parser.add_argument("--max-file-size", type=int, help="bytes of an upload (4.44+)")
    parser.add_argument("--root-path", help="the path at which a proxy would serve the app")
    parser.add_argument("--mount", help="the path at which a FastAPI app of somebody's has it mounted")
    parser.add_argument("--hide-errors", action="store_true", help="keep the text of crashes to the server")
    parser.add_argument(
        "--exit-with-parent",
        action="store_true",
        help="close the app at a byte on standard input, and exit when that ends (when its owner is gone)",
    )
    options = parser.parse_args(arguments)
    launch: dict[str, Any] = {"show_error": not options.hide_errors, "quiet": True, "max_threads": 80}
    if options.auth:
        launch.update(auth=tuple(options.auth.split(":", 1)), auth_message="please log in")
    if options.root_path:
        launch["root_path"] = options.root_path
    if options.max_file_size is not None:
        launch["max_file_size"] = options.max_file_size
    queue: dict[str, Any] = {"max_size": options.max_size}
    if VERSION < (4,):
        queue["concurrency_count"] = options.workers
    if VERSION >= (5,):
        launch["ssr_mode"] = False
    demo = build_without_queue() if options.no_queue else build().queue(**queue)
    if options.exit_with_parent:

        def watch() -> None:
            # Not through sys.stdin: a thread that holds its lock makes the interpreter abort at exit.
            while os.read(0, 1):
                demo.close()  # somebody has said "stop"
            os._exit(0)

        threading.Thread(target=watch, daemon=True).start()
    if options.mount:
        mount(demo, options.mount, options.port, launch)
    else:
        demo.launch(server_port=options.port, share=False, **launch)
    if options.exit_with_parent:
        # The app was closed. What it still says to those who are connected it can say as long as the program goes on.
        threading.Event().wait()


if __name__ == "__main__":
    main()
