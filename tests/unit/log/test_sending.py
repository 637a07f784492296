"""Sending to Kafka past aiokafka's queue: the same bytes, and again until every leader has them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import (
    IncompatibleBrokerVersion,
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerClosed,
    ProducerFenced,
)
from aiokafka.protocol.produce import ProduceRequest_v7, ProduceResponse_v7
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.log.kafka import sending
from shared.log.kafka.sending import UNKNOWN_OFFSET, Produce, ProduceAnswer, Sending
from shared.log.port import TopicPartition

TOPICS = st.sampled_from(["leadmill.raw", "leadmill.leads", "标"])
PARTITIONS = st.builds(TopicPartition, TOPICS, st.integers(0, 2**31 - 1))
A, B, C = (TopicPartition("t", number) for number in range(3))


class TestBytes:
    @given(st.dictionaries(PARTITIONS, st.binary(max_size=40), max_size=8), st.integers(0, 2**31 - 1))
    @settings(max_examples=200, deadline=None)
    def test_of_a_request_are_those_that_aiokafka_writes(
        self, batches: dict[TopicPartition, bytes], timeout: int
    ) -> None:
        by_topic: dict[str, list[tuple[int, bytes]]] = {}
        for (topic, number), batch in batches.items():
            by_topic.setdefault(topic, []).append((number, batch))
        theirs = ProduceRequest_v7(
            transactional_id=None, required_acks=-1, timeout=timeout, topics=list(by_topic.items())
        )
        ours = Produce(batches, timeout=timeout).prepare({0: (3, 12)})
        assert ours.encode() == theirs.encode()
        head: dict[str, Any] = {"correlation_id": 7, "client_id": "edge"}
        assert ours.build_request_header(**head).encode() == theirs.build_request_header(**head).encode()

    @given(
        st.dictionaries(
            TOPICS,
            st.lists(
                st.tuples(
                    st.integers(0, 2**31 - 1),
                    st.integers(-1, 100),
                    *(st.integers(-1, 2**63 - 1) for _ in range(3)),
                ),
                unique_by=lambda one: one[0],
                max_size=5,
            ),
            max_size=3,
        )
    )
    @settings(max_examples=200, deadline=None)
    def test_of_an_answer_are_read_as_aiokafka_writes_them(self, told: dict[str, list[Any]]) -> None:
        data = ProduceResponse_v7(topics=list(told.items()), throttle_time_ms=0).encode()
        assert ProduceAnswer.decode(BytesIO(data)).results == {
            TopicPartition(topic, number): (error, offset)
            for topic, partitions in told.items()
            for number, error, offset, *_ in partitions
        }

    @pytest.mark.parametrize("versions", [{}, {0: (0, 6)}, {0: (8, 12)}])
    def test_are_not_sent_to_a_broker_that_does_not_take_them(self, versions: dict[int, Any]) -> None:
        with pytest.raises(IncompatibleBrokerVersion):
            Produce({}, timeout=1).prepare(versions)


class Batch:
    """A batch of two records that shows its place in the sequence."""

    def _set_producer_state(self, producer: int, epoch: int, sequence: int) -> None:
        self.state = b"%d/%d/%d" % (producer, epoch, sequence)

    def record_count(self) -> int:
        return 2

    def _build(self) -> bytes:
        return self.state


class Brokers:
    """An ``AIOKafkaProducer`` as far as sending looks into it; ``answers`` are given one after another."""

    def __init__(self, leaders: dict[TopicPartition, int], *answers: Any) -> None:
        self.leaders = dict(leaders)
        self.answers = list(answers)
        self.asked: list[tuple[int, dict[TopicPartition, bytes]]] = []
        self.updates = 0
        self.on_update: Callable[[], None] = lambda: None
        self.client = self.cluster = self
        self._closed = False
        self._sequences: dict[TopicPartition, int] = {}
        self._txn_manager = SimpleNamespace(
            producer_id=5,
            producer_epoch=0,
            sequence_number=lambda at: self._sequences.get(at, 0),
            increment_sequence_number=lambda at, by: self._sequences.update(
                {at: self._sequences.get(at, 0) + by}
            ),
        )

    def leader_for_partition(self, partition: TopicPartition) -> int | None:
        return self.leaders.get(TopicPartition(*partition))

    async def force_metadata_update(self) -> None:
        self.updates += 1
        self.on_update()

    async def send(self, node: int, request: Any) -> ProduceAnswer:
        self.asked.append((node, dict(request._batches)))
        answer = self.answers.pop(0)
        if isinstance(answer, KafkaError):
            raise answer
        return ProduceAnswer({at: answer[at] for at in request._batches})


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_PAUSE", 0.0)


async def send(brokers: Brokers, *partitions: TopicPartition) -> dict[TopicPartition, int]:
    batches = {partition: Batch() for partition in partitions}
    return await Sending(brokers, timeout=1_000).send(batches)


class TestAnAppend:
    async def test_is_one_request_to_each_leader(self) -> None:
        brokers = Brokers({A: 1, B: 2, C: 1}, {A: (0, 10), C: (0, 30)}, {B: (0, 20)})
        assert await send(brokers, A, B, C) == {A: 10, B: 20, C: 30}
        assert [(node, set(batches)) for node, batches in brokers.asked] == [(1, {A, C}), (2, {B})]
        assert brokers.updates == 0

    async def test_goes_on_in_the_sequence_of_each_partition(self) -> None:
        brokers = Brokers({A: 1, B: 1}, {A: (0, 0)}, {A: (0, 2), B: (0, 0)})
        await send(brokers, A)
        await send(brokers, A, B)
        assert [batches for _, batches in brokers.asked] == [
            {A: b"5/0/0"},
            {A: b"5/0/2", B: b"5/0/0"},
        ]

    async def test_is_sent_again_unchanged_to_the_new_leader_where_it_was_not_taken(self) -> None:
        not_leader = 6
        brokers = Brokers({A: 1, B: 1}, {A: (0, 10), B: (not_leader, -1)}, {B: (0, 20)})
        brokers.on_update = lambda: brokers.leaders.update({B: 2})
        assert await send(brokers, A, B) == {A: 10, B: 20}
        assert brokers.asked == [(1, {A: b"5/0/0", B: b"5/0/0"}), (2, {B: b"5/0/0"})]

    async def test_is_sent_again_over_a_new_connection(self) -> None:
        brokers = Brokers({A: 1}, KafkaConnectionError(), {A: (0, 10)})
        assert await send(brokers, A) == {A: 10}
        assert brokers.asked[0] == brokers.asked[1]

    async def test_waits_for_a_leader_where_there_is_none(self) -> None:
        brokers = Brokers({A: -1}, {A: (0, 10)})
        brokers.on_update = lambda: brokers.leaders.update({A: 1 if brokers.updates == 3 else -1})
        assert await send(brokers, A) == {A: 10}
        assert brokers.updates == 3

    async def test_that_was_stored_already_is_there_though_nobody_knows_where(self) -> None:
        duplicate = 46
        brokers = Brokers({A: 1}, {A: (duplicate, -1)})
        assert await send(brokers, A) == {A: UNKNOWN_OFFSET}

    @pytest.mark.parametrize(("code", "kind"), [(10, MessageSizeTooLargeError), (47, ProducerFenced)])
    async def test_that_is_refused_for_good_is_not_tried_again(
        self, code: int, kind: type[KafkaError]
    ) -> None:
        brokers = Brokers({A: 1}, {A: (code, -1)})
        with pytest.raises(kind):
            await send(brokers, A)
        assert len(brokers.asked) == 1

    async def test_ends_with_a_producer_that_was_closed(self) -> None:
        brokers = Brokers({A: 1}, KafkaConnectionError())
        brokers._closed = True
        with pytest.raises(ProducerClosed):
            await send(brokers, A)

    async def test_can_be_given_up_while_nobody_answers(self) -> None:
        brokers = Brokers({A: 1, B: 2})
        asked = asyncio.Event()

        async def be_silent(*_: object) -> None:
            asked.set()
            await asyncio.Event().wait()

        vars(brokers)["send"] = be_silent
        sending_ = asyncio.create_task(send(brokers, A, B))
        await asked.wait()
        sending_.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending_
