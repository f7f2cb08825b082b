"""Make the environments that the real-server tests and the benchmarks run in.

    python tests/servers/install.py              the default set
    python tests/servers/install.py 4.13.0       the named ones
    python tests/servers/install.py --all        every requirements file

``requirements/<name>.txt`` becomes the virtual environment ``.servers/<name>/``, and ``requirements/<name>.json``, a
``package.json`` for Node's npm, becomes ``.servers/<name>/node_modules/``. An environment holds a stamp with its
requirements, and is made again only when they change, or when the Python below it is gone. Where there is no npm,
what needs it is left out, with a word.

Each environment is built in a directory of its own and renamed into place when it is complete: what stands
under its final name always works, an interrupted run leaves nothing half done there, and of several runs at
once one is kept, with the same content. There is no lock that could be left behind.

This file needs nothing but the standard library, since it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REQUIREMENTS = HERE / "requirements"
SERVERS = ROOT / ".servers"

DEFAULT_VERSIONS = ("6.31.0", "5.49.1", "4.44.1", "4.13.0")
"""The Gradio servers that the test suite runs against: the newest, and one of each generation before."""

MATRIX_VERSIONS = ("3.36.1", "3.50.2", "4.0.2", "4.13.0", "4.19.1", "4.21.0", "4.44.1", "5.49.1", "6.31.0")
"""The Gradio servers of the matrix of operations (``make test-matrix``): the oldest and the newest of each generation,
and what lies between them."""

OFFICIAL_CLIENT = "gradio_client-2.7.2"
"""The environment with the official client, for the benchmarks and for the tests that compare ours with it."""

OFFICIAL_JS_CLIENT = "gradio_client_js-2.7.0"
"""The environment with the official client for JavaScript, for the benchmarks."""

PYODIDE = "pyodide-314.0.7"
"""The environment with Python for browsers, which Node runs, for docs/howto/pyodide."""

ASYNCAPI_PARSER = "asyncapi_parser-3.6.3"
"""The environment with the official parser of AsyncAPI documents, which Node runs, for spec/asyncapi.json."""

CHROMIUM = "chromium-153.0.0"
"""The environment with a browser that draws nothing on a screen, and with axe, which judges how accessible a page is:
for the HTML report of the conformance tester. The package holds the browser itself, compressed, so nothing is fetched
when it is unpacked."""

DEFAULTS = (*MATRIX_VERSIONS, OFFICIAL_CLIENT, OFFICIAL_JS_CLIENT, PYODIDE, ASYNCAPI_PARSER, CHROMIUM)
"""What is installed when nothing is named."""

PYTHONS = ((3, 11), (3, 12), (3, 10))
"""The Pythons on which every one of these Gradio releases installs, the best tried one first."""

STAMP = ".installed.json"


class InstallError(Exception):
    """What went wrong, in words that say what to do about it."""


@dataclass(frozen=True)
class Python:
    """An interpreter that has been run, and works."""

    path: str
    version: str


def candidates(
    *,
    running: str = sys.executable,
    path: str | None = None,
    pyenv_root: Path | None = None,
) -> Iterator[str]:
    """Paths at which a suitable Python may be, the preferred version first; nothing is run yet.

    Args:
        running: The interpreter that runs this file.
        path: A search path such as PATH (the default).
        pyenv_root: Where pyenv keeps its versions; by default what pyenv itself would take.
    """
    if pyenv_root is None:
        pyenv_root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    search = os.environ.get("PATH", os.defpath) if path is None else path
    for major, minor in PYTHONS:
        # pyenv before PATH: its shims stand on PATH for every version, and work only for the selected one.
        yield running
        for directory in sorted((pyenv_root / "versions").glob(f"{major}.{minor}.*")):
            yield str(directory / "bin" / "python")
        for directory_name in search.split(os.pathsep):
            yield os.path.join(directory_name or os.curdir, f"python{major}.{minor}")


def inspect_python(path: str) -> Python | None:
    """Run the interpreter at `path`; None where it does not work (a shim, a broken link, no ssl or venv)."""
    program = "import sys, ssl, venv; print('%d.%d.%d' % sys.version_info[:3])"
    try:
        done = subprocess.run(
            [path, "-I", "-c", program], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Python(path, done.stdout.strip()) if done.returncode == 0 else None


def find_python(
    paths: Iterable[str] | None = None, *, inspect: Callable[[str], Python | None] = inspect_python
) -> Python:
    """The first working Python of the preferred version.

    Raises:
        InstallError: There is none; it says what to install.
    """
    paths = list(candidates() if paths is None else paths)
    known: dict[str, Python | None] = {}
    for wanted in PYTHONS:
        for path in paths:
            if path not in known:
                known[path] = inspect(path) if os.path.exists(path) else None
            found = known[path]
            if found is not None and tuple(map(int, found.version.split(".")[:2])) == wanted:
                return found
    names = ", ".join(f"{major}.{minor}" for major, minor in sorted(PYTHONS))
    raise InstallError(
        f"The Gradio servers of the tests need one of Python {names}, and none that works was found "
        "(the running Python, pyenv's versions and PATH were tried). Install one, for instance with "
        "'pyenv install 3.11', 'apt install python3.11-venv' or 'uv python install 3.11', "
        "or run the tests with --no-real-servers."
    )


def find_uv() -> str | None:
    """The project's own uv, else one on PATH, else None."""
    for directory in (Path(sys.executable).parent, ROOT / ".venv" / "bin"):
        if (directory / "uv").is_file():
            return str(directory / "uv")
    return shutil.which("uv")


def python_of(name: str) -> Path:
    """The interpreter of the environment `name`, whether it is installed or not."""
    return SERVERS / name / "bin" / "python"


def find_npm() -> str | None:
    """Node's installer, or None where there is none."""
    return shutil.which("npm")


def packages_of(name: str) -> Path:
    """The packages of the environment `name` of Node's, whether it is installed or not."""
    return SERVERS / name / "node_modules"


def available() -> list[str]:
    """The names that can be installed."""
    return sorted(file.stem for file in REQUIREMENTS.iterdir() if file.suffix in (".txt", ".json"))


def is_of_node(name: str) -> bool:
    """Whether npm installs the environment `name`, and not pip."""
    return (REQUIREMENTS / f"{name}.json").is_file()


def requirements(name: str) -> str:
    """The requirements of the environment `name`.

    Raises:
        InstallError: There is no such environment; it lists those that there are.
    """
    try:
        return _requirements_file(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InstallError(
            f"There is no environment {name!r}; there are: {', '.join(available())}."
        ) from None


def _requirements_file(name: str) -> Path:
    return REQUIREMENTS / (f"{name}.json" if is_of_node(name) else f"{name}.txt")


def is_installed(name: str) -> bool:
    """Whether the environment is there, made from today's requirements, on a Python that still exists."""
    stamp = _stamp_of(SERVERS / name)
    below = packages_of(name) if is_of_node(name) else python_of(name)
    return stamp.get("requirements") == requirements(name) and below.exists()


def install(name: str, python: Python, uv: str | None) -> None:
    """Make the environment `name`, or make it again.

    Raises:
        InstallError: The installer failed; its output is in the message.
    """
    with _built(name, {"requirements": requirements(name), "python": python.version}) as building:
        target = str(building / "bin" / "python")
        wanted = str(_requirements_file(name))
        if uv is not None:
            _run([uv, "venv", "--quiet", "--no-project", "--python", python.path, str(building)])
            _run([uv, "pip", "install", "--quiet", "--python", target, "-r", wanted])
        else:
            _run([python.path, "-m", "venv", str(building)])
            _run([target, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", wanted])


def install_of_node(name: str, npm: str) -> None:
    """Make the environment `name` of Node's, or make it again.

    Raises:
        InstallError: The installer failed; its output is in the message.
    """
    with _built(name, {"requirements": requirements(name)}) as building:
        building.mkdir()
        shutil.copyfile(_requirements_file(name), building / "package.json")
        quietly = ("--loglevel=error", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts")
        _run([npm, "install", *quietly, "--prefix", str(building)])
        if name == CHROMIUM:
            _unpack_chromium(building)


# Brotli, in which the browser is packed, is spoken by Node and not by Python's standard library.
_UNPACK = """
const fs = require("fs"), zlib = require("zlib");
const packed = (name) => fs.readFileSync("node_modules/@sparticuz/chromium/bin/" + name);
const unpack = (from, to, mode) => fs.writeFileSync(to, zlib.brotliDecompressSync(packed(from)), {mode});
unpack("chromium.br", "chromium", 0o755);
unpack("al2023.tar.br", "libraries.tar", 0o644);
"""


def _unpack_chromium(building: Path) -> None:
    """Put the browser, and the libraries that a bare machine lacks, where :func:`chromium` finds them."""
    _run([shutil.which("node") or "node", "-e", _UNPACK], cwd=building)
    with tarfile.open(building / "libraries.tar") as archive:
        archive.extractall(building, filter="data")
    (building / "libraries.tar").unlink()
    (building / "node_modules" / "@sparticuz" / "chromium" / "bin" / "chromium.br").unlink()


def chromium() -> tuple[Path, Path]:
    """The browser, and the directory with its libraries, whether they are installed or not."""
    return SERVERS / CHROMIUM / "chromium", SERVERS / CHROMIUM / "lib"


@contextmanager
def _built(name: str, stamp: dict[str, str]) -> Iterator[Path]:
    """Where to build the environment `name`, which is put in its place if nothing is raised."""
    final = SERVERS / name
    SERVERS.mkdir(exist_ok=True)
    building = SERVERS / f".{name}.new.{os.getpid()}"
    replaced = SERVERS / f".{name}.old.{os.getpid()}"
    try:
        yield building
        (building / STAMP).write_text(json.dumps(stamp, indent=1), encoding="utf-8")
        if not is_installed(name):  # a run beside this one may have been faster
            _move_into_place(building, final, replaced)
    finally:
        shutil.rmtree(building, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)


def _move_into_place(building: Path, final: Path, replaced: Path) -> None:
    # A directory cannot be renamed over another one that is not empty, so the old one steps aside first;
    # between the two renames a run beside this one can put its own there, which is as good as ours.
    try:
        final.rename(replaced)
    except FileNotFoundError:
        pass
    try:
        building.rename(final)
    except OSError:
        if not final.is_dir():
            raise


def _stamp_of(environment: Path) -> dict[str, str]:
    try:
        stamp: dict[str, str] = json.loads((environment / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp


def _run(command: Sequence[str], cwd: Path | None = None) -> None:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd=cwd
    )
    if done.returncode != 0:
        raise InstallError(f"{' '.join(command)}\nfailed with status {done.returncode}:\n{done.stdout}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Make the environments of the real-server tests.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(available())}")
    parser.add_argument("--all", action="store_true", help="every environment there is")
    options = parser.parse_args(arguments)
    names = available() if options.all else options.names or DEFAULTS
    try:
        missing = [name for name in names if not is_installed(name)]
        of_node = [name for name in missing if is_of_node(name)]
        of_python = [name for name in missing if name not in of_node]
        if of_python:  # a machine that has them all needs no Python for them any more
            python, uv = find_python(), find_uv()
            for name in of_python:
                print(f"Installing {name} for Python {python.version}", flush=True)
                install(name, python, uv)
        npm = find_npm()
        for name in of_node:
            if npm is None:
                print(f"There is no npm here, so {name} is left out, and what needs it", flush=True)
            else:
                print(f"Installing {name} for Node", flush=True)
                install_of_node(name, npm)
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
