"""How records lie in the table: several of one partition packed into one row.

A row holds a msgpack array of records without their offsets, so that packing needs no lock and no
copy: the offsets are the row's first one and those that follow. Only compaction makes holes; then
the row also says which places its records have, counted from its first offset.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

import msgspec

from shared.log.port import NewRecord, RecordTooLarge, TopicPartition

MAX_RECORD_BYTES = 1_048_576
"""The largest record with its key and headers, as in Kafka's own default; also the largest row."""

_RECORDS_PER_ROW = 1_000

_encoder = msgspec.msgpack.Encoder()
_timestamp = attrgetter("timestamp")


class StoredRecord(msgspec.Struct, array_like=True, gc=False):
    """A record as it is handed out; the first four fields stand in the order of :class:`NewRecord`."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp: int
    topic: str = ""
    partition: int = 0
    offset: int = -1


_decoder = msgspec.msgpack.Decoder(list[StoredRecord])


class PackedRow(NamedTuple):
    """A row that is ready to be stored, once its first offset is known."""

    records: int
    max_timestamp: int
    payload: bytes


def pack_records(records: Sequence[NewRecord]) -> Iterator[PackedRow]:
    """Pack records into rows, in their order; no records make no row.

    :raises RecordTooLarge: if one of them is larger than :data:`MAX_RECORD_BYTES`.
    """
    for start in range(0, len(records), _RECORDS_PER_ROW):
        yield from _pack(records[start : start + _RECORDS_PER_ROW])


def _pack(records: Sequence[NewRecord]) -> Iterator[PackedRow]:
    payload = _encoder.encode(records)
    if len(payload) <= MAX_RECORD_BYTES:
        yield PackedRow(len(records), max(map(_timestamp, records)), payload)
    elif len(records) == 1:
        raise RecordTooLarge(
            f"a record of {len(payload)} bytes; the log takes {MAX_RECORD_BYTES}, keep it smaller"
        )
    else:
        half = len(records) // 2
        yield from _pack(records[:half])
        yield from _pack(records[half:])


def unpack_records(
    partition: TopicPartition, *, first_offset: int, places: Sequence[int] | None, payload: bytes
) -> list[StoredRecord]:
    """Return the records of a row with their offsets; ``places`` is None for a row without holes."""
    records = _decoder.decode(payload)
    topic, number = partition
    for record, place in zip(records, range(len(records)) if places is None else places, strict=True):
        record.topic = topic
        record.partition = number
        record.offset = first_offset + place
    return records


def repack_records(records: Sequence[StoredRecord], *, first_offset: int) -> tuple[list[int], bytes]:
    """Pack what compaction left of a row: the places of the records and the records."""
    payload = _encoder.encode([(r.key, r.value, r.headers, r.timestamp) for r in records])
    return [record.offset - first_offset for record in records], payload
