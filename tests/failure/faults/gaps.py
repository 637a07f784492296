"""A record batch that another producer lost: the partition must halt, name it, and go on when told."""

from __future__ import annotations

import asyncio

from shared.log.port import TopicPartition
from shared.processor.tables import dead_letters
from tests.engine.tally import COUNTED
from tests.failure.faults.kills import NAMES
from tests.failure.surroundings.ground import Field


async def lose_a_record_batch(field: Field) -> None:
    """Leave a hole in a producer's sequence, see the halt, resume."""
    field.crew.man(*NAMES)
    await field.progress()
    tp = TopicPartition(COUNTED.name, 1)
    producer = field.feeder.lose_one(tp)
    field.crew.struck["record batch lost"] += 1
    end = asyncio.get_running_loop().time() + 10
    halts = None
    while not halts and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(0.1)
        halts = await field.ask("SELECT topic, partition, code, detail FROM halt WHERE resumed IS NULL")
    if not halts:
        field.crew.faults.append(
            f"lost: a sequence of {producer} in {tp.topic}/{tp.partition} is missing and nobody halts"
        )
        return
    told = (halts[0]["topic"], halts[0]["partition"], halts[0]["code"])
    if told != (*tp, "processor.lost_record_batch") or producer not in halts[0]["detail"]:
        field.crew.faults.append(
            f"halt: {told} {halts[0]['detail']} names something else than {tp} {producer}"
        )
    await field.progress()
    async with field.database.transaction() as transaction:
        await dead_letters.resume(transaction, group=field.crew.group)
    await field.progress()
