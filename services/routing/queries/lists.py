"""The pool, what is about to expire, open tasks, notices, and how the reps stand (R5, R6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.routing.domain.lead import Lead
from services.routing.domain.people import Rep, renew
from services.routing.domain.rulebook import Rulebook
from services.routing.store import lists
from shared.kernel.errors import Rejected
from shared.kernel.instants import HOUR, Instant
from shared.postgres.database import Database, Row


class RepUnknown(Rejected):
    """There is no such rep; GET /routing/v1/reps lists those there are."""

    code = "routing.rep_unknown"


class RepStanding(NamedTuple):
    """A rep as they stand: the name from the document, their teams, and what is so today."""

    rep: Rep
    name: str
    teams: list[str]
    is_away: bool
    claims_today: int


class ListQueries:
    """Answers with lists; each is a page, cut by key."""

    def __init__(self, database: Database, rulebook: Rulebook) -> None:
        self._database = database
        self._rulebook = rulebook

    async def find_pool(self, *, after: tuple[int, str] | None, limit: int) -> Sequence[Lead]:
        """Return the leads of the public pool, those first that lie there longest."""
        async with self._database.connection() as connection:
            return await lists.load_pool(
                connection, self._rulebook.pool.pool, after=after or (0, ""), limit=limit
            )

    async def find_expiring(
        self,
        *,
        now: Instant,
        within_hours: int | None,
        rep: str | None,
        after: tuple[int, str] | None,
        limit: int,
    ) -> Sequence[Lead]:
        """Return what is due or lost within so many working hours, or is overdue already; soonest first."""
        sla = self._rulebook.sla
        span = sla.expiring_within if within_hours is None else within_hours * HOUR
        until = sla.calendar.next_opening(sla.calendar.add_working(now, span))
        async with self._database.connection() as connection:
            return await lists.load_expiring(
                connection, until=until, rep=rep, after=after or (0, ""), limit=limit
            )

    async def find_tasks(
        self, *, rep: str | None, after: tuple[int, str] | None, limit: int
    ) -> Sequence[Row]:
        """Return open tasks, oldest first."""
        async with self._database.connection() as connection:
            return await lists.load_tasks(connection, rep=rep, after=after or (0, ""), limit=limit)

    async def find_notices(self, *, rep: str | None, after: int, limit: int) -> Sequence[Row]:
        """Return notices in order; those of one rep, or all with the managers' own."""
        async with self._database.connection() as connection:
            return await lists.load_notices(connection, rep=rep, after=after, limit=limit)

    async def find_reps(self, *, now: Instant, rep: str | None = None) -> list[RepStanding]:
        """Return how the reps stand, or one of them.

        Until the first fact has come in, that is what the document says.

        :raises RepUnknown: if there is no such rep.
        """
        async with self._database.connection() as connection:
            reps = await lists.load_reps(connection)
            teams = {name: team.members for name, team in (await lists.load_teams(connection)).items()}
        document = self._rulebook.people
        if not reps:
            reps = {one.rep: renew(None, one) for one in document.reps}
            teams = {one.team: one.members for one in document.teams}
        if rep is not None and rep not in reps:
            raise RepUnknown
        names = {one.rep: one.name for one in document.reps}
        today = self._rulebook.today(now)
        return [
            RepStanding(
                one,
                names.get(one.id, ""),
                [name for name, members in sorted(teams.items()) if one.id in members],
                one.is_away(today),
                one.claims_on(today),
            )
            for one in reps.values()
            if rep in {None, one.id}
        ]
