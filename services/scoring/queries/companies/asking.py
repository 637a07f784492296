"""How a company stands in the models that are kept per company, and why; as of any instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.scoring.domain.companies.company import ToldCompanyChange, heard_of
from services.scoring.domain.companies.compiler import CompanyModel
from services.scoring.domain.companies.reading import Heard, read_at
from services.scoring.domain.companies.standing import CompanyScore, reached_at, score_at, tier_history
from services.scoring.domain.life.deciding import ModelUnknown
from services.scoring.domain.tiers import Crossing
from services.scoring.queries.scores import LeadUnknown
from services.scoring.store.companies.states import load_company, load_company_changes
from services.scoring.store.leads import load_lead
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant
from shared.postgres.database import Database
from shared.postgres.snapshots import snapshot


class CompanyUnknown(Rejected):
    """Scoring has heard nothing of such a company; ask a lead's companies for their ids."""

    code = "scoring.company_unknown"


class CompanyAnswer(NamedTuple):
    """A score with its lines, and since when its tier is held."""

    score: CompanyScore
    since: Instant


class CompanyQueries:
    """Answers questions about companies from the facts that leads told them."""

    def __init__(self, database: Database, models: Sequence[CompanyModel]) -> None:
        self._database = database
        self.models = tuple(models)

    async def explain_company(
        self, company: str, *, model: str | None, as_of: Instant, known_at: Instant | None
    ) -> tuple[Sequence[CompanyAnswer], Sequence[str]]:
        """Return each model's score with its lines, and the leads that work there then.

        ``as_of``: facts that occurred by then. ``known_at``: of those that count now, those received by then.

        :raises CompanyUnknown: if scoring has heard nothing of it.
        :raises ModelUnknown: if no model of this name is kept per company.
        """
        models = self._named(model)
        heard = [
            one for one in await self._heard(company) if known_at is None or one.fact.received <= known_at
        ]
        reading = read_at(company, heard, as_of)
        answers = []
        for one in models:
            score = score_at(one, reading)
            answers.append(CompanyAnswer(score, reached_at(one, company, heard, score)))
        return answers, sorted(reading.people)

    async def find_company_history(
        self, company: str, *, model: str | None, until: Instant
    ) -> tuple[Mapping[str, Sequence[Crossing]], Sequence[ToldCompanyChange]]:
        """Return every change of tier by the facts, and beside it what was told.

        :raises CompanyUnknown: if scoring has heard nothing of it.
        :raises ModelUnknown: if no model of this name is kept per company.
        """
        models, heard = self._named(model), await self._heard(company)
        crossings = {one.name: tier_history(one, company, heard, until=until) for one in models}
        async with self._database.connection() as connection:
            told = await load_company_changes(connection, company)
        return crossings, [one for one in told if one.change.model in crossings]

    async def find_companies_of(self, lead: str) -> Sequence[str]:
        """Return the ids of all companies that hear of a lead, wherever it lives after merges.

        :raises LeadUnknown: if scoring knows no such lead.
        """
        if "\0" in lead:
            raise LeadUnknown
        async with snapshot(self._database) as transaction:
            kept = await load_lead(transaction, lead)
            passed = {lead}
            while kept is not None and kept.lives_at and kept.lives_at not in passed:
                passed.add(kept.lives_at)
                kept = await load_lead(transaction, kept.lives_at)
        if kept is None:
            raise LeadUnknown
        return kept.companies

    async def _heard(self, company: str) -> list[Heard]:
        if "\0" in company:
            raise CompanyUnknown
        async with snapshot(self._database) as transaction:
            working = await load_company(transaction, company)
        if working is None:
            raise CompanyUnknown
        return heard_of(working.kept, working.facts)

    def _named(self, name: str | None) -> Sequence[CompanyModel]:
        found = [model for model in self.models if name is None or model.name == name]
        if not found:
            raise ModelUnknown
        return found
