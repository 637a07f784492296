"""The group's rule, told to Kafka; and the moment at which a new assignment is taken.

The rule itself is :func:`shared.log.assignment.assign_partitions`. Kafka's protocol has the group's
leader compute everyone's share; every member must offer the same protocol name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

from shared.log.assignment import assign_partitions
from shared.log.port import TopicPartition

_VERSION: Final = 0


class CoPartitionedAssignor(AbstractPartitionAssignor):
    """Gives each member the same partition numbers of all topics that every member subscribes.

    ``take`` is called with each assignment of this member. aiokafka calls it between installing the
    assignment and letting anything else run, so what ``take`` does to the partitions is done before
    the fetcher can look for their positions. That is why this is an object and not, as aiokafka's
    own assignors, a class.
    """

    name = "leadmill-numbers"

    def __init__(self, take: Callable[[frozenset[TopicPartition]], None]) -> None:
        self._take = take

    def assign(
        self, cluster: Any, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """Share out the partitions, as the group's leader."""
        subscriptions = {member: metadata.subscription for member, metadata in members.items()}
        topics = {topic for subscription in subscriptions.values() for topic in subscription}
        counts = {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in topics}
        shares = assign_partitions(subscriptions=subscriptions, counts=counts)
        return {member: _encode(share) for member, share in shares.items()}

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """Tell the leader what this member subscribes."""
        return ConsumerProtocolMemberMetadata(_VERSION, sorted(topics), b"")

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Take this member's share."""
        self._take(frozenset(TopicPartition(*partition) for partition in assignment.partitions()))


def _encode(share: frozenset[TopicPartition]) -> ConsumerProtocolMemberAssignment:
    numbers: dict[str, list[int]] = {}
    for topic, number in sorted(share):
        numbers.setdefault(topic, []).append(number)
    return ConsumerProtocolMemberAssignment(_VERSION, list(numbers.items()), b"")
