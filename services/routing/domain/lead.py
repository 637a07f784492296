"""A lead as routing knows it: where it stays, who owns it, what runs against whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from shared.kernel.instants import Instant

Place = Literal["marketing", "pool", "owned", "merged", "erased"]
"""Where a lead stays; it is always in exactly one place.

``marketing`` is a state of its own (R13), not the lack of an owner.
"""

Status = Literal["new", "contacted", "interested", "activated", "invalid"]

GONE: Final = frozenset({"merged", "erased"})
"""Places in which nothing more is decided about a lead."""

LOST: Final = "lost"
WON: Final = "won"


class Spell(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One spell of ownership, and the clocks that run against its rep.

    ``due`` is when the first response is due, and may be a closing; ``breach_at`` is when it counts as
    missed: ``due``, or the next opening after it. ``recall_due`` is the same for the recall.
    ``clocks`` are the timers that are set now, by name.
    """

    assignment: str
    rep: str
    team: str
    policy: str
    began: Instant
    due: Instant
    breach_at: Instant
    recall_due: Instant
    clocks: dict[str, Instant] = {}
    first_follow_up: Instant | None = None
    last_follow_up: Instant | None = None
    reminded: Instant | None = None
    warned: Instant | None = None


class Stay(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Where a lead is since when. The stays of a lead are numbered and abut: each begins where one ended.

    ``spell`` is there if, and only if, the place is ``owned``; ``pool`` likewise for ``pool``.
    """

    number: int
    place: Place
    since: Instant
    reason: str = ""
    pool: str = ""
    spell: Spell | None = None


class Opportunity(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A deal about a lead: its latest stage by occurred time, ``won`` and ``lost`` among them (R7)."""

    stage: str
    at: Instant

    @property
    def is_open(self) -> bool:
        """True while it may still be won."""
        return self.stage not in {WON, LOST}


class RuledOut(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How a lead stood when it was found invalid, so that it comes back as what it would be (I5)."""

    status: Status
    reason: str
    rep: str = ""
    team: str = ""


class Lead(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Everything that decisions about one lead rest on, its attributes aside (they are its profiles').

    ``wanted`` names what has called for sales and is not yet satisfied, because the lead cannot be
    reached. ``given_back`` holds a lead back after a return, until it rises again. ``former`` maps
    reps to when they last lost or gave up the lead. ``last_way`` is how it was followed up last. ``said``
    counts what was said of it. ``ruled_out`` is there while the first filter, or a person at the front door,
    calls it invalid.
    """

    id: str
    stay: Stay
    status: Status = "new"
    tiers: dict[str, str] = {}
    points: dict[str, int] = {}
    scores_version: int = 0
    wanted: str = ""
    given_back: bool = False
    former: dict[str, Instant] = {}
    last_follow_up: Instant | None = None
    last_way: str = ""
    activated_cycle: int = 0
    converted_cycle: int = 0
    handover: dict[str, str] = {}
    opportunities: dict[str, Opportunity] = {}
    tasks: dict[str, str] = {}
    said: int = 0
    ruled_out: RuledOut | None = None

    @property
    def spell(self) -> Spell | None:
        """The running spell of ownership, None if nobody owns the lead."""
        return self.stay.spell

    @property
    def is_gone(self) -> bool:
        """True if the lead was merged away or erased: nothing more is decided about it."""
        return self.stay.place in GONE

    @property
    def has_open_opportunity(self) -> bool:
        """True while one of its opportunities may still be won."""
        return any(one.is_open for one in self.opportunities.values())

    @property
    def is_customer(self) -> bool:
        """True if one of its opportunities was won."""
        return any(one.stage == WON for one in self.opportunities.values())

    @property
    def busy_rep(self) -> str | None:
        """The rep whose capacity this lead takes; a lead that only is a customer's takes none."""
        if self.spell is None or (self.is_customer and not self.has_open_opportunity):
            return None
        return self.spell.rep


def open_lead(lead_id: str, at: Instant) -> Lead:
    """Return a lead of which nothing is known yet."""
    return Lead(id=lead_id, stay=Stay(number=1, place="marketing", since=at, reason="first_heard"))


def move(
    lead: Lead,
    place: Place,
    *,
    at: Instant,
    reason: str,
    pool: str = "",
    spell: Spell | None = None,
) -> Lead:
    """Return the lead in another place from ``at`` on, but not from before it came to where it is."""
    former: Mapping[str, Instant] = lead.former
    if lead.spell is not None and (spell is None or spell.rep != lead.spell.rep):
        former = {**former, lead.spell.rep: max(at, lead.stay.since)}
    stay = Stay(
        number=lead.stay.number + 1,
        place=place,
        since=max(at, lead.stay.since),
        reason=reason,
        pool=pool,
        spell=spell,
    )
    return msgspec.structs.replace(lead, stay=stay, former=dict(former))


def with_spell(lead: Lead, spell: Spell) -> Lead:
    """Return the lead with its running spell as it is now."""
    return msgspec.structs.replace(lead, stay=msgspec.structs.replace(lead.stay, spell=spell))


def name_assignment(lead: Lead) -> str:
    """Return the name of the spell that begins with the lead's next stay."""
    return f"a-{lead.id}-{lead.stay.number + 1}"
