"""What ingest and scoring would have said: records about leads, each with an id of its own."""

from __future__ import annotations

from typing import Any, NamedTuple

from shared.contracts.attributes import Amount, Scalar
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.envelope import encode_event
from shared.contracts.events import leads, outcomes, scores, tier_changes
from shared.contracts.topics import partition_of
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant, to_datetime
from shared.log.port import NewRecord, TopicPartition
from tests.services.surroundings.logs import PARTITIONS


class Word(NamedTuple):
    """A record, where it goes, and the id of its event."""

    target: TopicPartition
    record: NewRecord
    id: str


def lead_id(name: str) -> str:
    """The id of a lead that a test calls by a name."""
    return deterministic_id("a lead of routing's tests", name)


class Words:
    """Says things in the name of ingest and scoring; ``run`` tells one test's records from another's."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._number = 0

    def say(self, event: Event, *, key: str, at: Instant) -> Word:
        """An event that occurred ``at`` and was received at once."""
        self._number += 1
        identity = deterministic_id(self._run, str(self._number))
        value = encode_event(
            event,
            id=identity,
            source="/leadmill/ingest",
            subject=key,
            occurred=at,
            received=at,
            partition_key=key,
            causation_id=None,
            correlation_id=identity,
        )
        topic = DECLARED.of_struct(type(event)).topics[0].name
        target = TopicPartition(topic, partition_of(key, PARTITIONS))
        return Word(target, NewRecord(key.encode(), value, [], at // 1000), identity)

    def captured(self, who: str, at: Instant, *, reachable: bool = True, **attributes: Scalar) -> Word:
        lead = lead_id(who)
        event = leads.LeadCaptured(
            lead=lead, profile=lead, source="web", attributes=attributes, reachable=reachable
        )
        return self.say(event, key=lead, at=at)

    def tier(self, who: str, to: str, at: Instant, *, model: str = "mql", up: bool = True) -> Word:
        lead = lead_id(who)
        event = tier_changes.TierChanged(
            lead=lead,
            model=model,
            model_version=1,
            direction="up" if up else "down",
            from_tier="D",
            to_tier=to,
            points=85_000,
            at=to_datetime(at),
        )
        return self.say(event, key=lead, at=at)

    def activated(self, who: str, at: Instant, *, cycle: int = 1) -> Word:
        lead = lead_id(who)
        event = tier_changes.LeadActivated(
            lead=lead, model="mql", model_version=1, points=85_000, at=to_datetime(at), cycle=cycle
        )
        return self.say(event, key=lead, at=at)

    def scores(self, who: str, at: Instant, *, version: int, **points: int) -> Word:
        lead = lead_id(who)
        told = [
            scores.ModelScore(
                model=model,
                model_version=1,
                points=value * 1000,
                tier="B",
                tier_since=to_datetime(at),
                as_of=to_datetime(at),
            )
            for model, value in points.items()
        ]
        return self.say(scores.ScoresUpdated(lead=lead, version=version, scores=told), key=lead, at=at)

    def moved(self, who: str, where: str, at: Instant, *, version: int, out_of: str | None = None) -> Word:
        profile, lead = lead_id(who), lead_id(where)
        kind = leads.LeadUnmerged if who == where else leads.LeadMerged
        event = kind(
            profile=profile, lead=lead, from_lead=lead_id(out_of or who), version=version, reason="test"
        )
        return self.say(event, key=profile, at=at)

    def erased(self, who: str, at: Instant) -> Word:
        lead = lead_id(who)
        return self.say(leads.LeadErased(lead=lead, profile=lead), key=lead, at=at)

    def deal(self, who: str, kind: type[Event], at: Instant, **fields: Any) -> Word:
        lead = lead_id(who)
        event = kind(**{"lead": lead, "profile": lead, "source": "crm", "opportunity": "OP-1", **fields})
        return self.say(event, key=lead, at=at)

    def won(self, who: str, at: Instant) -> Word:
        return self.deal(who, outcomes.OpportunityWon, at, amount=Amount(minor=100, currency="CNY"))

    def hot(self, who: str, at: Instant, **attributes: Scalar) -> tuple[Word, Word]:
        """A lead that is captured and becomes an A."""
        return self.captured(who, at, reachable=True, **attributes), self.tier(who, "A", at)
