"""Leads by filter, and tags put on them and taken off by hand: one, some, or all that a filter finds."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Protocol

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.ingest.api.leads import SEES_NO_CONTACT, rep_of
from services.ingest.api.tags.shown import TagOnLeadOut, TouchOut, show_tags, show_touch, who
from services.ingest.domain.tags.commands import MOST_TAGS
from services.ingest.domain.tags.work import Place, TagWork
from services.ingest.queries.tags import FoundLead
from shared.http.access import require
from shared.http.commands import CommandCall
from shared.http.paging import MOST_PER_PAGE, Page, PageRequest, cut_page
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant, to_datetime
from shared.security.tokens import Principal, Role

_READERS: Final[tuple[Role, ...]] = ("marketer", "manager", "rep", "service", "read")
_TAGGERS: Final[tuple[Role, ...]] = ("marketer", "manager", "rep", "service")
_MOST_IDS: Final = 10_000
LeadId = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
TagId = Annotated[str, Field(max_length=100)]


class ChoiceUnclear(Rejected):
    """Say which leads are meant: either `leads` with their ids or `where` with a filter."""

    code = "tag.which_leads"


class SearchIn(BaseModel):
    """A filter: conditions with all, any and not; without one every lead. `cursor` is `next` of before."""

    model_config = ConfigDict(extra="forbid")

    where: Annotated[
        dict[str, Any] | None,
        Field(
            description="A condition over tags, sources, the standard attributes, first_channel,"
            " last_channel, first_touch_on, created_on, owner, reachable, …",
            examples=[{"field": "tags", "operator": "includes_all", "value": ["high_intent", "website"]}],
        ),
    ] = None
    limit: Annotated[int, Field(ge=1, le=MOST_PER_PAGE)] = 50
    cursor: Annotated[str | None, Field(max_length=1_000)] = None


class FoundLeadOut(BaseModel):
    """A lead that was found, and what stands on it; contact data is null for who may not see it."""

    id: str
    created: datetime
    name: str | None
    email: str | None
    phone: str | None
    company_name: str | None
    reachable: bool
    attributes: dict[str, Any]
    tags: list[TagOnLeadOut]
    sources: list[str]
    first_touch: TouchOut | None
    last_touch: TouchOut | None


class TagLeadsIn(BaseModel):
    """Tags to put on and to take off, and the leads: ids, or a filter.

    With neither put nor take the leads are looked at again by the rules.
    """

    model_config = ConfigDict(extra="forbid")

    put: Annotated[list[TagId], Field(max_length=MOST_TAGS)] = Field(default_factory=list)
    take: Annotated[list[TagId], Field(max_length=MOST_TAGS)] = Field(default_factory=list)
    leads: Annotated[list[LeadId], Field(max_length=_MOST_IDS)] = Field(default_factory=list)
    where: dict[str, Any] | None = None
    reason: Annotated[str, Field(max_length=200, description="Why; stands in events, so it names nobody")] = (
        ""
    )


class TagWorkOut(BaseModel):
    """Tagging in bulk: how many leads it is about, how far it is, on how many something changed."""

    id: str
    asked: datetime
    who: str
    put: list[str]
    take: list[str]
    reason: str
    leads: int
    done: int
    changed: int
    finished: datetime | None
    refused: str | None


class FindLeads(Protocol):
    """Finds leads by a filter; ``services.ingest.queries.tags`` does."""

    def __call__(
        self, where: object, *, owner: str | None, after: Place | None, limit: int
    ) -> Awaitable[Sequence[FoundLead]]:
        """Return the leads, newest first."""
        ...


class Bulk(Protocol):
    """Tags leads in bulk; ``services.ingest.jobs.tagging`` does."""

    def ask(
        self,
        *,
        put: Sequence[str],
        take: Sequence[str],
        by: str,
        reason: str,
        key: str,
        received: Instant,
        owner: str | None,
        where: Any,
        leads: Sequence[str],
    ) -> Awaitable[TagWork]:
        """Note what is asked for, and do it at once if it is about few leads."""
        ...

    def find(self, work: str) -> Awaitable[TagWork]:
        """Return how far work is."""
        ...


def build_tagging_router(find_leads: FindLeads, bulk: Bulk) -> APIRouter:
    """Return the routes of leads by filter and of tags by hand."""
    router = APIRouter(prefix="/v1/leads", tags=["tags"])

    @router.post("/search", summary="Leads by a filter, newest first")
    async def search_leads(
        body: SearchIn, principal: Annotated[Principal, require(*_READERS)]
    ) -> Page[FoundLeadOut]:
        """Find leads. A rep sees their own."""
        paging = PageRequest(limit=body.limit, cursor=body.cursor)
        after = paging.after(tuple[int, str])
        rows = await find_leads(
            body.where,
            owner=rep_of(principal),
            after=None if after is None else Place(*after),
            limit=paging.fetch_limit,
        )
        page, cursor = cut_page(rows, paging, key=lambda found: (found.lead.created, found.lead.id))
        with_contact = principal.role not in SEES_NO_CONTACT
        return Page(items=[_show(found, with_contact=with_contact) for found in page], next=cursor)

    @router.post("/tags", summary="Put tags on leads, or take them off: by ids, or all that a filter finds")
    async def tag_leads(
        body: TagLeadsIn, call: CommandCall, principal: Annotated[Principal, require(*_TAGGERS)]
    ) -> TagWorkOut:
        """Tag leads. Few are done when this answers; many go on, and GET /v1/leads/tags/<id> tells how far.

        What a person says about a tag wins over every rule, until a person says otherwise.
        """
        if bool(body.leads) == (body.where is not None):
            raise ChoiceUnclear
        work = await bulk.ask(
            put=body.put,
            take=body.take,
            by=who(principal),
            reason=body.reason,
            key=f"{principal.id}:{call.idempotency_key}",
            received=call.received,
            owner=rep_of(principal),
            where=body.where,
            leads=body.leads,
        )
        return show_work(work)

    @router.get("/tags/{work}", dependencies=[require(*_TAGGERS)], summary="How far tagging in bulk has come")
    async def read_work(work: str) -> TagWorkOut:
        """Show what was asked for, by whom, and how far it is."""
        return show_work(await bulk.find(work))

    return router


def show_work(work: TagWork) -> TagWorkOut:
    """Return work in bulk as it is shown."""
    shown = {name: value for name, value in work._asdict().items() if name != "owner"}
    finished = None if work.finished is None else to_datetime(work.finished)
    return TagWorkOut(**{**shown, "asked": to_datetime(work.asked), "finished": finished})


def _show(found: FoundLead, *, with_contact: bool) -> FoundLeadOut:
    lead, contact = found.lead, found.lead.contact
    names = ("name", "email", "phone", "company_name")
    return FoundLeadOut(
        id=lead.id,
        created=to_datetime(lead.created),
        **{name: contact.text(name) if with_contact else None for name in names},
        reachable=lead.is_reachable,
        attributes=msgspec.to_builtins(lead.attribute_values()),
        tags=show_tags(found.tags, found.card),
        sources=list(found.card.sources),
        first_touch=show_touch(found.card.first),
        last_touch=show_touch(found.card.last),
    )
