"""The catalogue of tags: listed, proposed by anybody who works with leads, decided by who owns the rules."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Protocol

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.ingest.api.tags.shown import who
from services.ingest.domain.tags.commands import ChangeTag, TagUnknown
from services.ingest.domain.tags.definitions import Catalogue, Tag
from services.ingest.domain.tags.work import TagChange
from shared.http.access import require
from shared.http.commands import CommandCall, CommandRunner
from shared.kernel.instants import to_datetime
from shared.security.tokens import Principal, Role

_READERS: Final[tuple[Role, ...]] = ("marketer", "manager", "rep", "service", "read")
_PROPOSERS: Final[tuple[Role, ...]] = ("marketer", "manager", "rep", "service")
_OWNERS: Final[tuple[Role, ...]] = ("marketer",)
"""Who owns the rules: marketers, and administrators as always."""

TAG_STATUSES: Final[Mapping[str, int]] = {
    "tag.unknown": 404,
    "tag.work_unknown": 404,
    "tag.exists": 409,
    "tag.state": 409,
    "tag.malformed": 422,
    "tag.not_approved": 422,
    "tag.retired": 422,
    "tag.which_leads": 422,
    "condition.faults": 422,
}
"""Statuses of the codes of tags and filters."""

Label = Annotated[str, Field(max_length=100)]
Reason = Annotated[str, Field(max_length=200, description="Why; names nobody")]


class TagOut(BaseModel):
    """A tag: its id for good, its group, its names, and its state; `into` is the tag it was merged into."""

    tag: str
    group: str
    zh: str
    en: str
    state: str
    into: str


class TagIn(BaseModel):
    """A new tag, proposed: it can be put on once it is approved."""

    model_config = ConfigDict(extra="forbid")

    tag: Annotated[str, Field(max_length=64, description="Its id: small letters, figures, underscores")]
    group: Literal["industry", "role", "need", "behaviour", "source", "state"]
    zh: Label
    en: Label
    reason: Reason = ""


class TagChangeIn(BaseModel):
    """What is to become of a tag: approve, rename (zh, en), merge (into), retire or revive."""

    model_config = ConfigDict(extra="forbid")

    what: Literal["approve", "rename", "merge", "retire", "revive"]
    zh: Label = ""
    en: Label = ""
    into: Annotated[str, Field(max_length=100, description="The tag that it stands for from now on")] = ""
    reason: Reason = ""


class TagChangeOut(BaseModel):
    """One change of a tag: when, what, by whom, and how the tag was afterwards."""

    at: datetime
    what: str
    who: str
    reason: str
    zh: str
    en: str
    state: str
    into: str


class TagsOut(BaseModel):
    """All tags, by id."""

    tags: list[TagOut]


class TagHistoryOut(BaseModel):
    """One tag, and what was done to it, oldest first."""

    tag: TagOut
    history: list[TagChangeOut]


class Tags(Protocol):
    """Answers about the catalogue; ``services.ingest.queries.tags`` does."""

    def load_catalogue(self) -> Awaitable[Catalogue]:
        """Return all tags."""
        ...

    def find_history(self, tag: str) -> Awaitable[Sequence[TagChange]]:
        """Return what was done to a tag."""
        ...


def build_tag_router(tags: Tags, commands: CommandRunner) -> APIRouter:
    """Return the routes of the catalogue."""
    router = APIRouter(prefix="/v1/tags", tags=["tags"])

    @router.get("", dependencies=[require(*_READERS)], summary="All tags, with group, names and state")
    async def list_tags() -> TagsOut:
        """List the tags that came along and those that people added."""
        return TagsOut(tags=[show_tag(tag) for tag in await tags.load_catalogue()])

    @router.get("/{tag}", dependencies=[require(*_READERS)], summary="One tag and its history")
    async def read_tag(tag: str) -> TagHistoryOut:
        """Show a tag, and what was done to it by whom."""
        found = (await tags.load_catalogue()).find(tag)
        if found is None:
            raise TagUnknown
        history = await tags.find_history(tag)
        return TagHistoryOut(tag=show_tag(found), history=[_show_change(one) for one in history])

    @router.post("", summary="Propose a new tag")
    async def propose_tag(
        body: TagIn, call: CommandCall, principal: Annotated[Principal, require(*_PROPOSERS)]
    ) -> TagOut:
        """Propose a tag; whoever owns the rules approves it."""
        command = ChangeTag(what="propose", by=who(principal), **body.model_dump())
        return _changed(await call.run(commands, command.tag, command))

    @router.patch("/{tag}", summary="Approve, rename, merge, retire or revive a tag")
    async def change_tag(
        tag: str, body: TagChangeIn, call: CommandCall, principal: Annotated[Principal, require(*_OWNERS)]
    ) -> TagOut:
        """Change a tag. Its id stays; every change is kept with who did it.

        A merged tag stands for the other from then on, also where it was put on before. A retired one
        stays where it is and can be put on nobody.
        """
        command = ChangeTag(tag=tag, by=who(principal), **body.model_dump())
        return _changed(await call.run(commands, tag, command))

    return router


def show_tag(tag: Tag) -> TagOut:
    """Return a tag as it is shown."""
    return TagOut(tag=tag.tag, group=tag.group, zh=tag.zh, en=tag.en, state=tag.state, into=tag.into)


def _changed(reply: dict[str, Any]) -> TagOut:
    return TagOut(**{name: reply.get(name, "") for name in TagOut.model_fields})


def _show_change(change: TagChange) -> TagChangeOut:
    return TagChangeOut(**{**change._asdict(), "at": to_datetime(change.at)})
