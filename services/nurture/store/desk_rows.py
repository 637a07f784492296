"""Open and save a desk: a fixed number of statements, whatever the size of the batch.

Locks are taken on leads in order of their ids, then on messages under way in order of theirs: a message
that the sending job is just claiming is waited for, and one that is held here is skipped by the job.
Profiles move only under the locks of the leads they leave and come to; whoever finds one moved meanwhile
tries again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final, TypeVar

import msgspec

from services.nurture.domain import learnt
from services.nurture.domain.desk import Desk, Rows
from services.nurture.domain.enrolments import Enrolment
from services.nurture.domain.leads import Contact, Lead, Profile
from services.nurture.domain.messages import PLANNED, Message
from services.nurture.store.saving import save_rows
from shared.kernel.changes import Fact
from shared.postgres.database import Row, Transaction
from shared.postgres.faults import WriteConflict
from shared.processor.tables import dead_letters

S = TypeVar("S")

WAKING: Final = "nurture_sending"
"""The channel on which the sending job hears that something was planned."""

_read_lead: Final = msgspec.json.Decoder(Lead).decode
_read_profile: Final = msgspec.json.Decoder(Profile).decode
_read_contact: Final = msgspec.json.Decoder(Contact).decode
_read_enrolment: Final = msgspec.json.Decoder(Enrolment).decode

_FIND_HOMES: Final = "SELECT id, lead FROM profile WHERE id = ANY($1::text[])"
_FIND_PEOPLE: Final = "SELECT id, lead FROM profile WHERE lead = ANY($1::text[])"
_PLACE_LEADS: Final = """
INSERT INTO lead (id) SELECT id FROM unnest($1::text[]) AS new(id) ORDER BY id ON CONFLICT DO NOTHING
"""
_LOCK_LEADS: Final = "SELECT FROM lead WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE"
_LOAD_LEADS: Final = "SELECT id, state FROM lead WHERE id = ANY($1::text[]) AND state IS NOT NULL"
_LOAD_PROFILES: Final = """
SELECT id, lead, state FROM profile WHERE lead = ANY($1::text[]) OR id = ANY($1::text[])
"""
_LOAD_CONTACTS: Final = """
SELECT lead, version, state FROM contact WHERE lead = ANY($1::text[])
"""
_LOAD_ENROLMENTS: Final = "SELECT id, details FROM enrolment WHERE lead = ANY($1::text[])"
_LOCK_MESSAGES: Final = """
SELECT * FROM message WHERE (lead = ANY($1::text[]) AND state IN ('planned', 'sending'))
    OR id = ANY($2::text[]) ORDER BY id FOR UPDATE
"""


async def open_desk(transaction: Transaction, facts: Sequence[Fact]) -> Desk:
    """Lock and load what the facts may touch.

    :raises WriteConflict: if a profile moved meanwhile; try again.
    """
    named, profiles, messages = _needs(facts)
    homes = await _homes(transaction, _FIND_HOMES, profiles)
    targets = sorted({*named, *homes.values()})
    people = await _homes(transaction, _FIND_PEOPLE, targets)
    leads = sorted({*targets, *people})
    if not leads:
        return Desk()
    await transaction.execute(_PLACE_LEADS, leads)
    await transaction.fetch(_LOCK_LEADS, leads)
    desk = await load_rows(transaction, leads)
    _check_homes(profiles, desk.profiles, targets=targets, locked=leads)
    under_way = await transaction.fetch(_LOCK_MESSAGES, leads, messages)
    desk.messages = Rows((row["id"], message_of(row)) for row in under_way)
    return desk


async def load_rows(transaction: Transaction, leads: Sequence[str]) -> Desk:
    """Return a desk with what is kept of these leads, messages aside; it locks nothing by itself."""
    states = await transaction.fetch(_LOAD_LEADS, leads)
    living = await transaction.fetch(_LOAD_PROFILES, leads)
    contacts = await transaction.fetch(_LOAD_CONTACTS, leads)
    enrolments = await transaction.fetch(_LOAD_ENROLMENTS, leads)
    return Desk(
        leads=leads,
        lead_rows=Rows((row["id"], _read_lead(row["state"])) for row in states),
        profiles=Rows((row["id"], _read_profile(row["state"])) for row in living),
        contacts=Rows((row["lead"], _contact(row)) for row in contacts),
        enrolments=Rows((row["id"], _read_enrolment(row["details"])) for row in enrolments),
    )


async def save_desk(transaction: Transaction, desk: Desk) -> None:
    """Write what has changed on a desk; the sending job is told if there is something to send."""
    await save_rows(transaction, desk)
    erased = [lead.id for lead in desk.lead_rows.changed if lead.is_erased]
    if erased:
        await dead_letters.empty_letters(transaction, keys=erased)
    if any(message.state == PLANNED for message in desk.messages.changed):
        await transaction.execute("SELECT pg_notify($1, '')", WAKING)


def message_of(row: Row) -> Message:
    """Return a line of the ledger from its row."""
    return Message(**{name: row[name] for name in _MESSAGE_FIELDS})


_MESSAGE_FIELDS: Final = Message.__struct_fields__


def _needs(facts: Sequence[Fact]) -> tuple[set[str], list[str], list[str]]:
    """Return the leads, profiles and messages that facts name."""
    leads: set[str] = set()
    profiles: set[str] = set()
    messages: set[str] = set()
    for fact in facts:
        found = list(learnt.leads_in(fact.event))
        leads.update(found or [fact.key])
        profile = learnt.profile_in(fact.event)
        if profile is not None:
            profiles.add(profile)
        if isinstance(fact.event, learnt.ProfileErased):
            leads.add(fact.event.profile)
        if isinstance(fact.event, learnt.RecordResults):
            messages.update(result.message for result in fact.event.results)
    return leads, sorted(profiles), sorted(messages)


async def _homes(transaction: Transaction, sql: str, keys: Collection[str]) -> dict[str, str]:
    if not keys:
        return {}
    rows = await transaction.fetch(sql, list(keys))
    return {row["id"]: row["lead"] for row in rows}


def _check_homes(
    asked: Collection[str], living: Rows[Profile], *, targets: Sequence[str], locked: Sequence[str]
) -> None:
    """Refuse to go on where no lock was taken on somebody who matters: a profile has moved meanwhile."""
    chosen, held = frozenset(targets), frozenset(locked)
    for profile in living:
        if profile.lead in chosen and profile.id not in held:
            raise WriteConflict("a profile has moved here meanwhile; the batch is tried again")
    for one in asked:
        profile_of = living.find(one)
        if profile_of is not None and profile_of.lead not in chosen:
            raise WriteConflict("a profile has moved meanwhile; the batch is tried again")


def _contact(row: Row) -> Contact:
    if row["state"] is None:
        return Contact(lead=row["lead"], version=row["version"])
    found: Any = _read_contact(row["state"])
    assert isinstance(found, Contact)
    return found
