"""What ingest would have said: records about leads, one after the other, each with an id of its own."""

from __future__ import annotations

from typing import NamedTuple

from shared.contracts.attributes import Amount, ExternalId, Scalar
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.envelope import encode_event
from shared.contracts.events import assignments, behaviour, leads, outcomes
from shared.contracts.topics import partition_of
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant
from shared.log.port import NewRecord, TopicPartition
from tests.services.surroundings.logs import PARTITIONS


class Deed(NamedTuple):
    """A record, where it goes, and the id of its event."""

    target: TopicPartition
    record: NewRecord
    id: str


def lead_id(name: str) -> str:
    """The id of a lead that a test calls by a name."""
    return deterministic_id("a lead of scoring's tests", name)


class Deeds:
    """Says what happened, in the name of ingest; ``run`` tells the records of one test from others'."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._number = 0

    def say(self, event: Event, *, key: str, at: Instant, received: Instant | None = None) -> Deed:
        """An event that occurred ``at``; received at once unless it came late."""
        self._number += 1
        identity = deterministic_id(self._run, str(self._number))
        received = at if received is None else received
        value = encode_event(
            event,
            id=identity,
            source="/leadmill/ingest",
            subject=key,
            occurred=at,
            received=received,
            partition_key=key,
            causation_id=None,
            correlation_id=identity,
        )
        topic = DECLARED.of_struct(type(event)).topics[0].name
        target = TopicPartition(topic, partition_of(key, PARTITIONS))
        return Deed(target, NewRecord(key.encode(), value, [], received // 1000), identity)

    def is_known_as(self, who: str, at: Instant, *, crm: str | None = None, **attributes: Scalar) -> Deed:
        """A lead is captured with these attributes."""
        lead = lead_id(who)
        ids = [] if crm is None else [ExternalId(source="crm", id=crm)]
        event = leads.LeadCaptured(
            lead=lead, profile=lead, source="web", external_ids=ids, attributes=attributes, reachable=True
        )
        return self.say(event, key=lead, at=at)

    def works_at(self, who: str, company: str, at: Instant, **attributes: Scalar) -> Deed:
        """It has become known where a lead works."""
        lead = lead_id(who)
        event = leads.LeadChanged(
            lead=lead, profile=lead, source="web", attributes=attributes, reachable=True, company=company
        )
        return self.say(event, key=lead, at=at)

    def did(
        self, who: str, what: type[Event], at: Instant, *, received: Instant | None = None, **fields: object
    ) -> Deed:
        """A lead did something."""
        lead = lead_id(who)
        event = what(**{"lead": lead, "profile": lead, "source": "web", **fields})
        return self.say(event, key=lead, at=at, received=received)

    def viewed(
        self, who: str, at: Instant, *, kind: str = "price", path: str = "/x", received: Instant | None = None
    ) -> Deed:
        """A page was viewed."""
        return self.did(who, behaviour.PageViewed, at, received=received, path=path, kind=kind)

    def asked_for_demo(self, who: str, at: Instant, *, received: Instant | None = None) -> Deed:
        """A demonstration was asked for."""
        return self.did(who, behaviour.DemoRequested, at, received=received)

    def moved(self, who: str, where: str, at: Instant, *, version: int, out_of: str | None = None) -> Deed:
        """A profile is merged into another lead, or moves out of it again."""
        profile, lead = lead_id(who), lead_id(where)
        kind = leads.LeadUnmerged if who == where else leads.LeadMerged
        event = kind(
            profile=profile, lead=lead, from_lead=lead_id(out_of or who), version=version, reason="test"
        )
        return self.say(event, key=profile, at=at)

    def lost(self, who: str, at: Instant, *, received: Instant | None = None) -> Deed:
        """A deal with a lead was lost."""
        return self.did(who, outcomes.OpportunityLost, at, received=received, opportunity="OP-1")

    def won(
        self, who: str, at: Instant, units: int, *, deal: str = "OP-1", received: Instant | None = None
    ) -> Deed:
        """A deal with a lead was won for so many yuan."""
        amount = Amount(minor=units * 100, currency="CNY")
        return self.did(who, outcomes.OpportunityWon, at, received=received, opportunity=deal, amount=amount)

    def contacted(self, who: str, at: Instant, *, assignment: str = "a-1") -> Deed:
        """A rep spoke to a lead for the first time since it is theirs."""
        lead = lead_id(who)
        event = assignments.LeadContacted(
            lead=lead, rep="r-1", assignment=assignment, way="phone", is_first=True
        )
        return self.say(event, key=lead, at=at)

    def returned(self, who: str, at: Instant) -> Deed:
        """A rep gave a lead back; routing says so."""
        lead = lead_id(who)
        event = assignments.LeadReturned(lead=lead, rep="r-1", assignment="a-1", reason="not_ready")
        return self.say(event, key=lead, at=at)

    def forgotten(self, who: str, at: Instant, *, lead: str | None = None) -> Deed:
        """A person asked to be forgotten."""
        event = leads.LeadErased(lead=lead_id(lead or who), profile=lead_id(who))
        return self.say(event, key=lead_id(who), at=at)
