"""Sending the batches of an append to the leaders of their partitions, until all have them.

One request is under way to each broker, with one batch for each partition in it; a batch keeps its place in
the producer's sequence however often it is sent, so that a repeat is recognised by the broker, and the next
batch of its partition is not sent before it is acknowledged.

Requests are written and answers read here, because most of what an append costs is paid per partition, and
aiokafka goes through both field by field. It is version 7 of Produce, which every broker since Kafka 2.1
takes; aiokafka's connection sends it like any other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from io import BytesIO
from struct import Struct
from typing import Any, ClassVar, Final

from aiokafka.errors import (
    DuplicateSequenceNumber,
    IncompatibleBrokerVersion,
    InvalidProducerEpoch,
    KafkaError,
    NoError,
    ProducerClosed,
    ProducerFenced,
    for_code,
)
from aiokafka.protocol.api import RequestHeader_v1, ResponseHeader_v0

from shared.log.kafka import inside
from shared.log.port import TopicPartition

_KEY: Final = 0
_VERSION: Final = 7
_ALL_REPLICAS: Final = -1
_NO_TRANSACTION: Final = -1
_HEAD: Final = Struct(">hhii")
_COUNT: Final = Struct(">i")
_LENGTH: Final = Struct(">h")
_BATCH: Final = Struct(">ii")
_ANSWER: Final = Struct(">ihqqq")

_PAUSE: Final = 0.1
UNKNOWN_OFFSET: Final = -1
"""What stands for the place of a batch that the broker has, and has forgotten where."""

log = logging.getLogger(__name__)


class ProduceAnswer:
    """What became of each batch: ``results`` has an error code and an offset for each partition."""

    def __init__(self, results: Mapping[TopicPartition, tuple[int, int]]) -> None:
        self.results = results

    @classmethod
    def decode(cls, file: BytesIO) -> ProduceAnswer:
        """Read an answer from where its head has ended."""
        data = file.read()
        results = {}
        (topics,), place = _COUNT.unpack_from(data), _COUNT.size
        for _ in range(topics):
            (length,) = _LENGTH.unpack_from(data, place)
            place += _LENGTH.size
            name = data[place : place + length].decode()
            place += length
            (partitions,) = _COUNT.unpack_from(data, place)
            place += _COUNT.size
            for _ in range(partitions):
                number, error, offset, _, _ = _ANSWER.unpack_from(data, place)
                place += _ANSWER.size
                results[TopicPartition(name, number)] = (error, offset)
        return cls(results)


class Produce:
    """A request to append one batch to each of these partitions, acknowledged by all in-sync replicas.

    ``timeout`` is how many milliseconds the leader may wait for its replicas.
    """

    API_KEY: ClassVar[int] = _KEY
    API_VERSION: ClassVar[int] = _VERSION
    RESPONSE_TYPE: ClassVar[type[ProduceAnswer]] = ProduceAnswer

    def __init__(self, batches: Mapping[TopicPartition, bytes], *, timeout: int) -> None:
        self._batches = batches
        self._timeout = timeout

    def prepare(self, versions: Mapping[int, tuple[int, int]]) -> Produce:
        """Return the request for a broker that takes these versions of each kind of request.

        :raises IncompatibleBrokerVersion: if it does not take this one.
        """
        lowest, highest = versions.get(_KEY, (-1, -1))
        if not lowest <= _VERSION <= highest:
            raise IncompatibleBrokerVersion(f"the broker does not take version {_VERSION} of Produce")
        return self

    def build_request_header(self, *, correlation_id: int, client_id: str) -> Any:
        """Return the head, as aiokafka's connection asks for it."""
        return RequestHeader_v1(self, correlation_id=correlation_id, client_id=client_id)

    def parse_response_header(self, file: BytesIO) -> Any:
        """Read the head of the answer."""
        return ResponseHeader_v0.decode(file)

    def encode(self) -> bytes:
        """Return the request without its head."""
        by_topic: dict[str, list[tuple[int, bytes]]] = {}
        for (topic, number), batch in self._batches.items():
            by_topic.setdefault(topic, []).append((number, batch))
        parts = [_HEAD.pack(_NO_TRANSACTION, _ALL_REPLICAS, self._timeout, len(by_topic))]
        for topic, batches in by_topic.items():
            name = topic.encode()
            parts += (_LENGTH.pack(len(name)), name, _COUNT.pack(len(batches)))
            for number, batch in batches:
                parts += (_BATCH.pack(number, len(batch)), batch)
        return b"".join(parts)


class Sending:
    """Sends for one started ``AIOKafkaProducer``; ``timeout`` is in milliseconds."""

    def __init__(self, client: Any, *, timeout: int) -> None:
        self._client = client
        self._timeout = timeout

    async def send(self, batches: Mapping[TopicPartition, Any]) -> dict[TopicPartition, int]:
        """Return the first offset of each batch, once all in-sync replicas have them.

        It tries again for as long as it may be of use; whoever waits bounds it.

        :raises KafkaError: if a broker refuses a batch for good, or the client was closed.
        """
        left = {
            partition: inside.seal_batch(self._client, partition, batch)
            for partition, batch in batches.items()
        }
        offsets: dict[TopicPartition, int] = {}
        while True:
            for partition, outcome in (await self._try(left)).items():
                if isinstance(outcome, int):
                    offsets[partition] = outcome
                    del left[partition]
                elif not outcome.retriable:
                    log.warning("kafka.append_refused", extra={"error": type(outcome).__name__})
                    raise outcome
            if not left:
                return offsets
            log.warning("kafka.append_sent_again", extra={"partitions": len(left)})
            await asyncio.sleep(_PAUSE)
            if inside.is_closed(self._client):
                raise ProducerClosed
            await inside.update_metadata(self._client)

    async def _try(self, batches: Mapping[TopicPartition, bytes]) -> dict[TopicPartition, int | KafkaError]:
        """Send every batch once, and return the offset or the failure of those that were answered."""
        by_leader: dict[int, dict[TopicPartition, bytes]] = {}
        for partition, batch in batches.items():
            leader = inside.leader_of(self._client, partition)
            if leader is not None:
                by_leader.setdefault(leader, {})[partition] = batch
        if len(by_leader) == 1:
            ((leader, theirs),) = by_leader.items()
            return await self._ask(leader, theirs)
        outcomes: dict[TopicPartition, int | KafkaError] = {}
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(self._ask(leader, theirs)) for leader, theirs in by_leader.items()]
        for one in asked:
            outcomes |= one.result()
        return outcomes

    async def _ask(
        self, leader: int, batches: Mapping[TopicPartition, bytes]
    ) -> dict[TopicPartition, int | KafkaError]:
        request = Produce(batches, timeout=self._timeout)
        try:
            answer = await inside.network_of(self._client).send(leader, request)
        except KafkaError as error:
            return dict.fromkeys(batches, error)
        return {
            partition: offset if error == 0 else _read(error, offset)
            for partition, (error, offset) in answer.results.items()
        }


def _read(code: int, offset: int) -> int | KafkaError:
    """Return what an error code means for a batch."""
    kind = for_code(code)
    if kind is NoError:
        return offset
    if kind is DuplicateSequenceNumber:  # it was stored the first time
        return UNKNOWN_OFFSET
    return ProducerFenced() if kind is InvalidProducerEpoch else kind()
