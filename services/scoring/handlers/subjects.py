"""Leads and companies side by side: each is handled by handlers of its own."""

from __future__ import annotations

from typing import TypeAlias

from services.scoring.domain.attention.wanting import Attention
from services.scoring.domain.companies.company import CompanyWorking
from services.scoring.domain.scored_lead import Working
from services.scoring.handlers.attention import ask_for_attention
from services.scoring.handlers.companies import CompanyHandlers
from services.scoring.handlers.ruled import RuledHandlers
from shared.kernel.changes import Changes
from shared.kernel.changes import Fact as Learned

Subject: TypeAlias = Working | CompanyWorking
"""Whatever has a score."""


class SubjectHandlers:
    """Hands leads to the handlers of leads and companies to those of companies."""

    def __init__(
        self, leads: RuledHandlers, companies: CompanyHandlers, attention: Attention | None = None
    ) -> None:
        self._attention = attention
        self._leads = leads
        self._companies = companies

    def begin(self, key: str) -> Subject:
        """Return a lead of which nothing is known; companies are always loaded."""
        return self._leads.begin(key)

    def handle(self, stored: Subject, learned: Learned) -> Changes[Subject]:
        """Answer one thing learnt."""
        if isinstance(stored, CompanyWorking):
            return _widened(self._companies.handle(stored, learned))
        changes = self._leads.handle(stored, learned)
        if self._attention is not None:
            changes = ask_for_attention(self._attention, stored, changes, learned)
        return _widened(changes)


def _widened(
    changes: Changes[Working] | Changes[CompanyWorking],
) -> Changes[Subject]:
    return changes  # type: ignore[return-value]  # Changes is frozen, so whoever reads it cannot tell
