"""The public pool (R6): who may claim, how often, and how long a previous owner waits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from services.routing.domain.assignment.turns import TeamTurns
from services.routing.domain.lead import Lead
from services.routing.domain.people import Rep, TeamName
from shared.kernel.errors import Rejected
from shared.kernel.faults import Fault, allowed
from shared.kernel.instants import DAY, Instant, format_instant


class PoolDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pool's name and rules; ``claims_per_day`` counts per rep and day of the calendar's zone."""

    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]
    version: Annotated[int, Meta(ge=1)]
    description: str = ""
    pool: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]
    claimed_by: Annotated[tuple[TeamName, ...], Meta(min_length=1)]
    claims_per_day: Annotated[int, Meta(ge=1)]
    previous_owner_waits_days: Annotated[int, Meta(ge=0)]

    @property
    def waits(self) -> int:
        """How many microseconds a previous owner waits."""
        return self.previous_owner_waits_days * DAY


class ClaimRefused(Rejected):
    """This lead cannot be claimed by you now."""

    code: ClassVar[str] = "routing.claim_refused"


def check_claim(
    pool: PoolDocument,
    lead: Lead,
    rep: Rep | None,
    *,
    teams: Mapping[str, TeamTurns],
    today: date,
    now: Instant,
) -> str:
    """Return the team for which the rep may claim the lead now.

    :raises ClaimRefused: with what is in the way; its code tells one reason from another.
    """
    if lead.stay.place == "owned":
        raise ClaimRefused(
            f"somebody was faster: it has had an owner since {format_instant(lead.stay.since)}",
            code="routing.already_owned",
        )
    if lead.stay.place != "pool":
        raise ClaimRefused("it does not lie in the pool; see /routing/v1/pool", code="routing.not_in_pool")
    team = None if rep is None else team_of(rep.id, pool.claimed_by, teams)
    if rep is None or team is None or not rep.is_active:
        raise ClaimRefused("only reps of the pool's teams may claim", code="routing.may_not_claim")
    if rep.is_full:
        raise ClaimRefused(
            f"capacity is {rep.capacity} leads, all taken; close or return some first",
            code="routing.at_capacity",
        )
    if rep.claims_on(today) >= pool.claims_per_day:
        raise ClaimRefused(
            f"{pool.claims_per_day} claims a day are allowed; go on tomorrow", code="routing.claims_used_up"
        )
    had_it = lead.former.get(rep.id)
    if had_it is not None and now < had_it + pool.waits:
        raise ClaimRefused(
            f"whoever had it waits {pool.previous_owner_waits_days} days; claim again from"
            f" {format_instant(had_it + pool.waits)} on",
            code="routing.previous_owner_waits",
        )
    return team


def team_of(rep: str, among: Collection[str], teams: Mapping[str, TeamTurns]) -> str | None:
    """Return the first of these teams that a rep is a member of."""
    return next((name for name in among if name in teams and rep in teams[name].members), None)


def find_faults(document: PoolDocument, *, teams: Collection[str]) -> list[Fault]:
    """Return what does not fit together."""
    return [
        Fault(f"claimed_by[{place}]", f"{name} is no team; {allowed(teams)}")
        for place, name in enumerate(document.claimed_by)
        if name not in teams
    ]
