"""Programs that are ended, killed, forked and starved: what each does up to the moment in question.

Each is run in a process of its own; see :mod:`faults.processes`. What it has to say against the library is an
assertion that fails, which that process complains of. The server is another process's, so nothing that happens here
happens to it.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import gc
import os
import resource
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import trio
from faulty import child, code_of
from ways import Sockets, Trio

from gradio_proto import handle_file
from gradio_proto.errors import ClientClosed, ConnectError, ConnectionLost, FileError, GradioError
from gradio_proto.timeouts import Timeouts

from .bench import Bench
from .processes import ready
from .uses import works

MANY = 1000

SOON = 0.1
"""Seconds after which whoever was to wait does."""

kept: list[Any] = []
"""What outlives the loop that it was made in."""


def size_of(path: str) -> int:
    """Bytes of what was downloaded."""
    return os.path.getsize(path)


# Ends.


def ends_with_open_jobs(bench: Bench) -> None:
    """Nobody has closed anything."""

    async def main() -> None:
        client = await bench.open()
        kept.extend([client, *[await client.submit("x") for _ in range(20)]])
        ready()

    bench.way.run(main)
    # An AsyncClient whose loop has gone is left to the end of the process as it is: that nobody has closed it is said
    # by other faults.
    warnings.simplefilter("ignore", ResourceWarning)


def exits_with_open_jobs(bench: Bench) -> None:
    """``sys.exit()`` within the blocks."""

    async def main() -> None:
        async with bench.client() as client:
            kept.extend([await client.submit("x") for _ in range(20)])
            ready()
            sys.exit(0)

    bench.way.run(main)


def ends_with_a_daemon(bench: Bench) -> None:
    """A daemon thread waits for a call that never ends."""
    waits = threading.Event()

    async def main() -> None:
        async with bench.client() as client:
            job = await client.submit("x")
            waits.set()
            await job.result()

    threading.Thread(target=bench.way.run, args=(main,), daemon=True).start()
    assert waits.wait(10)
    time.sleep(SOON)
    ready()


def calls_at_exit(bench: Bench) -> None:
    """A function that ``atexit`` calls is a program like any other."""

    async def main() -> None:
        async with bench.client() as client:
            await works(client)
            await (await client.submit("x")).result()

    atexit.register(bench.way.run, main)
    bench.way.run(main)
    ready()


def closes_at_exit(bench: Bench) -> None:
    """The client of a whole process, closed in its last moments, with open jobs."""

    async def opened() -> None:
        client = await bench.open()
        kept.extend([client, *[await client.submit("x") for _ in range(20)]])

    async def closed() -> None:
        await kept[0].close()
        assert await kept[1].done()
        try:
            await kept[1].result()
        except ClientClosed:
            return
        raise AssertionError

    bench.way.run(opened)
    atexit.register(bench.way.run, closed)
    ready()


def closes_a_thousand_jobs(bench: Bench) -> None:
    """One thread more, at most, and closed within a second."""

    async def main() -> None:
        client = await bench.open()
        threads = threading.active_count()
        jobs = [await client.submit("x") for _ in range(MANY)]
        assert threading.active_count() - threads == isinstance(bench.way, Sockets)
        began = time.monotonic()
        await client.close()
        took = time.monotonic() - began
        assert took < 1, took
        for job in jobs:
            assert await job.done()
        assert threading.active_count() == threads

    bench.way.run(main)
    ready()


def ends_with_a_thousand_jobs(bench: Bench) -> None:
    """Nobody has closed anything, fifty times over."""

    async def main() -> None:
        client = await bench.open()
        kept.extend([client, *[await client.submit("x") for _ in range(MANY)]])
        ready()

    bench.way.run(main)
    warnings.simplefilter("ignore", ResourceWarning)


# Ctrl-C, and other signals.


def _interrupted(bench: Bench, act: Callable[[Any], Coroutine[Any, Any, Any]] | None) -> None:
    """Ctrl-C comes out of what is waited for, and nothing is left."""
    before = {*threading.enumerate()}

    async def main() -> None:
        if act is None:
            _soon_ready()
        async with bench.client() as client:
            if act is not None:
                await act(client)

    try:
        bench.way.run(main)
    except BaseException as error:
        while not isinstance(error, KeyboardInterrupt):  # that of a nursery is one of a group
            [error] = error.exceptions  # type: ignore[attr-defined]
    else:
        raise AssertionError("it was not interrupted")
    left = {*threading.enumerate()} - before
    assert all(isinstance(thread, threading.Timer) for thread in left), left


def is_interrupted_while_it_connects(bench: Bench) -> None:
    """Nothing answers."""
    _interrupted(bench, None)


def _soon_ready() -> None:
    soon = threading.Timer(SOON, ready)
    soon.daemon = True
    soon.start()


def is_interrupted_while_it_calls(bench: Bench) -> None:
    """A job never ends."""

    async def act(client: Any) -> None:
        _soon_ready()
        await client.predict("x")

    _interrupted(bench, act)


def is_interrupted_while_it_waits(bench: Bench) -> None:
    """A job that was submitted never ends."""

    async def act(client: Any) -> None:
        job = await client.submit("x")
        _soon_ready()
        await job.result()

    _interrupted(bench, act)


def is_interrupted_while_it_iterates(bench: Bench) -> None:
    """No output comes."""

    async def act(client: Any) -> None:
        job = await client.submit("x")
        _soon_ready()
        async for _ in job:
            pass

    _interrupted(bench, act)


def is_interrupted_while_it_uploads(bench: Bench) -> None:
    """The server does not read."""

    async def act(client: Any) -> None:
        _soon_ready()
        await client.predict(handle_file(bytes(20_000_000), name="x.bin"))

    _interrupted(bench, act)


def is_interrupted_with_a_thousand_jobs(bench: Bench) -> None:
    """While the first of them is waited for."""

    async def act(client: Any) -> None:
        jobs = [await client.submit("x") for _ in range(MANY)]
        _soon_ready()
        await jobs[0].result()

    _interrupted(bench, act)


def waits(bench: Bench) -> None:
    """For ever; a signal that nobody handles ends it."""

    async def main() -> None:
        async with bench.client() as client:
            job = await client.submit("x")
            _soon_ready()
            await job.result()

    bench.way.run(main)


def ends_its_wait_when_told(bench: Bench) -> None:
    """SIGTERM is handled in the way of the loop, and ends the wait."""
    told = False

    async def wait() -> None:
        async with bench.client() as client:
            job = await client.submit("x")
            _soon_ready()
            await job.result()

    def leave(*_: object) -> None:
        sys.exit(0)

    async def in_asyncio() -> None:
        nonlocal told
        task = asyncio.ensure_future(wait())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            told = True

    async def in_trio() -> None:
        nonlocal told
        with trio.open_signal_receiver(signal.SIGTERM) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait)
                async for _ in signals:
                    told = True
                    nursery.cancel_scope.cancel()

    if isinstance(bench.way, Sockets):
        signal.signal(signal.SIGTERM, leave)
        bench.way.run(wait)
    else:
        bench.way.run(in_trio if isinstance(bench.way, Trio) else in_asyncio)
    assert told


def is_disturbed_by_signals(bench: Bench) -> None:
    """A timer's signal strikes every millisecond, in the middle of system calls."""
    struck = 0

    def strike(*_: object) -> None:
        nonlocal struck
        struck += 1

    async def main() -> None:
        signal.signal(signal.SIGALRM, strike)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        async with bench.client() as client:
            for _ in range(20):
                await works(client)
                await (await client.submit("x")).result()
        signal.setitimer(signal.ITIMER_REAL, 0)

    bench.way.run(main)
    assert struck
    ready()


# Forks.


def forks(bench: Bench) -> None:
    """The child calls on with the client and finds its jobs lost; the parent loses nothing."""
    warnings.simplefilter("ignore", DeprecationWarning)  # of any fork beside a thread, from Python 3.12 on

    async def main() -> None:
        async with bench.client() as client:
            job = await client.submit(5, api_name="/ticks")

            def run() -> None:
                error = job.blocking.exception(5)
                assert isinstance(error, ConnectionLost), repr(error)
                assert client.blocking.predict("x") == "ok"
                assert client.blocking.submit("x").result(5) == "ok"
                client.blocking.close()

            assert code_of(child(run)) == 0
            assert await job.result(5) == 4
            await works(client)

    bench.way.run(main)
    ready()


def forks_a_stranger(bench: Bench) -> None:
    """The child has nothing to do with the client, and drops what it has inherited; the parent loses nothing."""
    warnings.simplefilter("ignore", DeprecationWarning)

    async def main() -> None:
        async with bench.client() as client:
            job = await client.submit(20, api_name="/ticks")

            def run() -> None:
                gc.collect()

            assert code_of(child(run)) == 0
            assert await job.result(5) == 19
            await works(client)

    bench.way.run(main)
    ready()


# A process that lacks something.


@contextlib.contextmanager
def _no_descriptors() -> Generator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def _fails(awaitable: Coroutine[Any, Any, Any], *types: type[BaseException]) -> None:
    try:
        await awaitable
    except types:
        return
    raise AssertionError("it did not fail")


def has_no_descriptors_to_connect(bench: Bench) -> None:
    """Then it has some."""

    async def main() -> None:
        with _no_descriptors():
            await _fails(bench.open(), ConnectError)
        async with bench.client() as client:
            await works(client)

    bench.way.run(main)
    ready()


def has_no_descriptors_to_call(bench: Bench) -> None:
    """No stream can be opened beside the connection that is there."""

    async def main() -> None:
        async with bench.client() as client:
            job = await client.submit(20, api_name="/ticks")
            await job.status()  # the stream is asked for, on the connection that was there
            with _no_descriptors():
                await _fails(client.predict("x"), ConnectError)
            assert await job.result() == 19
            await works(client)

    bench.way.run(main)
    ready()


def has_no_descriptors_to_download(bench: Bench) -> None:
    """A file comes, and there is none to write to."""

    async def main() -> None:
        async with bench.client() as client:
            await client.predict(handle_file(b"x", name="x.bin"), api_name="/move")
            with _no_descriptors():
                await _fails(
                    client.predict(handle_file(b"x", name="x.bin"), api_name="/move"), FileError, GradioError
                )
            path = await client.predict(handle_file(b"x", name="x.bin"), api_name="/move")
            assert size_of(path) == 1

    bench.way.run(main)
    ready()


def has_no_standard_streams(bench: Bench) -> None:
    """As a service begun without them: its first sockets get the numbers 0 to 2, and there is nothing to print to."""
    told = os.dup(1)
    for number in range(3):
        os.close(number)
    sys.stdin = sys.stdout = sys.stderr = None  # type: ignore[assignment]

    async def main() -> None:
        async with bench.client(verbose=True) as client:
            await works(client)
            await (await client.submit("x")).result()

    bench.way.run(main)
    os.write(told, b"ready\n")


def has_no_directory(bench: Bench) -> None:
    """The directory that it works in has been removed."""
    gone = bench.directory / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()

    async def main() -> None:
        async with bench.client() as client:
            await works(client)
            path = await client.predict(handle_file(b"x", name="x.bin"), api_name="/move")
            assert size_of(path) == 1
        async with bench.client(download_files="here") as client:
            await _fails(client.predict(handle_file(b"x", name="x.bin"), api_name="/move"), FileError)
            await works(client)

    bench.way.run(main)
    ready()


def has_a_disk_quota(bench: Bench) -> None:
    """No file may grow beyond some bytes: what came of a download is removed."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    async def main() -> None:
        async with bench.client() as client:
            large = handle_file(bytes(1_000_000), name="x.bin")
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
            await _fails(client.predict(large, api_name="/move"), FileError)
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            assert not [*bench.directory.iterdir()]
            path = await client.predict(large, api_name="/move")
            assert size_of(path) == 1_000_000

    bench.way.run(main)
    ready()


# Sleep.


STANDS_STILL = 2.5
"""Seconds; longer than these deadlines, which are long enough for a machine that others share."""

DEADLINES = Timeouts(connect=2.0, read=2.0, write=2.0, idle=2.0)


def is_stopped(bench: Bench) -> None:
    """It stands still for longer than its deadlines, as on a laptop that is shut, while the server goes on: what has
    come meanwhile counts.
    """

    async def main() -> None:
        async with bench.client(timeouts=DEADLINES) as client:
            job = await client.submit(150, api_name="/ticks")
            heard = 0
            async for _ in job:
                heard += 1
                if heard == 3:  # in the middle of the stream, and long before its end
                    ready()
            assert await job.result() == 149
            await works(client)

    bench.way.run(main)
