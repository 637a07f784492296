"""What people ask for over the API: each is done, or refused with a reason that says what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

import msgspec

from services.routing.domain.commands import (
    ClaimLead,
    FillHandover,
    RecordFollowUp,
    ReturnLead,
    SetStatus,
    TransferLead,
)
from services.routing.domain.lead import Lead, with_spell
from services.routing.domain.pipeline import handover
from services.routing.domain.pipeline.follow_ups import counts
from services.routing.domain.public_pool import check_claim, team_of
from services.routing.domain.rows import FollowUpRecorded
from services.routing.domain.sla.clocks import follow_up, next_follow_up
from services.routing.handlers import ownership
from services.routing.handlers.converting import convert_or_ask
from services.routing.handlers.reaching import settle
from services.routing.handlers.telling import Telling
from shared.contracts.events.assignments import LeadContacted
from shared.kernel.errors import Rejected
from shared.kernel.instants import format_instant, to_datetime


class Refused(Rejected):
    """Routing cannot do that now."""

    code: ClassVar[str] = "routing.refused"


def find_lead(telling: Telling) -> Lead:
    """Return the lead that a command is about.

    :raises Refused: if it is unknown, was merged away, or erased.
    """
    lead = telling.desk.leads.get(telling.fact.key)
    if lead is None:
        raise Refused("there is no such lead", code="routing.lead_unknown")
    if lead.stay.place == "merged":
        into = telling.desk.home_of(lead.id)
        raise Refused(f"this lead was merged; it is known as {into} now", code="routing.lead_merged")
    if lead.is_gone:
        raise Refused("this person asked to be forgotten", code="routing.lead_erased")
    return lead


def _must_be_released(telling: Telling, lead: Lead) -> None:
    if lead.spell is None and ownership.is_held_back(telling, lead):
        raise Refused(
            "an import of history holds it; release it first: leadmill import release",
            code="routing.lead_held",
        )


def _must_own(lead: Lead, rep: str, *, is_manager: bool) -> None:
    """Refuse whoever does not own the lead, and say what became of their ownership."""
    spell = lead.spell
    if spell is not None and (spell.rep == rep or is_manager):
        return
    if spell is None and is_manager:
        raise Refused("nobody owns it; give it to a rep first", code="routing.not_owned")
    lost = lead.former.get(rep)
    if lost is None:
        raise Refused("only the lead's owner may do that", code="routing.not_owner")
    if lead.stay.reason == "recalled" and lost == lead.stay.since:
        raise Refused(
            f"it was recalled at {format_instant(lost)}: no follow-up that counts was recorded before;"
            " it lies in the pool",
            code="routing.recalled",
        )
    raise Refused(f"you own it no more since {format_instant(lost)}", code="routing.not_owner")


def _must_be_valid(lead: Lead) -> None:
    if lead.ruled_out is not None:
        raise Refused(
            f"it was found invalid ({lead.ruled_out.reason}); call it valid first:"
            f" POST /v1/leads/{lead.id}/validate",
            code="routing.lead_invalid",
        )


def _describe(lead: Lead) -> dict[str, Any]:
    spell = lead.spell
    return {
        "lead": lead.id,
        "place": lead.stay.place,
        "status": lead.status,
        "owner": spell.rep if spell else None,
        "assignment": spell.assignment if spell else None,
        "due": format_instant(spell.due) if spell and spell.first_follow_up is None else None,
        "clocks": {name: format_instant(due) for name, due in sorted(spell.clocks.items())} if spell else {},
    }


def claim_lead(telling: Telling, command: ClaimLead) -> None:
    """Take a lead out of the pool; of many who ask at once one gets it."""
    lead = find_lead(telling)
    team = check_claim(
        telling.rulebook.pool,
        lead,
        telling.desk.reps.get(command.rep),
        teams=telling.desk.teams,
        today=telling.rulebook.today(telling.now),
        now=telling.now,
    )
    lead = ownership.claim(telling, lead, rep=command.rep, team=team)
    telling.reply = _describe(lead)


def record_follow_up(telling: Telling, command: RecordFollowUp) -> None:
    """Record a follow-up of the owner; one that says nothing is kept and stops no clock."""
    lead = find_lead(telling)
    _must_own(lead, command.rep, is_manager=command.is_manager)
    spell = lead.spell
    assert spell is not None
    does_count = counts(
        telling.rulebook.pipeline.follow_up, way=command.way, result=command.result, note=command.note
    )
    telling.write(
        FollowUpRecorded(
            id=telling.fact.id,
            lead=lead.id,
            assignment=spell.assignment,
            rep=spell.rep,
            at=telling.now,
            way=command.way,
            result=command.result,
            note=command.note,
            counts=does_count,
        )
    )
    if does_count:
        is_first = spell.first_follow_up is None
        after = follow_up(telling.rulebook.sla, lead, spell, telling.now)
        next_due = next_follow_up(after)
        lead = with_spell(
            msgspec.structs.replace(lead, last_follow_up=telling.now, last_way=command.way), after
        )
        contacted = LeadContacted(
            lead=lead.id,
            rep=spell.rep,
            assignment=spell.assignment,
            way=command.way,
            is_first=is_first,
            in_time=not is_first or telling.now <= spell.breach_at,
            next_due=None if next_due is None else to_datetime(next_due),
        )
        lead = telling.say(lead, contacted)
        if lead.status == "new":
            lead = ownership.set_status(telling, lead, "contacted", "followed_up")
    telling.reply = {**_describe(lead), "counts": does_count}


def return_lead(telling: Telling, command: ReturnLead) -> None:
    """Give a lead back to marketing."""
    lead = find_lead(telling)
    _must_own(lead, command.rep, is_manager=command.is_manager)
    reasons = telling.rulebook.pipeline.return_reasons
    if command.reason not in reasons:
        raise Refused(f"choose one of {', '.join(reasons)}", code="routing.reason_unknown", field="reason")
    telling.reply = _describe(ownership.give_back(telling, lead, command.reason))


def transfer_lead(telling: Telling, command: TransferLead) -> None:
    """Give a lead to a rep by hand; whoever has it loses it, and the clock begins anew."""
    lead = find_lead(telling)
    _must_be_released(telling, lead)
    _must_be_valid(lead)
    desk = telling.desk
    rep = desk.reps.get(command.to_rep)
    if rep is None or not rep.is_active:
        raise Refused("there is no such rep", code="routing.rep_unknown", field="to_rep")
    if lead.spell is not None and lead.spell.rep == rep.id:
        raise Refused("they own it already", code="routing.already_owned", field="to_rep")
    team = team_of(rep.id, sorted(desk.teams), desk.teams) or ""
    if lead.spell is not None:
        telling.notify(lead, "transferred_away")
    lead = ownership.transfer(telling, lead, rep=rep.id, team=team, reason=ownership.BY_HAND)
    telling.reply = _describe(telling.close_task(lead, "decide_takeover", "transferred"))


def fill_handover(telling: Telling, command: FillHandover) -> None:
    """Fill in the hand-over list; the last field makes the opportunity, if the lead is activated (R9)."""
    lead = find_lead(telling)
    if not command.is_manager:
        _must_own(lead, command.rep, is_manager=False)
    pipeline = telling.rulebook.pipeline
    lead = msgspec.structs.replace(lead, handover=handover.fill(pipeline, lead, command.fields))
    lead = convert_or_ask(telling, telling.save(lead))
    telling.reply = {
        **_describe(lead),
        "missing": handover.missing(pipeline, lead.handover),
        "opportunities": {name: deal.stage for name, deal in sorted(lead.opportunities.items())},
    }


def set_lead_status(telling: Telling, command: SetStatus) -> None:
    """Move the status by hand; an invalid lead leaves sales, and a valid one may come back.

    What is said of invalid is heard by ingest, which answers with a verdict for every service.
    """
    lead = find_lead(telling)
    _must_be_valid(lead)
    if not command.is_manager:
        _must_own(lead, command.rep, is_manager=False)
    _must_be_released(telling, lead)
    pipeline = telling.rulebook.pipeline
    goals = pipeline.moves.get(lead.status, ())
    goal = next((one for one in goals if one == command.status), None)
    if goal is None:
        allowed = ", ".join(goals) or "nothing"
        raise Refused(
            f"from {lead.status} a lead may go to {allowed}",
            code="routing.status_not_allowed",
            field="status",
        )
    if goal == "invalid" and command.reason not in pipeline.invalid_reasons:
        raise Refused(
            f"choose one of {', '.join(pipeline.invalid_reasons)}",
            code="routing.reason_unknown",
            field="reason",
        )
    # what is said of a lead holds listed reasons only: a free text might name somebody
    reason = command.reason if goal == "invalid" else "by_hand"
    lead = ownership.set_status(telling, lead, goal, reason, by=command.by)
    if goal == "invalid" and lead.spell is not None:
        lead = ownership.give_back(telling, lead, f"invalid_{command.reason}")
    telling.reply = _describe(settle(telling, lead))


LEAD_COMMANDS: Final[Mapping[type, Callable[[Telling, Any], None]]] = {
    ClaimLead: claim_lead,
    RecordFollowUp: record_follow_up,
    ReturnLead: return_lead,
    TransferLead: transfer_lead,
    FillHandover: fill_handover,
    SetStatus: set_lead_status,
}
"""Commands about a lead."""
