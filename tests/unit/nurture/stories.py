"""What tests of nurture share: the shipped documents, and a world of leads without a database.

The world holds one desk for good, rings clocks as the processor does, and lets a test say how each
sending ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from services.nurture.domain import learnt
from services.nurture.domain.course import Rules
from services.nurture.domain.desk import Desk
from services.nurture.domain.leads import Contact, Scalar
from services.nurture.domain.messages import Message, State
from services.nurture.handlers.nurturing import NurtureHandlers, leads_of
from services.nurture.store.documents import read_rulebook
from shared.contracts.events import nurture
from shared.kernel.changes import Emission, Fact, TimerFired, TimerKey
from shared.kernel.instants import SECOND, Instant, parse_instant, to_datetime
from shared.working_time.zones import load_zone

CONFIG = Path(__file__).parents[3] / "config"
START: Instant = parse_instant("2026-03-02T06:30:00Z")
"""A Monday afternoon in Shanghai."""

ADA = "a" * 32
BEN = "b" * 32


@cache
def rules() -> Rules:
    """The shipped rules, by the shipped Chinese calendar."""
    return read_rulebook(CONFIG, calendar="china").rules


def shanghai(text: str) -> Instant:
    """An instant by the clock of Shanghai, such as 2026-03-05T10:00."""
    return parse_instant(f"{text}+08:00")


def local(instant: Instant, zone: str = "Asia/Shanghai") -> str:
    """An instant as the clock of a zone shows it."""
    return to_datetime(instant).astimezone(load_zone(zone)).strftime("%Y-%m-%d %H:%M")


class Sent(NamedTuple):
    """One message that went out: its step, when the plan had it, and the words that were chosen."""

    step: str
    at: str
    chosen: str


class World:
    """Leads, their clocks and their mail."""

    def __init__(self, rules_: Rules | None = None) -> None:
        self.handlers = NurtureHandlers(rules_ or rules())
        self.desk = Desk()
        self.timers: dict[TimerKey, Instant] = {}
        self.said: list[Emission] = []
        self.now = START
        self.numbers = 0

    # --- what happens ----------------------------------------------------------------------------------

    def learn(self, event: object, at: Instant | None = None, *, key: str = "") -> None:
        """Learn something at ``at``; clocks of its leads that were due before it ring first."""
        self.now = max(self.now, self.now if at is None else at)
        fact = Fact(self._new_id(), key, self.now, event)
        for lead in leads_of(self.desk, fact):
            self._ring(lead, before=self.now)
        self._handle(fact)

    def knows(self, lead: str = ADA, *, at: Instant | None = None, **attributes: Scalar) -> None:
        """The lead's person is described."""
        self.learn(learnt.ProfileTold(lead, lead, attributes, self.now if at is None else at), at)

    def reaches(self, lead: str = ADA, *, version: int = 1, **contact: Any) -> None:
        """The lead can be reached; with that it was captured."""
        if self.desk.profiles.find(lead) is None:
            self.learn(learnt.ProfileTold(lead, lead, {}, self.now))
        contact = {"email": f"{lead[0]}@example.com", "language": "zh-CN", **contact}
        self.learn(learnt.ContactTold(Contact(lead=lead, version=version, **contact)))

    def tier(self, tier: str, lead: str = ADA, *, at: Instant | None = None, **told: str) -> None:
        """The lead comes to a tier of ``mql``."""
        model = told.get("model", "mql")
        self.learn(learnt.TierTold(lead, model, tier, told.get("direction", "up")), at)

    def owner(self, rep: str, lead: str = ADA, *, at: Instant | None = None) -> None:
        """The lead has an owner now."""
        self.learn(learnt.OwnerTold(lead, rep), at)

    def deal(self, standing: str, lead: str = ADA, *, at: Instant | None = None) -> None:
        """The lead's deal stands so."""
        moment = self.now if at is None else at
        self.learn(learnt.DealTold(lead, lead, "OP-1", standing, moment), at)

    def becomes_b(self, lead: str = ADA) -> None:
        """A lead who can be reached becomes a B lead."""
        self.reaches(lead)
        self.tier("B", lead)

    def pass_to(self, instant: Instant, *, sends: bool = True) -> None:
        """Let time pass: clocks ring when they are due, and what is planned is sent at once."""
        if sends:
            self.send_all()
        while due := sorted((at, key) for key, at in self.timers.items() if at <= instant):
            at, key = due[0]
            self.now = max(self.now, at)
            del self.timers[key]
            self._handle(Fact(self._new_id(), key.key, at, TimerFired(key.name, at)))
            if sends:
                self.send_all(at=at + SECOND)
        self.now = max(self.now, instant)

    def planned(self) -> list[Message]:
        """The messages that wait to be sent."""
        return [message for message in self.desk.messages if message.state == "planned"]

    def take(self, message: Message) -> Message:
        """Let the sending job take a message, as its claim does in the table."""
        taken = replace(message, state="sending")
        self.desk.messages.put(message.id, taken)
        return taken

    def send_all(self, *, at: Instant | None = None, state: State = "sent", reason: str = "") -> None:
        """Send what waits, and learn of each how that ended."""
        for message in self.planned():
            self.take(message)
            self.result(message, state, at=at, reason=reason)

    def result(self, message: Message, state: State, *, at: Instant | None = None, reason: str = "") -> None:
        """Learn how a sending ended."""
        one = learnt.Result(message.id, message.lead, state, reason)
        self.learn(learnt.RecordResults((one,)), at)

    def _ring(self, lead: str, *, before: Instant) -> None:
        for key, at in sorted(self.timers.items(), key=lambda item: item[1]):
            if key.key == lead and at < before and self.timers.get(key) == at:
                del self.timers[key]
                self._handle(Fact(self._new_id(), lead, at, TimerFired(key.name, at)))

    def _handle(self, fact: Fact) -> None:
        self.desk.begin_fact()
        ruling = self.handlers.handle(self.desk, fact)
        self.said.extend(ruling.emissions)
        for key, due in ruling.timers.items():
            if due is None:
                self.timers.pop(key, None)
            else:
                self.timers[key] = due

    def _new_id(self) -> str:
        self.numbers += 1
        return f"{self.numbers:032x}"

    # --- what one may ask ------------------------------------------------------------------------------

    def sent(self, lead: str = ADA, zone: str = "Asia/Shanghai") -> list[Sent]:
        """What went out to a lead, in order, with the local time at which it was due."""
        found = [
            message
            for message in self.desk.messages
            if message.lead == lead and message.state in {"sent", "unconfirmed"}
        ]
        return [
            Sent(message.step, local(message.due, zone), message.chosen)
            for message in sorted(found, key=lambda message: message.due)
        ]

    def steps(self, lead: str = ADA) -> list[str]:
        """The steps that went out to a lead, in order."""
        return [sent.step for sent in self.sent(lead)]

    def events(self, kind: type[Any], lead: str = ADA) -> list[Any]:
        """What was said of a lead."""
        return [
            emission.event
            for emission in self.said
            if isinstance(emission.event, kind) and emission.key == lead
        ]

    def exits(self, lead: str = ADA) -> list[tuple[str, str]]:
        """The runs that ended, with the reason."""
        return [(event.sequence, event.reason) for event in self.events(nurture.SequenceExited, lead)]

    def where(self, lead: str = ADA) -> str:
        """The sequence that a lead is in, empty if none."""
        running = self.desk.running(lead)
        return "" if running is None else running.sequence

    def check(self) -> None:
        """What must hold whenever nothing is under way."""
        running = [run for run in self.desk.enrolments if run.is_running]
        leads = [run.lead for run in running]
        assert len(leads) == len(set(leads)), "a lead is in one sequence at a time"
        for run in running:
            message = self.desk.message_under_way(run)
            waits = [TimerKey(run.lead, "step") in self.timers, message is not None]
            assert waits.count(True) == 1, f"{run.sequence} waits for exactly one thing: {waits}"
        assert {key.key for key in self.timers} <= set(leads), "only who is in a sequence has a clock"
        runs: Sequence[tuple[str, str]] = [(one.enrolment, one.step) for one in self.desk.messages]
        assert len(runs) == len(set(runs)), "a step has one message in a run"
