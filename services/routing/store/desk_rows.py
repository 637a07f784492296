"""Open and save a desk: lock the rows of a batch in the order leads, teams, reps, each by id, and load them.

A lead that nobody knows yet gets a row without a state first, so that two who meet it at once wait for
each other. Profiles move only under the locks of the leads they leave, come to, and began; whoever finds
one moved meanwhile tries again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from services.routing.domain.assignment.turns import TeamTurns
from services.routing.domain.desk import Desk
from services.routing.domain.lead import Lead
from services.routing.domain.people import PeopleDocument, Rep
from services.routing.domain.profiles import Profile
from services.routing.domain.shelf import Shelf
from services.routing.store.needs import Needs, follow
from services.routing.store.people import apply_people
from services.routing.store.saving import save_desk
from shared.kernel.changes import Fact
from shared.postgres.database import Transaction
from shared.postgres.faults import WriteConflict

_read_lead: Final = msgspec.json.Decoder(Lead).decode
_read_profile: Final = msgspec.json.Decoder(Profile).decode
_read_team: Final = msgspec.json.Decoder(TeamTurns).decode
_read_rep: Final = msgspec.json.Decoder(Rep).decode

_FIND_HOMES: Final = "SELECT lead FROM profile WHERE id = ANY($1::text[])"
_FIND_LODGERS: Final = "SELECT id FROM profile WHERE lead = ANY($1::text[])"
_PLACE_LEADS: Final = """
INSERT INTO lead (id) SELECT id FROM unnest($1::text[]) AS new(id) ORDER BY id ON CONFLICT DO NOTHING
"""
_LOCK_LEADS: Final = "SELECT id, state FROM lead WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE"
_LOAD_PROFILES: Final = """
SELECT id, state FROM profile WHERE lead = ANY($1::text[]) OR id = ANY($1::text[])
"""
_FIND_RINGING: Final = "SELECT DISTINCT key FROM timer WHERE key = ANY($1::text[]) AND due <= $2"
_COUNT_NOTES: Final = """
SELECT lead, count(*) AS notes FROM follow_up WHERE lead = ANY($1::text[]) AND note <> '' GROUP BY lead
"""
_LOCK_TEAMS: Final = "SELECT id, state FROM team ORDER BY id FOR UPDATE"
_LOCK_REPS: Final = "SELECT id, state FROM rep WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE"
_LOCK_ALL_REPS: Final = "SELECT id, state FROM rep ORDER BY id FOR UPDATE"


class DeskStore:
    """Opens and saves desks under one document of people."""

    def __init__(self, people: PeopleDocument) -> None:
        self._people = people
        self._is_applied = False

    async def open(self, transaction: Transaction, facts: Sequence[Fact]) -> Desk:
        """Lock and load what the facts may touch.

        :raises WriteConflict: if a profile moved meanwhile; try again.
        """
        needs = Needs(facts)
        leads = needs.leads | await _gather(transaction, needs)
        wanted = sorted(leads)
        if wanted and not needs.is_command:
            await transaction.execute(_PLACE_LEADS, wanted)
        rows = await transaction.fetch(_LOCK_LEADS, wanted) if wanted else ()
        profiles = await _load_profiles(transaction, wanted)
        _check_homes(needs, profiles, leads)
        known = {row["id"]: _read_lead(row["state"]) for row in rows if row["state"] is not None}
        ringing = await _find_ringing(transaction, wanted, needs)
        if not self._is_applied:
            self._is_applied = await apply_people(transaction, self._people)
        needs_teams = needs.may_assign(known.values())
        teams = await transaction.fetch(_LOCK_TEAMS) if needs_teams else ()
        if needs_teams:
            reps = await transaction.fetch(_LOCK_ALL_REPS)
        else:
            named = sorted(needs.reps | needs.owners(known, profiles, ringing))
            reps = await transaction.fetch(_LOCK_REPS, named) if named else ()
        return Desk(
            leads=Shelf(known),
            profiles=Shelf(profiles),
            teams=Shelf({row["id"]: _read_team(row["state"]) for row in teams}),
            reps=Shelf({row["id"]: _read_rep(row["state"]) for row in reps}),
            notes=await _count_notes(transaction, wanted) if needs.erases else {},
        )

    async def save(self, transaction: Transaction, desk: Desk) -> None:
        """Write what has changed on a desk."""
        await save_desk(transaction, desk)


async def _count_notes(transaction: Transaction, leads: Sequence[str]) -> dict[str, int]:
    return {row["lead"]: row["notes"] for row in await transaction.fetch(_COUNT_NOTES, leads)}


async def _gather(transaction: Transaction, needs: Needs) -> set[str]:
    """Return every lead on the way from the profiles to where they live now, and behind those that move."""
    behind = await _walk(transaction, _FIND_LODGERS, needs.moving)
    return await _walk(transaction, _FIND_HOMES, needs.profiles | behind)


async def _walk(transaction: Transaction, step: str, start: Collection[str]) -> set[str]:
    """Return what can be reached from ``start``, step by step."""
    found = set(start)
    fresh = sorted(found)
    while fresh:
        rows = await transaction.fetch(step, fresh)
        fresh = sorted({row[0] for row in rows} - found)
        found.update(fresh)
    return found


async def _load_profiles(transaction: Transaction, leads: Sequence[str]) -> dict[str, Profile]:
    if not leads:
        return {}
    rows = await transaction.fetch(_LOAD_PROFILES, list(leads))
    return {row["id"]: _read_profile(row["state"]) for row in rows}


def _check_homes(needs: Needs, profiles: Mapping[str, Profile], locked: Collection[str]) -> None:
    """Refuse to go on if a profile lives where no lock was taken: somebody has moved it meanwhile."""
    homes = {lead for start in needs.profiles for lead in follow(start, profiles)}
    behind = set(needs.moving)
    while fresh := {one.id for one in profiles.values() if one.lead in behind} - behind:
        behind |= fresh
    if not (homes | behind) <= set(locked):
        raise WriteConflict("a profile has moved meanwhile; the batch is tried again")


async def _find_ringing(transaction: Transaction, leads: Sequence[str], needs: Needs) -> set[str]:
    if not leads:
        return set()
    rows: Sequence[Any] = await transaction.fetch(_FIND_RINGING, list(leads), needs.latest)
    return {row["key"] for row in rows}
