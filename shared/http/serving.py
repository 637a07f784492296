"""Listening, answering, and stopping: uvicorn inside our own tasks.

uvicorn neither takes signals nor ends the process here: whoever runs the process does. An address
that cannot be listened on is found out before anything else is started.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import math
import socket
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from shared.http.connections.connection import Connection
from shared.kernel.errors import Rejected, Unavailable

_BACKLOG: Final = 2_048
_KEEP_ALIVE: Final = 75
"""Seconds an idle connection is kept: longer than the load balancer before us keeps it (60)."""


class PortTaken(Unavailable):
    """Another program listens on this port; stop it, or choose another port."""

    code = "http.port_taken"


class AddressUnusable(Rejected):
    """This address cannot be listened on; choose one that this machine has."""

    code = "http.address_unusable"


class ServerStopped(Unavailable):
    """The HTTP server stopped by itself."""

    code = "http.server_stopped"


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens on ``host`` and ``port`` (0 takes a free one).

    :raises PortTaken: if another program has it.
    :raises AddressUnusable: if the address is not ours to listen on.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise AddressUnusable(f"{host} is no address of this machine; 127.0.0.1 and 0.0.0.0 are") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"port {port} is taken by another program; stop it, or choose another port"
            ) from error
        name = errno.errorcode.get(error.errno or 0, "")
        raise AddressUnusable(f"{host} port {port} cannot be listened on ({name}); choose another") from error
    return listener


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to whoever runs the process."""
        yield


async def serve(
    app: ASGIApp,
    *,
    sockets: Sequence[socket.socket],
    stopping: asyncio.Event,
    grace: timedelta = timedelta(seconds=10),
    trusted_proxies: str = "",
) -> None:
    """Answer on ``sockets`` until ``stopping`` is set, then finish what was begun within ``grace``.

    ``trusted_proxies`` lists the addresses whose ``X-Forwarded-For`` is believed (``*`` for all).

    :raises ServerStopped: if the server ends without having been asked.
    """
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies or None,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=math.ceil(grace.total_seconds()),
    )
    server = _Server(config)

    async def stop_when_told() -> None:
        await stopping.wait()
        server.should_exit = True

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(stop_when_told(), name="http-stop")
        try:
            await server.serve(sockets=list(sockets))
        finally:
            waiting.cancel()
            for listener in (*getattr(server, "servers", ()), *sockets):
                listener.close()
    if not stopping.is_set():
        raise ServerStopped
