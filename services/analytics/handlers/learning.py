"""Takes what was learnt onto the desk."""

from __future__ import annotations

from services.analytics.domain.derivation import Erasure
from services.analytics.domain.desk import Desk, Learned
from services.analytics.domain.homes import lead_of
from shared.contracts.events.erasures import PersonalDataRemoved
from shared.kernel.changes import Emission, Fact, Ruling


def learn(desk: Desk, fact: Fact) -> Ruling:
    """Note a fact and what follows from it; all that analytics says is what it scrubbed of a person."""
    learned = fact.event
    assert isinstance(learned, Learned)
    before = desk.count_facts(learned.fact.profile)
    desk.learn(learned)
    if not learned.rows_like(Erasure):
        return Ruling()
    profile = learned.fact.profile
    lead = lead_of(desk.homes, profile)
    told = PersonalDataRemoved(
        lead=lead, profile=profile, service="analytics", removed={"fact.fields": before}
    )
    return Ruling([Emission(told, profile, lead, fact.received)])
