"""From a fact to the rows that reports stand on: pure, so that a check can derive them again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from services.analytics.domain.costs import Cost
from services.analytics.domain.facts import Fact
from services.analytics.domain.homes import Move
from services.analytics.domain.milestones import FunnelGoals, Milestone, MilestoneKind, SpellEvent, SpellKind
from services.analytics.domain.outcomes import Word, WordKind
from services.analytics.domain.touch_points import DISMISSED, Touch, TouchRules
from services.analytics.domain.verdicts import Verdict
from shared.kernel.instants import Instant, parse_instant


class SentMessage(msgspec.Struct, frozen=True, gc=False):
    """Nurture sent a message: by it, a click in the message is known to belong to a sequence."""

    event: str
    profile: str
    message: str
    sequence: str
    received: Instant


class Erasure(msgspec.Struct, frozen=True, gc=False):
    """Whoever this profile is asked to be forgotten; what is received later is dropped."""

    event: str
    profile: str
    received: Instant


Row = Touch | Word | Cost | Milestone | SpellEvent | Move | SentMessage | Verdict | Erasure

_WORDS: Final[Mapping[str, WordKind]] = {
    "opportunity_created": "created",
    "lead_converted": "created",
    "opportunity_stage_changed": "moved",
    "opportunity_won": "won",
    "opportunity_lost": "lost",
    "payment_received": "paid",
}
_SPELLS: Final[Mapping[str, SpellKind]] = {
    "lead_assigned": "started",
    "lead_claimed": "started",
    "lead_transferred": "started",
    "lead_contacted": "contacted",
    "response_warned": "warned",
    "lead_recalled": "recalled",
    "lead_returned": "returned",
    "ownership_ended": "ended",
}


def _read_word(fact: Fact) -> Row:
    kind, amount = _WORDS[fact.kind], fact.fields.get("amount") or {}
    return Word(
        event=fact.id,
        opportunity=fact.fields["opportunity"],
        profile=fact.profile,
        kind=kind,
        occurred=fact.occurred,
        received=fact.received,
        minor=amount.get("minor", 0),
        currency=amount.get("currency", ""),
        payment=fact.fields.get("payment", ""),
    )


def _read_spell(fact: Fact) -> Row | None:
    kind, fields = _SPELLS[fact.kind], fact.fields
    if kind == "contacted" and not fields["is_first"]:
        return None
    due = fields.get("due")
    return SpellEvent(
        event=fact.id,
        profile=fact.profile,
        assignment=fields["assignment"],
        rep=fields["rep"],
        kind=kind,
        at=fact.occurred,
        received=fact.received,
        due=parse_instant(due) if kind == "started" and due else None,
        in_time=fields["in_time"] if kind == "contacted" else None,
        reason=fields.get("reason", "") if kind in {"recalled", "returned", "ended"} else "",
    )


def _read_cost(fact: Fact) -> Row:
    fields, amount = fact.fields, fact.fields["amount"]
    return Cost(
        event=fact.id,
        source=fields["source"],
        campaign=fields["campaign"],
        channel=fields.get("channel", ""),
        kind=fields["kind"],
        day=fields["day"],
        occurred=fact.occurred,
        received=fact.received,
        minor=amount["minor"],
        currency=amount["currency"],
    )


def _read_move(fact: Fact) -> Row:
    return Move(fact.id, fact.profile, fact.fields["lead"], fact.fields["version"], fact.received)


def _read_message(fact: Fact) -> Row:
    return SentMessage(fact.id, fact.profile, fact.fields["message"], fact.fields["sequence"], fact.received)


def _read_verdict(fact: Fact) -> Row:
    fields = fact.fields
    is_of_act = fact.kind == "act_judged"
    return Verdict(
        event=fact.id,
        profile=fact.profile,
        act=fields["act"] if is_of_act else "",
        number=fields["verdict"],
        counts=not fields[DISMISSED] if is_of_act else fact.kind == "lead_validated",
        reason=fields[DISMISSED] if is_of_act else fields["reason"],
        pardons=fields.get("pardons", False),
        received=fact.received,
    )


def _milestone(fact: Fact, kind: MilestoneKind, value: str, at: Instant | None = None) -> Milestone:
    at = fact.occurred if at is None else min(at, fact.received)
    return Milestone(fact.id, fact.profile, kind, value, at, fact.received)


_READINGS: Final[Mapping[str, Callable[[Fact], Row | None]]] = {
    **dict.fromkeys(_WORDS, _read_word),
    **dict.fromkeys(_SPELLS, _read_spell),
    "cost_recorded": _read_cost,
    "lead_merged": _read_move,
    "lead_unmerged": _read_move,
    "lead_erased": lambda fact: Erasure(fact.id, fact.profile, fact.received),
    "message_sent": _read_message,
    "lead_captured": lambda fact: _milestone(fact, "captured", fact.fields["source"]),
    **dict.fromkeys(("lead_invalidated", "lead_validated", "act_judged"), _read_verdict),
    "lead_status_changed": lambda fact: _milestone(fact, "status", fact.fields["to_status"]),
}


class Derivation:
    """Derives rows from facts under the documents that say what is a touch and what a goal."""

    def __init__(self, touches: TouchRules, goals: FunnelGoals) -> None:
        self._touches = touches
        self._goals = goals

    def rows_of(self, fact: Fact) -> list[Row]:
        """Return the rows that a fact stands for; many facts stand for none."""
        rows: list[Row] = []
        reading = _READINGS.get(fact.kind)
        if reading is not None and (row := reading(fact)) is not None:
            rows.append(row)
        elif fact.kind == "tier_changed":
            rows += self._goals_of(fact, fact.fields)
        touch = self._touches.touch_of(fact)
        if touch is not None:
            rows.append(touch)
        return rows

    def _goals_of(self, fact: Fact, fields: Mapping[str, Any]) -> list[Row]:
        goals: dict[MilestoneKind, bool] = {
            "mql": self._goals.mql.is_reached(fields["model"], fields["to_tier"]),
            "sql": self._goals.sql.is_reached(fields["model"], fields["to_tier"]),
        }
        at = parse_instant(fields["at"])
        return [_milestone(fact, kind, fields["to_tier"], at) for kind, reached in goals.items() if reached]
