"""A sales floor in memory: the handlers on one desk, with clocks that ring as the processor lets them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from services.routing.domain import facts
from services.routing.domain.assignment.turns import TeamTurns
from services.routing.domain.commands import (
    ClaimLead,
    FillHandover,
    RecordFollowUp,
    ReturnLead,
    SetStatus,
    TransferLead,
)
from services.routing.domain.desk import Desk
from services.routing.domain.lead import Lead
from services.routing.domain.people import Rep, renew
from services.routing.domain.profiles import Held
from services.routing.domain.rulebook import Rulebook
from services.routing.domain.shelf import Shelf
from services.routing.domain.sla.clocks import WARN, clocks_owed
from services.routing.handlers.routing import RoutingHandlers, leads_of
from services.routing.store.documents import read_rulebook
from shared.contracts.declarations import Event
from shared.contracts.events.assignments import AssignmentEvent
from shared.kernel.changes import Fact, TimerFired, TimerKey
from shared.kernel.errors import Rejected
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant, from_datetime, parse_instant

CONFIG = Path(__file__).parents[3] / "config"
ZONE = ZoneInfo("Asia/Shanghai")
E = TypeVar("E", bound=Event)


def local(text: str) -> Instant:
    """An instant by a clock in Shanghai: ``2026-03-06 15:00``."""
    return parse_instant(f"{text.replace(' ', 'T')}+08:00")


@cache
def shipped() -> Rulebook:
    """The rulebook of the documents that ship."""
    return read_rulebook(CONFIG)


def seat(rulebook: Rulebook) -> Desk:
    """A desk with the document's people on it."""
    people = rulebook.people
    return Desk(
        reps=Shelf({one.rep: renew(None, one) for one in people.reps}),
        teams=Shelf({one.team: TeamTurns(team=one.team, members=one.members) for one in people.teams}),
    )


class Floor:
    """Feeds facts in order; ``now`` only moves forward, and due clocks ring on the way."""

    def __init__(self, rulebook: Rulebook | None = None, *, now: str = "2026-03-02 10:00") -> None:
        self.rulebook = rulebook or shipped()
        self.desk = seat(self.rulebook)
        self.handlers = RoutingHandlers(self.rulebook)
        self.now = local(now)
        self.timers: dict[TimerKey, Instant] = {}
        self.said: list[tuple[Instant, Event]] = []
        self.rang_before_refusal = False
        self._number = 0

    # --- what happens ----------------------------------------------------------------------------------

    def captured(
        self, lead: str, *, reachable: bool = True, held: Held | None = None, **attributes: Any
    ) -> None:
        """A lead is captured."""
        self.hear(
            lead,
            facts.ProfileHeard(
                profile=lead,
                attributes=attributes,
                reachable=reachable,
                source="web",
                campaign="spring",
                occurred=self.now,
                held=held,
            ),
        )

    def released(self, lead: str, *, by_merge: bool = False) -> None:
        """No import holds a lead any more."""
        self.hear(lead, facts.ProfileReleased(profile=lead, lead=lead, by_merge=by_merge))

    def tier(self, lead: str, to: str, *, model: str = "mql", points: int = 0, rises: bool = True) -> None:
        """A tier has changed."""
        self.hear(lead, facts.TierMoved(model=model, to_tier=to, points=points * 1000, rises=rises))

    def scores(self, lead: str, version: int, **points: int) -> None:
        """The points are these now."""
        thousandths = {model: value * 1000 for model, value in points.items()}
        self.hear(lead, facts.ScoresHeard(version=version, points=thousandths))

    def activated(self, lead: str, *, cycle: int = 1, model: str = "mql") -> None:
        """The lead has passed the gate."""
        self.hear(lead, facts.Activated(model=model, cycle=cycle))

    def moved(self, profile: str, lead: str, version: int, *, out_of: str = "") -> None:
        """A profile lives with another lead."""
        self.hear(
            profile,
            facts.ProfileMoved(profile=profile, lead=lead, from_lead=out_of or profile, version=version),
        )

    def erased(self, profile: str, lead: str | None = None) -> None:
        """The person asked to be forgotten."""
        self.hear(profile, facts.ProfileErased(profile=profile, lead=lead or profile))

    def judged(self, lead: str, number: int, reason: str = "bot", *, by: str = "") -> None:
        """The n-th verdict about a lead; they take turns, and the first says that it is invalid."""
        self.hear(
            lead,
            facts.LeadJudged(profile=lead, number=number, is_invalid=number % 2 == 1, reason=reason, by=by),
        )

    def deal(
        self, lead: str, name: str, stage: str, *, opens: bool = False, at: Instant | None = None
    ) -> None:
        """A deal was heard of."""
        self.hear(
            lead,
            facts.DealHeard(
                profile=lead, opportunity=name, stage=stage, opens=opens, occurred=at or self.now
            ),
        )

    def hot(self, lead: str, **attributes: Any) -> None:
        """A lead is captured and becomes an A."""
        self.captured(lead, reachable=True, **attributes)
        self.tier(lead, "A", points=85)

    # --- what people do --------------------------------------------------------------------------------

    def claim(self, lead: str, rep: str) -> Any:
        return self.hear(lead, ClaimLead(by=rep, rep=rep))

    def follow_up(
        self, lead: str, rep: str, *, way: str = "phone", result: str = "reached", note: str = ""
    ) -> Any:
        return self.hear(lead, RecordFollowUp(by=rep, rep=rep, way=way, result=result, note=note))

    def give_back(self, lead: str, rep: str, reason: str = "not_ready") -> Any:
        return self.hear(lead, ReturnLead(by=rep, rep=rep, reason=reason))

    def transfer(self, lead: str, to: str) -> Any:
        return self.hear(lead, TransferLead(by="boss", is_manager=True, to_rep=to))

    def fill(self, lead: str, rep: str, **fields: str) -> Any:
        return self.hear(lead, FillHandover(by=rep, rep=rep, fields=fields))

    def fill_all(self, lead: str, rep: str) -> Any:
        return self.fill(
            lead,
            rep,
            pain_point="too slow",
            current_solution="paper",
            purchase_time="3_months",
            budget="yes",
            decision_maker="yes",
        )

    def set_status(self, lead: str, rep: str, status: str, reason: str = "") -> Any:
        return self.hear(lead, SetStatus(by=rep, rep=rep, status=status, reason=reason))

    # --- time ------------------------------------------------------------------------------------------

    def pass_to(self, text: str) -> None:
        """Let time pass; clocks due until then ring."""
        until = local(text)
        while (due := self.next_due()) is not None and due[0] <= until:
            self.ring(due[1], due[0])
        self.now = until

    def next_due(self, lead: str | None = None) -> tuple[Instant, TimerKey] | None:
        """The clock that rings next, of one lead or of all."""
        found = [(due, key) for key, due in self.timers.items() if lead is None or key.key == lead]
        return min(found, default=None)

    def ring(self, key: TimerKey, due: Instant) -> None:
        """One clock rings."""
        del self.timers[key]
        identity = deterministic_id("timer", key.key, key.name, str(due))
        self._handle(Fact(identity, key.key, due, TimerFired(key.name, due)))

    def hear(self, key: str, event: object) -> Any:
        """One fact now."""
        self._number += 1
        return self.take(Fact(deterministic_id("floor", str(self._number)), key, self.now, event))

    def take(self, fact: Fact) -> Any:
        """One fact; clocks of its leads that were due before it ring first."""
        self.rang_before_refusal = False
        for lead in leads_of(self.desk, fact):
            while (due := self.next_due(lead)) is not None and due[0] < fact.received:
                self.rang_before_refusal = True
                self.ring(due[1], due[0])
        return self._handle(fact)

    def _handle(self, fact: Fact) -> Any:
        self.desk.begin_fact()
        try:
            ruling = self.handlers.handle(self.desk, fact)
        except Rejected:
            self.desk.undo_fact()
            raise
        for key, due in ruling.timers.items():
            if due is None:
                self.timers.pop(key, None)
            else:
                self.timers[key] = due
        for emission in ruling.emissions:
            assert isinstance(emission.event, Event)
            self.said.append((emission.occurred, emission.event))
        self.check()
        return ruling.reply

    # --- looking ---------------------------------------------------------------------------------------

    def lead(self, lead: str) -> Lead:
        return self.desk.leads[lead]

    def owner(self, lead: str) -> str | None:
        spell = self.lead(lead).spell
        return None if spell is None else spell.rep

    def rep(self, rep: str) -> Rep:
        return self.desk.reps[rep]

    def change_rep(self, rep: str, **changes: Any) -> None:
        self.desk.reps.put(rep, msgspec.structs.replace(self.rep(rep), **changes))

    def events(self, lead: str) -> list[str]:
        """The names of what was said of a lead's ownership, in order."""
        return [
            type(event).__name__
            for _, event in self.said
            if isinstance(event, AssignmentEvent) and event.lead == lead
        ]

    def last(self, kind: type[E]) -> E:
        return [event for _, event in self.said if isinstance(event, kind)][-1]

    def at(self, kind: type[Event]) -> list[Instant]:
        return [at for at, event in self.said if isinstance(event, kind)]

    def refusal(self, what: Any, *arguments: Any, **options: Any) -> str:
        """The code with which something is refused."""
        try:
            what(*arguments, **options)
        except Rejected as error:
            return error.reason
        raise AssertionError("it was not refused")

    def check(self) -> None:
        """What must hold after each fact: clocks, loads and histories agree with the leads."""
        set_for: dict[str, dict[str, Instant]] = {}
        for key, due in self.timers.items():
            set_for.setdefault(key.key, {})[key.name] = due
        loads = dict.fromkeys(self.desk.reps, 0)
        for lead in self.desk.leads.values():
            spell = lead.spell
            assert (spell is not None) == (lead.stay.place == "owned")
            clocks = {} if spell is None else spell.clocks
            assert set_for.get(lead.id, {}) == clocks, lead
            lasting = {name for name in clocks if not name.startswith((WARN, "overdue"))}
            assert lasting == clocks_owed(lead), lead
            if lead.ruled_out is not None:
                assert lead.stay.place == "marketing"
                assert lead.status == "invalid"
                assert not lead.tasks
            if not lead.is_gone:
                assert (lead.ruled_out is not None) == self.desk.profile(lead.id).invalid
            if lead.busy_rep:
                loads[lead.busy_rep] += 1
        assert loads == {rep.id: rep.load for rep in self.desk.reps.values()}


def moment(value: Any) -> Instant:
    """The instant of an event's moment."""
    return from_datetime(value)
