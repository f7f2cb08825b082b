"""The reference app for the embedded server: the endpoints of ``app.py``, as functions of a :class:`TestApp`.

Names, parameters and behaviour are the same as far as a TestApp goes. What it has not: the endpoints of ``kinds.py``,
one for every type of component; pictures are not turned around, but given back as they came; and an endpoint without
any name, on Gradio 3, is a private one here.

Functions take their time by ``context.sleep()``, so that they take none in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count as counted
from typing import Any, Final, Literal

from gradio_proto.testing import Component, Context, Error, File, Rendering, TestApp

from . import twin_functions as functions
from .variants import AUTH_MESSAGE, TITLE, VARIANTS, Options, variants_of, version_number

_WORKERS: Final = 10
"""How many jobs run at once on Gradio 3, of all functions together, unless a variant says otherwise."""


def reference_twin(version: str = "6.31.0", **options: Any) -> TestApp:
    """The reference app as a :class:`~gradio_proto.testing.TestApp`.

    Args:
        version: One of the versions that a TestApp can be.
        **options: More options of the TestApp.

    Raises:
        ValueError: There is no such version here.
    """
    options.setdefault("default_concurrency_limit", _WORKERS if version_number(version) < (4,) else None)
    options.setdefault("title", TITLE)
    app = TestApp(version=version, **options)
    _Twin(app).build()
    return app


def twin_variants(version: str = "6.31.0") -> Mapping[str, TestApp]:
    """The twin in each variant that the real app has in that version, by name.

    Raises:
        ValueError: There is no such version here.
    """
    return {
        name: reference_twin(version, **_options(VARIANTS[name], version)) for name in variants_of(version)
    }


def _options(options: Options, version: str) -> dict[str, Any]:
    """The same for a TestApp: what a variant may say."""
    given: dict[str, Any] = {
        "max_queue_size": options.max_size,
        "max_file_size": options.max_file_size,
        "show_error": not options.hide_errors,
    }
    if options.workers is not None and version_number(version) < (4,):
        given["default_concurrency_limit"] = options.workers
    if options.auth is not None:
        name, _, password = options.auth.partition(":")
        given |= {"auth": (name, password), "auth_message": AUTH_MESSAGE}
    return given


class _Pairs(Component):
    """A chatbot of Gradio before 5, whose messages are pairs of a question and its answer."""

    def schema(self) -> Mapping[str, Any]:
        said = {"anyOf": [{"type": "string"}, {"type": "null"}]}
        pair = {"type": "array", "items": said, "minItems": 2, "maxItems": 2}
        return {"type": "array", "title": "ChatbotData", "items": pair}


class _Twin:
    """Puts the endpoints into an app: those that its version has, and functions that depend on that."""

    def __init__(self, app: TestApp) -> None:
        self.app = app
        self.generation = app.generation
        self.ticks: dict[str, int] = {}
        """How far each run of `tick` has come, by its name."""
        self.text, self.text2 = Component("textbox", "T in"), Component("textbox", "T2")
        self.text_out, self.text_out2 = Component("textbox", "T out"), Component("textbox", "T out2")
        self.number, self.number2 = Component("number", "N in", value=3), Component("number", "N2", value=5)
        self.number_out = Component("number", "N out")
        # In the place of a FileExplorer, which is no component of a TestApp.
        offered = {"ls": functions.ls} if self.generation.has_component_calls else {}
        self.json_in, self.json_out = (
            Component("json", "J in", server_fns=offered),
            Component("json", "J out"),
        )
        self.words = Component("state", value=[])

    def api(
        self,
        name: str,
        function: Callable[..., Any],
        inputs: Sequence[Component],
        outputs: Sequence[Component],
        *,
        limit: int | Literal["default"] | None = "default",
        **options: Any,
    ) -> None:
        """Offer `function` as the endpoint `name`; `limit` is how many run at once (4.0+: a queue each)."""
        if self.generation.has_sockets:
            limit = "default"
        self.app.endpoint(name, inputs=inputs, outputs=outputs, concurrency_limit=limit, **options)(function)

    def build(self) -> None:
        """Put all of them in."""
        self._values()
        self._files()
        self._times()
        self._oddities()
        self._ticking()
        self._newer()

    def _values(self) -> None:
        text, number, text_out, number_out = self.text, self.number, self.text_out, self.number_out
        json_out = self.json_out
        operation = Component("radio", "Op", value="add", choices=["add", "sub", "mul"])
        history = (Component if self._is_five else _Pairs)("chatbot", "chat", value=[])
        self.api("echo", functions.echo, [text], [text_out])
        self.api("calc", functions.calc, [number, operation, self.number2], [number_out, text_out])
        self.api("count", functions.count, [number], [number_out])
        self.api("stream", functions.stream, [text], [text_out])
        self.api("chat", self._chat, [text, history], [history])
        self.api("jsonstream", functions.jsonstream, [number], [json_out])
        self.api("progress", functions.progress, [number], [text_out])
        self.api("log", self._log, [text], [text_out])
        self.api("fail", functions.fail, [text], [text_out])
        self.api("fail_titled", self._fail_titled, [text], [text_out])
        self.api("crash", functions.crash, [text], [text_out])
        self.api("gen_fail", functions.gen_fail, [number], [number_out])
        self.api("gen_crash", functions.gen_crash, [number], [number_out])

    def _files(self) -> None:
        file_out = Component("file", "F out")
        self.api("file", functions.file, [Component("file", "F in")], [file_out])
        self.api("files", functions.files, [Component("files", "Fs in")], [Component("files", "Fs out")])
        self.api("growing_file", functions.growing_file, [self.text], [file_out])
        self.api("image", self._image, [Component("image", "I in")], [Component("image", "I out")])
        self.api("sound", functions.echo, [Component("audio", "S in")], [Component("audio", "S out")])

    def _times(self) -> None:
        number, number_out, text_out = self.number, self.number_out, self.text_out
        letters = Component("checkboxgroup", "L out", value=[], choices=["a", "b", "c", "d"])
        self.api("shrink", functions.shrink, [number], [letters])
        self.api("replay", functions.replay, [self.json_in], [letters])
        self.api("replay_json", functions.replay, [self.json_in], [self.json_out])
        self.api("state", functions.state, [self.text, self.words], [number_out, self.words])
        # One at a time: whoever comes second sees its position in the queue.
        self.api("slow", functions.slow, [number], [text_out], limit=1)
        self.api("nap", functions.nap, [number], [text_out])
        delay = Component("number", "delay", value=0.3)
        self.api("slow_gen", functions.slow_gen, [number, delay], [number_out])

    def _oddities(self) -> None:
        text, number, text_out, number_out = self.text, self.number, self.text_out, self.number_out
        json_out = self.json_out
        self._unnamed("slow", "slow_gen")
        self.api("noqueue", functions.echo, [text], [text_out], queue=False)
        if not self.generation.has_sockets:
            self.api("noqueue_gen", functions.count, [number], [number_out], queue=False)
        self.api("batch", functions.batch, [text], [text_out], batch=True, max_batch_size=4, limit=1)
        self.api("json", functions.echo, [self.json_in], [json_out])
        self.api("none", functions.none, [text], [text_out])
        self.api("special", functions.special, [text], [json_out])
        self.api("update", functions.updated, [text], [text_out])
        self.api("req", functions.req, [], [json_out])
        self.api("seldata", functions.seldata, [], [json_out])
        self.api("awkward", functions.awkward, [text, self.text2, number], [text_out])
        self.api("fast", functions.echo, [text], [self.text_out2])
        # The same function again, without a name: it gets one since 4.0.
        again = "private" if self.generation.has_sockets else "public"
        self.api("echo", functions.echo, [text], [text_out], api_visibility=again)
        self.api("private", functions.echo, [text], [text_out], api_visibility="private")
        # Before 4.13 what is not shown is private.
        undocumented = "private" if self.generation.asks_for_data else "undocumented"
        self.api("undoc", functions.echo, [text], [text_out], api_visibility=undocumented)

    def _ticking(self) -> None:
        text, number, number_out = self.text, self.number, self.number_out
        self.api("tick", self._tick, [text, number], [number_out], limit=2)
        self.api("tick_alone", self._tick, [text, number], [number_out], limit=2)
        self.api("ticked", self._ticked, [text], [number_out])
        self.api("ticks", self._ticks, [text, number], [number_out])
        self.api("ticks_alone", self._ticks, [text, number], [number_out])
        for cancelled in (("tick", "slow"), ("tick",), ("ticks",)):
            self._unnamed(*cancelled)

    def _newer(self) -> None:
        """What not all versions have."""
        text, number, text_out, words = self.text, self.number, self.text_out, self.words
        generation = self.generation
        if generation.has_sockets:
            numbers = counted(1)
            self.api("every", lambda: float(next(numbers)), [], [self.number_out], every=0.5)
        if generation.has_media:
            sound = Component("audio", "sound", streaming=True)
            self.api("audio_stream", functions.tone, [number], [sound])
        if generation.renders:
            self.app.render(inputs=[number])(self._rendered)
            self.app.render(inputs=[number, text])(self._boxes)
        if generation.has_input_streams:
            camera = Component("image", "cam")
            self.api(
                "frames", functions.frames, [camera, text], [text_out], connection="stream", time_limit=3
            )
            for name, time_limit in (("gather", None), ("gather_briefly", 1)):
                inputs, outputs = [text, number, words], [text_out, words]
                self.api(name, functions.gather, inputs, outputs, connection="stream", time_limit=time_limit)
        if generation.has_validators:
            self.api("validate", functions.validated, [number, text], [text_out], validator=functions.check)
        if generation.takes_oauth_token:
            self.api("granted", functions.granted, [text], [text_out], oauth_token="optional")
            self.api("granted_only", functions.granted, [text], [text_out], oauth_token="required")

    def _unnamed(self, *cancelled: str) -> None:
        """A button that ends runs of these."""
        # Where the name of a private endpoint is not told, it takes none from others either.
        name = "unnamed" if self.generation.names_private else "nameless"
        self.api(name, functions.nothing, [], [], queue=False, api_visibility="private", cancels=cancelled)

    # Functions that depend on the version, or remember something

    @property
    def _is_five(self) -> bool:
        """Errors and log messages have titles, and chat messages are objects."""
        return self.generation.has_input_streams

    def _chat(self, msg: str, history: Any, *, context: Context) -> Iterator[Any]:
        """Type out an answer: a list of messages on Gradio 5 and 6, of pairs before."""
        history = list(history or [])
        answer = ""
        for letter in "Hello there":
            answer += letter
            context.sleep(functions.STEP)
            if self._is_five:
                yield [*history, {"role": "user", "content": msg}, {"role": "assistant", "content": answer}]
            else:
                yield [*history, [msg, answer]]

    def _log(self, x: str, *, context: Context) -> str:
        context.info(f"info {x}")
        context.sleep(functions.STEP)
        if self._is_five:
            context.warning(f"warn {x}", duration=3, visible=False, title="My title")
            context.sleep(functions.STEP)
            context.success(f"ok {x}")
        else:
            context.warning(f"warn {x}")
        context.sleep(functions.STEP)
        return "logged"

    def _fail_titled(self, x: str) -> str:
        if self._is_five:
            raise Error(f"titled: {x}", duration=None, visible=False, title="Oh no")
        raise Error(f"titled: {x}")

    def _image(self, im: File | None) -> File | None:
        if im is None:
            return None
        return File(im.name if self.generation.names_images else "image.png", im.data)

    def _tick(self, name: str, n: float, *, context: Context) -> Iterator[int]:
        """Count, and leave a trace of every step: whoever asks `ticked` sees whether this still runs."""
        for i in range(int(n)):
            self.ticks[name] = i + 1
            yield i
            context.sleep(functions.STEP)

    def _ticks(self, name: str, n: float, *, context: Context) -> Iterator[int]:
        yield from self._tick(name, n, context=context)

    def _ticked(self, name: str) -> int:
        return self.ticks.get(name, 0)

    def _rendered(self, n: float, *, rendering: Rendering) -> None:
        for i in range(int(n)):
            rendering.endpoint(f"rendered_{i}", inputs=[self.text], outputs=[self.text_out])(functions.echo)

    def _boxes(self, n: float, suffix: str, *, rendering: Rendering) -> None:
        for i in range(int(n)):
            box, total = Component("textbox", f"Box {i}"), Component("state", value=0)

            def said(x: str, t: int, i: int = i) -> tuple[str, int]:
                return f"{i}: {x}{suffix} {t}", t + 1

            rendering.endpoint(f"box_{i}", inputs=[box, total], outputs=[box, total])(said)
        if n > 1:
            rendering.endpoint("count_boxes", inputs=[self.number], outputs=[self.number_out])(
                functions.count
            )
