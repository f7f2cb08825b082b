"""Stand-ins of the apps that the official documentation's examples call: with the signatures that it shows, and the
results that it promises. What such an app computes is looked up; an example shows how to call it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, Final

from gradio_proto.testing import Component, Context, Error, File, TestApp

RECORDED_SPEECH: Final = "This is a test of the whisper speech recognition model."
BLIZZARD: Final = (
    "My thought I have nobody by a beauty and will as you poured. Mr. Rochester is serve in that so don't find "
    "simpus, and devoted abode, to at might in a r—"
)
BLIZZARD_URL: Final = "https://audio-samples.github.io/samples/mp3/blizzard_unconditional/sample-0.mp3"

RECORDINGS: Final = {
    "audio_sample.wav": b"RIFF, a test",
    "audio_sample1.wav": b"RIFF, that goes on",
    "audio_sample2.wav": b"RIFF, a second",
    "test.mp4": b"a film",
    "cheetah.jpg": b"a cheetah",
    "song.mp4": b"a song",
}
"""The files that the examples read."""

_TEXTS: Final = {
    RECORDINGS["audio_sample.wav"]: RECORDED_SPEECH,
    RECORDINGS["audio_sample1.wav"]: "It went on.",
    RECORDINGS["audio_sample2.wav"]: "A second one.",
    RECORDINGS["test.mp4"]: "What a nice recording!",
    b"ID3": BLIZZARD,
}

LONG_ENOUGH: Final = 10.0
"""Seconds after which what an example never lets go of ends by itself."""


class Held:
    """Work that goes on until a test has seen what it wants to see."""

    def __init__(self) -> None:
        self._let_go = threading.Event()

    def wait(self) -> None:
        """Go on working."""
        self._let_go.wait(LONG_ENOUGH)

    def let_go(self) -> None:
        """Let whatever waits, and whatever will, end."""
        self._let_go.set()


def whisper(held: Held) -> TestApp:
    """Speech to text. The first of two recordings takes until it is let go."""
    app = TestApp(web={BLIZZARD_URL: b"ID3"})

    @app.endpoint("/predict", inputs=[Component("audio")], outputs=[Component("textbox", label="output")])
    def predict(audio: File) -> str:
        if audio.data == RECORDINGS["audio_sample1.wav"]:
            held.wait()
        return _TEXTS[audio.data]

    return app


def translator() -> TestApp:
    """English to French."""
    app = TestApp()

    @app.endpoint("/predict")
    def predict(text: str) -> str:
        return {"Hello": "Bonjour"}[text]

    return app


def calculator() -> TestApp:
    """Two numbers and what to do with them."""
    app = TestApp()
    operation = Component("radio", choices=["add", "subtract", "multiply", "divide"])

    @app.endpoint("/predict", inputs=["number", operation, "number"], outputs=["number"])
    def predict(num1: float, operation: str, num2: float) -> float:
        results = {"add": num1 + num2, "subtract": num1 - num2, "multiply": num1 * num2}
        return float(results[operation] if operation in results else num1 / num2)

    return app


def image_generator() -> TestApp:
    """A text to an image. The slider has a value, and so it is optional."""
    app = TestApp()

    @app.endpoint("/predict", inputs=["textbox", Component("number", value=50)], outputs=["image"])
    def predict(text: str, steps: float) -> File:
        return File("image.png", f"{text}, in {steps:g} steps".encode())

    return app


def counter() -> TestApp:
    """It counts, and says each number."""
    app = TestApp()

    @app.endpoint("/count", inputs=["number"], outputs=["textbox"])
    def count(n: float) -> Iterator[str]:
        for number in range(int(n)):
            yield str(number)

    return app


def spelling(held: Held) -> TestApp:
    """It spells a word; after two letters it takes until it is let go."""
    app = TestApp()

    @app.endpoint("/predict")
    def predict(word: str) -> Iterator[str]:
        for end in range(1, len(word) + 1):
            if end > 2:
                held.wait()
            yield word[:end]

    return app


def word_counter() -> TestApp:
    """The guide's demo of State: how often a word was said before."""
    app = TestApp()
    words = Component("state", value=[])

    @app.endpoint("/count", inputs=["textbox", words], outputs=[Component("number", label="value_31"), words])
    def count(word: str, list_of_words: list[str]) -> tuple[int, list[str]]:
        return list_of_words.count(word), [*list_of_words, word]

    return app


def music_separation() -> TestApp:
    """A song to its voice and its instruments."""
    app = TestApp()

    @app.endpoint("/predict", inputs=["audio"], outputs=["audio", "audio"])
    def predict(audio: File) -> tuple[File, File]:
        return File("voice.wav", b"voice of " + audio.data), File("music.wav", b"music of " + audio.data)

    return app


def squares() -> TestApp:
    """What the guide's share link leads to."""
    app = TestApp()

    @app.endpoint("/predict", outputs=["int"])
    def predict(text: str) -> int:
        return 49

    return app


def with_login() -> TestApp:
    """An app for those who have a password."""
    app = TestApp(auth=("ada", "lovelace"))

    @app.endpoint("/whoami")
    def whoami(*, context: Context) -> str:
        return str(context.username)

    return app


def playground_bot() -> TestApp:
    """A chat bot that streams its answer."""
    app = TestApp()

    @app.endpoint("/chat", inputs=["json"], outputs=["json"])
    def chat(message: dict[str, Any]) -> Iterator[list[str]]:
        named = [file["orig_name"] for file in message["files"]]
        yield ["thinking", message["text"]]
        yield ["done", f"{message['text']} [docs](https://example.org) {' '.join(named)}".strip()]

    return app


def language_model() -> TestApp:
    """An answer that grows."""
    app = TestApp()

    @app.endpoint("/predict")
    def predict(question: str) -> Iterator[str]:
        yield "Gradio"
        yield "Gradio, of course"

    return app


def diffusion_model() -> TestApp:
    """An image for a text; it knows whose request that is."""
    app = TestApp()

    @app.endpoint("/predict", outputs=["image"])
    def predict(prompt: str, *, context: Context) -> File:
        visitor = context.request_headers.get("x-ip-token", "nobody")
        return File("image.png", f"{prompt} for {visitor}".encode())

    return app


def on_this_machine() -> TestApp:
    """The apps that the examples expect at Gradio's own address: a chat, and a function that greets."""
    app = TestApp()

    @app.endpoint("/chat")
    def chat(message: str, system_prompt: str, tokens: float) -> str:
        return f"{message} ({system_prompt} {tokens:g})"

    @app.endpoint("/hello")
    def hello(name: str) -> str:
        return f"Hello, {name}!"

    @app.endpoint("/add_and_slice", inputs=["int", "int", "json"], outputs=["int", "json"])
    def add_and_slice(a: int, b: int, c: list[int]) -> tuple[int, list[int]]:
        return a + b, c[a:b]

    return app


def sana_sprint() -> TestApp:
    """An image for a text, with many settings."""
    app = TestApp()

    @app.endpoint(
        "/infer",
        inputs=["textbox", "textbox", "number", "checkbox", "number", "number", "number", "number"],
        outputs=["image", "number"],
    )
    def infer(
        prompt: str,
        model_size: str,
        seed: float,
        randomize_seed: bool,
        width: float,
        height: float,
        guidance_scale: float,
        num_inference_steps: float,
    ) -> tuple[File, float]:
        return File("image.png", f"{prompt}: {width:g} x {height:g}".encode()), seed

    return app


def dia() -> TestApp:
    """Text to speech, with many settings."""
    app = TestApp()

    @app.endpoint("/generate_audio", inputs=["textbox", "audio", *["number"] * 6], outputs=["audio"])
    def generate_audio(
        text_input: str,
        audio_prompt_input: File | None,
        max_new_tokens: float,
        cfg_scale: float,
        temperature: float,
        top_p: float,
        cfg_filter_top_k: float,
        speed_factor: float,
    ) -> File:
        return File("speech.wav", f"{text_input}, {audio_prompt_input}".encode())

    return app


def gif_maker() -> TestApp:
    """Images to a film."""
    app = TestApp()

    @app.endpoint("/predict", inputs=["files"], outputs=["json"])
    def predict(images: list[File]) -> dict[str, Any]:
        return {"video": File("film.mp4", b"".join(image.data for image in images)), "subtitles": None}

    return app


def workflow() -> TestApp:
    """A pipeline with one output."""
    app = TestApp()

    @app.endpoint("/output_image", outputs=["image"])
    def output_image(prompt: str) -> File:
        return File("image.png", prompt.encode())

    return app


def failing() -> TestApp:
    """An app that says no."""
    app = TestApp()

    @app.endpoint("/predict", inputs=["textbox", "json"], outputs=["textbox"])
    def predict(text: str, inputs: Any) -> str:
        raise Error(f"{text} needs better inputs than {inputs}")

    return app


def all_spaces(held: Held) -> dict[str, TestApp]:
    """Every Space that an example names, by its name.

    Args:
        held: The work that is still going on when an example cancels it.
    """
    return {
        "abidlabs/en2fr": translator(),
        "abidlabs/gradio-playground-bot": playground_bot(),
        "abidlabs/image_generator": image_generator(),
        "abidlabs/music-separation": music_separation(),
        "abidlabs/my-private-space": translator(),
        "abidlabs/test-yield": spelling(held),
        "abidlabs/whisper": whisper(held),
        "abidlabs/whisper-large-v2": whisper(held),
        "gradio/calculator": calculator(),
        "gradio/count_generator": counter(),
        "gradio/diffusion_model": diffusion_model(),
        "gradio/gif_maker_main": gif_maker(),
        "gradio/llm_stream": language_model(),
        "hysts/SDXL": diffusion_model(),
        "username/space-name": failing(),
        "your-username/my-workflow": workflow(),
        "ysharma/Dia-1.6B": dia(),
        "ysharma/SanaSprint": sana_sprint(),
    }


def without_a_name() -> dict[str, TestApp]:
    """The apps that the documentation speaks of without saying where they are."""
    return {"with-login": with_login(), "word-counter": word_counter()}


def all_hosts() -> dict[tuple[str, int], TestApp]:
    """The apps that are named by where they are."""
    return {
        ("bec81a83-5b5c-471e.gradio.live", 443): squares(),
        ("ysharma-sanasprint.hf.space", 443): sana_sprint(),
        ("localhost", 7860): on_this_machine(),
        ("127.0.0.1", 7860): on_this_machine(),
    }
