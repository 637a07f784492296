"""Erasures: a person asks to be forgotten."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.ingest.domain.erasure import ErasePerson
from services.ingest.domain.identifiers import (
    HashIdentifier,
    Identifier,
    IdentifierKind,
    IdentityRules,
    clean_id,
    email_identifies,
    normalise_email,
    normalise_phone,
)
from services.ingest.domain.intake import address
from shared.http.access import require
from shared.http.commands import CommandCall, CommandRunner
from shared.kernel.errors import Rejected
from shared.security.tokens import Principal

_SUBJECT: Final = "erasure"


class PersonUnnamed(Rejected):
    """Name the person in exactly one way: lead, email, phone, or source together with external_id."""

    code = "erasure.person_unnamed"


class NamesNobody(Rejected):
    """This belongs to no one person; GET /v1/leads finds who gave it, then erase by the lead's id."""

    code = "erasure.names_nobody"


class PersonIn(BaseModel):
    """The person to be forgotten, named in exactly one way."""

    model_config = ConfigDict(extra="forbid")

    lead: Annotated[str | None, Field(description="The lead's id")] = None
    email: str | None = None
    phone: Annotated[str | None, Field(description="With its country, or one of the default country")] = None
    source: Annotated[str | None, Field(description="The source that external_id is a name of")] = None
    external_id: str | None = None


class ErasureOut(BaseModel):
    """What was forgotten: ``profiles`` is 0 for somebody who had been forgotten before."""

    lead: str
    profiles: int


class PersonNaming:
    """Turns what names a person into the identifier that stays after the person is forgotten."""

    def __init__(self, *, rules: IdentityRules, hash_identifier: HashIdentifier) -> None:
        self._rules = rules
        self._hash = hash_identifier

    def find_identifier(self, person: PersonIn) -> Identifier:
        """Return the one identifier that is named.

        :raises PersonUnnamed: if none is, or several are.
        :raises NamesNobody: if it is none that belongs to one person.
        """
        given = person.model_dump(exclude_none=True)
        ways = given.keys() - {"source"}
        if len(ways) != 1 or (given.keys() >= {"source"}) != ("external_id" in ways):
            raise PersonUnnamed
        (way,) = ways
        identifier = self._identifier(way, given)
        if identifier is None:
            raise NamesNobody(field=way)
        return identifier

    def _identifier(self, way: str, given: dict[str, Any]) -> Identifier | None:
        match way:
            case "lead":
                return address(given["lead"], is_internal=True)
            case "email":
                email = normalise_email(given["email"])
                known = email is not None and email_identifies(email, self._rules)
                return self._hash(IdentifierKind.EMAIL, email or "") if known else None
            case "phone":
                number = normalise_phone(given["phone"], region=None, rules=self._rules)
                known = number is not None and number not in self._rules.blocked
                return self._hash(IdentifierKind.PHONE, number or "") if known else None
            case _:
                own = clean_id(given["external_id"], self._rules)
                return (
                    None
                    if own is None
                    else self._hash(IdentifierKind.EXTERNAL, f"{given['source']}\x1f{own}")
                )


def build_erasure_router(naming: PersonNaming, commands: CommandRunner) -> APIRouter:
    """Return the route of asking for an erasure; only an administrator may."""
    router = APIRouter(prefix="/v1", tags=["ingest"])

    @router.post("/erasures", summary="Forget a person, for good")
    async def erase_person(
        person: PersonIn, call: CommandCall, principal: Annotated[Principal, require()]
    ) -> ErasureOut:
        """Forget a person: contact data and free text go, keyed hashes stay so that nothing comes back.

        Asked again, also in another way, it does nothing more. Somebody nobody has heard of is
        suppressed all the same. `GET /v1/erasures/<lead>` is the certificate.
        """
        command = ErasePerson(naming.find_identifier(person), by=principal.subject or principal.name)
        return ErasureOut(**await call.run(commands, _SUBJECT, command))

    return router
