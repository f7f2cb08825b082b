"""A tour in a few seconds: a small app is served from this process, and a client calls it.

Run it with ``make demo``. Each scene below is one function, and shows one thing that a client does; what it
shows is checked, so the exit status is 0 only if everything was as it should be.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from gradio_proto import AppError, Client, Transfer, handle_file
from gradio_proto.events import Completed, Log, Output, Progress, Queued, Started
from gradio_proto.testing import Context, Error, File, TestApp, serve

# The app. Its functions are slow on purpose: they stand for models.

app = TestApp(title="A small app")


@app.endpoint("/greet")
def greet(name: str, punctuation: str = "!") -> str:
    """Say hello."""
    return f"Hello, {name}{punctuation}"


@app.endpoint("/write")
def write(topic: str) -> Iterator[str]:
    """Write about a topic, word by word."""
    text = ""
    for word in f"There is much to say about {topic}, and most of it fits on one line.".split():
        text = f"{text} {word}".lstrip()
        yield text
        time.sleep(0.06)


@app.endpoint("/paint", concurrency_limit=1)
def paint(subject: str) -> str:
    """Take half a second, one job at a time."""
    time.sleep(0.5)
    return f"a picture of {subject}"


@app.endpoint("/train")
def train(epochs: int = 5, *, context: Context) -> str:
    """Report progress on the way."""
    for epoch in range(epochs):
        context.progress((epoch, epochs), desc="training", unit="epochs")
        time.sleep(0.12)
    context.info("The loss is down.", title="Good news")
    return "trained"


@app.endpoint("/divide")
def divide(a: float, b: float) -> float:
    """Divide, and refuse to divide by zero."""
    if b == 0:
        raise Error("Nobody can divide by zero.", title="Arithmetic")
    return a / b


@app.endpoint("/remember", inputs=["textbox", "state"], outputs=["json", "state"])
def remember(word: str, seen: list[str] | None) -> tuple[list[str], list[str]]:
    """Keep every word of a session in State."""
    seen = [*(seen or []), word]
    return seen, seen


@app.endpoint("/count", concurrency_limit=1)
def count() -> Iterator[int]:
    """Count, and never stop."""
    number = 0
    while True:
        number += 1
        yield number
        time.sleep(0.05)


@app.endpoint("/capitals")
def capitals(letter: File) -> File:
    """Write a letter in capitals."""
    return File(f"loud {letter.name}", letter.data.upper())


@app.endpoint("/square", concurrency_limit=None)
def square(n: int) -> int:
    """Take 20 milliseconds, any number of jobs at a time."""
    time.sleep(0.02)
    return n * n


# The scenes.


def connecting(client: Client) -> None:
    """Connecting reads the app's config and its API, and checks that both sides speak the same protocol."""
    say(f"{client.src} says it runs Gradio {client.app_version}, and speaks {client.protocol}.")
    check(client.protocol == "sse_v3", "the embedded server speaks sse_v3")


def what_there_is_to_call(client: Client) -> None:
    """view_api() shows every endpoint; here are the first two of this app."""
    text = str(client.view_api(print_info=False, return_format="str"))
    say(text.partition(" - predict(subject")[0].rstrip())
    check('api_name="/square"' in text, "view_api() lists every endpoint")


def a_call(client: Client) -> None:
    """predict() waits for the result. Arguments go by position or by name, as in Python."""
    with stopwatch() as elapsed:
        greeting = client.predict("Ada", punctuation=".", api_name="/greet")
    say(f"{greeting}   ({elapsed() * 1000:.0f} ms)")
    check(greeting == "Hello, Ada.", "predict() returns the function's value")


def a_mistake(client: Client) -> None:
    """Wrong arguments are an error at once, and nothing is sent."""
    try:
        client.predict("Ada", puntuation=".", api_name="/greet")
    except TypeError as error:
        say(f"TypeError: {error}")
    else:
        check(False, "an unknown parameter is a TypeError")


def a_stream(client: Client) -> None:
    """A generator's values arrive as they are yielded; iterate over the job."""
    job = client.submit("protocols", api_name="/write")
    text = ""
    for text in job:
        show_growing(text)
    end_growing()
    check(text.endswith("one line.") and job.result() == text, "the last value is the result")


def waiting_in_the_queue(client: Client) -> None:
    """Three jobs want a function that runs one at a time. These are the events of the last one."""
    jobs = [client.submit(subject, api_name="/paint") for subject in ("a cat", "a dog", "a tree")]
    with stopwatch() as elapsed:
        ranks: list[int | None] = []
        for event in jobs[-1].events():
            match event:
                case Queued(rank=rank, queue_size=size, eta=eta):
                    ranks.append(rank)
                    guess = "no estimate yet" if eta is None else f"about {eta:.1f} s to go"
                    tell(elapsed(), f"number {(rank or 0) + 1} of {size} in the queue, {guess}")
                case Started():
                    tell(elapsed(), "it runs")
                case Completed(value=value):
                    tell(elapsed(), f"done: {value}")
                case _:
                    pass
    check(1 in ranks and 0 in ranks, "the last job moved up in the queue")
    check([job.result() for job in jobs][-1] == "a picture of a tree", "every job has its own result")


def progress(client: Client) -> None:
    """What gr.Progress() and gr.Info() say arrives as events, too."""
    steps = 0
    with stopwatch() as elapsed:
        for event in client.submit(api_name="/train").events():
            match event:
                case Progress(units=(unit, *_)):
                    steps += 1
                    done, of = int(unit.index or 0), int(unit.length or 1)
                    bar = "#" * (20 * done // of)
                    tell(elapsed(), f"[{bar:<20}] {done}/{of} {unit.unit}, {unit.desc}")
                case Log(text=text, level=level, title=title):
                    tell(elapsed(), f"{level}: {title}: {text}")
                case Output(value=value):
                    tell(elapsed(), f"done: {value}")
                case _:
                    pass
    check(steps == 5, "every step was reported")


def the_apps_error(client: Client) -> None:
    """gr.Error becomes an AppError: a text that is safe to print, and everything that the app sent."""
    try:
        client.predict(1, 0, api_name="/divide")
    except AppError as error:
        say(f"AppError: {error}")
        say(f"  .title     {error.title!r}")
        say(f"  .message   {error.message!r}")
        say(f"  .endpoint  {error.endpoint!r}")
        say(f"  .retryable {error.retryable}")
        check(error.title == "Arithmetic", "the error has the app's title")
    else:
        check(False, "dividing by zero raises an AppError")


def state(client: Client) -> None:
    """All calls of a client share one session, so State works; reset_session() begins a new one."""
    say(f"{client.predict('one', api_name='/remember')}")
    words = client.predict("two", api_name="/remember")
    say(f"{words}")
    client.reset_session()
    fresh = client.predict("three", api_name="/remember")
    say(f"{fresh}   (after reset_session)")
    check(words == ["one", "two"] and fresh == ["three"], "State belongs to the session")


def cancelling(client: Client) -> None:
    """A generator can be cancelled, and the server is told where that harms no other job."""
    job = client.submit(api_name="/count")
    outputs = iter(job)
    say(f"{[next(outputs) for _ in range(3)]} and so on; cancel() returns {job.cancel()}")
    report = job.cancel_report
    assert report is not None
    say(f"cancel_report: {report.reason}")
    check(job.cancelled() and report.server_told, "the server was asked to stop the generator")


def files(url: str) -> None:
    """A file goes up in pieces, and what the app makes of it comes down to a folder of its own."""
    bars = Bars()
    with (
        tempfile.TemporaryDirectory() as folder,
        Client(url, download_files=folder, on_transfer=bars.show) as client,
    ):
        letter = Path(folder, "letter.txt")
        letter.write_text("it was a dark and stormy night\n" * 500_000)
        loud = Path(client.predict(handle_file(letter), api_name="/capitals"))
        bars.both_done.wait(5)
        say(f"{loud.relative_to(folder)}")
        check(loud.name == "loud letter.txt", "the file keeps its name")
        check(loud.read_text() == letter.read_text().upper(), "every byte of it is there")


def many_jobs(url: str) -> None:
    """Two hundred jobs, at most twenty at a time. All their messages come on one event stream."""
    jobs_wanted, at_a_time = 200, 20
    with Client(url, max_workers=at_a_time) as client:
        with stopwatch() as elapsed:
            jobs = [client.submit(n, api_name="/square") for n in range(jobs_wanted)]
            total = sum(job.result() for job in jobs)
            took = elapsed()
        threads = sum(thread.name == "gradio_proto" for thread in threading.enumerate())
        sessions = {job.session_hash for job in jobs}
    say(f"{jobs_wanted} jobs in {took:.2f} s, {len(sessions)} session, {threads} thread of the client's own")
    check(total == sum(n * n for n in range(jobs_wanted)), "every job has the right result")
    check(len(sessions) == 1 and threads <= 1, "one session and one thread carry them all")


def main() -> int:
    """Run every scene; the result is the exit status."""
    began = time.monotonic()
    try:
        with serve(app) as url:
            say(f"The app runs at {url}, in this process, on the server of gradio_proto.testing.")
            with Client(url) as client:
                for scene in (
                    connecting,
                    what_there_is_to_call,
                    a_call,
                    a_mistake,
                    a_stream,
                    waiting_in_the_queue,
                    progress,
                    the_apps_error,
                    state,
                    cancelling,
                ):
                    heading(scene)
                    scene(client)
            for scene_of_its_own in (files, many_jobs):
                heading(scene_of_its_own)
                scene_of_its_own(url)
    except NotAsItShouldBe as problem:
        print(f"\nNot as it should be: {problem}", file=sys.stderr)
        return 1
    print(f"\nAll of it was as it should be, in {time.monotonic() - began:.1f} s.")
    return 0


# How it is shown.

TERMINAL = sys.stdout.isatty()
COLOURS = TERMINAL and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
WIDTH = min(shutil.get_terminal_size().columns, 100)
INDENT = "    "

_shown = ""


class NotAsItShouldBe(Exception):
    """Something that the demo shows was not what it says."""


def check(holds: bool, what: str) -> None:
    if not holds:
        raise NotAsItShouldBe(what)


def heading(scene: Callable[..., None]) -> None:
    title = scene.__name__.replace("_", " ").replace("apps", "app's").capitalize()
    bold, faint, plain = ("\033[1m", "\033[2m", "\033[0m") if COLOURS else ("", "", "")
    caption = textwrap.fill(scene.__doc__ or "", WIDTH)
    print(f"\n{bold}{title}{plain}\n{faint}{caption}{plain}")


def say(text: str) -> None:
    for line in text.splitlines():
        shown = (INDENT + line).rstrip()
        if len(shown) > WIDTH:
            shown = textwrap.fill(line, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT * 2)
        print(shown, flush=True)


def tell(seconds: float, text: str) -> None:
    say(f"{seconds:5.2f} s  {text}")


def show_growing(text: str) -> None:
    """On a terminal the line grows where it stands; elsewhere each value is a line."""
    global _shown
    if not TERMINAL:
        say(text)
    elif text.startswith(_shown):
        print((INDENT if not _shown else "") + text[len(_shown) :], end="", flush=True)
        _shown = text


class Bars:
    """A progress bar for each file. It is told on a thread of the client's, at times after the call has returned."""

    def __init__(self) -> None:
        self.both_done = threading.Event()
        self._done: list[Transfer] = []

    def show(self, transfer: Transfer) -> None:
        share = 1.0 if transfer.is_done else transfer.transferred / (transfer.size or 1)
        way = "up" if transfer.direction == "upload" else "down"
        bar = f"{way:>4}  [{'#' * int(20 * share):<20}] {transfer.transferred / 1e6:4.1f} MB  {transfer.name}"
        if TERMINAL:
            print(f"\r{INDENT}{bar}", end="\n" if transfer.is_done else "", flush=True)
        elif transfer.is_done:
            say(bar)
        if transfer.is_done:
            self._done.append(transfer)
            if len(self._done) == 2:
                self.both_done.set()


def end_growing() -> None:
    global _shown
    if _shown:
        print()
    _shown = ""


class stopwatch:
    """Says how many seconds have gone by."""

    def __enter__(self) -> Callable[[], float]:
        began = time.monotonic()
        return lambda: time.monotonic() - began

    def __exit__(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    sys.exit(main())
