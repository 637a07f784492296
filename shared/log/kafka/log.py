"""The way in: one object that makes producers, consumers and an admin for one Kafka cluster."""

from __future__ import annotations

from collections.abc import Sequence

from shared.log.kafka.admin import KafkaAdmin
from shared.log.kafka.connection import Connection, Security
from shared.log.kafka.consumer import KafkaConsumer
from shared.log.kafka.producer import Compression, KafkaProducer


class KafkaLog:
    """Keeps the promises of :class:`shared.log.port.Log` on a Kafka cluster.

    ``bootstrap``: ``host:port``, several separated by commas. All durations are in seconds:
    a member that is silent for ``session_timeout`` loses its partitions; a topic that appears is
    seen within ``metadata_max_age``; whatever is not answered within ``answer_timeout`` is taken for
    unavailable; letting go takes at most ``stop_timeout``.
    ``max_record_bytes`` counts a record as Kafka stores it before compression: key, value, headers
    and some twenty bytes around them. ``replication`` of new topics is the cluster's default unless
    it is given. Nothing connects before it is started.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        session_timeout: float = 30.0,
        metadata_max_age: float = 10.0,
        answer_timeout: float = 10.0,
        stop_timeout: float = 5.0,
        max_record_bytes: int = 1_000_000,
        compression: Compression | None = None,
        replication: int | None = None,
        security: Security | None = None,
    ) -> None:
        self._connection = Connection(
            bootstrap=bootstrap,
            session_timeout=session_timeout,
            metadata_max_age=metadata_max_age,
            answer_timeout=answer_timeout,
            stop_timeout=stop_timeout,
            security=security or Security(),
        )
        self._max_record_bytes = max_record_bytes
        self._compression = compression
        self._replication = replication

    def producer(self, *, name: str) -> KafkaProducer:
        """Return a producer that has not been started; ``name`` is its client id in Kafka."""
        return KafkaProducer(
            self._connection,
            name=name,
            max_record_bytes=self._max_record_bytes,
            compression=self._compression,
        )

    def consumer(self, *, group: str, topics: Sequence[str], member: str) -> KafkaConsumer:
        """Return a consumer that has not been started; ``member`` is its client id in Kafka."""
        return KafkaConsumer(self._connection, group=group, topics=topics, member=member)

    async def admin(self) -> KafkaAdmin:
        """Return a connected admin. :raises LogUnavailable: if Kafka does not answer."""
        admin = KafkaAdmin(self._connection, replication=self._replication)
        await admin.start()
        return admin
