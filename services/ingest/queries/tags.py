"""Questions about tags and about leads by filter; the catalogue with its history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.ingest.domain.directory import Lead
from services.ingest.domain.tag_rules.rules import TagRules
from services.ingest.domain.tags.commands import TagUnknown
from services.ingest.domain.tags.definitions import Catalogue, Tag
from services.ingest.domain.tags.filters import check_filter, widen_tags
from services.ingest.domain.tags.trail import EMPTY_CARD, Card
from services.ingest.domain.tags.work import Place, TagChange
from services.ingest.store.directory_rows import load_leads
from services.ingest.store.tags.book import load_cards
from services.ingest.store.tags.catalogue import load_changes, load_own_tags
from services.ingest.store.tags.searching import find_lead_page
from shared.postgres.database import Database


class FoundLead(NamedTuple):
    """A lead that a filter found, and what stands on it: its tags as they are called now."""

    lead: Lead
    card: Card
    tags: Sequence[Tag]


class TagQueries:
    """Answers what tags there are, and which leads a filter finds."""

    def __init__(self, database: Database, rules: TagRules) -> None:
        self._database = database
        self._rules = rules

    async def load_catalogue(self) -> Catalogue:
        """Return all tags as they stand now."""
        async with self._database.connection() as connection:
            return self._rules.catalogue(await load_own_tags(connection))

    async def find_history(self, tag: str) -> list[TagChange]:
        """Return what was done to a tag, oldest first. :raises TagUnknown: if there is none of this id."""
        if (await self.load_catalogue()).find(tag) is None:
            raise TagUnknown
        async with self._database.connection() as connection:
            return await load_changes(connection, tag)

    async def find_leads(
        self, where: object, *, owner: str | None, after: Place | None, limit: int
    ) -> list[FoundLead]:
        """Return the leads that a filter finds, newest first; without a filter all of them.

        :raises ConditionFaults: with every fault of the filter.
        """
        if where is not None:
            check_filter(where)
        catalogue = await self.load_catalogue()
        async with self._database.connection() as connection:
            places = await find_lead_page(
                connection, widen_tags(where, catalogue), owner=owner, after=after, limit=limit
            )
            ids = [place.id for place in places]
            leads = await load_leads(connection, ids)
            cards = await load_cards(connection, ids)
        return [
            FoundLead(leads[one], card, show_tags(catalogue, card))
            for one in ids
            if one in leads
            for card in (cards.get(one, EMPTY_CARD),)
        ]


def show_tags(catalogue: Catalogue, card: Card) -> list[Tag]:
    """Return the tags on a card as they are called now, each once."""
    found = {tag.tag: tag for one in card.tags if (tag := catalogue.follow(one)) is not None}
    return [found[tag] for tag in sorted(found)]
