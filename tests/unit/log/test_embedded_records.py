"""Records packed into rows and out again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.log.embedded.records import MAX_RECORD_BYTES, pack_records, repack_records, unpack_records
from shared.log.port import NewRecord, RecordTooLarge, TopicPartition

PARTITION = TopicPartition("leads", 7)

new_records = st.builds(
    NewRecord,
    st.none() | st.binary(max_size=8),
    st.none() | st.binary(max_size=8),
    st.lists(st.tuples(st.text(max_size=4), st.binary(max_size=4)), max_size=3),
    st.integers(0, 2**53),
)


class TestARow:
    @given(records=st.lists(new_records, max_size=20), first=st.integers(0, 2**60))
    def test_gives_back_what_was_packed(self, records: list[NewRecord], first: int) -> None:
        packed = list(pack_records(records))
        assert sum(row.records for row in packed) == len(records)
        read = [
            record
            for row in packed
            for record in unpack_records(PARTITION, first_offset=first, places=None, payload=row.payload)
        ]
        assert [NewRecord(r.key, r.value, list(r.headers), r.timestamp) for r in read] == records
        assert [record.offset for record in read] == list(range(first, first + len(records)))
        assert {(record.topic, record.partition) for record in read} <= {PARTITION}

    def test_knows_its_latest_timestamp(self) -> None:
        records = [NewRecord(None, b"", [], timestamp) for timestamp in (3, 9, 4)]
        assert [row.max_timestamp for row in pack_records(records)] == [9]

    def test_keeps_its_offsets_when_records_are_taken_out(self) -> None:
        [row] = pack_records([NewRecord(str(n).encode(), b"v", [("h", b"1")], n) for n in range(5)])
        records = unpack_records(PARTITION, first_offset=100, places=None, payload=row.payload)
        places, payload = repack_records([records[1], records[4]], first_offset=100)
        again = unpack_records(PARTITION, first_offset=100, places=places, payload=payload)
        assert again == [records[1], records[4]]
        assert [record.offset for record in again] == [101, 104]


class TestPacking:
    def test_splits_what_is_too_long_for_one_row(self) -> None:
        record = NewRecord(b"key", b"x" * 300_000, [], 1)
        rows = list(pack_records([record] * 10))
        assert sum(row.records for row in rows) == 10
        assert len(rows) > 1
        assert all(len(row.payload) <= MAX_RECORD_BYTES for row in rows)

    def test_splits_what_is_too_many_for_one_row(self) -> None:
        rows = list(pack_records([NewRecord(None, None, [], 1)] * 2_500))
        assert [row.records for row in rows] == [1_000, 1_000, 500]

    def test_refuses_a_record_that_is_too_large_and_says_nothing_of_what_it_holds(self) -> None:
        small, large = NewRecord(b"key", b"v", [], 1), NewRecord(b"key", b"secret" * 200_000, [], 1)
        with pytest.raises(RecordTooLarge) as refused:
            list(pack_records([small, large]))
        assert "secret" not in str(refused.value)
