"""The log on Apache Kafka 4, through aiokafka: the adapter for everything past one machine.

Several promises of the port are not aiokafka's own. What it takes to keep them is told in
``membership``, ``consumer``, ``answers`` and ``abandonment``; what that relies on lies in ``inside``,
and aiokafka is pinned for it. The suite in ``tests/engine/log`` fails if aiokafka moves.
"""

from shared.log.kafka.connection import Security
from shared.log.kafka.corruption import CorruptRecords
from shared.log.kafka.log import KafkaLog

__all__ = ["CorruptRecords", "KafkaLog", "Security"]
