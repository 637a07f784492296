"""Save what has changed on a desk: one statement per table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from services.nurture.domain.desk import Desk, SaidRow
from services.nurture.domain.enrolments import Enrolment
from services.nurture.domain.leads import Contact, Lead, Profile
from services.nurture.domain.messages import Message
from shared.postgres.database import Transaction

R = TypeVar("R")
_encode: Final = msgspec.json.Encoder().encode


def _json(row: object) -> str:
    return _encode(row).decode()


def _contact_json(contact: Contact) -> str | None:
    """Return nothing for a contact of which nothing is to be known but the version."""
    return None if contact == Contact(lead=contact.lead, version=contact.version) else _json(contact)


_SAVE_LEADS: Final = """
UPDATE lead l SET state = s.state::jsonb FROM unnest($1::text[], $2::text[]) AS s(id, state)
WHERE l.id = s.id
"""
_SAVE_PROFILES: Final = """
INSERT INTO profile (id, lead, state) SELECT id, lead, state::jsonb
FROM unnest($1::text[], $2::text[], $3::text[]) AS s(id, lead, state)
ON CONFLICT (id) DO UPDATE SET lead = excluded.lead, state = excluded.state
"""
_SAVE_CONTACTS: Final = """
INSERT INTO contact (lead, version, state) SELECT lead, version, state::jsonb
FROM unnest($1::text[], $2::bigint[], $3::text[]) AS s(lead, version, state)
ON CONFLICT (lead) DO UPDATE SET version = excluded.version, state = excluded.state
"""
_SAVE_ENROLMENTS: Final = """
INSERT INTO enrolment (id, lead, sequence, version, run, state, entered, due, message, ended, reason, details)
SELECT id, lead, sequence, version, run, state, entered, due, nullif(message, ''), ended, reason,
    details::jsonb
FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::text[], $7::bigint[], $8::bigint[],
    $9::text[], $10::bigint[], $11::text[], $12::text[])
    AS s(id, lead, sequence, version, run, state, entered, due, message, ended, reason, details)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, due = excluded.due, message = excluded.message,
    ended = excluded.ended, reason = excluded.reason, details = excluded.details
"""
_SAVE_MESSAGES: Final = """
INSERT INTO message (id, enrolment, lead, sequence, sequence_version, step, content, content_version, variant,
    language, due, too_late, planned_at, cause, state, settled_at, settled_by, reason)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[],
    $8::int[], $9::text[], $10::text[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[], $15::text[],
    $16::bigint[], $17::text[], $18::text[])
ON CONFLICT (id) DO UPDATE SET state = excluded.state, settled_at = excluded.settled_at,
    settled_by = excluded.settled_by, reason = excluded.reason, claim = NULL, lease_until = NULL
"""
_SAVE_SAID: Final = """
INSERT INTO said (event, lead, kind, at, cause, enrolment, message, reason)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[],
    $8::text[])
"""


async def save_rows(transaction: Transaction, desk: Desk) -> None:
    """Write the rows that have changed, runs that ended before those that began, and append what was said."""
    await _save(transaction, _SAVE_LEADS, desk.lead_rows.changed, _LEAD)
    await _save(transaction, _SAVE_PROFILES, desk.profiles.changed, _PROFILE)
    await _save(transaction, _SAVE_CONTACTS, desk.contacts.changed, _CONTACT)
    enrolments = desk.enrolments.changed
    await _save(transaction, _SAVE_ENROLMENTS, [one for one in enrolments if not one.is_running], _ENROLMENT)
    await _save(transaction, _SAVE_ENROLMENTS, [one for one in enrolments if one.is_running], _ENROLMENT)
    await _save(transaction, _SAVE_MESSAGES, desk.messages.changed, _MESSAGE)
    await _save(transaction, _SAVE_SAID, desk.said, _SAID)


async def _save(
    transaction: Transaction, sql: str, rows: Sequence[R], columns: Sequence[Callable[[R], Any]]
) -> None:
    if rows:
        await transaction.execute(sql, *([column(row) for row in rows] for column in columns))


_LEAD: Final[Sequence[Callable[[Lead], Any]]] = (lambda row: row.id, _json)
_PROFILE: Final[Sequence[Callable[[Profile], Any]]] = (lambda row: row.id, lambda row: row.lead, _json)
_CONTACT: Final[Sequence[Callable[[Contact], Any]]] = (
    lambda row: row.lead,
    lambda row: row.version,
    _contact_json,
)
_ENROLMENT: Final[Sequence[Callable[[Enrolment], Any]]] = (
    lambda row: row.id,
    lambda row: row.lead,
    lambda row: row.sequence,
    lambda row: row.version,
    lambda row: row.run,
    lambda row: row.state,
    lambda row: row.entered,
    lambda row: row.due,
    lambda row: row.message,
    lambda row: row.ended,
    lambda row: row.reason,
    _json,
)
_MESSAGE: Final[Sequence[Callable[[Message], Any]]] = (
    lambda row: row.id,
    lambda row: row.enrolment,
    lambda row: row.lead,
    lambda row: row.sequence,
    lambda row: row.sequence_version,
    lambda row: row.step,
    lambda row: row.content,
    lambda row: row.content_version,
    lambda row: row.variant,
    lambda row: row.language,
    lambda row: row.due,
    lambda row: row.too_late,
    lambda row: row.planned_at,
    lambda row: row.cause,
    lambda row: row.state,
    lambda row: row.settled_at,
    lambda row: row.settled_by,
    lambda row: row.reason,
)
_SAID: Final[Sequence[Callable[[SaidRow], Any]]] = (
    lambda row: row.event,
    lambda row: row.lead,
    lambda row: row.kind,
    lambda row: row.at,
    lambda row: row.cause,
    lambda row: row.enrolment,
    lambda row: row.message,
    lambda row: row.reason,
)
