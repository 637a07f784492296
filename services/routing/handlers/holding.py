"""Release: a lead that came with an import of history starts as whatever is known of it by then (I11)."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from services.routing.domain.facts import ProfileReleased
from services.routing.domain.lead import Lead
from services.routing.domain.profiles import Held
from services.routing.domain.public_pool import team_of
from services.routing.handlers.converting import follow_deals
from services.routing.handlers.ownership import is_held_back, may_reach_sales, set_status, transfer
from services.routing.handlers.reaching import ACTIVATED, activate, settle
from services.routing.handlers.telling import Telling

IMPORTED = "imported"


def on_profile_released(telling: Telling, event: ProfileReleased) -> None:
    """No import holds the profile any more; when none holds its lead, the lead starts."""
    desk = telling.desk
    profile = desk.profile(event.profile)
    held = profile.held
    if profile.erased or held is None:
        return
    desk.save_profile(msgspec.structs.replace(profile, held=None))
    lead = telling.lead(desk.home_of(profile.lead))
    if lead.is_gone or is_held_back(telling, lead):
        return
    if not event.by_merge:
        _start(telling, lead, held)
    elif any(one.captured and one.id != profile.id for one in desk.profiles_of(lead.id)):
        settle(telling, lead)  # else the merge is still to come, and settles it


def _start(telling: Telling, lead: Lead, held: Held) -> None:
    """Let the status and the owner of the table count, with a clock from now on; else the rules decide."""
    if held.status and lead.status == "new":
        lead = set_status(telling, lead, cast("Any", held.status), IMPORTED)
    if lead.has_open_opportunity or lead.is_customer:
        lead = follow_deals(telling, lead)
    rep = telling.desk.reps.get(held.owner) if held.owner else None
    if rep is not None and rep.is_active and lead.spell is None and may_reach_sales(telling, lead):
        team = team_of(rep.id, sorted(telling.desk.teams), telling.desk.teams) or ""
        lead = transfer(telling, lead, rep=rep.id, team=team, reason=IMPORTED, rule=IMPORTED)
    if lead.wanted == ACTIVATED:
        activate(telling, lead)
    else:
        settle(telling, lead)
