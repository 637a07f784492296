"""One lead, read and put right by hand (I10): a rep's own, everybody's for those who may."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, Any, Final, Protocol

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict, Field

from services.ingest.api.leads import SEES_NO_CONTACT, rep_of
from services.ingest.api.tags.shown import TagOnLeadOut, TouchOut, show_tags, show_touch
from services.ingest.domain.desk.corrections import (
    LONGEST_NOTE,
    MOST_FIELDS,
    CorrectionReader,
    CorrectLead,
    NotYours,
)
from services.ingest.domain.directory import Told
from services.ingest.domain.tags.commands import MOST_TAGS
from services.ingest.domain.traits import CONSENT, TERMS
from services.ingest.domain.validity.judging import is_invalid
from services.ingest.queries.lead_file import LeadFile
from shared.http.access import require
from shared.http.commands import CommandCall, CommandRunner
from shared.kernel.errors import Rejected
from shared.kernel.instants import to_datetime
from shared.security.tokens import Principal, Role

_READERS: Final[tuple[Role, ...]] = ("marketer", "manager", "rep", "service", "read")
CORRECTORS: Final[tuple[Role, ...]] = ("marketer", "manager", "rep", "service")
"""Roles that may put leads right besides an administrator; a rep those that they own."""

Scalar = str | int | float | bool
TagId = Annotated[str, Field(max_length=100)]


class VersionMalformed(Rejected):
    """If-Match holds the version that GET showed as ETag, for example "7"."""

    code = "lead.version_malformed"


class KnownOut(BaseModel):
    """A value, when it was said and by which source; null was taken away. `correction` is by hand."""

    value: Any
    at: datetime
    source: str


class ConsentOut(BaseModel):
    """One word about being written to; `purpose` empty: every purpose, `given` null: taken back."""

    channel: str
    purpose: str
    given: bool | None
    text: str
    source: str
    at: datetime
    by: str


class NoteOut(BaseModel):
    """What somebody wrote beside the lead."""

    at: datetime
    by: str
    text: str


class ExternalIdOut(BaseModel):
    """How a source names the lead."""

    source: str
    id: str


class ProfileOut(BaseModel):
    """A profile that lives with the lead; `came_from` is the lead it was part of before it moved last."""

    id: str
    came_from: str


class ContactOut(BaseModel):
    """How to name and reach the person; not shown to every role."""

    known: dict[str, KnownOut]
    free_text: dict[str, KnownOut]
    notes: list[NoteOut]


class LeadOut(BaseModel):
    """One lead. `version` is what If-Match takes; `identifiers` counts what it is known by, by kind.

    `is_invalid`: nobody for sales; the story (`leadmill explain`) tells why.
    """

    id: str
    version: int
    captured: bool
    reachable: bool
    is_invalid: bool
    created: datetime
    owner: str | None
    missing: list[str]
    attributes: dict[str, KnownOut]
    external_ids: list[ExternalIdOut]
    identifiers: dict[str, int]
    profiles: list[ProfileOut]
    merged_from: list[str]
    consents: dict[str, bool]
    consent_history: list[ConsentOut]
    contact: ContactOut | None
    tags: list[TagOnLeadOut]
    sources: list[str]
    first_touch: TouchOut | None
    last_touch: TouchOut | None


class CorrectionIn(BaseModel):
    """What is so. Fields bear the names that any source may use for them; values are read as theirs are."""

    model_config = ConfigDict(extra="forbid")

    fields: Annotated[dict[str, Scalar], Field(max_length=MOST_FIELDS)] = Field(default_factory=dict)
    remove: Annotated[list[str], Field(max_length=MOST_FIELDS, description="Fields to take away")] = Field(
        default_factory=list
    )
    note: Annotated[str, Field(max_length=LONGEST_NOTE, description="Is kept beside the lead")] = ""
    put_tags: Annotated[list[TagId], Field(max_length=MOST_TAGS, description="Ids of GET /v1/tags")] = Field(
        default_factory=list
    )
    take_tags: Annotated[list[TagId], Field(max_length=MOST_TAGS, description="Tags to take off")] = Field(
        default_factory=list
    )
    invalid: Annotated[
        str, Field(max_length=63, description="Call the lead invalid: one of GET /v1/validity/reasons")
    ] = ""
    valid: Annotated[bool, Field(description="Call the lead valid, whatever the rules say")] = False
    pardons: Annotated[
        bool, Field(description="With valid: acts count, too, that were dismissed as a machine's")
    ] = False
    reason: Annotated[str, Field(max_length=200, description="Stands in events, so it names nobody")] = ""


class CorrectedOut(BaseModel):
    """The lead that was corrected, its version now, and what is different, by name.

    Besides fields there are `note`, `free_text`, `tags` and `validity`.
    """

    lead: str
    version: int
    corrected: list[str]


class FindFile(Protocol):
    """Finds one lead; ``services.ingest.queries.lead_file`` does."""

    def __call__(self, lead_id: str, /) -> Awaitable[LeadFile]:
        """Return everything that is known of it."""
        ...


def build_lead_router(find_file: FindFile, reader: CorrectionReader, commands: CommandRunner) -> APIRouter:
    """Return the routes of one lead."""
    router = APIRouter(prefix="/v1/leads", tags=["ingest"])

    @router.get("/{lead}", summary="One lead: what is known, since when, from where")
    async def show_lead(
        lead: str,
        response: Response,
        principal: Annotated[Principal, require(*_READERS)],
    ) -> LeadOut:
        """Show one lead. A rep sees their own; who may not see contact data gets null there."""
        file = await find_file(lead)
        if (rep := rep_of(principal)) is not None and rep != file.owner:
            raise NotYours
        response.headers["etag"] = f'"{file.lead.version}"'
        response.headers["cache-control"] = "no-store"
        return show_file(file, with_contact=principal.role not in SEES_NO_CONTACT)

    @router.patch("/{lead}", summary="Put a lead right by hand: fields, notes, tags, invalid or valid")
    async def correct_lead(
        lead: str,
        body: CorrectionIn,
        call: CommandCall,
        principal: Annotated[Principal, require(*CORRECTORS)],
        if_match: Annotated[str | None, Header(description="The lead's version, as GET's ETag")] = None,
    ) -> CorrectedOut:
        """Correct a lead, all of it or nothing. The latest word counts: what is said later changes it again.

        With If-Match it is done only if nobody changed the lead meanwhile. What a person says about a tag or
        about being valid wins over every rule. A rep corrects their own leads; one that they call invalid is
        nobody's from then on.
        """
        command = read_correction(reader, lead, body, principal, version=read_version(if_match))
        return CorrectedOut(**await call.run(commands, lead, command))

    return router


def read_correction(
    reader: CorrectionReader, lead: str, body: CorrectionIn, principal: Principal, *, version: int | None
) -> CorrectLead:
    """Return the command that a body asks for. :raises Rejected: if a value cannot be right."""
    return reader.read(
        lead,
        by=who(principal),
        fields=body.fields,
        remove=body.remove,
        note=body.note,
        put_tags=body.put_tags,
        take_tags=body.take_tags,
        invalid=body.invalid,
        valid=body.valid,
        pardons=body.pardons,
        reason=body.reason,
        version=version,
        owner=rep_of(principal),
    )


def who(principal: Principal) -> str:
    """Return what a person is called in events: a rep's id, else the name of the token."""
    return principal.subject or principal.name


def read_version(if_match: str | None) -> int | None:
    """Return the version that If-Match names, None for any. :raises VersionMalformed: if it is none."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise VersionMalformed
    return int(text)


def show_file(file: LeadFile, *, with_contact: bool) -> LeadOut:
    """Return a lead as it is shown."""
    lead = file.lead
    contact = None
    if with_contact:
        contact = ContactOut(
            known={
                name: _known(told)
                for name, told in sorted(lead.contact.known.items())
                if not name.startswith((CONSENT, TERMS))
            },
            free_text={name: _known(told) for name, told in sorted(lead.contact.free_text.items())},
            notes=[NoteOut(at=to_datetime(one.at), by=one.by, text=one.text) for one in file.notes],
        )
    return LeadOut(
        id=lead.id,
        version=lead.version,
        captured=lead.is_captured,
        reachable=lead.is_reachable,
        is_invalid=any(is_invalid(one) for one in file.profiles),
        created=to_datetime(lead.created),
        owner=file.owner,
        missing=lead.missing,
        attributes={name: _known(told) for name, told in sorted(lead.attributes.items())},
        external_ids=[ExternalIdOut(source=ref.source, id=ref.id) for ref in lead.external_ids],
        identifiers=file.identifiers,
        profiles=[ProfileOut(id=one.id, came_from=one.came_from) for one in file.profiles],
        merged_from=[one.id for one in file.profiles if one.id != lead.id and one.came_from == one.id],
        consents={
            name.removeprefix(CONSENT): bool(told.value)
            for name, told in sorted(lead.contact.known.items())
            if name.startswith(CONSENT) and told.value is not None
        },
        consent_history=[
            ConsentOut(
                channel=word.channel,
                purpose=word.purpose,
                given=word.given,
                text=word.text,
                source=word.source,
                at=to_datetime(word.at),
                by=word.by,
            )
            for word in file.consents
        ],
        contact=contact,
        tags=show_tags(file.tags, file.card),
        sources=list(file.card.sources),
        first_touch=show_touch(file.card.first),
        last_touch=show_touch(file.card.last),
    )


def _known(told: Told) -> KnownOut:
    return KnownOut(value=told.value, at=to_datetime(told.at), source=told.source)
