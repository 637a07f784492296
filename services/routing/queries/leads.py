"""One lead: owner, status, clocks, and the trace of every decision about it."""

from __future__ import annotations

from typing import NamedTuple

from services.routing.domain.pipeline.handover import missing
from services.routing.domain.profiles import attributes_of, is_reachable
from services.routing.domain.rulebook import Rulebook
from services.routing.store.lead_rows import LeadFile, find_home, load_file
from shared.kernel.errors import Rejected
from shared.postgres.database import Database
from shared.postgres.snapshots import snapshot


class LeadUnknown(Rejected):
    """Routing knows no such lead; look its id up with GET /v1/leads."""

    code = "routing.lead_unknown"


class FoundLead(NamedTuple):
    """A lead's file, and what follows from it by the rules of today."""

    asked: str
    file: LeadFile
    attributes: dict[str, object]
    reachable: bool
    missing: list[str]


class LeadQueries:
    """Answers questions about one lead."""

    def __init__(self, database: Database, rulebook: Rulebook) -> None:
        self._database = database
        self._rulebook = rulebook

    async def find_lead(self, lead: str) -> FoundLead:
        """Return the lead, under the id by which it is known now.

        :raises LeadUnknown: if nothing is known of it.
        """
        async with snapshot(self._database) as transaction:
            file = await load_file(transaction, await find_home(transaction, lead))
        if file is None:
            raise LeadUnknown
        return FoundLead(
            lead,
            file,
            attributes_of(file.profiles),
            is_reachable(file.profiles),
            missing(self._rulebook.pipeline, file.lead.handover),
        )
