"""The reference app: how it is started, and by which Pythons. Its twin is in ``test_conformance_reference_twin``."""

from __future__ import annotations

import ast
import json
import os
import random
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from servers.running import Servers

from gradio_proto import Client
from gradio_proto.conformance import reference
from gradio_proto.conformance.reference import (
    TITLE,
    VARIANTS,
    LaunchError,
    Options,
    ReferenceServer,
    launching,
    processes,
    variants_of,
)
from gradio_proto.conformance.reference.launching import answers, gradio_of
from gradio_proto.conformance.reference.variants import PASSWORD, USERNAME, version_number
from gradio_proto.errors import AppError, AuthenticationError, QueueError

FOLDER = Path(reference.__file__).parent
SERVED = ("app", "kinds", "forked")
"""What runs in a server's own Python."""


# What runs where Gradio is


def test_the_app_imports_what_every_python_with_gradio_has() -> None:
    allowed = {*sys.stdlib_module_names, "gradio", "fastapi", "pandas", "uvicorn", "kinds"}
    for name in SERVED:
        tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"), feature_version=(3, 10))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= allowed
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                assert str(node.module).split(".")[0] in allowed


@pytest.mark.real("3.50.2", "6.31.0")
def test_no_module_beside_the_app_hides_one_of_the_servers(real_server: Servers, server_version: str) -> None:
    """A script's own folder comes first on its path."""
    python = real_server.reference(server_version).python
    program = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.run(
        [python, "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()
    theirs = {*sys.stdlib_module_names, *(path.name.split(".")[0] for path in Path(packages).iterdir())}
    ours = {path.stem for path in FOLDER.glob("*.py")}
    assert {*SERVED, "launching", "twin_functions"} <= ours
    assert "gradio" in theirs
    assert not ours & theirs


# Starting it: here with a script in its place that needs no Gradio


FAKE = """
import http.server, os, sys, threading

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(os.getpid()).encode())

    def log_message(self, *_):
        pass

def main(arguments):
    print("arguments", arguments)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(arguments[1])), Handler)

    def watch():
        while os.read(0, 1):
            print("closing")
            server.shutdown()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    server.serve_forever()
    os._exit(7)

if __name__ == "__main__":
    main(sys.argv[1:])
"""


Launch = Callable[..., ReferenceServer]


@pytest.fixture(params=["forks", "processes"])
def forking(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "forks")


@pytest.fixture
def launch(tmp_path: Path, forking: bool) -> Iterator[Launch]:
    """Start such a script with this Python."""
    servers: list[ReferenceServer] = []

    def start(program: str = FAKE, **options: Any) -> ReferenceServer:
        app = tmp_path / "fake.py"
        app.write_text(program, encoding="utf-8")
        options = {"version": "6.31.0", "app": app, "forking": forking, **options}
        servers.append(ReferenceServer(sys.executable, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def pid_of(url: str) -> int:
    with urllib.request.urlopen(f"{url}/config", timeout=10) as response:
        return int(response.read())


def directory_of(server: ReferenceServer) -> Path:
    assert server._directory is not None
    return server._directory


def test_a_server_is_started_once_and_ended(launch: Launch) -> None:
    with launch() as server:
        url = server.url
        assert server.variant("plain") == server.url == url
        assert answers(url)
        directory = directory_of(server)
        assert "--exit-with-parent" in server.running().output
    assert not answers(url)
    assert not directory.exists()
    server.close()


def test_every_variant_is_a_server_of_its_own(launch: Launch) -> None:
    server = launch()
    server.begin(*server.variants)
    urls = {name: server.variant(name) for name in server.variants}
    assert len({*urls.values()}) == len({pid_of(url) for url in urls.values()}) == len(VARIANTS)
    assert f"'--auth', '{USERNAME}:{PASSWORD}'" in server.running("login").output
    assert "'--hide-errors', '--max-size', '1', '--workers', '1'" in server.running("short-queue").output
    assert "'--max-file-size', '1000'" in server.running("small-files").output


def test_a_restart_is_another_server_at_the_same_address(launch: Launch) -> None:
    server = launch()
    url, other = server.url, server.variant("login")
    before, others = pid_of(url), pid_of(other)
    server.restart()
    assert server.url == url
    assert pid_of(url) != before
    assert pid_of(other) == others
    server.restart("short-queue")  # which was not there yet
    assert answers(server.variant("short-queue"))


def test_a_server_is_killed_or_closes_its_app(launch: Launch) -> None:
    server = launch()
    running, other = server.running(), server.start(Options(mount="/at"))
    other.wait()
    assert other.url.endswith("/at")
    running.kill()
    running.kill()
    running.close_app()  # there is nobody to hear it
    assert not answers(running.url)
    other.close_app()
    while other._process.status() is None:
        time.sleep(0.005)
    assert other._process.status() == 7
    assert other.output.endswith("closing")
    other.close_app()
    other.restart()
    assert answers(other.url)


def test_a_server_at_a_certain_port(launch: Launch) -> None:
    port = launching.free_port()
    running = launch().start(Options(), port=port)
    running.wait()
    assert running.url == f"http://127.0.0.1:{port}"


def test_a_port_that_is_taken_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = launching.free_port()
        ports = [port, taken.getsockname()[1]]
        monkeypatch.setattr(random, "randrange", lambda *_: ports.pop())
        assert launching.free_port() == port
    assert ports == []


def test_a_server_that_ends_shows_what_it_printed(launch: Launch, tmp_path: Path) -> None:
    program = f"""
import sys
def main(arguments):
    open({str(tmp_path / "starts")!r}, "a").write("x")
    print("no such thing")
    sys.exit(1)
if __name__ == "__main__":
    main(sys.argv[1:])
"""
    server = launch(program)
    for _ in range(2):  # but it is tried once
        with pytest.raises(
            LaunchError, match=r"^Gradio 6.31.0 ended with status 1 before .*\s*no such thing"
        ):
            server.variant("plain")
    assert (tmp_path / "starts").read_text() == "x"
    with pytest.raises(LaunchError):
        server.restart()
    assert (tmp_path / "starts").read_text() == "xx"


def test_a_server_that_is_killed_by_a_signal(launch: Launch) -> None:
    program = """
import os
def main(arguments):
    os.kill(os.getpid(), 9)
if __name__ == "__main__":
    main([])
"""
    with pytest.raises(LaunchError, match=r"ended with status -9 before it answered. It printed:\nnothing"):
        launch(program).variant("plain")


def test_an_app_that_cannot_be_imported(launch: Launch) -> None:
    with pytest.raises(LaunchError, match=r"(?s)ended with status 1 .*No module named 'not_there'"):
        launch("import not_there").variant("plain")


def test_a_server_that_does_not_answer(launch: Launch, tmp_path: Path) -> None:
    program = f"""
import os, time
def main(arguments):
    open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
    while True:
        time.sleep(60)
if __name__ == "__main__":
    main([])
"""
    server = launch(program, start_seconds=1)
    with pytest.raises(LaunchError, match="did not answer within 1 s"):
        server.variant("plain")
    server.close()
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 10
    while (
        is_alive(pid) and time.monotonic() < deadline
    ):  # its parent was killed with it: somebody else buries it
        time.sleep(0.01)
    assert not is_alive(pid)


def is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_variant_that_there_is_not(launch: Launch) -> None:
    server = launch(version="4.13.0")
    with pytest.raises(
        LaunchError, match=r"Gradio 4.13.0 has no variant 'small-files'; there are: plain, login"
    ):
        server.begin("small-files")
    with pytest.raises(LaunchError, match="no variant 'other'"):
        server.variant("other")
    assert server._directory is None, "nothing was started for it"


def test_servers_that_find_no_programs(launch: Launch) -> None:
    program = "import os\ndef main(arguments): print('PATH', os.environ['PATH'])\nif __name__ == '__main__': main([])"
    server = launch(program, programs=False)
    with pytest.raises(LaunchError, match=r"PATH .*no-programs$") as caught:
        server.variant("plain")
    assert str(directory_of(server) / "no-programs") in str(caught.value)


def test_where_the_script_is_comes_first(
    launch: Launch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Somebody has forbidden it for all of their Pythons."""
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    program = "import os\ndef main(arguments): print(*os.environ)\nif __name__ == '__main__': main([])"
    with pytest.raises(LaunchError) as caught:
        launch(program).variant("plain")
    assert "PYTHONSAFEPATH" not in str(caught.value)
    assert "GRADIO_TEMP_DIR" in str(caught.value)


def test_no_server_outlives_its_owner(tmp_path: Path, forking: bool) -> None:
    app = tmp_path / "fake.py"
    app.write_text(FAKE, encoding="utf-8")
    program = (
        "import os, sys, pathlib\n"
        "from gradio_proto.conformance.reference import ReferenceServer\n"
        f"server = ReferenceServer(sys.executable, version='6', forking={forking}, app=pathlib.Path({str(app)!r}))\n"
        "print(server.url, server.variant('login'), flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment, check=False
    )
    assert done.returncode == -9
    urls = done.stdout.split()
    assert len(urls) == 2
    gone(*urls)


def gone(*urls: str) -> None:
    deadline = time.monotonic() + 10
    while any(answers(url) for url in urls) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(answers(url) for url in urls)


def test_a_program_that_ends_closes_its_servers(tmp_path: Path, forking: bool) -> None:
    app = tmp_path / "fake.py"
    app.write_text(FAKE, encoding="utf-8")
    program = (
        "import sys, pathlib\n"
        "from gradio_proto.conformance.reference import ReferenceServer\n"
        f"server = ReferenceServer(sys.executable, version='6', forking={forking}, app=pathlib.Path({str(app)!r}))\n"
        "print(server.url, server._directory, flush=True)\n"
        "raise SystemExit('in the middle of something')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == "in the middle of something\n"
    url, directory = done.stdout.split()
    assert not answers(url)
    assert not Path(directory).exists()


def test_a_server_that_does_not_die(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing survives SIGKILL but a process that the system holds; so here nobody sends it."""

    def order(*_: Any) -> None:
        """To nobody."""

    running = launch(forking=True).running()
    monkeypatch.setattr(processes.Forks, "order", order)
    monkeypatch.setattr(processes, "_KILL_SECONDS", 0.0)
    with pytest.raises(TimeoutError, match="does not end"):
        running.kill()


def test_where_there_are_no_process_groups(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    server = launch()
    url = server.url
    monkeypatch.delattr(os, "killpg")
    server.close()
    gone(url)


# Which Pythons can run it


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_python_with_gradio(tmp_path: Path) -> None:
    python = script(tmp_path / "python", """echo '[[3, 11], "6.32.0b1"]'""")
    assert gradio_of(python) == "6.32.0b1"
    assert ReferenceServer(python).version == "6.32.0b1"
    assert ReferenceServer(Path(python)).variants == tuple(VARIANTS)


def test_a_python_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = script(tmp_path / "snake", """echo '[[3, 10], "3.36.1"]'""")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert ReferenceServer("snake").python == python
    monkeypatch.chdir(tmp_path)
    assert ReferenceServer("./snake").python == python
    assert gradio_of("./snake") == "3.36.1"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("""echo '[[3, 9], "6.31.0"]'""", r"is Python 3\.9, and the reference app needs 3\.10 or later"),
        (
            """echo '[[3, 11], "3.35.2"]'""",
            r"has Gradio 3\.35\.2, and the reference app is for 3\.36 and later",
        ),
        ("echo '[[3, 11], null]'", r"has no Gradio\. Install it with: \S+/python -m pip install gradio$"),
        ("echo what is this", "is not a Python that works: it says 'what is this'"),
        ("echo 7", "is not a Python that works: it says '7'"),
        ("echo broken >&2; exit 3", "is not a Python that works: it says 'broken'"),
    ],
)
def test_a_python_that_cannot_run_the_app(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(LaunchError, match=complaint):
        ReferenceServer(script(tmp_path / "python", text))


def test_this_python_has_no_gradio() -> None:
    with pytest.raises(LaunchError, match=r"has no Gradio\. Install it with: .* -m pip install gradio"):
        ReferenceServer(sys.executable)


def test_no_such_python(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=r"There is no Python at '.*nowhere' that can be run: "):
        ReferenceServer(tmp_path / "nowhere")
    with pytest.raises(LaunchError, match="There is no Python at 'no-such-python'"):
        ReferenceServer("no-such-python")


# Variants


def test_the_options_of_a_variant() -> None:
    assert Options().arguments() == []
    options = Options(
        auth="a:b",
        max_size=0,
        max_file_size=9,
        root_path="/x",
        hide_errors=True,
        mount="/y",
        workers=3,
        no_queue=True,
    )
    assert options.arguments() == [
        *("--hide-errors", "--no-queue", "--auth", "a:b", "--max-size", "0"),
        *("--max-file-size", "9", "--root-path", "/x", "--mount", "/y", "--workers", "3"),
    ]


def test_the_variants_of_a_version() -> None:
    assert variants_of("4.13.0") == ("plain", "login", "short-queue")
    assert (
        variants_of("4.44.1") == variants_of("7.0.0rc1") == ("plain", "login", "short-queue", "small-files")
    )


@pytest.mark.parametrize(
    ("version", "number"), [("6.31.0", (6, 31, 0)), (" 3.36.1\n", (3, 36, 1)), ("7.0.0b1", (7, 0)), ("x", ())]
)
def test_the_numbers_of_a_version(version: str, number: tuple[int, ...]) -> None:
    assert version_number(version) == number


def test_lazy_names() -> None:
    assert {getattr(reference, name).__name__ for name in ("ReferenceServer", "reference_twin")} == {
        "ReferenceServer",
        "reference_twin",
    }
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        reference.nothing  # noqa: B018
    program = (
        "import sys, gradio_proto.conformance.reference as reference; reference.TITLE\n"
        "assert not {'subprocess', 'gradio_proto.testing', 'hypothesis'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# The real app


def config_of(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/config", timeout=30) as response:
        config: dict[str, Any] = json.load(response)
    return config


@pytest.mark.real("3.50.2", "6.31.0")
def test_the_app_runs_in_each_variant(real_server: Servers, server_version: str) -> None:
    server = real_server.reference(server_version)
    assert gradio_of(server.python) == server_version
    server.begin(*server.variants)
    config = config_of(server.url)
    assert (config["title"], config["version"].strip()) == (TITLE, server_version)
    with Client(server.url) as client:
        assert client.predict("x", api_name="/echo") == "x"
    login = server.variant("login")
    with pytest.raises(urllib.error.HTTPError) as caught:
        config_of(login)
    caught.value.close()
    assert caught.value.code == 401
    with pytest.raises(AuthenticationError):
        Client(login)
    with Client(login, auth=(USERNAME, PASSWORD)) as client:
        assert client.predict(api_name="/req")["username"] == USERNAME
    with Client(server.variant("short-queue"), max_retries=0) as client:
        with pytest.raises(AppError) as hidden:
            client.predict("x", api_name="/crash")
        assert "crashed" not in str(hidden.value)
        fills_up(client)


def fills_up(client: Client) -> None:
    """One runs and one waits; the third is sent away. They are joined before they are asked for, whatever has begun."""
    jobs = [client.submit(0.5, api_name="/slow") for _ in range(4)]
    errors = [error for job in jobs if (error := job.exception(30)) is not None]
    assert errors
    assert all(isinstance(error, QueueError) for error in errors)
    assert any(job.exception() is None for job in jobs)


@pytest.mark.real("6.31.0")
def test_small_files_and_a_restart(real_server: Servers, server_version: str) -> None:
    server = real_server.reference(server_version)
    url = server.variant("small-files")
    with Client(url) as client:
        before = client.app_id
    for size, status in ((1000, 200), (1001, 413)):
        assert upload(f"{url}/gradio_api/upload", b"x" * size) == status
    server.restart("small-files")
    with Client(url) as client:
        assert client.app_id != before


def upload(url: str, content: bytes) -> int:
    """The status that an upload is answered with. (Our client would not send what is too large.)"""
    head = b'--b\r\ncontent-disposition: form-data; name="files"; filename="x"\r\n\r\n'
    headers = {"content-type": "multipart/form-data; boundary=b"}
    request = urllib.request.Request(url, head + content + b"\r\n--b--\r\n", headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.mark.real("6.31.0")
def test_the_app_ends_with_its_owner(real_server: Servers, server_version: str) -> None:
    """In a process of its own; what is true of forks does not depend on the app."""
    python = real_server.reference(server_version).python
    program = (
        "import os; from gradio_proto.conformance.reference import ReferenceServer\n"
        f"print(ReferenceServer({python!r}, forking=False).url, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -9
    gone(done.stdout.strip())
