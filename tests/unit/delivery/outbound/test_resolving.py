"""Names are asked for beside each other, and once for all who wait for the same."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

from shared.delivery.outbound.resolving import SystemResolver

SILENT = 100


class NameServers:
    """Those of silent hosts answer once they are told to; the others do so at once."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.asked: list[str] = []

    def look_up(self, host: str, _port: int) -> Sequence[str]:
        """Wait and answer."""
        self.asked.append(host)
        if host.startswith("silent"):
            self.may_answer.wait()
        return ("192.0.2.1",)


async def test_a_hundred_silent_name_servers_delay_nobody_elses_names() -> None:
    servers = NameServers()
    resolver = SystemResolver(servers.look_up)
    waiting = [asyncio.create_task(resolver.resolve(f"silent-{number}", 443)) for number in range(SILENT)]
    try:
        await asyncio.sleep(0)
        assert await resolver.resolve("quick", 443) == ("192.0.2.1",)
        assert not any(task.done() for task in waiting)
    finally:
        servers.may_answer.set()
    assert await asyncio.gather(*waiting) == [("192.0.2.1",)] * SILENT
    resolver.close()


async def test_whoever_asks_for_a_host_that_is_asked_for_shares_the_answer() -> None:
    servers = NameServers()
    resolver = SystemResolver(servers.look_up)
    first = asyncio.create_task(resolver.resolve("silent", 443))
    await asyncio.sleep(0)
    gone = asyncio.create_task(resolver.resolve("silent", 443))
    await asyncio.sleep(0)
    gone.cancel()  # one that waits no longer takes the answer from nobody
    await asyncio.gather(gone, return_exceptions=True)
    second = asyncio.create_task(resolver.resolve("silent", 443))
    await asyncio.sleep(0)
    servers.may_answer.set()
    assert await first == await second == ("192.0.2.1",)
    assert servers.asked == ["silent"]
    resolver.close()
