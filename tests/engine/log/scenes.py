"""Where a test of the suite plays: topics, producers and consumers of one log."""

from __future__ import annotations

from contextlib import AsyncExitStack

from shared.log.port import Admin, Consumer, Producer, TopicLayout
from tests.engine.log.drivers import LogDriver
from tests.engine.log.readers import Progress, Seat, Worker


class Scene:
    """Makes topics, producers and consumers of one log, and lets go of them when the test is over."""

    def __init__(self, driver: LogDriver, stack: AsyncExitStack) -> None:
        self.driver = driver
        self.log = driver.log
        self._stack = stack
        self._members = 0
        self.progress = Progress()

    async def topic(self, name: str = "topic", *, partitions: int = 1) -> str:
        name = self.driver.topic(name)
        admin = await self.log.admin()
        try:
            await admin.create([TopicLayout(name=name, partitions=partitions)])
        finally:
            await admin.stop()
        return name

    async def admin(self) -> Admin:
        admin = await self.log.admin()
        self._stack.push_async_callback(admin.stop)
        return admin

    async def producer(self, name: str = "producer") -> Producer:
        producer = self.log.producer(name=name)
        await producer.start()
        self._stack.push_async_callback(producer.stop)
        return producer

    async def seat(self, *topics: str, group: str = "group") -> Seat:
        seat = Seat(self.consumer(*topics, group=group))
        await seat.start()
        self._stack.push_async_callback(seat.consumer.stop)
        return seat

    async def reader(self, *topics: str, group: str = "group") -> Seat:
        """Return a seat that reads everything from its beginning."""
        seat = await self.seat(*topics, group=group)
        seat.consumer.seek(dict.fromkeys(await seat.settle(), 0))
        return seat

    async def worker(self, *topics: str, group: str = "group") -> Worker:
        worker = Worker(self.consumer(*topics, group=group), progress=self.progress)
        await worker.start()
        self._stack.push_async_callback(worker.stop)
        return worker

    def consumer(self, *topics: str, group: str = "group") -> Consumer:
        """Return a consumer that is neither started nor stopped by the scene."""
        self._members += 1
        name = self.driver.topic(group)
        return self.log.consumer(group=name, topics=topics, member=f"member-{self._members}")
