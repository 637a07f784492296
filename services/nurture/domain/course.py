"""How leads go through sequences: what one fact does to the runs, messages and clocks of its leads.

While a run lasts it waits for exactly one thing: a clock, or a message under way. Whatever happens to
a lead, :meth:`Course.look_at` brings it to where it belongs as it stands now.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from services.nurture.domain.arbiter import choose, entry_of, why_not
from services.nurture.domain.contents import ContentSet
from services.nurture.domain.desk import Desk
from services.nurture.domain.enrolments import (
    ENDED,
    Enrolment,
    enrolment_id,
    history_of,
    next_run,
)
from services.nurture.domain.leads import attributes_of, stand
from services.nurture.domain.messages import (
    MAILED,
    PLANNED,
    SUPPRESSED,
    Message,
    State,
    message_id,
    settle,
)
from services.nurture.domain.schedule import Planned, Waiting, calendar_for, plan_next
from services.nurture.domain.sequences import SequenceDocument, SequenceSet
from shared.kernel.changes import TimerKey
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant
from shared.working_time.calendar import Calendar

CLOCK: Final = "step"
"""The one clock of a run."""


class MessageUnknown(Rejected):
    """There is no message of this id; name one that the ledger holds."""

    code = "nurture.message_unknown"


class Rules(NamedTuple):
    """What runs go by."""

    sequences: SequenceSet
    contents: ContentSet
    calendar: Calendar


class Enrolled(NamedTuple):
    """A run began."""

    enrolment: Enrolment


class Ended(NamedTuple):
    """A run ended."""

    enrolment: Enrolment


class Settled(NamedTuple):
    """It is known what became of a message of a run."""

    message: Message
    enrolment: Enrolment


Said = Enrolled | Ended | Settled


class Course:
    """The doings of one fact. ``said`` and ``timers`` are what comes of it besides changed rows."""

    def __init__(
        self, desk: Desk, rules: Rules, *, now: Instant, cause: str, traceparent: str | None = None
    ) -> None:
        self._desk = desk
        self._rules = rules
        self._now = now
        self._cause = cause
        self._traceparent = traceparent
        self.said: list[Said] = []
        self.timers: dict[TimerKey, Instant | None] = {}

    def look_at(self, lead: str) -> None:
        """Let a lead leave the sequence where it may not be any more, and enter the one where it belongs."""
        desk = self._desk
        standing = stand(desk.lead(lead), desk.profiles_of(lead), desk.contacts.find(lead))
        choice = choose(self._rules.sequences, standing, desk.runs_of(lead))
        running = desk.running(lead)
        if running is not None:
            sequence = self._rules.sequences.find(running.sequence, running.version)
            if sequence is None:
                reason = "withdrawn"
            else:
                reason = why_not(sequence, standing)
                better = choice.sequence is not None and choice.sequence.priority > sequence.priority
                if not reason and better:
                    reason = "superseded"
            if not reason:
                return
            self._end(running, reason)
        if choice.sequence is not None:
            self._enrol(lead, choice.sequence)

    def ring(self, lead: str) -> None:
        """Do what a lead's clock was set for; a clock that nobody waits for any more does nothing."""
        running = self._desk.running(lead)
        if running is not None and running.due is not None:
            self._go_on(running, waiting=Waiting(running.step, running.due))

    def settle(self, message: str, state: State, *, reason: str = "") -> None:
        """Learn what became of a message, and go on with its run; known already, it changes nothing.

        :raises MessageUnknown: if there is no such message.
        """
        before = self._desk.messages.find(message)
        if before is None:
            raise MessageUnknown
        after = settle(before, state, at=self._now, cause=self._cause, reason=reason)
        if after is before:
            return
        self._desk.messages.put(message, after)
        run = self._desk.enrolments.find(after.enrolment)
        assert run is not None, "a message belongs to a run"
        self.said.append(Settled(after, run))
        mailed = {step: at for step, at in run.mailed.items() if step != after.step}
        if after.state in MAILED:
            mailed[after.step] = self._now
        run = replace(run, mailed=mailed)
        if run.is_running and run.message == message:
            self._go_on(replace(run, message="", settled=(*run.settled, after.step)))
        else:
            self._desk.enrolments.put(run.id, run)

    def _enrol(self, lead: str, sequence: SequenceDocument) -> None:
        run = next_run(self._desk.enrolments, lead=lead, sequence=sequence.name)
        enrolment = Enrolment(
            id=enrolment_id(lead, sequence.name, run),
            lead=lead,
            sequence=sequence.name,
            version=sequence.version,
            run=run,
            entered=self._now,
            why=entry_of(sequence),
            cause=self._cause,
            traceparent=self._traceparent,
        )
        self.said.append(Enrolled(enrolment))
        self._go_on(enrolment)

    def _go_on(self, run: Enrolment, *, waiting: Waiting | None = None) -> None:
        """Let a run wait for its next clock or message, or end if there is nothing left."""
        sequence = self._rules.sequences.find(run.sequence, run.version)
        if sequence is None:
            self._end(run, "withdrawn")
            return
        contact = self._desk.contacts.find(run.lead)
        calendar = calendar_for(self._rules.calendar, None if contact is None else contact.time_zone)
        self._desk.enrolments.put(run.id, run)
        history = history_of(self._desk.runs_of(run.lead), sequence)
        while True:
            planned = plan_next(
                sequence,
                entered=run.entered,
                settled=run.settled,
                history=history,
                now=self._now,
                calendar=calendar,
                waiting=waiting,
            )
            if planned is None:
                self._end(run, "completed")
                self.look_at(run.lead)
                return
            if not planned.is_too_late:
                break
            dropped = self._write(run, planned, state=SUPPRESSED, reason="too_late")
            self.said.append(Settled(dropped, run))
            run = replace(run, settled=(*run.settled, planned.step))
        if planned.due <= self._now:
            message = self._write(run, planned, state=PLANNED)
            run = replace(run, step=planned.step, due=None, message=message.id)
            self.timers[TimerKey(run.lead, CLOCK)] = None
        else:
            run = replace(run, step=planned.step, due=planned.due, message="")
            self.timers[TimerKey(run.lead, CLOCK)] = planned.due
        self._desk.enrolments.put(run.id, run)

    def _end(self, run: Enrolment, reason: str) -> None:
        """End a run at once. What has not gone out yet does not; what is being sent may still arrive."""
        under_way = self._desk.message_under_way(run)
        settled = run.settled
        if under_way is not None and under_way.state != PLANNED:
            settled = (*settled, under_way.step)  # no other run is to send it meanwhile
        elif under_way is not None:
            stopped = settle(under_way, SUPPRESSED, at=self._now, cause=self._cause, reason=reason)
            self._desk.messages.put(stopped.id, stopped)
            self.said.append(Settled(stopped, run))
        ended = replace(
            run,
            state=ENDED,
            due=None,
            message="",
            settled=settled,
            ended=self._now,
            reason=reason,
            end_cause=self._cause,
        )
        self._desk.enrolments.put(run.id, ended)
        self.said.append(Ended(ended))
        self.timers[TimerKey(run.lead, CLOCK)] = None

    def _write(self, run: Enrolment, planned: Planned, *, state: State, reason: str = "") -> Message:
        """Write a message into the ledger, with the words chosen for this lead as it stands now (N2)."""
        contact = self._desk.contacts.find(run.lead)
        words = self._rules.contents.live(planned.content).choose(
            attributes_of(self._desk.profiles_of(run.lead)),
            language=None if contact is None else contact.language,
        )
        message = Message(
            id=message_id(run.id, planned.step),
            enrolment=run.id,
            lead=run.lead,
            sequence=run.sequence,
            sequence_version=run.version,
            step=planned.step,
            content=words.content,
            content_version=words.version,
            variant=words.variant,
            language=words.language,
            due=planned.due,
            too_late=planned.too_late,
            planned_at=self._now,
            cause=self._cause,
            state=state,
            settled_at=self._now if state == SUPPRESSED else None,
            settled_by=self._cause if state == SUPPRESSED else "",
            reason=reason,
        )
        self._desk.messages.put(message.id, message)
        return message


def reasons(desk: Desk, rules: Rules, lead: str) -> Mapping[str, str]:
    """Return for each sequence in which a lead is not why it is not, for whoever asks."""
    standing = stand(desk.lead(lead), desk.profiles_of(lead), desk.contacts.find(lead))
    running = desk.running(lead)
    choice = choose(rules.sequences, standing, desk.runs_of(lead))
    return {
        name: reason
        for name, reason in choice.refusals.items()
        if running is None or running.sequence != name
    }
