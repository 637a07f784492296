"""When was each partition last answered, and is there anybody at all?

The port wants the event loop's time at which a fetch answer arrived, also when the answer was
empty; aiokafka keeps the wall clock's, which may step. So the requests of a consumer are overheard.

Relies on aiokafka 0.14: a fetch answer holds ``topics`` as ``[(topic, [(partition, error code, high
watermark, ...)])]``.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka.errors import KafkaError
from aiokafka.protocol.fetch import FetchRequest

from shared.log.kafka import inside
from shared.log.port import TopicPartition, Watermark


class Answers:
    """What the answers to one consumer's requests have told; times are the event loop's, in seconds.

    ``heard_at`` is when anything at all was answered last, ``refused`` whether the latest request
    failed instead.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._watermarks: dict[TopicPartition, Watermark] = {}
        self.heard_at = self._loop.time()
        self.refused = False

    def overhear(self, consumer: Any) -> None:
        """Note from now on what this ``AIOKafkaConsumer`` is answered."""
        network = inside.network_of(consumer)
        send = network.send

        async def send_and_note(node_id: Any, request: Any, **options: Any) -> Any:
            try:
                response = await send(node_id, request, **options)
            except KafkaError:
                self.refused = True
                raise
            self.heard_at = self._loop.time()
            self.refused = False
            if isinstance(request, FetchRequest):
                self._note(response)
            return response

        network.send = send_and_note

    def watermark(self, partition: TopicPartition) -> Watermark | None:
        """Return the end of this partition as the latest fetch answer told it, if there was one."""
        return self._watermarks.get(partition)

    def forget(self) -> None:
        """Forget the ends; another assignment begins."""
        self._watermarks.clear()

    def _note(self, response: Any) -> None:
        for topic, partitions in response.topics:
            for number, error_code, end, *_ in partitions:
                if error_code == 0:
                    self._watermarks[TopicPartition(topic, number)] = Watermark(end, self.heard_at)
