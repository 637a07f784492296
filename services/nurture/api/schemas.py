"""What nurture's answers look like on the wire; nothing in them names a person."""

from __future__ import annotations

from pydantic import BaseModel

from services.nurture.domain.enrolments import Enrolment
from services.nurture.domain.messages import LedgerLine
from services.nurture.queries.leads import LeadAnswer
from services.nurture.queries.messages import SequenceCounts
from shared.kernel.instants import Instant, format_instant


class EnrolmentOut(BaseModel):
    """A run; `next` is when its next mail is due, `null` while one is under way."""

    id: str
    sequence: str
    version: int
    run: int
    state: str
    entered: str
    why: str
    cause: str
    step: str
    next: str | None
    mailed: dict[str, str]
    ended: str | None
    reason: str
    end_cause: str


class MessageOut(BaseModel):
    """A line of the ledger."""

    id: str
    lead: str
    enrolment: str
    sequence: str
    version: int
    step: str
    content: str
    content_version: int
    variant: str
    language: str
    state: str
    reason: str
    due: str
    planned: str
    cause: str
    settled: str | None
    settled_by: str
    attempts: int
    last_fault: str | None


class EngagementOut(BaseModel):
    """What came back from a message; `machine` says by what a machine gave itself away."""

    id: str
    message: str
    kind: str
    link: int
    at: str
    state: str
    machine: str


class LeadOut(BaseModel):
    """Where a lead is, what it got, what came back, and why it is in no other sequence."""

    lead: str
    sequence: str | None
    enrolments: list[EnrolmentOut]
    messages: list[MessageOut]
    engagements: list[EngagementOut]
    why_not: dict[str, str]


class SequenceOut(BaseModel):
    """A live sequence and what it has come to, over all its versions.

    `messages` counts by step and state; `engaged` from how many messages of a step people did what:
    `open`, `click`, `unsubscribe` or `bounce`.
    """

    sequence: str
    version: int
    description: str
    priority: int
    steps: list[str]
    runs: dict[str, int]
    messages: dict[str, dict[str, int]]
    engaged: dict[str, dict[str, int]]


def lead_out(answer: LeadAnswer) -> LeadOut:
    """Translate what is kept of a lead."""
    file = answer.file
    running = file.desk.running(file.lead)
    runs = sorted(file.desk.enrolments, key=lambda run: (run.entered, run.id))
    return LeadOut(
        lead=file.lead,
        sequence=None if running is None else running.sequence,
        enrolments=[_enrolment_out(run) for run in runs],
        messages=[message_out(line) for line in file.messages],
        engagements=[
            EngagementOut(
                id=row["id"],
                message=row["message"],
                kind=row["kind"],
                link=row["number"],
                at=format_instant(row["at"]),
                state=row["state"],
                machine=row["machine"],
            )
            for row in file.acts
        ],
        why_not=dict(answer.why_not),
    )


def message_out(line: LedgerLine) -> MessageOut:
    """Translate a line of the ledger."""
    message = line.message
    return MessageOut(
        id=message.id,
        lead=message.lead,
        enrolment=message.enrolment,
        sequence=message.sequence,
        version=message.sequence_version,
        step=message.step,
        content=message.content,
        content_version=message.content_version,
        variant=message.variant,
        language=message.language,
        state=message.state,
        reason=message.reason,
        due=format_instant(message.due),
        planned=format_instant(message.planned_at),
        cause=message.cause,
        settled=_text(message.settled_at),
        settled_by=message.settled_by,
        attempts=line.attempts,
        last_fault=line.last_fault,
    )


def sequence_out(counts: SequenceCounts) -> SequenceOut:
    """Translate a sequence and its counts."""
    document = counts.document
    return SequenceOut(
        sequence=document.name,
        version=document.version,
        description=document.description,
        priority=document.priority,
        steps=[step.step for step in document.steps],
        runs=dict(counts.runs),
        messages={step: dict(states) for step, states in sorted(counts.messages.items())},
        engaged={step: dict(kinds) for step, kinds in sorted(counts.engaged.items())},
    )


def _enrolment_out(run: Enrolment) -> EnrolmentOut:
    return EnrolmentOut(
        id=run.id,
        sequence=run.sequence,
        version=run.version,
        run=run.run,
        state=run.state,
        entered=format_instant(run.entered),
        why=run.why,
        cause=run.cause,
        step=run.step,
        next=_text(run.due),
        mailed={step: format_instant(at) for step, at in run.mailed.items()},
        ended=_text(run.ended),
        reason=run.reason,
        end_cause=run.end_cause,
    )


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else format_instant(instant)
