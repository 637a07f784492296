"""Companies over HTTP: how they stand in the models that are kept per company, why, and since when (C7)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.scoring.api.parameters import READERS, AsOf, KnownAt
from services.scoring.api.schemas import crossing_out
from services.scoring.api.wording.texts import WordsOut, named
from services.scoring.domain.companies.company import ToldCompanyChange
from services.scoring.queries.companies.asking import CompanyAnswer, CompanyQueries
from shared.http.access import require
from shared.http.parameters.instants import read_instant
from shared.kernel.clock import Clock
from shared.kernel.instants import Instant, format_instant

ModelName = Annotated[
    str | None, Query(description="One model's name; without it all that are kept per company")
]


class CompanyLineOut(BaseModel):
    """One line; the lines sum to the score's points exactly.

    `event` is that with which it began to hold, `events` are all that it rests on; `until` is when it ends if
    nothing else is learnt, null if time does not end it.
    """

    rule: str
    points: float
    label: WordsOut
    event: str
    granted_at: str
    events: list[str]
    until: str | None


class CompanyScoreOut(BaseModel):
    """One model's score of a company; `lines` only where the answer was asked why."""

    model: str
    version: int
    points: float
    tier: str
    tier_since: str
    as_of: str
    lines: list[CompanyLineOut] | None = None


class CompanyScoresOut(BaseModel):
    """A company in every model that is kept per company; `leads` are those who work there then."""

    company: str
    scores: list[CompanyScoreOut]
    leads: list[str]


class CompaniesOut(BaseModel):
    """The companies that hear of a lead; it may have left some of them."""

    lead: str
    companies: list[str]


def build_company_router(*, companies: CompanyQueries, clock: Clock) -> APIRouter:
    """Return the routes of companies."""
    router = APIRouter(prefix="/scoring/v1", tags=["scoring"], dependencies=[require(*READERS)])

    async def explain(
        company: str, model: str | None, as_of: str | None, known_at: str | None, *, why: bool
    ) -> CompanyScoresOut:
        answers, leads = await companies.explain_company(
            company, model=model, as_of=_instant(as_of, clock), known_at=read_instant(known_at)
        )
        scores = [_score_out(answer, why=why) for answer in answers]
        return CompanyScoresOut(company=company, scores=scores, leads=list(leads))

    @router.get("/companies/{company}/scores", summary="Points and tier of a company")
    async def find_company_scores(
        company: str, model: ModelName = None, as_of: AsOf = None, known_at: KnownAt = None
    ) -> CompanyScoresOut:
        return await explain(company, model, as_of, known_at, why=False)

    @router.get("/companies/{company}/why", summary="The lines that sum to a company's score (C13)")
    async def explain_company(
        company: str, model: ModelName = None, as_of: AsOf = None, known_at: KnownAt = None
    ) -> CompanyScoresOut:
        return await explain(company, model, as_of, known_at, why=True)

    @router.get("/companies/{company}/history", summary="A company's changes of tier, and what was told")
    async def find_company_history(
        company: str, model: ModelName = None, as_of: AsOf = None
    ) -> dict[str, Any]:
        crossings, told = await companies.find_company_history(
            company, model=model, until=_instant(as_of, clock)
        )
        return {
            "company": company,
            "tiers": {name: [crossing_out(one) for one in found] for name, found in crossings.items()},
            "told": [_told_out(one) for one in told],
        }

    @router.get("/leads/{lead}/companies", summary="The companies that hear of a lead")
    async def find_companies_of(lead: str) -> CompaniesOut:
        return CompaniesOut(lead=lead, companies=list(await companies.find_companies_of(lead)))

    return router


def _score_out(answer: CompanyAnswer, *, why: bool) -> CompanyScoreOut:
    score = answer.score
    lines = [
        CompanyLineOut(
            rule=line.rule,
            points=line.points / 1000,
            label=named(score.model.labels, line.rule).out(),
            event=line.event,
            granted_at=format_instant(line.granted),
            events=list(line.events),
            until=None if line.until is None else format_instant(line.until),
        )
        for line in score.lines
    ]
    return CompanyScoreOut(
        model=score.model.name,
        version=score.model.version,
        points=score.points / 1000,
        tier=score.tier_name,
        tier_since=format_instant(answer.since),
        as_of=format_instant(score.at),
        lines=lines if why else None,
    )


def _told_out(told: ToldCompanyChange) -> dict[str, Any]:
    change = told.change
    return {
        "event": told.event,
        "model": change.model,
        "model_version": change.version,
        "direction": change.direction,
        "from_tier": change.from_tier,
        "to_tier": change.to_tier,
        "points": change.points / 1000,
        "at": format_instant(change.at),
        "told_at": format_instant(told.told_at),
        "restated": change.restated,
        "cause": told.cause,
    }


def _instant(text: str | None, clock: Clock) -> Instant:
    found = read_instant(text)
    return clock.now() if found is None else found
