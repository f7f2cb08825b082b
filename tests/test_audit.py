"""What a client does to the machine that it runs on: it opens what it was given, and connects where it was told to.

The interpreter audits itself (PEP 578): every file that is opened, every socket that is connected, every program that
is started, every code that is compiled or unpickled is an event, whoever causes it. All events of whole lives of
clients are looked at, and each must be one that is known to be right; see audited.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gradio_proto.conformance.clients import run_client
from gradio_proto.testing import Error, File, TestApp, serve

PROGRAM = Path(__file__).parent / "audited.py"
WAYS = ("blocking", "trio", "asyncio")

READING = {"open", "os.listdir", "os.scandir"}
"""What a module may do while it is loaded where code is, and there only."""

OF_LOADING = {"exec", "compile", "marshal.loads", "code.__new__", *READING}
"""What may happen while a module is loaded, and at no other time."""

OF_SOCKETS = {"socket.__new__", "socket.bind", "socket.getaddrinfo", "socket.connect", "socket.getsockname"}

OF_DOWNLOADS = {"os.mkdir", "os.rename", "os.remove"}

READ_ONLY = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_LARGEFILE", 0)


class Audit:
    """Judges events.

    Args:
        code: Where modules are.
    """

    def __init__(self, code: tuple[str, ...]) -> None:
        self._code = code
        self._place = ("", 0)
        self._given: set[str] = set()
        self._directory = ""
        self.seen: Counter[str] = Counter()
        """What was done, by kind."""

    def begin(self, order: dict[str, Any]) -> None:
        """From here on it is this order that is carried out."""
        life = order.get("life", order)
        url = urlsplit(life["url"])
        self._place = (url.hostname or "", url.port or 80)
        if "life" in order:
            self._given = {life["given"], life["stream"], life["missing"]}
            self._directory = life["directory"]
        else:
            calls = order.get("calls", [order])
            values = [value for call in calls for value in call["data"]]
            self._given = {value["$file"] for value in values if isinstance(value, dict) and "$file" in value}
            self._directory = order["scratch"]

    def is_right(self, event: str, arguments: list[Any], is_loading: bool) -> bool:
        """Whether an event may be."""
        if event == "import":
            return True
        if is_loading:
            return event in OF_LOADING and (event not in READING or self._is_code(arguments))
        if event == "open":
            path, _, flags = arguments
            return self._may_open(path, flags)
        if event in OF_DOWNLOADS:
            self.seen[event] += 1
            return all(map(self._is_download, arguments[: 2 if event == "os.rename" else 1]))
        if event in OF_SOCKETS:
            return self._may_connect(event, arguments)
        return False

    def _is_code(self, arguments: list[Any]) -> bool:
        path, *more = arguments
        is_read = not more or not (more[1] & ~READ_ONLY)
        return is_read and isinstance(path, str) and self._is_within_code(os.path.realpath(path))

    def _is_within_code(self, path: str) -> bool:
        return any(path == root or path.startswith(root.rstrip(os.sep) + os.sep) for root in self._code)

    def _is_download(self, path: Any) -> bool:
        place = os.path.normpath(str(path))
        return place == self._directory or place.startswith(self._directory + os.sep)

    def _may_open(self, path: Any, flags: int) -> bool:
        if path in self._given and not flags & ~READ_ONLY:
            self.seen["given"] += 1
            return True
        if isinstance(path, str) and self._is_download(path) and flags & os.O_EXCL and flags & os.O_NOFOLLOW:
            self.seen["download"] += 1
            return True
        return False

    def _may_connect(self, event: str, arguments: list[Any]) -> bool:
        if event == "socket.connect":
            self.seen["connect"] += 1
            return tuple(arguments[1][:2]) == self._place
        if event == "socket.getaddrinfo":
            return tuple(arguments[:2]) == self._place
        return event != "socket.bind"


def judged(log: Path) -> Audit:
    """The audit of a log; everything in it was right."""
    roots = (sys.prefix, sys.base_prefix, *sys.path, str(PROGRAM.parent))
    code = tuple({os.path.realpath(root) for root in roots if root})
    audit = Audit(code)
    for line in log.read_text("utf-8").splitlines():
        event, *rest = json.loads(line)
        if event == "order":
            audit.begin(rest[0])
        else:
            arguments, is_loading = rest
            assert audit.is_right(event, arguments, is_loading), f"{event} {arguments}, loading: {is_loading}"
    return audit


def command(way: str, log: Path) -> list[str]:
    return [sys.executable, "-B", "-W", "error", str(PROGRAM), way, str(log)]


def an_app(bait: Path) -> TestApp:
    app = TestApp(auth=("ada", "open sesame"))

    @app.endpoint("/copy")
    def copy(x: File = {"path": str(bait), "meta": {"_type": "gradio.FileData"}}) -> File:  # type: ignore[assignment]  # noqa: B006
        return File("copy.txt", x.data)

    @app.endpoint("/copies")
    def copies(x: list[File]) -> list[File]:
        return [File("../../evil.txt", each.data) for each in x]

    @app.endpoint("/json", inputs=["json"], outputs=["json"])
    def json(x: Any) -> Any:
        return x

    @app.endpoint("/count")
    def count(n: int) -> Iterator[int]:
        yield from range(int(n))

    @app.endpoint("/gather", connection="stream", time_limit=20)
    def gather(word: str) -> str:
        return word

    @app.endpoint("/fail")
    def fail(x: str) -> str:
        raise Error(f"no {x}")

    return app


@pytest.mark.parametrize("way", WAYS)
def test_a_whole_life_touches_what_was_given_and_nothing_else(way: str, tmp_path: Path) -> None:
    given, stream, bait = (tmp_path / f"{name}.txt" for name in ("given", "stream", "bait"))
    for path in (given, stream, bait):
        path.write_text(f"this is {path.name}")
    directory, log = tmp_path / "downloads", tmp_path / "log"
    with serve(an_app(bait)) as url:
        life = {
            "url": url,
            "given": str(given),
            "stream": str(stream),
            "missing": str(tmp_path / "missing.txt"),
            "bait": str(bait),
            "directory": str(directory),
        }
        ran = subprocess.run(
            command(way, log),
            input=json.dumps({"life": life}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    answer = json.loads(ran.stdout)
    assert [Path(path).read_text() for path in answer["paths"]] == [
        *("this is given.txt", "this is stream.txt", "bytes", "this is given.txt", "c")
    ]
    assert {"AppError", "ArgumentError"} <= {*answer["failures"]}
    audit = judged(log)
    assert audit.seen["given"] >= 3
    assert audit.seen["download"] >= 5
    assert audit.seen["connect"] >= 1
    assert audit.seen["os.rename"] >= 5


@pytest.mark.parametrize("way", WAYS)
def test_hostile_servers_do_not_change_that(way: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    report = run_client(
        command(way, log),
        select=("file/*", "upload/*", "info/default*", "config/prefix*", "config/root*"),
        skip=(
            "file/gateway*",
            "file/lost*",
            "file/short*",
            "file/silence*",
        ),  # they name nothing, and take time
        persistent=True,
        timeout=60,
    )
    assert {result.verdict.value for result in report.results} == {"pass"}
    assert len(report.results) > 50
    audit = judged(log)
    assert audit.seen["given"] >= 5
    assert audit.seen["download"] >= 20
    assert audit.seen["connect"] >= len(report.results)


CODE = ("/usr/lib/python3", "/opt/one.py")

ORDER = {"url": "http://127.0.0.1:81/", "data": [{"$file": "/home/a.txt"}], "scratch": "/tmp/downloads"}

WRITES = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


@pytest.mark.parametrize(
    ("event", "arguments", "is_loading", "is_right"),
    [
        ("open", ["/home/a.txt", "r", os.O_RDONLY], False, True),
        ("open", ["/home/a.txt", "w", os.O_WRONLY], False, False),
        ("open", ["/home/b.txt", "r", os.O_RDONLY], False, False),
        ("open", ["/tmp/downloads/x.part", None, WRITES], False, True),
        ("open", ["/tmp/downloads/x.part", None, os.O_WRONLY | os.O_CREAT], False, False),
        ("open", ["/tmp/downloads/../x.part", None, WRITES], False, False),
        ("open", ["/tmp/downloads2", None, WRITES], False, False),
        ("open", ["/usr/lib/python3/os.py", "rb", os.O_RDONLY], True, True),
        ("open", ["/usr/lib/python3/os.py", "wb", os.O_WRONLY], True, False),
        ("open", ["/usr/lib/python30/os.py", "rb", os.O_RDONLY], True, False),
        ("open", ["/usr/lib/python3/../os.py", "rb", os.O_RDONLY], True, False),
        ("os.listdir", ["/usr/lib/python3"], True, True),
        ("os.listdir", ["/usr/lib"], True, False),
        ("open", ["/opt/one.py", "rb", os.O_RDONLY], True, True),
        ("open", ["/opt/one.pyc", "rb", os.O_RDONLY], True, False),
        ("open", ["/usr/lib/python3/os.py", "rb", os.O_RDONLY], False, False),
        ("open", ["/home/b.txt", "rb", os.O_RDONLY], True, False),
        ("os.rename", ["/tmp/downloads/a", "/tmp/downloads/b", -1, -1], False, True),
        ("os.rename", ["/tmp/downloads/a", "/home/b", -1, -1], False, False),
        ("os.remove", ["/home/a.txt", -1], False, False),
        ("socket.connect", ["<socket>", ["127.0.0.1", 81]], False, True),
        ("socket.connect", ["<socket>", ["127.0.0.1", 82]], False, False),
        ("socket.getaddrinfo", ["evil.example", 81], False, False),
        ("socket.bind", ["<socket>", ["", 0]], False, False),
        ("exec", ["<code>"], False, False),
        ("exec", ["<code>"], True, True),
        ("compile", ["1", "x"], False, False),
        ("pickle.find_class", ["os", "system"], False, False),
        ("os.putenv", ["A", "b"], False, False),
        ("subprocess.Popen", ["ls"], True, False),
        ("ctypes.dlopen", ["libc"], True, False),
    ],
)
def test_what_the_audit_lets_pass(event: str, arguments: list[Any], is_loading: bool, is_right: bool) -> None:
    audit = Audit(CODE)
    audit.begin(ORDER)
    assert audit.is_right(event, arguments, is_loading) is is_right
