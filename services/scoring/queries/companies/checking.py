"""The audit of companies: their facts, clocks and told tiers agree, and leads have told them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from services.scoring.domain.companies.company import COMPANY_CLOCK, CompanyWorking, heard_of
from services.scoring.domain.companies.compiler import CompanyModel
from services.scoring.domain.companies.hearing import companies_in, is_for_companies
from services.scoring.domain.companies.reading import read_at
from services.scoring.domain.companies.standing import next_turn, score_at
from services.scoring.domain.scored_lead import counted_facts, digest_of
from services.scoring.store.companies.states import find_untold, load_companies_page
from services.scoring.store.facts import load_facts
from services.scoring.store.leads import load_leads_page
from shared.kernel.instants import Instant, format_instant
from shared.postgres.database import Database
from shared.postgres.snapshots import snapshot
from shared.processor.checks import Finding
from shared.processor.tables.timers import load_timers

_PER_READ = 200
_SAMPLE_PAGES = 4


async def check_companies(
    database: Database, models: Sequence[CompanyModel], *, full: bool
) -> Sequence[Finding]:
    """Check a sample of 800 companies and leads, or with ``full`` all of them."""
    wrong: list[str] = []
    untold: list[str] = []
    looked_at = leads = 0
    after, pages = "", 0
    while full or pages < _SAMPLE_PAGES:
        async with snapshot(database) as transaction:
            page = await load_companies_page(transaction, after=after, limit=_PER_READ)
            timers = await load_timers(transaction, keys=[working.company for working in page])
        looked_at += len(page)
        for working in page:
            wrong += _breaches(models, working, timers.get(working.company, {}))
        if len(page) < _PER_READ:
            break
        after, pages = page[-1].company, pages + 1
    after, pages = "", 0
    while full or pages < _SAMPLE_PAGES:
        async with snapshot(database) as transaction:
            known = await load_leads_page(transaction, after=after, limit=_PER_READ)
            facts = await load_facts(transaction, [lead for lead, _ in known])
            wanted = [
                (company, fact.id)
                for lead, kept in known
                if kept is not None and kept.companies and kept.erased is None
                for counted in [[f for f in counted_facts(lead, kept, facts[lead]) if is_for_companies(f)]]
                for company in companies_in(counted)
                for fact in counted
            ]
            untold += [
                f"company {company}: was not told of fact {fact_id}"
                for company, fact_id in sorted(await find_untold(transaction, wanted))
            ]
        leads += len(known)
        if len(known) < _PER_READ:
            break
        after, pages = known[-1][0], pages + 1
    return [
        Finding(check="scoring: companies are what their facts say", looked_at=looked_at, breaches=wrong),
        Finding(check="scoring: companies have heard of their leads", looked_at=leads, breaches=untold),
    ]


def _breaches(
    models: Sequence[CompanyModel], working: CompanyWorking, timers: Mapping[str, Instant]
) -> Iterator[str]:
    """Name what is wrong about one company: facts that are missing, a late clock, a tier told wrongly."""
    company, kept, facts = working.company, working.kept, working.facts
    if kept.facts != len(facts) or kept.digest != digest_of(fact.id for fact in facts):
        yield f"company {company}: {kept.facts} facts were heard and {len(facts)} are there, or others"
        return
    if any(fact.profile not in kept.holdings for fact in facts):
        yield f"company {company}: holds facts of a profile that nobody told it of"
        return
    if timers.get(COMPANY_CLOCK) != kept.wake:
        yield f"company {company}: its clock is not set as it says"
    heard = heard_of(kept, facts)
    current = [model for model in models if kept.told.get(model.name, (None, None, 0))[2] == model.version]
    due = next_turn(current, heard, after=kept.through)
    if due is not None and (kept.wake is None or kept.wake > due):
        yield f"company {company}: its score may change at {format_instant(due)}, and its clock rings later"
    for model in current:
        score = score_at(model, read_at(company, heard, kept.through))
        if sum(line.points for line in score.lines) != score.points:
            yield f"company {company}: the lines of {model.name} do not sum to the score"
        if kept.told[model.name].tier != score.tier_name:
            told = kept.told[model.name].tier
            yield f"company {company}: {model.name} was told to be {told} and is {score.tier_name}"
