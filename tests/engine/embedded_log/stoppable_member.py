"""A member in a process of its own that a test can stop with SIGSTOP; prints what it is told.

``python stoppable_member.py <database url> <topic> <lease>``
"""

from __future__ import annotations

import asyncio
import sys

from shared.log.embedded import EmbeddedLog
from shared.log.port import TopicPartition
from shared.postgres.database import Database


async def run(url: str, topic: str, lease: float) -> None:
    database = Database(url, schema="log", application="stoppable-member")
    await database.start()
    consumer = EmbeddedLog(database, lease=lease).consumer(group="group", topics=[topic], member="stoppable")

    async def on_assigned(partitions: frozenset[TopicPartition]) -> None:
        print("assigned", len(partitions), flush=True)
        consumer.seek(dict.fromkeys(partitions, 0))

    async def on_revoked(partitions: frozenset[TopicPartition]) -> None:
        print("revoked", len(partitions), flush=True)

    await consumer.start(on_assigned=on_assigned, on_revoked=on_revoked)
    while True:
        for batch in (await consumer.fetch(max_records=100, timeout=0.1)).values():
            for each in batch:
                print("read", (each.value or b"").decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], float(sys.argv[3])))
