"""Who reads what: the one rule by which both logs share partitions out (ADR 0008).

What belongs together lies under the same partition number in several topics, so numbers are shared
out, not partitions. A topic that not every member subscribes (as in the middle of a rolling deploy
that adds one) is given to nobody until all of them do: handing it to some would tear the numbers
apart. Pure, so that every member that sees the same rows comes to the same answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from shared.log.port import TopicPartition


def assign_partitions(
    *, subscriptions: Mapping[str, Collection[str]], counts: Mapping[str, int]
) -> dict[str, frozenset[TopicPartition]]:
    """Share out partition numbers in contiguous ranges, members in the order of their names.

    ``subscriptions`` names the topics of each member, ``counts`` the partitions of each topic that
    exists. Topics without a count are passed over. The first members get one number more where the
    numbers do not divide evenly. A topic with fewer partitions than another simply ends earlier.
    """
    members = sorted(subscriptions)
    shares: dict[str, frozenset[TopicPartition]] = dict.fromkeys(members, frozenset())
    if not members:
        return shares
    common = set[str].intersection(*(set(topics) for topics in subscriptions.values()))
    existing = {topic: counts[topic] for topic in common if counts.get(topic, 0) > 0}
    each, extra = divmod(max(existing.values(), default=0), len(members))
    first = 0
    for rank, member in enumerate(members):
        after = first + each + (1 if rank < extra else 0)
        shares[member] = frozenset(
            TopicPartition(topic, number)
            for topic, count in existing.items()
            for number in range(first, min(after, count))
        )
        first = after
    return shares
