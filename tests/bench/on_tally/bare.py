"""``tally``'s work and nothing around it, for the bare loop; and the same in the hands of a peer."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from shared.contracts.envelope import decode_envelope, decode_event, encode_event, event_id
from shared.kernel.instants import Instant
from tests.bench.loops.bare import Decided, Fetched, Said
from tests.engine.tally import TOTALS, Counted, TallyState, Totalled

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(TallyState).decode
_TYPE: Final = "leadmill.tally_totalled.v1"


class ToCount(NamedTuple):
    """What is to be counted, and where it came from."""

    partition: int
    id: str
    key: str
    amount: int
    received: Instant
    correlation: str


class TallyWork:
    """Counts: one query, one fold, one upsert."""

    async def decide(self, connection: Any, fetched: Fetched) -> Decided:
        """See :class:`tests.bench.loops.bare.Work`."""
        facts = [
            read_counted(part.partition, record.value)
            for part, records in fetched.items()
            for record in records
        ]
        return await count_all(connection, facts)


def read_counted(partition: int, value: bytes) -> ToCount:
    """Read one record."""
    envelope = decode_envelope(value)
    event = decode_event(envelope)
    assert isinstance(event, Counted)
    return ToCount(partition, envelope.id, event.key, event.amount, envelope.received, envelope.correlationid)


async def count_all(connection: Any, facts: Sequence[ToCount]) -> Decided:
    """Count these, over the states as they are stored."""
    keys = list({fact.key for fact in facts})
    rows = await connection.fetch("SELECT key, payload FROM tally WHERE key = ANY($1::text[])", keys)
    states = {row["key"]: _decode(row["payload"]) for row in rows}
    nothing = TallyState()
    homes: dict[str, int] = {}
    output: dict[tuple[str, int], list[Said]] = {}
    for number, cause, key, amount, received, correlation in facts:
        before = states.get(key, nothing)
        chain = blake2b((before.chain + cause).encode(), digest_size=8).hexdigest()
        after = states[key] = TallyState(before.count + 1, before.total + amount, chain)
        homes[key] = number
        value = encode_event(
            Totalled(key=key, count=after.count, total=after.total, chain=after.chain),
            id=event_id(cause, _TYPE, 0),
            source="/leadmill/tally",
            subject=key,
            occurred=received,
            received=received,
            partition_key=key,
            causation_id=cause,
            correlation_id=correlation,
        )
        said = output.get((TOTALS.name, number))
        if said is None:
            said = output[TOTALS.name, number] = []
        said.append((key.encode(), value, received // 1000))
    touched = sorted(homes)

    async def write(connection: Any) -> None:
        await connection.execute(
            "INSERT INTO tally AS s (key, partition, version, payload)"
            " SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[])"
            " ON CONFLICT (key) DO UPDATE SET payload = excluded.payload",
            touched,
            [homes[key] for key in touched],
            [1] * len(touched),
            [_encode(states[key]) for key in touched],
        )

    return Decided(write, output)
