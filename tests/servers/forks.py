"""Start several servers of one version at the cost of one: see :mod:`servers.forked`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from . import install
from .running import START_SECONDS, ServerError, Variant, answers, free_port


class Forks:
    """Servers of one version, each with options of its own. Close it, or use it as a context manager.

    They find no programs of the machine that they run on, ffmpeg say, so that they do the same on all machines.

    Raises:
        ServerError: That version is not installed.
    """

    def __init__(self, version: str) -> None:
        if not install.is_installed(version):
            raise ServerError(f"Gradio {version} is not installed: run 'make servers'.")
        self.version = version
        self._variants: dict[str, Variant] = {}
        self._directory = Path(tempfile.mkdtemp(prefix=f"gradio-{version}-"))
        nowhere = self._directory / "no-programs"
        nowhere.mkdir()
        temporary = {name: str(self._directory) for name in ("GRADIO_TEMP_DIR", "TMPDIR")}
        with (self._directory / "output.txt").open("wb") as output:
            self._process = subprocess.Popen(
                [str(install.python_of(version)), str(install.HERE / "forked.py")],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._directory,
                env={**os.environ, **temporary, "PATH": str(nowhere)},
                start_new_session=True,
            )

    def __enter__(self) -> Forks:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, variant: Variant) -> str:
        """Start a server; its URL. It does not answer yet: see :meth:`wait`."""
        port = free_port()
        url = f"http://127.0.0.1:{port}{variant.mount or ''}"
        self._variants[url] = variant
        self._order("start", url, variant.arguments())
        return url

    def wait(self, url: str) -> None:
        """Wait until a server answers.

        Raises:
            ServerError: It does not.
        """
        deadline = time.monotonic() + START_SECONDS
        while not answers(url):
            if self._process.poll() is not None or time.monotonic() > deadline:
                output = (self._directory / "output.txt").read_text(encoding="utf-8", errors="replace")
                raise ServerError(f"Gradio {self.version} does not answer. It printed:\n{output[-4000:]}")
            time.sleep(0.05)

    def close_app(self, url: str) -> None:
        """Have the app stop of its own will, as ``demo.close()`` does; wait for nothing."""
        self._order("close", url)

    def kill(self, url: str) -> None:
        """Kill a server, and wait until it is gone."""
        self._order("kill", url)
        while answers(url):
            time.sleep(0.01)

    def restart(self, url: str) -> None:
        """Start a server that was killed anew, at the same address, and wait until it answers."""
        self._order("start", url, self._variants[url].arguments())
        self.wait(url)

    def close(self) -> None:
        """Stop them all; their temporary files go too."""
        # They are a process group of their own, so that nothing they started is left behind.
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _order(self, order: str, url: str, *more: Any) -> None:
        assert self._process.stdin is not None
        line = json.dumps([order, urlsplit(url).port, *more])
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
