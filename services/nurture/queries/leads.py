"""One lead: where it is, what it got, what came back, and why it is in no other sequence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from services.nurture.domain.course import Rules, reasons
from services.nurture.store.reading import LeadFile, find_home, load_file
from shared.kernel.errors import Rejected
from shared.postgres.database import Database
from shared.postgres.snapshots import snapshot


class LeadUnknown(Rejected):
    """Nurture knows no such lead; find its id with GET /v1/leads?email=…"""

    code = "nurture.lead_unknown"


class LeadAnswer(NamedTuple):
    """What is kept of a lead, and for each sequence in which it is not the reason."""

    file: LeadFile
    why_not: Mapping[str, str]


class LeadQueries:
    """Answers about leads."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self._rules = rules

    async def explain_lead(self, lead: str) -> LeadAnswer:
        """Return everything about a lead, under the id by which it is known now.

        :raises LeadUnknown: if nothing is known of it.
        """
        if "\0" in lead:  # PostgreSQL takes no such text, so no lead is called that
            raise LeadUnknown
        async with snapshot(self._database) as transaction:
            home = await find_home(transaction, lead)
            file = await load_file(transaction, home)
        if file is None:
            raise LeadUnknown
        return LeadAnswer(file, reasons(file.desk, self._rules, home))
