"""What routing's answers look like on the wire; instants are RFC 3339, points are points."""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import BaseModel

from services.routing.domain.assignment.eligibility import MEANINGS
from services.routing.domain.lead import Lead
from services.routing.queries.leads import FoundLead
from services.routing.queries.lists import RepStanding
from shared.kernel.instants import Instant, format_instant
from shared.postgres.database import Row


class ClockOut(BaseModel):
    """A clock that runs against the owner: what happens at `due` if nothing is done."""

    name: str
    due: str


class PooledOut(BaseModel):
    """A lead in the pool."""

    lead: str
    pool: str
    reason: str
    since: str
    status: str
    tiers: dict[str, str]
    points: dict[str, float]


class ExpiringOut(BaseModel):
    """An owned lead that is due or lost soon."""

    lead: str
    rep: str
    team: str
    awaits: str
    due: str | None
    expires: str | None
    overdue: bool
    tiers: dict[str, str]


class TaskOut(BaseModel):
    """Something that somebody is asked to do."""

    task: str
    lead: str
    kind: str
    rep: str | None
    team: str | None
    opened: str
    missing: list[str]


class NoticeOut(BaseModel):
    """Something that a rep, or the managers where `rep` is null, ought to be told."""

    number: int
    rep: str | None
    lead: str
    kind: str
    at: str


class RepOut(BaseModel):
    """A rep as they stand."""

    rep: str
    name: str
    teams: list[str]
    active: bool
    capacity: int
    load: int
    away_today: bool
    claims_today: int
    regions: list[str]
    product_lines: list[str]
    leave: list[dict[str, str]]


def lead_out(found: FoundLead, *, with_texts: bool) -> dict[str, Any]:
    """Translate a lead; ``with_texts`` adds what people wrote, for its owner and managers."""
    lead, file = found.file.lead, found.file
    spell = lead.spell
    return {
        "lead": lead.id,
        "merged_from": found.asked if found.asked != lead.id else None,
        "place": lead.stay.place,
        "since": format_instant(lead.stay.since),
        "reason": lead.stay.reason,
        "pool": lead.stay.pool or None,
        "status": lead.status,
        "owner": spell.rep if spell else None,
        "team": spell.team if spell else None,
        "assignment": spell.assignment if spell else None,
        "policy": spell.policy if spell else None,
        "due": text(spell.due) if spell and spell.first_follow_up is None else None,
        "first_follow_up": text(spell.first_follow_up) if spell else None,
        "last_follow_up": text(lead.last_follow_up),
        "clocks": [clock.model_dump() for clock in clocks_out(lead)],
        "reachable": found.reachable,
        "tiers": dict(sorted(lead.tiers.items())),
        "points": points_out(lead),
        "handover": dict(sorted(lead.handover.items())) if with_texts else None,
        "handover_missing": found.missing,
        "opportunities": [
            {"opportunity": name, "stage": deal.stage, "at": format_instant(deal.at)}
            for name, deal in sorted(lead.opportunities.items())
        ],
        "tasks": [task_out(row).model_dump() for row in file.tasks if row["closed"] is None],
        "follow_ups": [follow_up_out(row, with_texts=with_texts) for row in file.follow_ups],
        "history": [stay_out(row) for row in file.stays],
        "trace": [decision_out(row) for row in file.decisions],
    }


def clocks_out(lead: Lead) -> list[ClockOut]:
    """Translate the clocks that run, soonest first."""
    clocks = {} if lead.spell is None else lead.spell.clocks
    ordered = sorted(clocks.items(), key=lambda clock: (clock[1], clock[0]))
    return [ClockOut(name=name, due=format_instant(due)) for name, due in ordered]


def stay_out(row: Row) -> dict[str, Any]:
    """Translate a stay."""
    return {
        "number": row["number"],
        "place": row["place"],
        "since": format_instant(row["since"]),
        "until": text(row["until"]),
        "reason": row["reason"],
        "ended_by": row["ended_by"],
        "rep": row["rep"],
        "team": row["team"],
        "pool": row["pool"],
        "assignment": row["assignment"],
        "cause": row["cause"],
    }


def decision_out(row: Row) -> dict[str, Any]:
    """Translate a decision with its trace: who was looked at, who was skipped and why."""
    considered = msgspec.json.decode(row["considered"])
    return {
        "at": format_instant(row["at"]),
        "reason": row["reason"],
        "rule": row["rule"],
        "rule_version": row["rule_version"],
        "team": row["team"],
        "strategy": row["strategy"],
        "rep": row["rep"],
        "assignment": row["assignment"],
        "fallback": row["fallback"],
        "cause": row["cause"],
        "considered": [
            {
                "rep": one["rep"],
                "skipped": one.get("skipped"),
                "why": MEANINGS.get(one.get("skipped", "")),
                "load": one.get("load", 0),
                "capacity": one.get("capacity", 0),
                "level": one.get("level", 0),
            }
            for one in considered
        ],
    }


def follow_up_out(row: Row, *, with_texts: bool) -> dict[str, Any]:
    """Translate a follow-up."""
    return {
        "at": format_instant(row["at"]),
        "rep": row["rep"],
        "way": row["way"],
        "result": row["result"] or None,
        "note": row["note"] if with_texts else None,
        "counts": row["counts"],
    }


def task_out(row: Row) -> TaskOut:
    """Translate a task."""
    owner = row["owner"] if "owner" in row.keys() else row["rep"]  # noqa: SIM118 - a row iterates values
    return TaskOut(
        task=row["id"],
        lead=row["lead"],
        kind=row["kind"],
        rep=owner,
        team=row["team"],
        opened=format_instant(row["opened"]),
        missing=list(row["missing"]),
    )


def notice_out(row: Row) -> NoticeOut:
    """Translate a notice."""
    return NoticeOut(
        number=row["number"],
        rep=row["rep"] or None,
        lead=row["lead"],
        kind=row["kind"],
        at=format_instant(row["at"]),
    )


def pooled_out(lead: Lead) -> PooledOut:
    """Translate a lead in the pool."""
    return PooledOut(
        lead=lead.id,
        pool=lead.stay.pool,
        reason=lead.stay.reason,
        since=format_instant(lead.stay.since),
        status=lead.status,
        tiers=dict(sorted(lead.tiers.items())),
        points=points_out(lead),
    )


def soonest(lead: Lead, expires: Instant | None) -> Instant:
    """Return the instant by which the list of what expires is ordered."""
    spell = lead.spell
    due = spell.due if spell and spell.first_follow_up is None else None
    return min(one for one in (due, expires) if one is not None)


def expiring_out(lead: Lead, *, expires: Instant | None, now: Instant) -> ExpiringOut:
    """Translate a lead that is due or lost soon."""
    spell = lead.spell
    assert spell is not None
    is_first = spell.first_follow_up is None
    return ExpiringOut(
        lead=lead.id,
        rep=spell.rep,
        team=spell.team,
        awaits="first_response" if is_first else "follow_up",
        due=text(spell.due) if is_first else None,
        expires=text(expires),
        overdue=spell.breach_at < now if is_first else spell.reminded is not None,
        tiers=dict(sorted(lead.tiers.items())),
    )


def rep_out(standing: RepStanding) -> RepOut:
    """Translate a rep."""
    rep = standing.rep
    return RepOut(
        rep=rep.id,
        name=standing.name,
        teams=standing.teams,
        active=rep.is_active,
        capacity=rep.capacity,
        load=rep.load,
        away_today=standing.is_away,
        claims_today=standing.claims_today,
        regions=list(rep.regions),
        product_lines=list(rep.product_lines),
        leave=[{"first_day": one.first_day, "last_day": one.last_day} for one in rep.leave],
    )


def points_out(lead: Lead) -> dict[str, float]:
    """Translate points by model."""
    return {model: points / 1000 for model, points in sorted(lead.points.items())}


def text(instant: Instant | None) -> str | None:
    """Translate an instant."""
    return None if instant is None else format_instant(instant)
