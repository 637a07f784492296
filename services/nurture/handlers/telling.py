"""What nurture says of runs and messages, as events on the topic nurture."""

from __future__ import annotations

from typing import Any

from services.nurture.domain.course import Ended, Enrolled, Said, Settled
from services.nurture.domain.enrolments import Enrolment
from services.nurture.domain.messages import Message
from shared.contracts.events import nurture
from shared.kernel.changes import Emission
from shared.kernel.instants import Instant, to_datetime


def tell(said: Said, *, at: Instant) -> Emission:
    """Return the event of one thing that happened at ``at``."""
    match said:
        case Enrolled(run):
            return _emission(nurture.LeadEnrolled(**_run(run), reason=run.why), at)
        case Ended(run):
            return _emission(nurture.SequenceExited(**_run(run), reason=run.reason, at=to_datetime(at)), at)
        case Settled(message):
            return _emission(_message_event(message), at)


def _emission(event: nurture.NurtureEvent, at: Instant) -> Emission:
    return Emission(event, event.lead, event.lead, at)


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
