"""What a lead tells the companies that its facts name: what counts newly, what counts no longer.

The owner of a lead says it, in the order in which it learns; so a company hears of a fact once. A
profile that moves to another lead takes what it told along: the lead that has it now tells it again,
under the version of the move, and the lead that lost it says nothing about companies that the
profile's own facts name. So no company ever goes without them in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from services.scoring.domain.companies.hearing import (
    companies_in,
    company_in,
    for_companies,
    is_for_companies,
)
from services.scoring.domain.facts import Fact, in_order
from services.scoring.domain.scored_lead import (
    KeptFact,
    ScoredLead,
    Working,
    counted_facts,
    counts_here,
    facts_here,
)
from services.scoring.domain.verdicts import without_withdrawn
from services.scoring.handlers.moving import pieces_of
from shared.contracts.events.internal_scoring import CompanyFactsTold
from shared.kernel.changes import Changes, Emission
from shared.kernel.instants import Instant

_MOST_IDS = 1_000
"""How many withdrawals one piece may name."""


def share(before: Working, changes: Changes[Working], now: Instant) -> Changes[Working]:
    """Return the changes with what companies are told because of them."""
    after = changes.state
    if after is None:
        return changes
    was, kept = before.kept, after.kept
    new = [row.fact for row in changes.rows if isinstance(row, KeptFact)]
    has_moved = was.lives_at != kept.lives_at or (
        was.lodgers is not kept.lodgers and was.lodgers != kept.lodgers
    )
    if has_moved or (new and kept.is_judged):
        companies, said = _compare(before, after, now)
        tells = bool(_shared(after))
    else:
        fresh = [f for f in without_withdrawn(facts_here(after.lead, kept, new)) if is_for_companies(f)]
        if not fresh and (was.newest is not None or not new):
            return changes
        companies, said = _add(after, in_order(fresh), now)
        tells = bool(fresh)
    if companies != kept.companies or tells != kept.tells_companies:
        kept = msgspec.structs.replace(kept, companies=companies, tells_companies=tells)
        after = Working(after.lead, kept, after.history, after.ruling)
    return msgspec.structs.replace(changes, state=after, emissions=(*changes.emissions, *said))


def _add(after: Working, fresh: Sequence[Fact], now: Instant) -> tuple[tuple[str, ...], list[Emission]]:
    """Tell what is new to every company, and everything to those that were named for the first time."""
    kept = after.kept
    named = sorted({*kept.companies, *companies_in(fresh)})
    said: list[Emission] = []
    for company in named:
        told: Iterable[Fact] = fresh
        if company not in kept.companies and kept.tells_companies:
            told = _shared(after).values()
        said += _tell(after.lead, kept, company, told, (), now)
    return tuple(named), said


def _compare(before: Working, after: Working, now: Instant) -> tuple[tuple[str, ...], list[Emission]]:
    """Tell what the facts that count now say and those before did not, and the other way round."""
    was, now_there = _shared(before), _shared(after)
    named_before, named = companies_in(was.values()), companies_in(now_there.values())
    said: list[Emission] = []
    for company in sorted({*named_before, *named}):
        told = was if company in named_before else {}
        tells = now_there if company in named else {}
        added = [fact for fact_id, fact in tells.items() if fact_id not in told]
        gone = [fact for fact_id, fact in told.items() if fact_id not in tells]
        taken_along = {
            profile
            for profile in {fact.profile for fact in gone}
            if not counts_here(after.lead, after.kept, profile)
            and any(company_in(fact) == company for fact in was.values() if fact.profile == profile)
        }
        gone = [fact for fact in gone if fact.profile not in taken_along]
        said += _tell(after.lead, before.kept, company, (), gone, now)
        said += _tell(after.lead, after.kept, company, added, (), now)
    return named, said


def _shared(working: Working) -> Mapping[str, Fact]:
    """Return the facts that count for a lead and that companies hear of, oldest first."""
    counted = counted_facts(working.lead, working.kept, working.all_facts)
    return {fact.id: fact for fact in in_order(counted) if is_for_companies(fact)}


def _tell(
    lead: str, kept: ScoredLead, company: str, facts: Iterable[Fact], gone: Iterable[Fact], now: Instant
) -> Iterator[Emission]:
    """Give what tells a company of facts and withdrawals, a profile at a time and in pieces."""
    by_profile: dict[str, tuple[list[Fact], list[str]]] = {}
    for fact in facts:
        by_profile.setdefault(fact.profile, ([], []))[0].append(for_companies(fact))
    for fact in gone:
        by_profile.setdefault(fact.profile, ([], []))[1].append(fact.id)
    for profile, (told, ids) in by_profile.items():
        version = kept.profile_version if profile == lead else kept.lodgers[profile].version
        for begin in range(0, len(ids), _MOST_IDS):
            event = CompanyFactsTold(
                company=company,
                lead=lead,
                profile=profile,
                version=version,
                withdrawn=ids[begin : begin + _MOST_IDS],
            )
            yield Emission(event, company, company, now)
        for piece in pieces_of(told):
            event = CompanyFactsTold(
                company=company, lead=lead, profile=profile, version=version, facts=piece
            )
            yield Emission(event, company, company, now)
