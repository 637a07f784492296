"""The raw limit: consume, decode, read, upsert, outbox, publish, delete; nothing else.

It keeps no fence, marks, sequences, versions, timers, dead letters or receipts, knows one topic and
one table, and may lose or double what it works on when it dies. Same client, same statements where
there is a choice, same pipelining of the publish.
"""

from __future__ import annotations

import asyncio
from hashlib import blake2b
from typing import Any

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as KafkaPartition

from shared.contracts.envelope import decode_envelope, decode_event, encode_event, event_id
from tests.bench.surroundings import PARTITIONS
from tests.engine.tally import COUNTED, TOTALS, Counted, TallyState, Totalled

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(TallyState).decode


async def run(kafka: str, postgres: str, *, starts: dict[int, int], events: int, batch: int = 2000) -> float:
    """Process ``events`` events and return the seconds it took."""
    connection = await asyncpg.connect(postgres, server_settings={"search_path": "tally"})
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka,
        enable_auto_commit=False,
        max_partition_fetch_bytes=1 << 20,
        fetch_max_wait_ms=100,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, enable_idempotence=True, max_batch_size=1 << 20, linger_ms=0
    )
    await consumer.start()
    await producer.start()
    parts = [KafkaPartition(COUNTED.name, n) for n in range(PARTITIONS)]
    consumer.assign(parts)
    for part in parts:
        consumer.seek(part, starts[part.partition])
    loop = asyncio.get_running_loop()
    begun = loop.time()
    publishing: asyncio.Task[None] | None = None
    done = 0
    chunk = 0
    while done < events:
        fetched = await consumer.getmany(timeout_ms=50, max_records=batch)
        facts: list[tuple[int, Any, Counted]] = []
        for part, records in fetched.items():
            for record in records:
                envelope = decode_envelope(record.value)
                facts.append((part.partition, envelope, decode_event(envelope)))  # type: ignore[arg-type]
        if not facts:
            continue
        done += len(facts)
        keys = list({event.key for _, _, event in facts})
        rows = await connection.fetch("SELECT key, payload FROM tally WHERE key = ANY($1::text[])", keys)
        states = {row["key"]: _decode(row["payload"]) for row in rows}
        homes: dict[str, int] = {}
        out: dict[int, list[tuple[bytes, bytes, int]]] = {}
        for number, envelope, event in facts:
            before = states.get(event.key) or TallyState()
            chain = blake2b((before.chain + envelope.id).encode(), digest_size=8).hexdigest()
            after = TallyState(before.count + 1, before.total + event.amount, chain)
            states[event.key] = after
            homes[event.key] = number
            said = Totalled(key=event.key, count=after.count, total=after.total, chain=after.chain)
            received = envelope.received
            value = encode_event(
                said,
                id=event_id(envelope.id, "leadmill.tally_totalled.v1", 0),
                source="/leadmill/tally",
                subject=event.key,
                occurred=received,
                received=received,
                partition_key=event.key,
                causation_id=envelope.id,
                correlation_id=envelope.correlationid,
            )
            out.setdefault(number, []).append((event.key.encode(), value, received // 1000))
        touched = sorted(homes)
        numbers = sorted(out)
        async with connection.transaction():
            await connection.execute(
                "INSERT INTO tally AS s (key, partition, version, payload)"
                " SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[])"
                " ON CONFLICT (key) DO UPDATE SET payload = excluded.payload",
                touched,
                [homes[key] for key in touched],
                [1] * len(touched),
                [_encode(states[key]) for key in touched],
            )
            chunk += 1
            await connection.execute(
                "INSERT INTO outbox (topic, partition, first_sequence, records, payload)"
                " SELECT $1, * FROM unnest($2::int[], $3::bigint[], $4::int[], $5::bytea[])",
                TOTALS.name,
                numbers,
                [chunk] * len(numbers),
                [len(out[n]) for n in numbers],
                [_encode(out[n]) for n in numbers],
            )
        if publishing is not None:
            await publishing
        publishing = asyncio.create_task(_publish(producer, postgres, out, chunk))
    if publishing is not None:
        await publishing
    seconds = loop.time() - begun
    await consumer.stop()
    await producer.stop()
    await connection.close()
    if _second is not None:
        await _second.close()
        globals()["_second"] = None
    return seconds


_second: Any = None


async def _publish(
    producer: Any, postgres: str, out: dict[int, list[tuple[bytes, bytes, int]]], chunk: int
) -> None:
    global _second
    if _second is None:
        _second = await asyncpg.connect(postgres, server_settings={"search_path": "tally"})
    waiting = []
    for number, records in out.items():
        builder = producer.create_batch()
        for key, value, timestamp in records:
            if builder.append(key=key, value=value, timestamp=timestamp) is None:
                builder.close()
                waiting.append(await producer.send_batch(builder, TOTALS.name, partition=number))
                builder = producer.create_batch()
                builder.append(key=key, value=value, timestamp=timestamp)
        builder.close()
        waiting.append(await producer.send_batch(builder, TOTALS.name, partition=number))
    await asyncio.gather(*waiting)
    async with _second.transaction():
        await _second.execute("SET LOCAL synchronous_commit = off")
        await _second.execute(
            "DELETE FROM outbox WHERE topic = $1 AND first_sequence = $2", TOTALS.name, chunk
        )
