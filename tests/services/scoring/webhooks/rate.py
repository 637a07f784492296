"""How many messages a second one webhook takes. Run it, it is no test:

``python -m tests.services.scoring.webhooks.rate [--messages 4000] [--leads 1000] [--delay 0]``

Everything is what ships: the stream, deliveries and attempts on a durable PostgreSQL of its own, the rules in
``config/scoring``, signatures, one connection check for each attempt. The receiver is a process of its own on
this machine, over plain HTTP; it answers after ``--delay`` milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from leadmill.embedded import EmbeddedPostgres
from leadmill.platform.serving import settle_garbage
from services.scoring.jobs.webhooks.serving import Serving
from tests.services.scoring.webhooks.ground import Ground, open_ground

_ANSWER: Final = b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"
_RECEIVE: Final = "--receive"


async def receive(delay: float) -> None:
    """Answer everything after a while, until killed."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length))
                await asyncio.sleep(delay)
                writer.write(_ANSWER)
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


async def tell(ground: Ground, *, messages: int, leads: int) -> None:
    """Let scoring have told so many changes, of leads in turn."""
    for number in range(messages):
        await ground.tell(f"lead {number % leads}")


async def measure(url: str, address: str, *, messages: int, leads: int) -> None:
    """Tell first, then serve until everything is delivered, and print how long that took."""
    async with open_ground(url) as ground:
        await ground.subscribe(address)
        await tell(ground, messages=messages, leads=leads)
        stopping = asyncio.Event()
        wall, spent = time.perf_counter(), time.process_time()
        task = asyncio.create_task(Serving(ground.tools).run(stopping))
        delivered = 0
        while delivered < messages:
            await asyncio.sleep(0.2)
            async with ground.tools.database.connection() as connection:
                delivered = await connection.fetch_value(
                    "SELECT count(*) FROM webhook_delivery WHERE state = 'delivered'"
                )
        wall, spent = time.perf_counter() - wall, time.process_time() - spent
        stopping.set()
        await task
    print(
        f"{messages} messages of {leads} leads in {wall:.1f} s: {messages / wall:,.0f}/s,"
        f" {spent / messages * 1e6:,.0f} µs of CPU each"
    )


async def run(chosen: argparse.Namespace, url: str) -> None:
    """Start the receiver and measure."""
    receiver = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.services.scoring.webhooks.rate", _RECEIVE),
        *("--delay", str(chosen.delay)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert receiver.stdout is not None
    try:
        port = int(await receiver.stdout.readline())
        address = f"http://127.0.0.1:{port}/hook"
        await measure(url, address, messages=chosen.messages, leads=chosen.leads)
    finally:
        receiver.kill()
        await receiver.wait()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=4_000)
    parser.add_argument("--leads", type=int, default=1_000)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument(_RECEIVE, action="store_true")
    chosen = parser.parse_args(arguments)
    if chosen.receive:
        asyncio.run(receive(chosen.delay / 1000))
        return
    folder = Path(tempfile.mkdtemp(prefix="leadmill-rate-"))
    folder.chmod(0o755)
    postgres = EmbeddedPostgres(folder / "postgres")
    postgres.start()
    settle_garbage()
    try:
        asyncio.run(run(chosen, postgres.url))
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
