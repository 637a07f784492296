"""What other services would have said: records about leads, each with an id of its own."""

from __future__ import annotations

from typing import Any, NamedTuple

from shared.contracts.attributes import Scalar
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.envelope import encode_event
from shared.contracts.events import assignments, behaviour, contacts, leads, tier_changes
from shared.contracts.topics import CONTACTS, partition_of
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant, to_datetime
from shared.log.port import NewRecord, TopicPartition
from tests.services.surroundings.logs import PARTITIONS


class Word(NamedTuple):
    """A record, and where it goes."""

    target: TopicPartition
    record: NewRecord


class Words:
    """Says things in the name of others; ``run`` tells one test's leads and records from another's."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._number = 0

    def lead(self, name: str) -> str:
        """The id of a lead that a test calls by a name."""
        return deterministic_id("a lead of nurture's tests", self._run, name)

    def say(self, event: Event, *, key: str, at: Instant, traceparent: str | None = None) -> Word:
        """An event that occurred ``at`` and was received at once."""
        self._number += 1
        identity = deterministic_id(self._run, str(self._number))
        value = encode_event(
            event,
            id=identity,
            source="/leadmill/others",
            subject=key,
            occurred=at,
            received=at,
            partition_key=key,
            causation_id=None,
            correlation_id=identity,
            traceparent=traceparent,
        )
        topic = DECLARED.of_struct(type(event)).topics[0].name
        target = TopicPartition(topic, partition_of(key, PARTITIONS))
        return Word(target, NewRecord(key.encode(), value, [], at // 1000))

    def captured(self, who: str, at: Instant, **attributes: Scalar) -> Word:
        lead = self.lead(who)
        event = leads.LeadCaptured(
            lead=lead, profile=lead, source="web", attributes=attributes, reachable=True
        )
        return self.say(event, key=lead, at=at)

    def contact(self, who: str, at: Instant, *, version: int = 1, **fields: Any) -> Word:
        lead = self.lead(who)
        fields = {"name": who.title(), "email": f"{who}@example.com", "language": "en", **fields}
        event = contacts.ContactUpdated(lead=lead, version=version, **fields)
        return self.say(event, key=lead, at=at)

    def contact_gone(self, who: str, at: Instant) -> Word:
        lead = self.lead(who)
        target = TopicPartition(CONTACTS.name, partition_of(lead, PARTITIONS))
        return Word(target, NewRecord(lead.encode(), None, [], at // 1000))

    def tier(
        self, who: str, to: str, at: Instant, *, up: bool = True, traceparent: str | None = None
    ) -> Word:
        lead = self.lead(who)
        event = tier_changes.TierChanged(
            lead=lead,
            model="mql",
            model_version=1,
            direction="up" if up else "down",
            from_tier="D",
            to_tier=to,
            points=55_000,
            at=to_datetime(at),
        )
        return self.say(event, key=lead, at=at, traceparent=traceparent)

    def assigned(self, who: str, at: Instant) -> Word:
        lead = self.lead(who)
        event = assignments.LeadClaimed(
            lead=lead, rep="rep-1", assignment="a-1", pool="public", due=to_datetime(at)
        )
        return self.say(event, key=lead, at=at)

    def unsubscribed(self, who: str, at: Instant) -> Word:
        lead = self.lead(who)
        return self.say(behaviour.Unsubscribed(lead=lead, profile=lead, source="nurture"), key=lead, at=at)

    def merged(self, who: str, into: str, at: Instant, *, version: int = 1) -> Word:
        profile = self.lead(who)
        event = leads.LeadMerged(
            profile=profile, lead=self.lead(into), from_lead=profile, version=version, reason="test"
        )
        return self.say(event, key=profile, at=at)

    def erased(self, who: str, at: Instant) -> Word:
        lead = self.lead(who)
        return self.say(leads.LeadErased(lead=lead, profile=lead), key=lead, at=at)

    def becomes_b(self, who: str, at: Instant, **fields: Any) -> list[Word]:
        """A person whom we can reach becomes a B lead."""
        return [self.captured(who, at), self.contact(who, at, **fields), self.tier(who, "B", at)]
