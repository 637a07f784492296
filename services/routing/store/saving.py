"""Save a desk: one statement per table, whatever the size of the batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from services.routing.domain.desk import Desk
from services.routing.domain.lead import Lead
from services.routing.domain.profiles import Profile
from services.routing.domain.rows import (
    DecisionMade,
    FollowUpRecorded,
    LeadScrubbed,
    Notice,
    Row,
    Said,
    StayBegan,
    StayEnded,
    TaskClosed,
    TaskOpened,
)
from services.routing.domain.sla.clocks import expires_at
from services.routing.store.people import save_reps, save_teams
from shared.postgres.database import Transaction

R = TypeVar("R")
_encode: Final = msgspec.json.Encoder().encode

_SAVE_LEADS: Final = """
UPDATE lead l SET place = s.place, status = s.status, rep = s.rep, team = s.team, pool = s.pool,
    since = s.since, due = s.due, expires = s.expires, state = s.state::jsonb
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
    $8::bigint[], $9::bigint[], $10::text[])
    AS s(id, place, status, rep, team, pool, since, due, expires, state) WHERE l.id = s.id
"""
_SAVE_PROFILES: Final = """
INSERT INTO profile (id, lead, version, state) SELECT id, lead, version, state::jsonb
FROM unnest($1::text[], $2::text[], $3::int[], $4::text[]) AS s(id, lead, version, state)
ON CONFLICT (id) DO UPDATE SET lead = excluded.lead, version = excluded.version, state = excluded.state
"""
_BEGIN_STAYS: Final = """
INSERT INTO stay (lead, number, place, since, until, reason, ended_by, rep, team, pool, assignment, policy,
    due, cause)
SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::text[])
"""
_END_STAYS: Final = """
UPDATE stay t SET until = s.until, ended_by = s.ended_by
FROM unnest($1::text[], $2::int[], $3::bigint[], $4::text[]) AS s(lead, number, until, ended_by)
WHERE t.lead = s.lead AND t.number = s.number
"""
_SAVE_DECISIONS: Final = """
INSERT INTO decision (lead, at, cause, reason, assignment, rep, team, rule, rule_version, strategy, fallback,
    considered)
SELECT lead, at, cause, reason, nullif(assignment, ''), rep, nullif(team, ''), nullif(rule, ''), rule_version,
    nullif(strategy, ''), nullif(fallback, ''), considered::jsonb
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::int[], $10::text[], $11::text[], $12::text[])
    AS s(lead, at, cause, reason, assignment, rep, team, rule, rule_version, strategy, fallback, considered)
"""
_SAVE_SAID: Final = """
INSERT INTO said (lead, number, event, kind, at, cause, assignment, by, fields)
SELECT lead, number, event, kind, at, cause, nullif(assignment, ''), nullif(by, ''), fields::jsonb
FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[],
    $9::text[]) AS s(lead, number, event, kind, at, cause, assignment, by, fields)
"""
_SAVE_FOLLOW_UPS: Final = """
INSERT INTO follow_up (id, lead, assignment, rep, at, way, result, note, counts)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[],
    $8::text[], $9::bool[])
"""
_OPEN_TASK: Final = """
INSERT INTO task (id, lead, kind, rep, team, opened, missing, cause)
VALUES ($1, $2, $3, $4, nullif($5, ''), $6, $7::text[], $8)
"""
_CLOSE_TASKS: Final = """
UPDATE task t SET closed = s.closed, closed_by = s.closed_by
FROM unnest($1::text[], $2::bigint[], $3::text[]) AS s(id, closed, closed_by) WHERE t.id = s.id
"""
_SAVE_NOTICES: Final = """
INSERT INTO notice (id, rep, lead, kind, at, cause)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[])
"""
_SCRUB: Final = "UPDATE follow_up SET note = '' WHERE lead = ANY($1::text[]) AND note <> ''"


async def save_desk(transaction: Transaction, desk: Desk) -> None:
    """Write the leads, profiles, teams and reps that have changed, and append the rows."""
    await _save_leads(transaction, [desk.leads[one] for one in sorted(desk.leads.changed)])
    await _save_profiles(transaction, [desk.profiles[one] for one in sorted(desk.profiles.changed)])
    await save_teams(transaction, {one: desk.teams[one] for one in desk.teams.changed})
    await save_reps(transaction, {one: desk.reps[one] for one in desk.reps.changed})
    if desk.rows:
        await _save_rows(transaction, desk.rows)


async def _save_leads(transaction: Transaction, leads: Sequence[Lead]) -> None:
    if leads:
        await transaction.execute(_SAVE_LEADS, *_columns(leads, _LEAD_COLUMNS))


_LEAD_COLUMNS: Final[Sequence[Callable[[Lead], Any]]] = (
    lambda lead: lead.id,
    lambda lead: lead.stay.place,
    lambda lead: lead.status,
    lambda lead: lead.spell.rep if lead.spell else None,
    lambda lead: lead.spell.team if lead.spell else None,
    lambda lead: lead.stay.pool or None,
    lambda lead: lead.stay.since,
    lambda lead: lead.spell.due if lead.spell and lead.spell.first_follow_up is None else None,
    expires_at,
    lambda lead: _encode(lead).decode(),
)


async def _save_profiles(transaction: Transaction, profiles: Sequence[Profile]) -> None:
    if profiles:
        await transaction.execute(
            _SAVE_PROFILES,
            [one.id for one in profiles],
            [one.lead for one in profiles],
            [one.version for one in profiles],
            [_encode(one).decode() for one in profiles],
        )


async def _save_rows(transaction: Transaction, rows: Sequence[Row]) -> None:
    sorted_rows: dict[type, list[Any]] = {}
    for row in rows:
        sorted_rows.setdefault(type(row), []).append(row)
    await _save_stays(transaction, sorted_rows)
    for kind, (sql, columns) in _APPENDED.items():
        if found := sorted_rows.get(kind):
            await transaction.execute(sql, *_columns(found, columns))
    for task in sorted_rows.get(TaskOpened, ()):
        await transaction.execute(
            _OPEN_TASK,
            *(task.id, task.lead, task.kind, task.rep, task.team, task.at, list(task.missing), task.cause),
        )
    if closed := sorted_rows.get(TaskClosed):
        await transaction.execute(
            _CLOSE_TASKS,
            *([row.id for row in closed], [row.at for row in closed], [row.reason for row in closed]),
        )
    if scrubbed := sorted_rows.get(LeadScrubbed):
        await transaction.execute(_SCRUB, [row.lead for row in scrubbed])


async def _save_stays(transaction: Transaction, rows: Mapping[type, Sequence[Any]]) -> None:
    """End what was open before the batch, then write what began; what also ended in it is written whole."""
    began: Sequence[StayBegan] = rows.get(StayBegan, ())
    ended: dict[tuple[str, int], StayEnded] = {(row.lead, row.number): row for row in rows.get(StayEnded, ())}
    ends = [ended.pop((row.lead, row.stay.number), None) for row in began]
    if ended:
        left = list(ended.values())
        await transaction.execute(
            _END_STAYS,
            [row.lead for row in left],
            [row.number for row in left],
            [row.at for row in left],
            [row.reason for row in left],
        )
    if not began:
        return
    spells = [row.stay.spell for row in began]
    await transaction.execute(
        _BEGIN_STAYS,
        [row.lead for row in began],
        [row.stay.number for row in began],
        [row.stay.place for row in began],
        [row.stay.since for row in began],
        [None if end is None else end.at for end in ends],
        [row.stay.reason for row in began],
        [None if end is None else end.reason for end in ends],
        [spell and spell.rep for spell in spells],
        [spell and spell.team for spell in spells],
        [row.stay.pool or None for row in began],
        [spell and spell.assignment for spell in spells],
        [spell and spell.policy for spell in spells],
        [spell and spell.due for spell in spells],
        [row.cause for row in began],
    )


def _columns(rows: Sequence[R], columns: Sequence[Callable[[R], Any]]) -> list[list[Any]]:
    return [[column(row) for row in rows] for column in columns]


_APPENDED: Final[Mapping[type, tuple[str, Sequence[Callable[[Any], Any]]]]] = {
    DecisionMade: (
        _SAVE_DECISIONS,
        (
            lambda row: row.lead,
            lambda row: row.at,
            lambda row: row.cause,
            lambda row: row.reason,
            lambda row: row.assignment,
            lambda row: row.decision.rep,
            lambda row: row.decision.team,
            lambda row: row.decision.rule,
            lambda row: row.decision.rule_version,
            lambda row: row.decision.strategy,
            lambda row: row.decision.fallback,
            lambda row: _encode(row.decision.considered).decode(),
        ),
    ),
    Said: (
        _SAVE_SAID,
        (
            lambda row: row.lead,
            lambda row: row.number,
            lambda row: row.event,
            lambda row: row.kind,
            lambda row: row.at,
            lambda row: row.cause,
            lambda row: row.assignment,
            lambda row: row.by,
            lambda row: row.fields.decode(),
        ),
    ),
    FollowUpRecorded: (
        _SAVE_FOLLOW_UPS,
        (
            lambda row: row.id,
            lambda row: row.lead,
            lambda row: row.assignment,
            lambda row: row.rep,
            lambda row: row.at,
            lambda row: row.way,
            lambda row: row.result,
            lambda row: row.note,
            lambda row: row.counts,
        ),
    ),
    Notice: (
        _SAVE_NOTICES,
        (
            lambda row: row.id,
            lambda row: row.rep,
            lambda row: row.lead,
            lambda row: row.kind,
            lambda row: row.at,
            lambda row: row.cause,
        ),
    ),
}
