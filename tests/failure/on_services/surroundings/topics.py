"""The platform's topics, made anew for each run, so that the audit finds nothing of an earlier one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient

from leadmill.platform.topics import layouts
from shared.contracts.topics import (
    ASSIGNMENTS,
    BEHAVIOUR,
    CONTACTS,
    DEAD_LETTERS,
    ERASURES,
    INTERNAL,
    LEADS,
    NURTURE,
    OUTCOMES,
    RAW,
    SCORES,
    TIER_CHANGES,
)
from shared.log.port import Log
from tests.engine.tally import PARTITIONS

READ: Final = {
    "ingest": (RAW.name, ASSIGNMENTS.name, ERASURES.name, CONTACTS.name),
    "scoring": (
        LEADS.name,
        BEHAVIOUR.name,
        OUTCOMES.name,
        ASSIGNMENTS.name,
        INTERNAL["scoring"].name,
        SCORES.name,
    ),
    "routing": (LEADS.name, SCORES.name, TIER_CHANGES.name, OUTCOMES.name),
    "nurture": (
        *(LEADS.name, CONTACTS.name, BEHAVIOUR.name),
        *(TIER_CHANGES.name, ASSIGNMENTS.name, OUTCOMES.name),
    ),
    "analytics": (
        *(LEADS.name, BEHAVIOUR.name, OUTCOMES.name),
        *(TIER_CHANGES.name, ASSIGNMENTS.name, NURTURE.name),
    ),
}
"""What each service reads, its own compacted topic, where it has one, last."""
MIRRORS: Final = {"ingest": CONTACTS.name, "scoring": SCORES.name}
"""The compacted topic of those that have one, which they read back."""
SAID: Final = {
    "ingest": (LEADS.name, BEHAVIOUR.name, OUTCOMES.name, CONTACTS.name, DEAD_LETTERS["ingest"].name),
    "scoring": (TIER_CHANGES.name, SCORES.name, INTERNAL["scoring"].name, DEAD_LETTERS["scoring"].name),
    "routing": (ASSIGNMENTS.name, DEAD_LETTERS["routing"].name),
    "nurture": (NURTURE.name, DEAD_LETTERS["nurture"].name),
    "analytics": (DEAD_LETTERS["analytics"].name,),
}
"""What each service writes."""
EVERYTHING: Final = tuple(dict.fromkeys(name for names in (*READ.values(), *SAID.values()) for name in names))
_PATIENCE: Final = 30.0


async def renew_topics(log: Log, address: str) -> None:
    """Delete the topics and create them again, empty.

    Nothing is ever removed from them, neither by age nor by compaction: the comparison reads it all, and
    the records carry times of long ago.
    """
    wanted = [
        replace(layout, compacted=False, retention_ms=None) for layout in layouts(partitions=PARTITIONS)
    ]
    admin = await log.admin()
    client: Any = AIOKafkaAdminClient(bootstrap_servers=address)
    await client.start()
    try:
        async with asyncio.timeout(_PATIENCE):
            present = sorted({layout.name for layout in wanted} & (await admin.layouts()).keys())
            if present:
                await client.delete_topics(present)
            while not (await admin.layouts()).keys().isdisjoint(present):
                await asyncio.sleep(0.1)
            await admin.create(wanted)
    finally:
        await client.close()
        await admin.stop()
