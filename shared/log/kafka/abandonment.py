"""Letting go of an aiokafka client that would not end by itself.

An idempotent producer retries for ever, and its ``stop()`` waits for it; a consumer's waits for a
join that nobody answers, and may raise a ``CancelledError`` of its own. So stopping runs beside us
with a deadline. After it, whatever still runs on behalf of the client is ended by force. What a
broker does with requests that it has got already cannot be taken back: an abandoned record may
still appear in the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final

from shared.log.kafka import inside

_ROUNDS: Final = 20

log = logging.getLogger(__name__)


async def stop_within(client: Any, stop: Coroutine[Any, Any, None], *, seconds: float) -> bool:
    """Wait for ``stop``, which is the client's own way to end, no longer than this; then abandon it.

    Returns whether it ended in good order.
    """
    stopping = asyncio.get_running_loop().create_task(stop)
    in_order = False
    try:
        await asyncio.wait({stopping}, timeout=seconds)
        in_order = stopping.done() and not stopping.cancelled() and stopping.exception() is None
    finally:
        if not in_order:
            stopping.cancel()
            await abandon(client)
            await asyncio.wait({stopping}, timeout=1)
    return in_order


async def abandon(client: Any) -> None:
    """End everything that runs for this client, at once; it waits for no answer."""
    inside.refuse_more(client)
    for _ in range(_ROUNDS):  # several tasks take a first cancellation for an answer and go on
        tasks = inside.tasks_of(client)
        for task in tasks:
            task.cancel()
        if not tasks:
            break
        await asyncio.wait(tasks, timeout=0.05)
        for task in tasks:
            if task.done() and not task.cancelled():
                task.exception()  # of no interest any more, and said to be so
    else:
        log.warning("kafka.abandoned_tasks_remain", extra={"count": len(inside.tasks_of(client))})
    transports = inside.hang_up(client)
    await asyncio.sleep(0)
    for transport in transports:
        transport.abort()
    await asyncio.sleep(0)
