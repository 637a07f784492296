"""Erasure: a person asks to be forgotten, and stays so.

What is left is a mark, and the keyed hashes by which the person is recognised should anybody bring
them in again. Every profile of the lead goes, whichever way they were merged, and so does every lead
that was merged into it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from services.ingest.domain.directory import Contact, Directory, Lead, Profile
from services.ingest.domain.identifiers import Identifier, national_number
from shared.kernel.instants import Instant

_SHORTEST_NUMBER: Final = 8
_GROUPING: Final = re.compile(rb"(?<=\d)(?:[\s().\-+]|%20|%28|%29)+(?=\d)")
"""What people write between the digits of a number."""


class ErasePerson(msgspec.Struct, frozen=True):
    """The command: forget whoever this identifier leads to, and suppress it if it leads to nobody.

    ``by`` is who passed the wish on.
    """

    identifier: Identifier
    by: str = ""


class WipeAgain(msgspec.Struct, frozen=True):
    """The command: say once more that there is no contact of whoever was erased under these ids.

    A log compacts what lies before its newest segment, and begins a new one with an append only: without
    another append the bytes would lie in a quiet partition until somebody's contact comes there.
    """

    lead: str
    profiles: tuple[str, ...]


class RemovalHeard(msgspec.Struct, frozen=True, gc=False):
    """A service says what it scrubbed of a profile: how many rows, by place."""

    lead: str
    profile: str
    service: str
    removed: dict[str, int]


class Erased(msgspec.Struct, frozen=True):
    """What an erasure amounted to: the lead, its profiles, and what had named the person."""

    lead: Lead
    profiles: Sequence[Profile]
    gone: Sequence[Lead]


def erase(directory: Directory, lead_id: str, *, at: Instant) -> Erased:
    """Take out of the directory what names a person, for good.

    ``directory`` holds the lead, all its profiles, and the leads that its profiles began with.
    """
    profiles = directory.profiles_of(lead_id)
    members = sorted({lead_id, *(profile.id for profile in profiles)} & directory.leads.keys())
    gone = [directory.leads[member] for member in members]
    for lead in gone:
        directory.save_lead(
            msgspec.structs.replace(
                lead,
                version=lead.version + 1,
                attributes={},
                external_ids=(),
                contact=Contact(),
                erased=at,
                holds={},
                company="",
                company_by="",
                marks=(),
            )
        )
    return Erased(directory.leads[lead_id], profiles, gone)


def needles_of(leads: Iterable[Lead]) -> list[str]:
    """Return what to look for in bytes that were kept as they came: addresses and numbers, as written.

    A number is looked for without its country as well, an address also as a form writes it.
    """
    needles: set[str] = set()
    for lead in leads:
        email, phone = lead.contact.text("email"), lead.contact.text("phone")
        if email is not None:
            needles |= {email.lower(), quote(email, safe="").lower()}
        if phone is not None:
            needles.add(phone.lstrip("+"))
            national = national_number(phone)
            if len(national) >= _SHORTEST_NUMBER:
                needles.add(national)
    return sorted(needles)


def holds_any(content: bytes, needles: Iterable[str]) -> bool:
    """Return whether bytes hold one of the needles, whatever the case and however a number is grouped."""
    folded = content.lower()
    bare = b""
    for needle in needles:
        if needle.encode() in folded:
            return True
        if needle.isdigit():
            bare = bare or _GROUPING.sub(b"", folded)
            if needle.encode() in bare:
                return True
    return False
