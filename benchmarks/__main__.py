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
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path

from benchmarks.bars import MEASUREMENTS, Bar, Measurement, Server, show
from tests.servers import install
from tests.servers.running import Servers

CONTENDERS = ("floor", "ours", "official")
GRADIO = "6.31.0"

Figures = dict[str, float]


class Addresses:
    """The URLs of the servers, each started when it is first asked for."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._known: dict[Server, str] = {}
        self._certificates: Path | None = None

    def __getitem__(self, server: Server) -> str:
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


def measure(measurement: Measurement, contender: str, addresses: Addresses) -> Figures:
    """One repetition, in a process of its own."""
    official = contender == "official"
    python = install.python_of(install.OFFICIAL_CLIENT) if official else sys.executable
    size = measurement.official_size if official else measurement.size
    command = [str(python), "-m", "benchmarks.scenarios", contender, measurement.scenario]
    if measurement.scenario == "imports":  # where nothing is imported that is not measured
        command = [str(python), "-m", "benchmarks.imports", contender]
    url = addresses[measurement.server]
    environment = {**os.environ, **addresses.environment(measurement.server)}
    # A user's second start finds bytecode; the first one, which compiles, is not what an import costs.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        done = subprocess.run(
            [*command, url, str(size)],
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
    measurement: Measurement, contenders: Sequence[str], repetitions: int, addresses: Addresses
) -> tuple[dict[str, Figures], dict[str, str]]:
    """The medians of each contender, and for those that failed, why."""
    taken: dict[str, list[Figures]] = {}
    failed: dict[str, str] = {}
    for repetition in range(1 if measurement.once else repetitions):
        for contender in contenders:
            if contender in failed or (contender == "official" and repetition > 0):
                continue
            try:
                taken.setdefault(contender, []).append(measure(measurement, contender, addresses))
            except Failed as error:
                failed[contender] = str(error)
    return {name: medians(figures) for name, figures in taken.items() if figures}, failed


def row(*cells: str) -> str:
    widths = (14, 12, 9, 9, 9, 8, 18, 6)
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def report(
    measurement: Measurement, results: dict[str, dict[str, Figures]], failed: dict[str, str]
) -> list[tuple[Bar, bool]]:
    """Print what one scenario took; gives its bars, and whether each holds."""
    figures = results[measurement.name]
    ours, floor = figures.get("ours", {}), figures.get("floor", {})
    verdicts: list[tuple[Bar, bool]] = []
    for figure in measurement.figures:
        cells = [
            show(figure, figures[contender][figure]) if contender in figures else "-"
            for contender in CONTENDERS
        ]
        ratio = f"{ours[figure] / floor[figure]:.2f} x" if ours and floor.get(figure) else ""
        bar = next((bar for bar in measurement.bars if bar.figure == figure), None)
        verdict = ""
        if bar is not None and ours:
            per = results.get(bar.per, {}).get("ours", {}) if bar.per is not None else {}
            limit = bar.limit(floor, per)
            if limit is not None:
                verdicts.append((bar, ours[figure] <= limit))
                verdict = "holds" if ours[figure] <= limit else "MISSED"
        name = measurement.name if figure == measurement.figures[0] else ""
        print(row(name, figure, *cells, ratio, str(bar or ""), verdict), flush=True)
    for contender, why in failed.items():
        print(f"    {contender} failed: {why}", flush=True)
    return verdicts


def main() -> int:
    names = [measurement.name for measurement in MEASUREMENTS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the client against plain sockets and against the official client.",
        epilog="\n".join(f"{measurement.name:14} {measurement.what}" for measurement in MEASUREMENTS),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to measure (default: everything)")
    parser.add_argument("--contenders", default=",".join(CONTENDERS), help="default: %(default)s")
    parser.add_argument("--repetitions", type=int, default=5, help="of floor and ours (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write the medians to this file as well")
    options = parser.parse_args()
    if unknown := set(options.names) - set(names):
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}; there are: {', '.join(names)}")
    contenders = options.contenders.split(",")
    if unknown := set(contenders) - set(CONTENDERS):
        parser.error(f"no such contender: {', '.join(sorted(unknown))}; there are: {', '.join(CONTENDERS)}")

    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, medians of {options.repetitions}")
    print(row("", "", *CONTENDERS, "ratio", "bar", ""), flush=True)
    results: dict[str, dict[str, Figures]] = {}
    missed: list[str] = []
    with contextlib.ExitStack() as stack:
        addresses = Addresses(stack)
        for measurement in MEASUREMENTS:
            if options.names and measurement.name not in options.names:
                continue
            takes_part = {"floor": measurement.floor, "ours": True, "official": measurement.official}
            results[measurement.name], failed = run(
                measurement,
                [contender for contender in contenders if takes_part[contender]],
                options.repetitions,
                addresses,
            )
            verdicts = report(measurement, results, failed)
            missed += [f"{measurement.name}: {bar.figure} {bar}" for bar, holds in verdicts if not holds]
            if "ours" in failed:
                missed.append(f"{measurement.name}: {failed['ours']}")
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if missed:
        print("\nMissed:\n  " + "\n  ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
