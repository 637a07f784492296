"""Topics of this deployment: what the registry wants, what the log has, and making the one the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from shared.contracts.topics import all_topics
from shared.kernel.errors import Rejected
from shared.log.port import Log, TopicLayout

Action = Literal["create", "keep", "conflict"]


class PlannedTopic(NamedTuple):
    """One topic: how it is to be, how it is (None if it is not there), and what follows."""

    wanted: TopicLayout
    present: TopicLayout | None

    @property
    def action(self) -> Action:
        """What ``apply`` does; a count is frozen, so another one is a conflict that it refuses."""
        if self.present is None:
            return "create"
        return "keep" if self.present.partitions == self.wanted.partitions else "conflict"

    @property
    def differs(self) -> bool:
        """Whether the topic is there and keeps its records otherwise than wanted."""
        present, wanted = self.present, self.wanted
        return present is not None and (
            present.compacted != wanted.compacted or present.retention_ms != wanted.retention_ms
        )


class CountDiffers(Rejected):
    """A topic is there with another count of partitions."""

    code = "log.partition_count"


def layouts(*, partitions: int) -> list[TopicLayout]:
    """Return how every topic of the registry is to be laid out in a deployment of ``partitions``."""
    return [
        TopicLayout(
            name=topic.name,
            partitions=topic.partition_count(partitions),
            compacted=topic.compacted,
            retention_ms=topic.retention_ms,
        )
        for topic in all_topics()
    ]


async def plan_topics(log: Log, *, partitions: int) -> list[PlannedTopic]:
    """Compare what is wanted with what is there. :raises LogUnavailable: if the log does not answer."""
    admin = await log.admin()
    try:
        present: Mapping[str, TopicLayout] = await admin.layouts()
    finally:
        await admin.stop()
    return [PlannedTopic(layout, present.get(layout.name)) for layout in layouts(partitions=partitions)]


async def apply_topics(log: Log, *, partitions: int) -> Sequence[PlannedTopic]:
    """Create what is missing and return what the plan was; doing it again changes nothing.

    :raises CountDiffers: if a topic is there with another count; nothing is created then.
    :raises LogUnavailable: if the log does not answer.
    """
    plan = await plan_topics(log, partitions=partitions)
    conflicts = [topic for topic in plan if topic.action == "conflict"]
    if conflicts:
        named = ", ".join(
            f"{topic.wanted.name} has {topic.present.partitions}" for topic in conflicts if topic.present
        )
        raise CountDiffers(
            f"{named} partitions, and LEADMILL_PARTITIONS says {partitions}; counts are frozen:"
            " set it to what is there"
        )
    missing = [topic.wanted for topic in plan if topic.action == "create"]
    if missing:
        admin = await log.admin()
        try:
            await admin.create(missing)
        finally:
            await admin.stop()
    return plan
