"""One lead as a whole: what is known, since when and from where, who said what about being written to."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from services.ingest.domain.desk.consent import ConsentWord
from services.ingest.domain.desk.corrections import Note
from services.ingest.domain.directory import Lead, Profile
from services.ingest.domain.tag_rules.rules import TagRules
from services.ingest.domain.tags.definitions import Tag
from services.ingest.domain.tags.trail import Card
from services.ingest.queries.tags import show_tags
from services.ingest.store.desk.consents import load_consents
from services.ingest.store.desk.notes import load_notes
from services.ingest.store.desk.owners import load_owner
from services.ingest.store.directory_rows import find_home, load_kinds, load_leads, load_profiles
from services.ingest.store.tags.book import load_card
from services.ingest.store.tags.catalogue import load_own_tags
from shared.kernel.errors import Rejected
from shared.postgres.database import Database


class LeadMissing(Rejected):
    """There is no lead with this id; GET /v1/leads?email=… finds ids."""

    code = "lead.unknown"


class LeadForgotten(Rejected):
    """This person asked to be forgotten; GET /v1/erasures/<lead> tells what was removed."""

    code = "lead.erased"


class LeadFile(NamedTuple):
    """Everything that ingest knows about a lead; ``identifiers`` counts what it is known by, by kind.

    ``card`` is what stands on it, ``tags`` are those on the card as they are called now.
    """

    lead: Lead
    owner: str | None
    profiles: list[Profile]
    identifiers: dict[str, int]
    notes: list[Note]
    consents: list[ConsentWord]
    card: Card
    tags: list[Tag]


class LeadFiles:
    """Answers what is known of one lead."""

    def __init__(self, database: Database, rules: TagRules) -> None:
        self._database = database
        self._rules = rules

    async def find_file(self, lead_id: str) -> LeadFile:
        """Return what is known of a lead; the id of one that was merged away finds the one that stayed.

        :raises LeadMissing: if there is none.
        :raises LeadForgotten: if the person has been forgotten.
        """
        async with self._database.connection() as connection:
            home = await find_home(connection, lead_id)
            lead = (await load_leads(connection, [home])).get(home) if home is not None else None
            if lead is None:
                raise LeadMissing
            if lead.erased is not None:
                raise LeadForgotten
            profiles = await load_profiles(connection, lead.id)
            card = await load_card(connection, lead.id)
            catalogue = self._rules.catalogue(await load_own_tags(connection))
            kinds = await load_kinds(connection, [profile.id for profile in profiles])
            return LeadFile(
                lead=lead,
                owner=await load_owner(connection, lead.id),
                profiles=profiles,
                identifiers=dict(sorted(Counter(kinds).items())),
                notes=await load_notes(connection, lead.id),
                consents=await load_consents(connection, lead.id),
                card=card,
                tags=show_tags(catalogue, card),
            )
