"""What one fact brings about: events that are said, each with its row; everything else is on the desk."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from services.routing.domain.desk import Desk
from services.routing.domain.lead import Lead
from services.routing.domain.rows import Notice, Row, Said, TaskClosed, TaskOpened
from services.routing.domain.rulebook import Rulebook
from shared.contracts.envelope import event_id, type_of
from shared.contracts.events.assignments import AssignmentEvent, TaskCreated
from shared.kernel.changes import Emission, Fact, Ruling
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant


@dataclass(slots=True)
class Telling:
    """The fact in hand, the desk, the rules; and what has been said so far, in order."""

    desk: Desk
    rulebook: Rulebook
    fact: Fact
    emissions: list[Emission] = field(default_factory=list)
    reply: object = None

    @property
    def now(self) -> Instant:
        """The only now there is."""
        return self.fact.received

    def lead(self, lead_id: str) -> Lead:
        """Return a lead, beginning it if nothing was known of it."""
        return self.desk.open_lead(lead_id, at=self.now, cause=self.fact.id)

    def save(self, lead: Lead) -> Lead:
        """Put a changed lead on the desk, and return it."""
        self.desk.save_lead(lead, cause=self.fact.id)
        return lead

    def write(self, row: Row) -> None:
        """Append a row."""
        self.desk.rows.append(row)

    def say(self, lead: Lead, event: AssignmentEvent) -> Lead:
        """Say something about a lead; returns the lead, which counts what is said of it."""
        identity = event_id(self.fact.id, type_of(event), len(self.emissions))
        self.emissions.append(Emission(event, lead.id, lead.id, self.now))
        lead = self.save(msgspec.structs.replace(lead, said=lead.said + 1))
        self.write(
            Said(
                lead=lead.id,
                number=lead.said,
                event=identity,
                kind=type_of(event).split(".")[1],
                at=self.now,
                cause=self.fact.id,
                assignment=getattr(event, "assignment", ""),
                by=getattr(self.fact.event, "by", ""),
                fields=msgspec.json.encode(event),
            )
        )
        return lead

    def open_task(self, lead: Lead, kind: str, *, missing: tuple[str, ...] = ()) -> Lead:
        """Ask the lead's owner, or without one the team, to do something; once while it is not done."""
        if kind in lead.tasks:
            return lead
        task = deterministic_id("task", self.fact.id, lead.id, kind)
        rep = lead.spell.rep if lead.spell else None
        team = lead.spell.team if lead.spell else ""
        lead = msgspec.structs.replace(lead, tasks={**lead.tasks, kind: task})
        self.write(
            TaskOpened(
                id=task,
                lead=lead.id,
                kind=kind,
                rep=rep,
                team=team,
                at=self.now,
                missing=missing,
                cause=self.fact.id,
            )
        )
        return self.say(lead, TaskCreated(lead=lead.id, task=task, kind=kind, rep=rep, missing=list(missing)))

    def close_task(self, lead: Lead, kind: str, reason: str) -> Lead:
        """A task is done with, if it was open."""
        task = lead.tasks.get(kind)
        if task is None:
            return lead
        self.write(TaskClosed(task, self.now, reason))
        tasks = {other: one for other, one in lead.tasks.items() if other != kind}
        return self.save(msgspec.structs.replace(lead, tasks=tasks))

    def notify(self, lead: Lead, kind: str, rep: str | None = None) -> None:
        """Leave a notice for a rep (the owner unless another is named; without either the managers)."""
        to = rep if rep is not None else (lead.spell.rep if lead.spell else "")
        identity = deterministic_id("notice", self.fact.id, lead.id, kind, to)
        self.write(Notice(id=identity, rep=to, lead=lead.id, kind=kind, at=self.now, cause=self.fact.id))

    def ruling(self) -> Ruling:
        """Return what the processor is to do."""
        return Ruling(self.emissions, dict(self.desk.timers), self.reply)
