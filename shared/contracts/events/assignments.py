"""Who owns a lead and what became of it. Key and subject: lead id; all are said by routing.

``assignment`` names one spell of ownership; every path to ownership begins one and starts its clock.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, field

from shared.contracts.attributes import EXAMPLE_LEAD, EXAMPLE_MOMENT, Amount, LeadId, Moment, RepId
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.topics import ASSIGNMENTS

Status = Literal["new", "contacted", "interested", "activated", "invalid"]


class AssignmentEvent(Event, frozen=True, kw_only=True):
    """What every event about a lead's ownership carries."""

    lead: LeadId


class OwnedEvent(AssignmentEvent, frozen=True, kw_only=True):
    """What every event about one spell of ownership carries."""

    rep: RepId
    assignment: Annotated[str, Meta(description="Names this spell of ownership")]


@DECLARED.declare(name="lead_assigned", on=ASSIGNMENTS)
class LeadAssigned(OwnedEvent, frozen=True, kw_only=True):
    """A rule gave the lead to a rep, and the clock of the first response runs until ``due``.

    Does not imply that the rep has seen it. The trace of the decision (who was eligible, who was
    skipped and why) is kept by routing under ``assignment``.
    """

    team: str
    rule: str
    rule_version: int
    strategy: Annotated[str, Meta(description="named, round_robin, claimed, …")]
    reason: Annotated[str, Meta(description="What brought the lead to sales, for example mql_a")]
    due: Moment


@DECLARED.declare(name="response_warned", on=ASSIGNMENTS)
class ResponseWarned(OwnedEvent, frozen=True, kw_only=True):
    """The first response is due soon, and none was recorded yet (R5).

    With ``overdue`` it was due and is missed; the recall is yet to come.
    """

    due: Moment
    overdue: bool = False


@DECLARED.declare(name="lead_recalled", on=ASSIGNMENTS)
class LeadRecalled(OwnedEvent, frozen=True, kw_only=True):
    """The clock ran out without a follow-up that counts: the rep has lost the lead (R4).

    Where it went is said by the event that follows: for the public pool :class:`LeadPooled`, for
    marketing :class:`LeadWithdrawn`.
    """

    due: Moment
    reason: str = "no_first_response"


@DECLARED.declare(name="lead_pooled", on=ASSIGNMENTS)
class LeadPooled(AssignmentEvent, frozen=True, kw_only=True):
    """The lead lies in a public pool, and nobody owns it."""

    pool: str
    reason: Annotated[str, Meta(description="recalled, nobody_eligible, claimable, …")]
    previous_rep: str | None = None


@DECLARED.declare(name="lead_withdrawn", on=ASSIGNMENTS)
class LeadWithdrawn(AssignmentEvent, frozen=True, kw_only=True):
    """The lead is with marketing again, and had no owner: it left the public pool, or was not for it."""

    pool: Annotated[str, Meta(description="The pool that it left; empty after a recall")] = ""
    reason: str


@DECLARED.declare(name="lead_claimed", on=ASSIGNMENTS)
class LeadClaimed(OwnedEvent, frozen=True, kw_only=True):
    """A rep took the lead out of a public pool; there is one winner. The clock runs until ``due``."""

    pool: str
    due: Moment


@DECLARED.declare(name="lead_contacted", on=ASSIGNMENTS)
class LeadContacted(OwnedEvent, frozen=True, kw_only=True):
    """The owner recorded a follow-up. Does not imply that the person answered."""

    way: Annotated[str, Meta(description="phone, wechat, mail, visit, …")]
    is_first: bool
    in_time: Annotated[bool, Meta(description="Before the clock of this spell ran out")] = True
    next_due: Annotated[Moment | None, Meta(description="When the next follow-up is due")] = None


@DECLARED.declare(name="follow_up_reminded", on=ASSIGNMENTS)
class FollowUpReminded(OwnedEvent, frozen=True, kw_only=True):
    """The owner was reminded that the next follow-up is overdue; at ``due`` the lead is taken back.

    Without ``takes_back`` it is not: a deal is open.
    """

    due: Moment
    takes_back: bool = True


@DECLARED.declare(name="lead_returned", on=ASSIGNMENTS)
class LeadReturned(OwnedEvent, frozen=True, kw_only=True):
    """The lead is with marketing again: its owner gave it back, or has not followed up (R4)."""

    reason: str
    by_clock: bool = False


@DECLARED.declare(name="lead_transferred", on=ASSIGNMENTS)
class LeadTransferred(OwnedEvent, frozen=True, kw_only=True):
    """Ownership went from one rep to another at once; ``rep`` owns now. The clock runs until ``due``."""

    from_rep: RepId
    reason: Annotated[str, Meta(description="merged, key_account, by_hand, …")]
    due: Moment


@DECLARED.declare(name="ownership_ended", on=ASSIGNMENTS)
class OwnershipEnded(OwnedEvent, frozen=True, kw_only=True):
    """Nobody owns this lead id any more, and nobody is to act: merged away, erased, or found invalid (I5)."""

    reason: Literal["merged", "erased", "invalid"]
    into: Annotated[str | None, Meta(description="The lead that stays, after a merge")] = None


@DECLARED.declare(name="lead_status_changed", on=ASSIGNMENTS)
class LeadStatusChanged(AssignmentEvent, frozen=True, kw_only=True):
    """The lead's status moved (R7). Does not imply that its owner changed.

    One that a person moves to invalid, or from there, is their word about the lead's validity: ingest takes
    it as such and tells everybody (:class:`~shared.contracts.events.leads.LeadInvalidated`).
    """

    from_status: Status
    to_status: Status
    reason: str = ""
    by: Annotated[
        str, Meta(description="Who moved it by hand: a rep's id, else a token's name; empty if nobody did")
    ] = ""


@DECLARED.declare(name="task_created", on=ASSIGNMENTS)
class TaskCreated(AssignmentEvent, frozen=True, kw_only=True):
    """Somebody is asked to do something about the lead, for example to fill in the hand-over list (R9)."""

    task: Annotated[str, Meta(description="Id of the task")]
    kind: str
    rep: Annotated[str | None, Meta(description="Whose it is; null: the team's")] = None
    missing: list[str] = field(default_factory=list)


@DECLARED.declare(name="lead_converted", on=ASSIGNMENTS)
class LeadConverted(AssignmentEvent, frozen=True, kw_only=True):
    """The lead became an opportunity, once: activated, and its hand-over list complete (R8, R9)."""

    opportunity: str
    rep: str | None = None
    stage: str = "first_talk"
    expected: Amount | None = None
    handover: Annotated[
        dict[str, str], Meta(description="The hand-over list as it stood, choices only (R8)")
    ] = field(default_factory=dict)
    campaign: str = ""
    source: str = ""
    last_act: Annotated[str, Meta(description="Name of the last act that routing knew")] = ""


_SPELL: Final[Any] = {"lead": EXAMPLE_LEAD, "rep": "rep-7", "assignment": "a-5f1c-1"}

EXAMPLES: Final = (
    LeadAssigned(
        **_SPELL,
        team="inside-sales",
        rule="mql_a",
        rule_version=1,
        strategy="round_robin",
        reason="mql_a",
        due=EXAMPLE_MOMENT,
    ),
    ResponseWarned(**_SPELL, due=EXAMPLE_MOMENT),
    LeadRecalled(**_SPELL, due=EXAMPLE_MOMENT),
    LeadPooled(lead=EXAMPLE_LEAD, pool="public", reason="recalled", previous_rep="rep-7"),
    LeadWithdrawn(lead=EXAMPLE_LEAD, pool="public", reason="mql_c_d"),
    LeadClaimed(**_SPELL, pool="public", due=EXAMPLE_MOMENT),
    LeadContacted(**_SPELL, way="phone", is_first=True, next_due=EXAMPLE_MOMENT),
    FollowUpReminded(**_SPELL, due=EXAMPLE_MOMENT),
    LeadReturned(**_SPELL, reason="not_ready"),
    LeadTransferred(**_SPELL, from_rep="rep-3", reason="merged", due=EXAMPLE_MOMENT),
    OwnershipEnded(**_SPELL, reason="merged", into="c2a47d10b9e84f6390d1e2f3a4b5c6d7"),
    LeadStatusChanged(lead=EXAMPLE_LEAD, from_status="new", to_status="contacted"),
    LeadStatusChanged(
        lead=EXAMPLE_LEAD, from_status="contacted", to_status="invalid", reason="spam", by="rep-7"
    ),
    TaskCreated(
        lead=EXAMPLE_LEAD, task="t-5f1c-1", kind="complete_handover", rep="rep-7", missing=["budget"]
    ),
    LeadConverted(
        lead=EXAMPLE_LEAD,
        opportunity="lm-5f1c-1",
        rep="rep-7",
        handover={"budget": "yes", "purchase_time": "3_months"},
        campaign="spring-2026",
        source="website",
    ),
)
