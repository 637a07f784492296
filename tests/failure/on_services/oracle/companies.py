"""What scoring's tables of companies should hold: each company folded from what leads told it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.scoring.domain.companies.company import (
    COMPANY_CLOCK,
    CompanyChangeRow,
    CompanyFactGone,
    CompanyFactKept,
    CompanyHeard,
    CompanyWorking,
    KeptCompany,
)
from services.scoring.domain.facts import Fact as KnownFact
from services.scoring.store.companies.states import load_companies_page, load_company_changes
from shared.kernel.changes import Changes, Fact, TimerFired
from shared.postgres.database import Database
from tests.failure.on_services.oracle.tables import compare_maps
from tests.failure.oracle.comparison import Differences

_ALL = 1_000_000


def is_for_company(fact: Fact) -> bool:
    """Whether a fact is for a company and not for a lead."""
    event = fact.event
    is_clock = isinstance(event, TimerFired) and event.name == COMPANY_CLOCK
    return is_clock or isinstance(event, CompanyHeard)


@dataclass(slots=True)
class CompanyTables:
    """Companies, their facts and what was told of them, in dictionaries."""

    kept: dict[str, KeptCompany] = field(default_factory=dict)
    facts: dict[str, dict[str, KnownFact]] = field(default_factory=dict)
    told: dict[str, list[CompanyChangeRow]] = field(default_factory=dict)

    def load(self, company: str) -> CompanyWorking:
        """A company with all its facts."""
        facts = tuple(self.facts.get(company, {}).values())
        return CompanyWorking(company, self.kept.get(company, KeptCompany()), facts)

    def save(self, company: str, changes: Changes[CompanyWorking]) -> None:
        """Keep what the handlers answered with."""
        before = self.kept.get(company, KeptCompany())
        self.kept[company] = before if changes.state is None else changes.state.kept
        for row in changes.rows:
            if isinstance(row, CompanyFactKept):
                self.facts.setdefault(company, {})[row.fact.id] = row.fact
            elif isinstance(row, CompanyFactGone):
                del self.facts[company][row.id]
            elif isinstance(row, CompanyChangeRow):
                self.told.setdefault(company, []).append(row)


async def compare_companies(
    database: Database, expected: CompanyTables, versions: Mapping[str, int], differences: Differences
) -> None:
    """Compare the tables of companies, row by row, with what their handlers say."""
    async with database.connection() as connection:
        found = await load_companies_page(connection, after="", limit=_ALL)
        stored = {
            row["key"]: row["version"] for row in await connection.fetch("SELECT key, version FROM company")
        }
        told = {firm.company: await load_company_changes(connection, firm.company) for firm in found}
    compare_maps(
        "company",
        {firm.company: (stored[firm.company], firm.kept) for firm in found},
        {company: (versions.get(company), kept) for company, kept in expected.kept.items()},
        differences,
    )
    compare_maps(
        "company_fact",
        {f"{firm.company} {fact.id}": fact for firm in found for fact in firm.facts},
        {
            f"{company} {fact.id}": fact
            for company, facts in expected.facts.items()
            for fact in facts.values()
        },
        differences,
    )
    compare_maps(
        "company_tier_change",
        {
            company: [(one.told_at, one.cause, one.event, one.change) for one in rows]
            for company, rows in told.items()
            if rows
        },
        {
            company: [(row.told_at, row.cause, row.event, row.change._replace(reasons=())) for row in rows]
            for company, rows in expected.told.items()
        },
        differences,
    )
