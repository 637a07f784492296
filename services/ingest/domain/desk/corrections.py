"""What a person corrects about a lead by hand (I10), read as everything that comes in is read.

A correction is a word like any other, said at the instant at which it was asked for: the latest word
counts, so a form that is filled in later changes the value again, and a merge keeps whichever is newer.
A value that is taken away is a word, too; an older one does not bring it back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

import msgspec

from services.ingest.domain.identifiers import (
    HashIdentifier,
    Identifier,
    IdentifierKind,
    IdentityRules,
    clean_text,
    email_identifies,
)
from services.ingest.domain.scrubbing import Scalar
from services.ingest.domain.tags.commands import MOST_TAGS
from services.ingest.domain.traits import CONSENT, TraitReader, Traits
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant

SOURCE: Final = "correction"
"""The source of what is said because a person corrected it."""

TAGS: Final = "tags"
"""What tags are called among the things that were corrected."""

VALIDITY: Final = "validity"
"""What the verdict about the lead is called there."""

LONGEST_NOTE: Final = 2_000
MOST_FIELDS: Final = 50

_REACHES: Final = {"email": IdentifierKind.EMAIL, "phone": IdentifierKind.PHONE}
_ABOUT_THEM: Final = ("name", "email", "phone", "company_name", "language", "time_zone")


class CorrectLead(msgspec.Struct, frozen=True, kw_only=True):
    """The command: put down what is so about a lead, and by whom it was put down.

    ``attributes``, ``contact`` and ``free_text`` hold None for what is to be taken away; ``contact``
    also holds consents. ``invalid`` is the listed reason for which the lead is nobody, ``valid`` says that
    it is somebody, with ``pardons`` for its acts, too. ``version`` is the lead's as whoever corrects saw it;
    None takes any. With an ``owner`` it is done only while that rep owns the lead.
    """

    lead: str
    by: str
    reason: str = ""
    attributes: dict[str, Scalar] = {}
    contact: dict[str, Scalar] = {}
    free_text: dict[str, str | None] = {}
    identifiers: tuple[Identifier, ...] = ()
    note: str = ""
    put_tags: tuple[str, ...] = ()
    take_tags: tuple[str, ...] = ()
    invalid: str = ""
    valid: bool = False
    pardons: bool = False
    version: int | None = None
    owner: str | None = None

    @property
    def is_empty(self) -> bool:
        """True if nothing is to be changed."""
        is_about_fields = self.attributes or self.contact or self.free_text or self.note
        return not (is_about_fields or self.put_tags or self.take_tags or self.invalid or self.valid)


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wrote about a lead; it may name anybody, and goes when the lead is erased."""

    profile: str
    lead: str
    at: Instant
    by: str
    text: str
    cause: str


class ValueUnknown(Rejected):
    """This is none of the values that this field may have."""

    code = "correction.value_unknown"


class NothingToCorrect(Rejected):
    """Say what is so: fields, remove, note, put_tags, take_tags, invalid or valid."""

    code = "correction.nothing"


class TooMuch(Rejected):
    """A correction names at most fifty fields and twenty tags, and a note has at most 2,000 characters."""

    code = "correction.too_much"


class SaidTwice(Rejected):
    """A field is given a value or removed, a tag put on or taken off, a lead invalid or valid: say one."""

    code = "correction.said_twice"


class LeadChangedMeanwhile(Rejected):
    """The lead has changed since you read it; read it again and send If-Match with its version now."""

    code = "lead.version_changed"


class TooManyIdentifiers(Rejected):
    """This person is known by as many addresses or numbers as one may be; part whoever was wrongly joined."""

    code = "lead.too_many_identifiers"


class BelongsToAnother(Rejected):
    """This address or number belongs to another lead; correct that one, or merge the two."""

    code = "lead.identifier_taken"


class StillAnonymous(Rejected):
    """Nobody is known behind this visitor yet; send POST /v1/leads with what makes a lead of them."""

    code = "lead.anonymous"


class NotYours(Rejected):
    """This lead is not yours; a rep corrects and reads the leads that they own."""

    code = "lead.not_yours"


class CorrectionReader:
    """Reads corrections by the documents by which everything else is read."""

    def __init__(
        self,
        *,
        traits: TraitReader,
        values_of: Mapping[str, Collection[str]],
        numbers_of: Mapping[str, str],
        rules: IdentityRules,
        hash_identifier: HashIdentifier,
    ) -> None:
        """``values_of`` tells what may be chosen for an attribute, empty where it is a number or a date.

        ``numbers_of`` names, for an attribute that is a band, the one that keeps the plain number.
        """
        self._traits = traits
        self._values_of = values_of
        self._numbers_of = numbers_of
        self._rules = rules
        self._hash = hash_identifier

    def read(
        self,
        lead: str,
        *,
        by: str,
        fields: Mapping[str, object],
        remove: Collection[str] = (),
        note: str = "",
        reason: str = "",
        put_tags: Collection[str] = (),
        take_tags: Collection[str] = (),
        invalid: str = "",
        valid: bool = False,
        pardons: bool = False,
        version: int | None = None,
        owner: str | None = None,
    ) -> CorrectLead:
        """Return the command. ``pardons`` is for a lead that is called valid.

        :raises ValueUnknown: if a value cannot be what its field holds; says what can.
        :raises NothingToCorrect: if there is nothing to be done.
        :raises TooMuch: if there is too much of it.
        :raises SaidTwice: if a field is named twice, or one thing is said and its opposite.
        """
        is_long = len(fields) + len(remove) > MOST_FIELDS or len(note) > LONGEST_NOTE
        if is_long or len(put_tags) + len(take_tags) > MOST_TAGS:
            raise TooMuch
        if (both := sorted({*put_tags} & {*take_tags})) or (invalid and valid):
            raise SaidTwice(field="take_tags" if both else "valid")
        attributes: dict[str, Scalar] = {}
        contact: dict[str, Scalar] = {}
        free_text: dict[str, str | None] = {}
        named: set[str] = set()
        for given in remove:
            name = self._own_name(given, named)
            if name in self._values_of:
                attributes |= self._without_number(name) | {name: None}
            elif name in _ABOUT_THEM or name.startswith(CONSENT):
                contact[name] = None
            else:
                free_text[name] = None
        for given, value in fields.items():
            name = self._own_name(given, named)
            read = self._read_one(name, value)
            attributes |= self._without_number(name) | read.attributes
            contact |= read.contact
            contact |= {f"{CONSENT}{channel}": answer for channel, answer in read.consents.items()}
            # how a person at the desk spells a choice is nothing that the lead said
            free_text |= {one: text for one, text in read.free_text.items() if one not in self._values_of}
        command = CorrectLead(
            lead=lead,
            by=by,
            reason=reason,
            attributes=attributes,
            contact=contact,
            free_text=free_text,
            identifiers=tuple(self._identifiers(contact)),
            note=note.strip(),
            put_tags=tuple(dict.fromkeys(put_tags)),
            take_tags=tuple(dict.fromkeys(take_tags)),
            invalid=invalid,
            valid=valid,
            pardons=pardons and valid,
            version=version,
            owner=owner,
        )
        if command.is_empty:
            raise NothingToCorrect
        return command

    def _own_name(self, given: str, named: set[str]) -> str:
        name = self._traits.find_name(given)
        name = "company_name" if name == "company" else name
        if name in named:
            raise SaidTwice(field=given)
        named.add(name)
        return name

    def _read_one(self, name: str, value: object) -> Traits:
        """Return what one field says, and only that.

        :raises ValueUnknown: if it says something else than it can.
        """
        if clean_text(value) is None and not isinstance(value, bool):
            raise ValueUnknown("is empty; name it under remove to take it away", field=name)
        read = self._traits.read({name: value})
        if name in self._values_of:
            is_a_guess = name in read.missed and read.attributes.get(name) in self._values_of[name]
            if name not in read.attributes or is_a_guess:
                raise ValueUnknown(self._what_may_be(name), field=name)
        elif name in _ABOUT_THEM:
            if name not in read.contact:
                raise ValueUnknown(_WHAT_IS[name], field=name)
        elif name.startswith(CONSENT):
            if not read.consents:
                raise ValueUnknown("is yes or no", field=name)
        elif name not in read.free_text:
            raise ValueUnknown("is a text of up to 500 characters under a name of up to 64", field=name)
        return read

    def _without_number(self, name: str) -> dict[str, Scalar]:
        """Return that the plain number behind a band is not known, until it is given again."""
        number = self._numbers_of.get(name)
        return {} if number is None else {number: None}

    def _what_may_be(self, name: str) -> str:
        values = self._values_of[name]
        return (
            f"is one of {', '.join(values)}" if values else "is a number, a date (2026-03-31), or yes or no"
        )

    def _identifiers(self, contact: Mapping[str, Scalar]) -> Iterator[Identifier]:
        for name, kind in _REACHES.items():
            value = contact.get(name)
            if isinstance(value, str) and self._identifies(kind, value):
                yield self._hash(kind, value)

    def _identifies(self, kind: IdentifierKind, value: str) -> bool:
        if kind is IdentifierKind.EMAIL:
            return email_identifies(value, self._rules)
        return value not in self._rules.blocked


_WHAT_IS: Final = {
    "name": "is a name",
    "company_name": "is the name of a company",
    "email": "is an address such as ada@example.com",
    "phone": "is a number such as +86 138 0013 8000; write the country where it is another",
    "language": "is a language such as zh-CN",
    "time_zone": "is a time zone such as Asia/Shanghai",
}
