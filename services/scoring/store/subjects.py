"""Leads and companies side by side: each is loaded from, and saved into, tables of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from services.scoring.domain.companies.company import COMPANY_CLOCK, CompanyHeard, CompanyWorking
from services.scoring.domain.scored_lead import Working
from services.scoring.store.companies.states import CompanyStore, find_companies
from services.scoring.store.leads import LeadStore
from shared.kernel import changes
from shared.postgres.database import Transaction
from shared.processor.stage import Loaded, Write

Subject: TypeAlias = Working | CompanyWorking
"""Whatever has a score."""


class SubjectStore:
    """Tells from what is coming whether a key is a company's; no id is both a lead's and a company's.

    Of a key for which nothing but a clock may be coming, the table of companies tells.
    """

    def __init__(self, leads: LeadStore, companies: CompanyStore) -> None:
        self._leads = leads
        self._companies = companies

    async def load(
        self, transaction: Transaction, facts: Mapping[str, Sequence[changes.Fact]], *, lock: bool = False
    ) -> Mapping[str, Loaded[Subject]]:
        """Return leads and companies."""
        only_rung = [key for key, coming in facts.items() if not coming]
        known = await find_companies(transaction, only_rung) if only_rung else frozenset()
        firms = {
            key: coming for key, coming in facts.items() if key in known or any(map(_is_for_company, coming))
        }
        people = {key: coming for key, coming in facts.items() if key not in firms} if firms else facts
        found: dict[str, Loaded[Subject]] = {}
        if people:
            for key, lead in (await self._leads.load(transaction, people, lock=lock)).items():
                found[key] = Loaded(lead.version, lead.state)
        if firms:
            for key, firm in (await self._companies.load(transaction, firms, lock=lock)).items():
                found[key] = Loaded(firm.version, firm.state)
        return found

    async def save(self, transaction: Transaction, writes: Sequence[Write[Subject]]) -> int:
        """Save all; fewer than were to be saved means that none may be."""
        leads: list[Write[Working]] = []
        firms: list[Write[CompanyWorking]] = []
        for write in writes:
            state = write.state
            if isinstance(state, CompanyWorking):
                firms.append(Write(write.key, write.partition, write.version, state, write.rows))
            else:
                leads.append(Write(write.key, write.partition, write.version, state, write.rows))
        saved = await self._leads.save(transaction, leads) if leads else 0
        if firms:
            saved += await self._companies.save(transaction, firms)
        return saved


def _is_for_company(fact: changes.Fact) -> bool:
    event = fact.event
    return isinstance(event, CompanyHeard) or (
        isinstance(event, changes.TimerFired) and event.name == COMPANY_CLOCK
    )
