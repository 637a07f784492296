"""The desk where tracking links are made, listed, changed and retired; for the API and the command line."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.ingest.api.links.redirecting import draw_code, origin_of
from services.ingest.domain.links.definitions import (
    SOURCE,
    AddLink,
    ChangeLink,
    Link,
    LinkMalformed,
    LinkUnknown,
    invent_name,
    is_name,
)
from services.ingest.queries.links import LinkTable, find_link, find_links
from shared.http.access import require
from shared.http.commands import CommandCall, CommandRunner
from shared.http.paging import Page, Paging, cut_page
from shared.kernel.instants import Instant, format_instant
from shared.postgres.database import Database
from shared.security.tokens import Principal

Text = Annotated[str, Field(max_length=100)]


class LinkChangeIn(BaseModel):
    """What is to be different; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    target: Annotated[str | None, Field(max_length=2_000, description="Where it leads")] = None
    campaign: Annotated[str | None, Field(max_length=100, description="utm_campaign; what costs name")] = None
    ad: Annotated[str | None, Field(max_length=100, description="utm_content")] = None
    keyword: Annotated[str | None, Field(max_length=100, description="utm_term")] = None
    utm_source: Annotated[str | None, Field(max_length=100)] = None
    utm_medium: Annotated[
        str | None, Field(max_length=100, description="Decides the channel, as channels.yaml has it")
    ] = None
    rep: Annotated[str | None, Field(max_length=100, description="Whose link it is, by the rep's id")] = None
    note: Annotated[str | None, Field(max_length=100, description="For people; travels nowhere")] = None
    retired: bool | None = None


class LinkIn(BaseModel):
    """A new link. Without a name it gets a short one."""

    model_config = ConfigDict(extra="forbid")

    link: Annotated[str | None, Field(max_length=64, description="Its name: the end of its address")] = None
    target: Annotated[str, Field(max_length=2_000, description="Where it leads")]
    campaign: Annotated[Text, Field(description="utm_campaign; what costs name")]
    source: Annotated[str, Field(max_length=64, description="The source that clicks belong to")] = SOURCE
    ad: Text = ""
    keyword: Text = ""
    utm_source: Text = ""
    utm_medium: Text = ""
    rep: Text = ""
    note: Text = ""


class LinkOut(BaseModel):
    """A link as it stands, with its whole address and its QR codes."""

    link: str
    address: str
    qr_svg: str
    qr_png: str
    target: str
    source: str
    campaign: str
    ad: str
    keyword: str
    utm_source: str
    utm_medium: str
    rep: str
    note: str
    retired: str | None
    created: str
    created_by: str
    changed: str
    changed_by: str


class LinkDesk:
    """What can be asked of links. ``public_url`` is where people reach us, if that is set."""

    def __init__(
        self, database: Database, *, commands: CommandRunner, public_url: str, table: LinkTable | None = None
    ) -> None:
        self._database = database
        self._commands = commands
        self._table = table
        self.public_url = public_url

    async def run(
        self, command: AddLink | ChangeLink, *, received: Instant, idempotency_key: str | None = None
    ) -> Link:
        """Carry a command out and return the link as it is now.

        :raises Rejected: with what is wrong and how to put it right.
        """
        if not is_name(command.name):
            raise LinkUnknown if isinstance(command, ChangeLink) else LinkMalformed(field="link")
        reply = await self._commands.run(
            key=command.name,
            command=command,
            received=received,
            idempotency_key=idempotency_key or secrets.token_hex(16),
        )
        if self._table is not None:
            await self._table.refresh()
        return msgspec.convert(reply, Link)

    async def add(self, target: str, *, received: Instant, by: str, name: str = "", **texts: str) -> Link:
        """Make a link; ``texts`` are its source and what else it says.

        :raises Rejected: with what is wrong and how to put it right.
        """
        command = AddLink(
            name=name or invent_name(secrets.token_hex(16)),
            target=target,
            source=texts.pop("source", SOURCE),
            texts=texts,
            by=by,
        )
        return await self.run(command, received=received)

    async def retire(self, name: str, *, received: Instant, by: str, is_retired: bool = True) -> Link:
        """Retire a link, or bring it back. :raises LinkUnknown: if there is none of this name."""
        return await self.run(ChangeLink(name=name, is_retired=is_retired, by=by), received=received)

    async def find(self, name: str) -> Link:
        """Return a link. :raises LinkUnknown: if there is none of this name."""
        link = await find_link(self._database, name.lower()) if is_name(name.lower()) else None
        if link is None:
            raise LinkUnknown
        return link

    async def list_links(
        self,
        *,
        campaign: str | None = None,
        rep: str | None = None,
        after: str = "",
        limit: int = 1_000,
    ) -> Sequence[Link]:
        """Return links by name."""
        if any("\0" in (asked or "") for asked in (campaign, rep, after)):
            return ()
        return await find_links(self._database, campaign=campaign, rep=rep, after=after, limit=limit)

    @staticmethod
    def draw(address: str, *, kind: Literal["svg", "png"]) -> bytes:
        """Return an address as a QR code."""
        return draw_code(address, kind=kind)


def show_link(link: Link, *, base: str) -> dict[str, Any]:
    """Return a link as the API and the command line show it; ``base`` is where people reach us."""
    address = f"{base}/l/{link.name}"
    shown: dict[str, Any] = msgspec.to_builtins(link)
    del shown["name"]
    shown |= {
        "link": link.name,
        "address": address,
        "qr_svg": f"{address}/qr.svg",
        "qr_png": f"{address}/qr.png",
        "created": format_instant(link.created),
        "changed": format_instant(link.changed),
        "retired": None if link.retired is None else format_instant(link.retired),
    }
    return shown


def build_link_router(desk: LinkDesk) -> APIRouter:
    """Return the routes of links; marketers and administrators change them, managers may look, too."""
    router = APIRouter(prefix="/v1", tags=["links"])
    shown = _shower(desk)

    @router.post("/links", summary="Make a tracking link")
    async def add_link(
        body: LinkIn,
        call: CommandCall,
        request: Request,
        principal: Annotated[Principal, require("marketer")],
    ) -> LinkOut:
        """Make a link; the same again changes nothing, another one of the same name is refused."""
        given = body.model_dump(exclude={"link", "target", "source"})
        command = AddLink(
            name=body.link.strip().lower() if body.link else invent_name(call.idempotency_key),
            target=body.target,
            source=body.source,
            texts=given,
            by=principal.name,
        )
        link = await desk.run(command, received=call.received, idempotency_key=call.idempotency_key)
        return shown(link, request)

    @router.get("/links", dependencies=[require("marketer", "manager", "read")], summary="Tracking links")
    async def list_links(
        request: Request,
        paging: Paging,
        campaign: Annotated[str | None, Query(max_length=100)] = None,
        rep: Annotated[str | None, Query(max_length=100)] = None,
    ) -> Page[LinkOut]:
        """List links by name, those of one campaign or rep if one is named."""
        after = paging.after(tuple[str])
        rows = await desk.list_links(
            campaign=campaign, rep=rep, after=after[0] if after else "", limit=paging.fetch_limit
        )
        page, cursor = cut_page(rows, paging, key=lambda link: (link.name,))
        return Page(items=[shown(link, request) for link in page], next=cursor)

    @router.get(
        "/links/{link}", dependencies=[require("marketer", "manager", "read")], summary="One tracking link"
    )
    async def read_link(link: str, request: Request) -> LinkOut:
        """Return a link as it stands."""
        return shown(await desk.find(link), request)

    @router.patch("/links/{link}", summary="Change a tracking link, retire it, or bring it back")
    async def change_link(
        link: str,
        body: LinkChangeIn,
        call: CommandCall,
        request: Request,
        principal: Annotated[Principal, require("marketer")],
    ) -> LinkOut:
        """Change a link from now on; earlier clicks keep what they said. Retired, it still leads on."""
        given = body.model_dump(exclude={"target", "retired"}, exclude_none=True)
        command = ChangeLink(
            name=link.lower(), target=body.target, texts=given, is_retired=body.retired, by=principal.name
        )
        done = await desk.run(command, received=call.received, idempotency_key=call.idempotency_key)
        return shown(done, request)

    return router


def _shower(desk: LinkDesk) -> Callable[[Link, Request], LinkOut]:
    def shown(link: Link, request: Request) -> LinkOut:
        return LinkOut(**show_link(link, base=desk.public_url or origin_of(request.scope)))

    return shown
