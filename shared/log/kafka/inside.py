# ruff: noqa: SLF001  # this is the one module that looks inside aiokafka
"""What this package knows of aiokafka's inside, in one place, because aiokafka is pinned for it.

Relies on aiokafka 0.14: the attributes in ``_PARTS`` are what a client is made of; every background
task is a coroutine method of one of them; connections lie in ``_conns`` and write to ``_writer``;
``_closed`` keeps the destructor quiet; a producer's batches lie in ``_batches`` until they are sent
and in ``_pending_batches`` until they are acknowledged; a consumer's work is done by ``_fetcher``'s
and ``_coordinator``'s tasks; both send through ``_client.send(node, request, *, group)``.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from aiokafka.errors import ProducerClosed

_PARTS = ("client", "_client", "_sender", "_message_accumulator", "_fetcher", "_coordinator")


def network_of(consumer: Any) -> Any:
    """Return the object through which everything is sent."""
    return consumer._client


def is_alive(consumer: Any) -> bool:
    """Whether the background work that a consumer lives on still goes on."""
    working = (consumer._fetcher._fetch_task, consumer._coordinator._coordination_task)
    return not any(task.done() for task in working)


def refuse_more(client: Any) -> None:
    """Take the client for closed, and let whoever waits for an acknowledgement go."""
    client._closed = True
    accumulator = getattr(client, "_message_accumulator", None)
    if accumulator is None:
        return
    waiting = [batch for batches in accumulator._batches.values() for batch in batches]
    waiting += accumulator._pending_batches
    accumulator._pending_batches.update(waiting)  # where a callback of each looks for it, also between tries
    accumulator.fail_all(ProducerClosed())
    for batch in waiting:
        for future in (batch.future, batch._drain_waiter):
            if future.done() and not future.cancelled():
                future.exception()  # read, or the event loop complains that nobody did


def tasks_of(client: Any) -> set[asyncio.Task[Any]]:
    """Return the tasks, other than our own, that run a method of one of the client's parts."""
    parts = _parts_of(client)
    found = set()
    for task in asyncio.all_tasks():
        coroutine = task.get_coro()
        if task is asyncio.current_task() or not inspect.iscoroutine(coroutine):
            continue
        frame = coroutine.cr_frame
        owner = frame.f_locals.get("self") if frame is not None else None
        if owner is not None and any(owner is part for part in parts):
            found.add(task)
    return found


def hang_up(client: Any) -> list[asyncio.Transport]:
    """Close the client's connections and return what may still hold bytes that nobody takes."""
    connections = [conn for part in _parts_of(client) for conn in getattr(part, "_conns", {}).values()]
    writers = [connection._writer for connection in connections if connection._writer is not None]
    for connection in connections:
        connection.close()
    return [writer.transport for writer in writers]


def _parts_of(client: Any) -> list[Any]:
    return [part for name in _PARTS if (part := getattr(client, name, None)) is not None]
