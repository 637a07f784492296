"""Desks on real tables give what the handlers give in memory, whatever the cut into batches.

Random histories are played twice: fact by fact on a floor in memory, and in batches through the stage,
each in a transaction. In the end leads, profiles, reps, turns and clocks are the same, and the audit is
clean; so a desk never lacks a row that a handler needs.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from services.routing.domain import commands, facts
from services.routing.domain.assignment.turns import TeamTurns
from services.routing.domain.lead import Lead
from services.routing.domain.people import Rep
from services.routing.domain.profiles import Profile
from shared.kernel.changes import Fact, TimerFired
from shared.kernel.errors import BUG_CODE, Rejected
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import HOUR, MINUTE
from shared.processor.tables.timers import load_timers
from tests.services.routing.stand import Stand
from tests.unit.routing.floor import Floor

LEADS = ("ada", "bob", "cy", "dee")
REPS = ("rep-1", "rep-2", "rep-5")
HANDOVER = {
    "pain_point": "slow",
    "current_solution": "paper",
    "purchase_time": "long",
    "budget": "open",
    "decision_maker": "no",
}


class Histories:
    """Draws facts and commands at random; the same seed draws the same."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._homes = {lead: lead for lead in LEADS}
        self._versions = dict.fromkeys(LEADS, 0)
        self._moves: dict[str, list[facts.ProfileMoved]] = {lead: [] for lead in LEADS}

    def draw(self, now: int) -> tuple[str, object]:
        """One fact with its key, from a topic or a person."""
        pick = self._random.choice
        lead, rep = pick(LEADS), pick(REPS)
        boss: dict[str, Any] = {"by": "boss", "is_manager": True}
        if self._random.random() < 0.08:
            return self._move(lead)
        drawn: list[tuple[str, object]] = [
            (lead, self._heard(lead, now)),
            (lead, facts.TierMoved(model="mql", to_tier=pick("AAB"), points=85_000, rises=True)),
            (lead, facts.TierMoved(model="mql", to_tier=pick("BCD"), points=60_000, rises=False)),
            (lead, facts.TierMoved(model="key_account", to_tier="key_account", points=75_000, rises=True)),
            (
                lead,
                facts.ScoresHeard(version=self._random.randint(1, 9), points={"mql": pick((60_000, 70_000))}),
            ),
            (lead, facts.Activated(model="mql", cycle=self._random.randint(1, 3))),
            (lead, self._deal(lead, now)),
            (lead, commands.ClaimLead(by=rep, rep=rep)),
            (lead, commands.RecordFollowUp(**boss, rep=rep, way="phone", result="reached")),
            (lead, commands.ReturnLead(**boss, rep=rep, reason="not_ready")),
            (lead, commands.TransferLead(**boss, to_rep=rep)),
            (lead, commands.FillHandover(**boss, rep=rep, fields=HANDOVER)),
            (lead, commands.SetStatus(**boss, rep=rep, status=pick(("invalid", "new")), reason="spam")),
            (rep, commands.SetCapacity(**boss, rep=rep, capacity=self._random.randint(0, 3))),
        ]
        if self._random.random() < 0.02:
            return lead, facts.ProfileErased(profile=lead, lead=lead)
        return pick(drawn)

    def _heard(self, lead: str, now: int) -> facts.ProfileHeard:
        return facts.ProfileHeard(
            profile=lead, attributes={}, reachable=True, source="web", campaign="", occurred=now
        )

    def _move(self, profile: str) -> tuple[str, object]:
        """Merge or un-merge as ingest does; then one of the moves that are under way arrives.

        The moves of one profile arrive in order, those of several in any.
        """
        home, goal = self._homes[profile], self._random.choice(LEADS)
        if home != profile:
            self._send(profile, profile)
        elif goal == self._homes[goal] and goal != profile:
            for lodger in [one for one, lead in self._homes.items() if lead == profile]:
                self._send(lodger, goal)
        waiting = [one for one in LEADS if self._moves[one]]
        if not waiting:
            return profile, facts.ScoresHeard(version=1, points={})
        arrives = self._random.choice(waiting)
        return arrives, self._moves[arrives].pop(0)

    def _send(self, profile: str, lead: str) -> None:
        self._versions[profile] += 1
        self._moves[profile].append(
            facts.ProfileMoved(
                profile=profile, lead=lead, from_lead=self._homes[profile], version=self._versions[profile]
            )
        )
        self._homes[profile] = lead

    def moves_under_way(self) -> list[tuple[str, object]]:
        """What has not arrived yet, in an order in which it may."""
        return [(profile, move) for profile, moves in self._moves.items() for move in moves]

    def _deal(self, lead: str, now: int) -> facts.DealHeard:
        stage = self._random.choice(("proposal", "won", "lost"))
        name = self._random.choice(("OP-1", "OP-2"))
        return facts.DealHeard(
            profile=lead, opportunity=name, stage=stage, opens=stage == "proposal", occurred=now
        )

    def batch_ends(self) -> bool:
        return self._random.random() < 0.3

    def pause(self) -> int:
        return self._random.choice((0, MINUTE, HOUR, 12 * HOUR, 60 * HOUR))


class Pair:
    """The floor in memory and the stage on tables, fed with the same."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.floor = Floor(now="2026-03-02 10:00")
        self._waiting: list[Fact] = []

    async def hear(self, key: str, event: object, number: int) -> None:
        """One fact for both; the stage takes it with its batch, or at once if it is a command."""
        fact = Fact(deterministic_id("pair", str(number)), key, self.floor.now, event)
        is_command = isinstance(event, commands.Command)
        if is_command:
            await self.flush()
        code = ""
        try:
            self.floor.take(fact)
        except Rejected as error:
            code = error.reason
        if is_command:
            assert await self.apply([fact]) == [code]
        else:
            assert code == ""
            self._waiting.append(fact)

    async def flush(self) -> None:
        """Let the stage take what waits."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            assert set(await self.apply(waiting)) == {""}

    async def apply(self, batch: Sequence[Fact]) -> list[str]:
        """One transaction; a refused command is rolled back with everything that rang before it."""
        try:
            async with self.stand.database.transaction() as transaction:
                decisions = await self.stand.stage.apply(transaction, batch)
                for decision in decisions:
                    for error in (decision.error, *(rung.error for rung in decision.rung)):
                        assert error is None or error.reason != BUG_CODE, error
                if len(batch) == 1 and (error := decisions[0].error) is not None:
                    raise error
        except Rejected as error:
            return [error.reason]
        return ["" if decision.error is None else decision.error.reason for decision in decisions]

    async def pass_by(self, pause: int) -> None:
        """Time passes; every clock that is due rings in both."""
        await self.flush()
        until = self.floor.now + pause
        while (due := self.floor.next_due()) is not None and due[0] <= until:
            at, (lead, name) = due
            self.floor.ring(due[1], at)
            assert await self.apply([Fact("", lead, at, TimerFired(name, at))]) == [""]
        self.floor.now = until

    async def compare(self) -> None:
        """Both must hold the same."""
        await self.flush()
        desk = self.floor.desk
        for table, kind, mine in (
            ("lead", Lead, desk.leads),
            ("profile", Profile, desk.profiles),
            ("rep", Rep, desk.reps),
            ("team", TeamTurns, desk.teams),
        ):
            async with self.stand.database.connection() as connection:
                rows = await connection.fetch(f"SELECT id, state FROM {table} WHERE state IS NOT NULL")
            assert {row["id"]: msgspec.json.decode(row["state"], type=kind) for row in rows} == dict(mine)
        async with self.stand.database.connection() as connection:
            timers = await load_timers(connection, keys=LEADS)
        assert {(lead, name): due for lead, of_lead in timers.items() for name, due in of_lead.items()} == {
            tuple(key): due for key, due in self.floor.timers.items()
        }
        findings = await self.stand.check()
        # nothing is published here, so no sequences were drawn
        assert [one for one in findings if not one.holds and "Σ rows" not in one.check] == []


@pytest.mark.parametrize("seed", range(10))
async def test_any_cut_of_any_history_gives_the_same(small_stand: Stand, seed: int) -> None:
    histories, pair = Histories(seed), Pair(small_stand)
    # a first batch that changes nothing: it brings the people
    await pair.apply(
        [Fact("first", "rep-1", pair.floor.now, commands.SetCapacity(by="", rep="rep-1", capacity=50))]
    )
    for number in range(80):
        key, event = histories.draw(pair.floor.now)
        await pair.hear(key, event, number)
        if histories.batch_ends():
            await pair.pass_by(histories.pause())
    for number, (key, event) in enumerate(histories.moves_under_way(), start=1_000):
        await pair.hear(key, event, number)
    await pair.compare()
