"""A TCP proxy that holds up every new connection for up to 0.3 seconds, in one direction or the other.

    python -m benchmarks.jitter_proxy PORT [--seed N]

It prints its own port, passes everything on to PORT on this machine, and runs until its standard input ends. What
it shows is a client that takes for granted in which order two connections deliver: a join's answer may come long
after the messages of its job, or after the stream that carried them has ended.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import threading

from benchmarks.fake_server import exit_with_owner

LONGEST = 0.3


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Pass everything on, the first bytes after `delay` seconds, and then the end."""
    try:
        while data := await reader.read(65536):
            await asyncio.sleep(delay)
            delay = 0
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


async def serve(port: int, seed: int) -> None:
    delays = random.Random(seed)

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", port)
        # In one direction or the other: what the server does must be able to overtake its own answers.
        delay = delays.uniform(0, LONGEST)
        there, back = (delay, 0.0) if delays.random() < 0.5 else (0.0, delay)
        await asyncio.gather(pump(reader, upstream_writer, there), pump(upstream_reader, writer, back))
        upstream_writer.close()
        writer.close()

    listening = await asyncio.start_server(accepted, "127.0.0.1", 0, backlog=512)
    print(listening.sockets[0].getsockname()[1], flush=True)
    threading.Thread(target=exit_with_owner, daemon=True).start()
    await listening.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.seed))


if __name__ == "__main__":
    main()
