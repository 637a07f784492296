"""A record comes out as it went in, however many and however large."""

from __future__ import annotations

import os

import pytest

from shared.log.port import NewRecord, RecordTooLarge, TopicPartition
from tests.engine.log.readers import record, records, values
from tests.engine.log.scenes import Scene


async def test_key_value_headers_and_timestamp_come_back_as_they_were(scene: Scene) -> None:
    topic = await scene.topic(partitions=3)
    sent = NewRecord(
        b"\x00key\xff",
        b"\x00value\xff",
        [("ce_id", b"1"), ("ce_id", b"2"), ("empty", b""), ("größe", "groß".encode())],
        1_712_345_678_901,
    )
    producer = await scene.producer()
    await producer.append([(TopicPartition(topic, 2), [sent])])
    (got,) = await (await scene.reader(topic)).collect(1)
    assert (got.topic, got.partition, got.offset) == (topic, 2, 0)
    assert (got.key, got.value, got.timestamp) == (sent.key, sent.value, sent.timestamp)
    assert list(got.headers) == list(sent.headers)


async def test_a_tombstone_is_not_an_empty_value(scene: Scene) -> None:
    topic = await scene.topic()
    producer = await scene.producer()
    await producer.append([(TopicPartition(topic, 0), [record(None), record(""), record("x", key=None)])])
    fetched = await (await scene.reader(topic)).collect(3)
    assert [(each.key, each.value) for each in fetched] == [(b"key", None), (b"key", b""), (None, b"x")]


async def test_a_batch_of_many_megabytes_goes_in_and_comes_out_whole(scene: Scene) -> None:
    topic = await scene.topic()
    producer = await scene.producer()
    noise = os.urandom(1000)
    batch = [NewRecord(b"%d" % number, noise, [], number) for number in range(4000)]
    assert await producer.append([(TopicPartition(topic, 0), batch)]) == [0]
    assert await producer.append([(TopicPartition(topic, 0), records("after"))]) == [4000]
    fetched = await (await scene.reader(topic)).collect(4001)
    assert [each.key for each in fetched[:-1]] == [each.key for each in batch]
    assert [each.offset for each in fetched] == list(range(4001))


async def test_a_record_of_nine_tenths_of_a_megabyte_is_taken(scene: Scene) -> None:
    topic = await scene.topic()
    producer = await scene.producer()
    large = NewRecord(b"key", os.urandom(900_000), [], 1)
    await producer.append([(TopicPartition(topic, 0), [record("before"), large, record("after")])])
    fetched = await (await scene.reader(topic)).collect(3)
    assert fetched[1].value == large.value


async def test_a_record_too_large_is_refused_before_anything_is_sent(scene: Scene) -> None:
    topic = await scene.topic(partitions=2)
    producer = await scene.producer()
    large = NewRecord(b"key", bytes(1_100_000), [], 1)
    with pytest.raises(RecordTooLarge) as refused:
        await producer.append(
            [(TopicPartition(topic, 0), records("good")), (TopicPartition(topic, 1), [record("good"), large])]
        )
    assert refused.value.reason == "log.record_too_large"
    assert await producer.append([(TopicPartition(topic, 0), records("first"))]) == [0]
    assert values(await (await scene.reader(topic)).collect(1)) == ["first"]


async def test_headers_count_against_the_size_too(scene: Scene) -> None:
    topic = await scene.topic()
    producer = await scene.producer()
    with pytest.raises(RecordTooLarge):
        await producer.append(
            [(TopicPartition(topic, 0), [NewRecord(b"k", b"v", [("h", bytes(1_100_000))], 1)])]
        )


async def test_a_fetch_brings_no_more_than_it_was_asked_for(scene: Scene) -> None:
    topic = await scene.topic(partitions=3)
    producer = await scene.producer()
    await producer.append([(TopicPartition(topic, n), records(*map(str, range(40)))) for n in range(3)])
    reader = await scene.reader(topic)
    collected: list[tuple[int, int]] = []
    while len(collected) < 120:
        fetched = await reader.fetch(max_records=7)
        assert 0 < len(fetched) <= 7
        collected += [(each.partition, each.offset) for each in fetched]
    assert sorted(collected) == [(n, at) for n in range(3) for at in range(40)]
    for n in range(3):
        assert [at for number, at in collected if number == n] == list(range(40))
