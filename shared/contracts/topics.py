"""The topic registry: who owns, writes and reads each topic, how it is laid out and what it may hold.

Topics, access rules and documentation are generated from here, and no other file spells a topic's
name. Counts of partitions are frozen once a topic exists; growth is by a new topic generation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from zlib import crc32

from shared.kernel.errors import Rejected

SERVICES: Final = ("ingest", "scoring", "routing", "nurture", "analytics")
"""The five services, in the order in which a lead meets them."""

DEFAULT_PARTITIONS: Final = 12
"""Partitions of every topic, unless the deployment chose another count before its first record."""

_PREFIX: Final = "leadmill."


class UnknownTopic(Rejected):
    """No topic of this name is declared; see shared/contracts/topics.py for those that are."""

    code = "contract.unknown_topic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic. Order holds per key within it and never across topics.

    ``key`` says in words what its records are keyed by. ``partitions`` None takes the deployment's
    count, which every co-partitioned topic must. ``retention`` None keeps records for good; of a
    compacted topic it keeps the latest record per key for good. ``personal_data`` marks what may
    name a person: restricted to read, never kept for good except under erasure (``contacts``).
    """

    name: str
    key: str
    owner: str
    producers: frozenset[str]
    consumers: frozenset[str]
    summary: str
    partitions: int | None = None
    retention: timedelta | None = None
    compacted: bool = False
    personal_data: bool = False
    co_partitioned: bool = True

    @property
    def short_name(self) -> str:
        """The name without the platform's prefix, for example ``tier-changes``."""
        return self.name.removeprefix(_PREFIX)

    @property
    def retention_ms(self) -> int | None:
        """The retention in milliseconds; None keeps records for good."""
        return None if self.retention is None else self.retention // timedelta(milliseconds=1)

    def partition_count(self, deployment: int = DEFAULT_PARTITIONS) -> int:
        """Return how many partitions this topic has where the deployment's count is ``deployment``."""
        return deployment if self.partitions is None else self.partitions


def _topic(
    short_name: str,
    *,
    key: str,
    owner: str,
    consumers: tuple[str, ...],
    summary: str,
    retention: timedelta | None = None,
    compacted: bool = False,
    personal_data: bool = False,
    co_partitioned: bool = True,
    producers: tuple[str, ...] = (),
) -> Topic:
    return Topic(
        name=_PREFIX + short_name,
        key=key,
        owner=owner,
        producers=frozenset({owner, *producers}),
        consumers=frozenset(consumers),
        summary=summary,
        retention=retention,
        compacted=compacted,
        personal_data=personal_data,
        co_partitioned=co_partitioned,
    )


RAW: Final = _topic(
    "raw",
    key="keyed hash of the anonymous id, else user id, e-mail, phone, external id",
    owner="ingest",
    consumers=("ingest",),
    summary="What arrived, verbatim, after authentication; one record per event.",
    retention=timedelta(days=7),
    personal_data=True,
    co_partitioned=False,
)
CONTACTS: Final = _topic(
    "contacts",
    key="lead id",
    owner="ingest",
    consumers=("ingest", "routing", "nurture", "analytics"),
    summary="The latest name, e-mail, phone, free text and consent of a person; a tombstone erases.",
    compacted=True,
    personal_data=True,
)
LEADS: Final = _topic(
    "leads",
    key="profile id",
    owner="ingest",
    consumers=("scoring", "routing", "nurture", "analytics"),
    summary="Leads captured, changed, merged, un-merged, invalidated and erased.",
)
BEHAVIOUR: Final = _topic(
    "behaviour",
    key="profile id",
    owner="ingest",
    consumers=("scoring", "nurture", "analytics"),
    summary="What people did: pages, forms, documents, mail, live events, chat.",
)
SCORES: Final = _topic(
    "scores",
    key="lead id",
    owner="scoring",
    consumers=("scoring", "routing", "analytics"),
    summary="The latest score per lead and model.",
    compacted=True,
)
TIER_CHANGES: Final = _topic(
    "tier-changes",
    key="lead id; company id where the model is kept per company",
    owner="scoring",
    consumers=("routing", "nurture", "analytics"),
    summary="Tiers up and down per model, activations and wanted attention, with reasons.",
)
ASSIGNMENTS: Final = _topic(
    "assignments",
    key="lead id",
    owner="routing",
    consumers=("ingest", "scoring", "nurture", "analytics"),
    summary="Who owns a lead and what became of it: assigned, accepted, recalled, pooled, claimed.",
)
NURTURE: Final = _topic(
    "nurture",
    key="lead id",
    owner="nurture",
    consumers=("analytics",),
    summary="Enrolments, messages sent, failed and suppressed, exits.",
)
OUTCOMES: Final = _topic(
    "outcomes",
    key="profile id; campaign for costs",
    owner="ingest",
    consumers=("scoring", "routing", "nurture", "analytics"),
    summary="Opportunities created, moved, won and lost; payments; campaign costs.",
)

ERASURES: Final = _topic(
    "erasures",
    key="profile id",
    owner="ingest",
    producers=SERVICES,
    consumers=("ingest",),
    summary="What each service removed when a person asked to be forgotten, by table and count.",
)

INTERNAL: Final[Mapping[str, Topic]] = {
    service: _topic(
        f"internal.{service}",
        key="id of the lead, or company, that it is for",
        owner=service,
        consumers=(service,),
        summary=f"Facts of {service} on the move, after a merge or to a company; nobody else reads them.",
        retention=timedelta(days=30),
    )
    for service in SERVICES
}
"""Per service, the topic over which its own workers send each other facts."""

DEAD_LETTERS: Final[Mapping[str, Topic]] = {
    service: _topic(
        f"dlq.{service}",
        key="the key of the record that failed",
        owner=service,
        consumers=(service,),
        summary=f"Records that {service} could not apply, with untouched bytes and the reason.",
        retention=timedelta(days=30),
        personal_data=True,
        co_partitioned=False,
    )
    for service in SERVICES
}
"""Per service, the topic of its dead letters."""

_TOPICS: Final = {
    topic.name: topic
    for topic in (
        RAW,
        CONTACTS,
        LEADS,
        BEHAVIOUR,
        SCORES,
        TIER_CHANGES,
        ASSIGNMENTS,
        NURTURE,
        OUTCOMES,
        ERASURES,
        *INTERNAL.values(),
        *DEAD_LETTERS.values(),
    )
}


def all_topics() -> tuple[Topic, ...]:
    """Return every topic, in the order in which a lead meets them."""
    return tuple(_TOPICS.values())


def topic(name: str) -> Topic:
    """Return the topic of this full name, for example ``leadmill.leads``.

    :raises UnknownTopic: if none is declared.
    """
    try:
        return _TOPICS[name]
    except KeyError:
        raise UnknownTopic from None


def partition_of(key: str | bytes, count: int) -> int:
    """Return the partition of ``key`` among ``count``: CRC-32 modulo, as librdkafka's ``consistent``.

    One hash for both logs and for every producer, so that co-partitioned topics agree.
    """
    return crc32(key if isinstance(key, bytes) else key.encode()) % count
