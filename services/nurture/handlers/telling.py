"""What nurture says of runs and messages, as events on the topic nurture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.nurture.domain.course import Ended, Enrolled, Said, Settled
from services.nurture.domain.desk import SaidRow
from services.nurture.domain.enrolments import Enrolment
from services.nurture.domain.messages import Message
from shared.contracts.declarations import DECLARED
from shared.contracts.envelope import event_id, type_of
from shared.contracts.events import nurture
from shared.kernel.changes import Emission, Fact
from shared.kernel.instants import Instant, to_datetime


def tell(said: Sequence[Said], fact: Fact) -> tuple[list[Emission], list[SaidRow]]:
    """Return the events of what happened in one fact, and the rows by which they are kept."""
    emissions, rows = [], []
    for ordinal, one in enumerate(said):
        event = _event_of(one, fact.received)
        trace = one.enrolment.traceparent  # clocks and senders have none of their own
        emissions.append(Emission(event, event.lead, event.lead, fact.received, traceparent=trace))
        rows.append(
            SaidRow(
                event=event_id(fact.id, type_of(event), ordinal),
                lead=event.lead,
                kind=DECLARED.of_struct(type(event)).name,
                at=fact.received,
                cause=fact.id,
                enrolment=event.enrolment,
                message=event.message if isinstance(event, nurture.MessageEvent) else None,
                reason=_reason_of(one),
            )
        )
    return emissions, rows


def _event_of(said: Said, at: Instant) -> nurture.NurtureEvent:
    match said:
        case Enrolled(run):
            return nurture.LeadEnrolled(**_run(run), reason=run.why)
        case Ended(run):
            return nurture.SequenceExited(**_run(run), reason=run.reason, at=to_datetime(at))
        case Settled(message, _):
            return _message_event(message)


def _reason_of(said: Said) -> str:
    match said:
        case Enrolled(run):
            return run.why
        case Ended(run):
            return run.reason
        case Settled(message, _):
            return message.reason or message.chosen


def _run(run: Enrolment) -> dict[str, Any]:
    return {
        "lead": run.lead,
        "sequence": run.sequence,
        "sequence_version": run.version,
        "enrolment": run.id,
    }


def _message_event(message: Message) -> nurture.NurtureEvent:
    common: dict[str, Any] = {
        "lead": message.lead,
        "sequence": message.sequence,
        "sequence_version": message.sequence_version,
        "enrolment": message.enrolment,
        "step": message.step,
        "message": message.id,
    }
    match message.state:
        case "sent":
            return nurture.MessageSent(
                **common, content=message.chosen, content_version=message.content_version
            )
        case "failed":
            return nurture.MessageFailed(**common, code=message.reason)
        case "unconfirmed":
            return nurture.MessageUnconfirmed(**common)
        case "suppressed":
            return nurture.MessageSuppressed(**common, reason=message.reason)
        case "planned" | "sending":
            raise AssertionError("a message under way is not settled")
