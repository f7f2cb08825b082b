"""This library's own server as a target: in memory, with virtual time, and with defects where they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from gradio_proto.testing import ServerProtocol
from gradio_proto.testing.memory import MemoryRunner, MemoryTransport
from gradio_proto.urls import parse_app_url

from .model import Variant
from .reference.twin import reference_twin, twin_variants
from .reference.variants import variants_of
from .target import LOGIN, PATIENCE_ELSEWHERE, Target


class EmbeddedServers:
    """This library's own server in memory, with the twin of the reference app, once for each variant."""

    def __init__(self, version: str, defects: Sequence[str], *, faithful_defects: bool) -> None:
        self._version = version
        self._defects = tuple(defects)
        self._is_faithful = faithful_defects
        self._runners: dict[Variant, MemoryRunner] = {}
        self._targets: dict[Variant, Target] = {}
        self._starts = count()

    def variant(self, name: Variant) -> Target | None:
        """The server of that variant; None where the version has no such thing."""
        if name not in variants_of(self._version):
            return None
        if name not in self._targets:
            self._start(name)
            self._targets[name] = Target(
                parse_app_url("http://localhost:7860"),
                lambda options: MemoryTransport(options, self._runners[name]),
                is_reference=True,
                words=" ".join(
                    [
                        "--app embedded --gradio-version",
                        self._version,
                        *(f"--defect {name}" for name in self._defects),
                    ]
                ),
                prefix="memory",
                auth=LOGIN if name == "login" else None,
                variants=self.variant,
                restart=lambda: self._start(name),
                stop=lambda: self._stop(name),
                patience=PATIENCE_ELSEWHERE,
            )
        return self._targets[name]

    def _start(self, name: Variant) -> None:
        app = reference_twin(self._version) if name == "plain" else twin_variants(self._version)[name]
        app.app_id += next(self._starts)  # another run of an app has another one
        server = ServerProtocol(app, faithful_defects=self._is_faithful, defects=self._defects)
        self._runners[name] = MemoryRunner(server)

    def _stop(self, name: Variant) -> None:
        runner = self._runners[name]
        runner.server.stop(runner.now)
