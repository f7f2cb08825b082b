"""Measure the contenders, one after the other and in turn, and print what came out beside the bars.

Each repetition of each contender is a process of its own, and the contenders take turns, so that a machine
that gets slower does so for all of them. What is compared is the median.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from benchmarks.bars import (
    CONTENDERS,
    MEASUREMENTS,
    OURS,
    Contender,
    Figures,
    Measurement,
    Medians,
    Server,
    show,
)
from tests.servers import install
from tests.servers.running import Servers

OFFICIAL: tuple[Contender, ...] = ("official", "js")
"""They are measured once: it takes long, and no bar is about them."""

GRADIO = "6.31.0"


class Addresses:
    """The URLs of the servers, each started when it is first asked for, and a fresh one whenever it is."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._fresh = stack.enter_context(contextlib.ExitStack())
        self._known: dict[Server, str] = {}
        self._certificates: Path | None = None

    def __getitem__(self, server: Server) -> str:
        if server == "fresh":
            self._fresh.close()
            return self._fresh.enter_context(Servers())(GRADIO)
        if server not in self._known:
            self._known[server] = self._start(server)
        return self._known[server]

    def environment(self, server: Server) -> dict[str, str]:
        """What a client needs to trust the server: both OpenSSL and the official client's httpx read it."""
        return {"SSL_CERT_FILE": str(self._certificates)} if server == "tls" else {}

    def _start(self, server: Server) -> str:
        if server == "none":
            return "-"
        if server == "fake":
            return f"http://127.0.0.1:{self._stack.enter_context(helper('benchmarks.fake_server'))}"
        if server == "tls":
            pem = self._make_certificate()
            port = self._stack.enter_context(helper("benchmarks.fake_server", "--tls", str(pem)))
            return f"https://localhost:{port}"
        if server == "real":
            return self._stack.enter_context(Servers())(GRADIO)
        upstream = self["real"].rpartition(":")[2]
        return f"http://127.0.0.1:{self._stack.enter_context(helper('benchmarks.jitter_proxy', upstream))}"

    def _make_certificate(self) -> Path:
        import trustme

        directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(directory / "authority.pem"))
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(
            str(directory / "server.pem")
        )
        self._certificates = directory / "authority.pem"
        return directory / "server.pem"


@contextlib.contextmanager
def helper(module: str, *arguments: str) -> Generator[int]:
    """Run one of our servers; gives its port. It ends with its standard input, so also when we are killed."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=install.ROOT
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.stdin.close()
        process.wait()


class Failed(Exception):
    """A contender could not do it; the message is the last thing that it printed."""


def command_of(measurement: Measurement, contender: Contender) -> list[str]:
    """The program that measures, to which the URL and the size are added."""
    if contender == "js":
        packages = install.packages_of(install.OFFICIAL_JS_CLIENT)
        return ["node", "benchmarks/official.mjs", str(packages), measurement.scenario]
    python = install.python_of(install.OFFICIAL_CLIENT) if contender == "official" else sys.executable
    module = "benchmarks.scenarios"
    if measurement.scenario == "imports":  # where nothing is imported that is not measured
        module = "benchmarks.imports"
    elif contender in ("asyncio", "trio") or (contender == "floor" and measurement.is_awaited):
        module = "benchmarks.async_scenarios"
    return [str(python), "-m", module, contender, measurement.scenario]


def measure(measurement: Measurement, contender: Contender, addresses: Addresses) -> Figures:
    """One repetition, in a process of its own."""
    size = measurement.official_size if contender in OFFICIAL else measurement.size
    url = addresses[measurement.server]
    environment = {**os.environ, **addresses.environment(measurement.server)}
    # A user's second start finds bytecode; the first one, which compiles, is not what an import costs.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        done = subprocess.run(
            [*command_of(measurement, contender), url, str(size)],
            cwd=install.ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failed("took more than 180 s") from None
    if done.returncode != 0:
        raise Failed((done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1])
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def medians(repetitions: Sequence[Figures]) -> Figures:
    return {
        figure: statistics.median(repetition[figure] for repetition in repetitions)
        for figure in repetitions[0]
    }


def run(
    measurement: Measurement, contenders: Sequence[Contender], repetitions: int, addresses: Addresses
) -> tuple[Medians, dict[Contender, str]]:
    """The medians of each contender, and for those that failed, why."""
    taken: dict[Contender, list[Figures]] = {}
    failed: dict[Contender, str] = {}
    for repetition in range(1 if measurement.once else repetitions):
        for contender in contenders:
            if contender in failed or (contender in OFFICIAL and repetition > 0):
                continue
            try:
                taken.setdefault(contender, []).append(measure(measurement, contender, addresses))
            except Failed as error:
                failed[contender] = str(error)
    return {name: medians(figures) for name, figures in taken.items() if figures}, failed


def row(*cells: str) -> str:
    widths = (15, 9, 8, 8, 8, 8, 8, 8, 8, 18, 6)
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def cell(figure: str, figures: Figures) -> str:
    return show(figure, figures[figure]) if figure in figures else "-"  # Node cannot tell everything


def report(
    measurement: Measurement, results: Mapping[str, Medians], failed: Mapping[Contender, str]
) -> list[str]:
    """Print what one scenario took; gives the bars that are missed."""
    figures = results[measurement.name]
    ours = [contender for contender in OURS if contender in figures]
    missed: list[str] = []
    for figure in measurement.figures:
        bar = next((bar for bar in measurement.bars if bar.figure == figure), None)
        to = "floor" if bar is None else bar.to
        reference = figures.get(to, {}).get(figure)
        verdicts: list[bool] = []
        for contender in ours:
            if bar is None or contender == to:
                continue
            per = (
                results.get(bar.per, {}).get(contender, {}).get(figure) if bar.per is not None else reference
            )
            limit = bar.limit(per)
            if limit is not None:
                verdicts.append(figures[contender][figure] <= limit)
                if not verdicts[-1]:
                    missed.append(f"{measurement.name}: {figure} {bar} by {contender}")
        print(
            row(
                measurement.name if figure == measurement.figures[0] else "",
                figure,
                *(cell(figure, figures.get(each, {})) for each in CONTENDERS),
                f"{max(figures[each][figure] for each in ours) / reference:.2f} x"
                if ours and reference
                else "",
                str(bar or ""),
                ("holds" if all(verdicts) else "MISSED") if verdicts else "",
            ),
            flush=True,
        )
    for contender, why in failed.items():
        print(f"    {contender} failed: {why}", flush=True)
        if contender in OURS:
            missed.append(f"{measurement.name}: {why} ({contender})")
    return missed


def left_out() -> dict[Contender, str]:
    """The contenders that this machine cannot run, and why."""
    if shutil.which("node") is None or not install.is_installed(install.OFFICIAL_JS_CLIENT):
        return {"js": "there is no Node here, or 'make servers' has not installed the client"}
    return {}


def main() -> int:
    names = [measurement.name for measurement in MEASUREMENTS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the clients against plain sockets and against the official clients.",
        epilog="\n".join(f"{measurement.name:15} {measurement.what}" for measurement in MEASUREMENTS),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to measure (default: everything)")
    parser.add_argument("--contenders", default=",".join(CONTENDERS), help="default: %(default)s")
    parser.add_argument(
        "--repetitions", type=int, default=5, help="of all but the official clients (default: %(default)s)"
    )
    parser.add_argument("--json", metavar="FILE", help="write the medians to this file as well")
    options = parser.parse_args()
    if unknown := set(options.names) - set(names):
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}; there are: {', '.join(names)}")
    chosen = options.contenders.split(",")
    if unknown := set(chosen) - set(CONTENDERS):
        parser.error(f"no such contender: {', '.join(sorted(unknown))}; there are: {', '.join(CONTENDERS)}")

    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, medians of {options.repetitions}")
    for contender, why in left_out().items():
        if contender in chosen:
            chosen.remove(contender)
            print(f"{contender} is left out: {why}")
    print(row("", "", *CONTENDERS, "ratio", "bar", ""), flush=True)
    results: dict[str, Medians] = {}
    missed: list[str] = []
    with contextlib.ExitStack() as stack:
        addresses = Addresses(stack)
        for measurement in MEASUREMENTS:
            if options.names and measurement.name not in options.names:
                continue
            results[measurement.name], failed = run(
                measurement,
                [contender for contender in measurement.contenders if contender in chosen],
                options.repetitions,
                addresses,
            )
            missed += report(measurement, results, failed)
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if missed:
        print("\nMissed:\n  " + "\n  ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
