"""What is measured how often, and what has to hold for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Server = Literal["none", "fake", "tls", "real", "fresh", "jitter"]
"""Fresh is a real one of its own for each run: Gradio gets slower with every thousand calls that it has answered."""

Contender = Literal["floor", "ours", "asyncio", "trio", "official", "js"]
"""Plain sockets; ours, which are the blocking client and the async one on either loop; Gradio's own clients."""

CONTENDERS: tuple[Contender, ...] = get_args(Contender)
OURS: tuple[Contender, ...] = ("ours", "asyncio", "trio")

Figures = Mapping[str, float]
Medians = Mapping[Contender, Figures]
"""The median of each figure, by contender and by the figure's name."""


@dataclass(frozen=True)
class Bar:
    """A bound on what each of ours may take. Of ratio, above and absolute, all upper bounds, one is given."""

    figure: str
    """Which figure of the scenario."""
    ratio: float | None = None
    """At most so many times the floor's."""
    above: float | None = None
    """At most so much more than the floor's, in the figure's unit."""
    absolute: float | None = None
    """At most so much, in the figure's unit."""
    to: Contender = "floor"
    """Another contender that takes the place of the floor."""
    per: str | None = None
    """With `ratio`: another scenario, whose figure of the same contender takes the place of the floor's."""

    def limit(self, reference: float | None) -> float | None:
        """The bound as a number; None where what it is measured against is not known."""
        if self.absolute is not None:
            return self.absolute
        if reference is None:
            return None
        return reference * self.ratio if self.ratio is not None else reference + (self.above or 0.0)

    def __str__(self) -> str:
        if self.absolute is not None:
            return f"<= {show(self.figure, self.absolute)}"
        if self.ratio is not None:
            return f"<= {self.ratio:g} x {self.per or self.to}"
        return f"<= {self.to} + {show(self.figure, self.above or 0.0)}"


@dataclass(frozen=True)
class Measurement:
    """One scenario, how it is run, and its bars."""

    name: str
    what: str
    scenario: str
    """The function in :mod:`benchmarks.scenarios`, :mod:`benchmarks.async_scenarios` and ``official.mjs``."""
    server: Server
    size: int
    official_size: int
    """The same for the official clients, which are given less to do where that does not change the figures."""
    figures: tuple[str, ...]
    """The figures to print, those with a bar and those that explain them."""
    bars: tuple[Bar, ...]
    contenders: tuple[Contender, ...] = ("floor", "ours", "official")
    once: bool = False
    """Whether one repetition says it all: it takes long, or counts something."""

    @property
    def is_awaited(self) -> bool:
        """Whether the floor is the one of the calls that are awaited."""
        return "asyncio" in self.contenders


MEASUREMENTS = (
    Measurement(
        "import",
        "import the client, above ssl, json and h11",
        "imports",
        "none",
        1,
        1,
        ("cpu", "on_demand"),
        (Bar("cpu", absolute=0.040), Bar("on_demand", absolute=0)),
        contenders=("ours", "official"),
    ),
    Measurement(
        "connect",
        "connect: the config and the API description",
        "connect",
        "fake",
        20,
        3,
        ("cpu", "wall"),
        (Bar("cpu", ratio=3), Bar("wall", ratio=3)),
    ),
    Measurement(
        "predict",
        "one small call",
        "predict",
        "fake",
        1000,
        5,
        ("cpu", "wall"),
        (Bar("cpu", ratio=4),),
    ),
    Measurement(
        "predict-real",
        "one small call to Gradio 6.31.0",
        "predict",
        "real",
        60,
        10,
        ("wall", "cpu"),
        (Bar("wall", above=0.0013),),
    ),
    Measurement(
        "tls",
        "one small call over TLS",
        "tls",
        "tls",
        100,
        5,
        ("handshakes", "cpu"),
        (Bar("handshakes", absolute=0),),
    ),
    Measurement(
        "big",
        "a text of 50 MB in one message",
        "big",
        "fake",
        50,
        50,
        ("cpu", "wall"),
        (Bar("cpu", ratio=1.5),),
    ),
    Measurement(
        "messages",
        "10,000 messages of one job",
        "messages",
        "fake",
        10_000,
        10_000,
        ("cpu", "wall"),
        (Bar("cpu", ratio=3),),
    ),
    Measurement(
        "text",
        "a text that grows to 200 KB in 10,000 tokens",
        "text",
        "fake",
        10_000,
        10_000,
        ("cpu", "peak_rss"),
        (Bar("cpu", ratio=4), Bar("peak_rss", absolute=60)),
    ),
    Measurement(
        "text-twice",
        "the same with 20,000 tokens",
        "text",
        "fake",
        20_000,
        20_000,
        ("cpu", "peak_rss"),
        (Bar("cpu", ratio=2.2, per="text"), Bar("peak_rss", absolute=60)),
    ),
    Measurement(
        "upload",
        "a file of 1 GiB to the server",
        "upload",
        "fake",
        1024,
        1024,
        ("wall", "cpu", "peak_rss"),
        (Bar("wall", ratio=2), Bar("peak_rss", absolute=60)),
    ),
    Measurement(
        "download",
        "a file of 1 GiB from the server",
        "download",
        "fake",
        1024,
        1024,
        ("wall", "cpu", "peak_rss"),
        (Bar("wall", ratio=2), Bar("peak_rss", absolute=60)),
    ),
    Measurement(
        "waiting",
        "100 jobs at once, for which nothing comes",
        "waiting",
        "fake",
        100,
        100,
        ("failed", "threads", "load", "joined"),
        (Bar("failed", absolute=0), Bar("threads", absolute=2), Bar("load", absolute=0.002)),
        contenders=("ours", "official"),
        once=True,
    ),
    Measurement(
        "jitter",
        "150 overlapping calls to Gradio 6.31.0, connections delayed by up to 0.3 s",
        "jitter",
        "jitter",
        150,
        150,
        ("lost", "wall"),
        (Bar("lost", absolute=0),),
        contenders=("ours", "official"),
        once=True,
    ),
    Measurement(
        "concurrent",
        "1,000 small calls at once on one client",
        "concurrent",
        "fake",
        1000,
        1000,
        ("failed", "cpu", "threads", "sockets", "wall"),
        (
            Bar("failed", absolute=0),
            Bar("cpu", ratio=6),
            Bar("threads", absolute=1),
            Bar("sockets", absolute=16),
        ),
        contenders=("floor", "asyncio", "trio", "official", "js"),
    ),
    Measurement(
        "concurrent-10k",
        "10,000 calls at once on one client, none of which ends before all have begun",
        "barrier",
        "fake",
        10_000,
        0,
        ("failed", "memory", "cpu", "wall"),
        (Bar("failed", absolute=0), Bar("memory", absolute=25 / 1024)),
        contenders=("floor", "asyncio", "trio"),
        once=True,
    ),
    Measurement(
        "concurrent-real",
        "1,000 small calls at once on one client to Gradio 6.31.0",
        "concurrent",
        "fresh",
        1000,
        1000,
        ("failed", "wall", "cpu"),
        (Bar("failed", absolute=0), Bar("wall", ratio=1.2)),
        contenders=("floor", "asyncio", "trio", "official", "js"),
    ),
    Measurement(
        "latency",
        "from the sending of a message to the user's loop over the job, the median of 500",
        "latency",
        "fake",
        500,
        500,
        ("latency", "p99"),
        (Bar("latency", above=0.001),),
        contenders=("floor", "asyncio", "trio", "official", "js"),
    ),
    Measurement(
        "messages-async",
        "10,000 messages of one job, beside the blocking client",
        "messages",
        "fake",
        10_000,
        10_000,
        ("cpu", "wall"),
        (Bar("cpu", ratio=1.5, to="ours"),),
        contenders=("ours", "asyncio", "trio"),
    ),
    Measurement(
        "waiting-async",
        "100 jobs at once, for which nothing comes, each with a task that waits",
        "waiting",
        "fake",
        100,
        100,
        ("failed", "threads", "load", "wakeups"),
        (
            Bar("failed", absolute=0),
            Bar("threads", absolute=1),
            Bar("load", absolute=0.001),
            Bar("wakeups", absolute=0),
        ),
        contenders=("asyncio", "trio"),
        once=True,
    ),
)


def show(figure: str, value: float) -> str:
    """A figure with its unit: seconds, megabytes, a share of one core, or a count."""
    if figure in ("cpu", "wall", "latency", "p99"):
        for unit, size in (("s", 1.0), ("ms", 1e-3)):
            if value >= size:
                return f"{value / size:.3g} {unit}"
        return f"{value / 1e-6:.3g} us"
    if figure == "peak_rss":
        return f"{value:.0f} MB"
    if figure == "memory":
        return f"{value * 1024:.3g} KB"
    if figure == "load":
        return f"{value:.1%}"
    return f"{value:g}"
