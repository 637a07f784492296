"""A server that does nothing but answer: ``python -m tests.bench.on_door.nothing PORT``.

What a sender reaches against it is the most that the sender can find out about any other server.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final, cast

import uvloop

_ANSWER: Final = b'HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{"success":true}'


class _Answering(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = cast(asyncio.WriteTransport, transport).write  # uvloop's is none by name

    def data_received(self, _data: bytes) -> None:
        self._write(_ANSWER)  # requests of a sender that waits for each answer come whole


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(sys.argv[1])))
