"""The handler of routing's stage: which function answers which fact."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from services.routing.domain import facts
from services.routing.domain.desk import Desk
from services.routing.domain.rulebook import Rulebook
from services.routing.handlers.asking import LEAD_COMMANDS
from services.routing.handlers.converting import on_deal_heard
from services.routing.handlers.holding import on_profile_released
from services.routing.handlers.judging import on_lead_judged
from services.routing.handlers.moving import on_profile_erased, on_profile_heard, on_profile_moved
from services.routing.handlers.reaching import on_lead_activated, on_scores_updated, on_tier_changed
from services.routing.handlers.ringing import on_timer
from services.routing.handlers.staffing import REP_COMMANDS
from services.routing.handlers.telling import Telling
from shared.kernel.changes import Fact, Ruling, TimerFired

_HANDLERS: Final[Mapping[type, Callable[[Telling, Any], None]]] = {
    facts.ProfileHeard: on_profile_heard,
    facts.ProfileReleased: on_profile_released,
    facts.ProfileMoved: on_profile_moved,
    facts.ProfileErased: on_profile_erased,
    facts.LeadJudged: on_lead_judged,
    facts.TierMoved: on_tier_changed,
    facts.Activated: on_lead_activated,
    facts.ScoresHeard: on_scores_updated,
    facts.DealHeard: on_deal_heard,
    TimerFired: on_timer,
    **LEAD_COMMANDS,
    **REP_COMMANDS,
}


class RoutingHandlers:
    """Answers facts under one rulebook."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook

    def handle(self, desk: Desk, fact: Fact) -> Ruling:
        """Change the desk as the fact demands, and return what is to be said and set.

        :raises Rejected: if a command is refused, or a fact can never be used.
        """
        telling = Telling(desk, self._rulebook, fact)
        _HANDLERS[type(fact.event)](telling, fact.event)
        return telling.ruling()


def leads_of(desk: Desk, fact: Fact) -> Iterable[str]:
    """Return the leads whose clocks ring before a fact: all that it may touch, in order of their ids."""
    match fact.event:
        case facts.ProfileMoved() as moved:
            ids = {
                moved.profile,
                desk.home_of(moved.lead),
                desk.home_of(desk.profile(moved.profile).lead),
                *desk.leads_behind(moved.profile),
            }
        case facts.ProfileErased() as erased:
            ids = {erased.profile, desk.home_of(erased.lead)}
        case facts.ProfileHeard() | facts.ProfileReleased() | facts.DealHeard():
            ids = {desk.home_of(desk.profile(fact.key).lead)}
        case _:
            ids = {fact.key}
    return sorted(one for one in ids if one in desk.leads)
