"""What nurture does with a lead. Key and subject: lead id; nothing in it names a person."""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Meta

from shared.contracts.attributes import EXAMPLE_LEAD, EXAMPLE_MOMENT, LeadId, Moment
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.topics import NURTURE


class NurtureEvent(Event, frozen=True, kw_only=True):
    """What every event about one run through a sequence carries."""

    lead: LeadId
    sequence: str
    sequence_version: int
    enrolment: Annotated[str, Meta(description="Names this run through the sequence")]


class MessageEvent(NurtureEvent, frozen=True, kw_only=True):
    """What every event about one message carries."""

    step: str
    message: Annotated[str, Meta(description="Names this message to this lead; opens and clicks carry it")]
    delivery_channel: str = "email"


@DECLARED.declare(name="lead_enrolled", on=NURTURE)
class LeadEnrolled(NurtureEvent, frozen=True, kw_only=True):
    """The lead began a sequence. Those inside finish the version they began."""

    reason: Annotated[str, Meta(description="What fulfilled the entry, for example tier B in mql")]


@DECLARED.declare(name="message_sent", on=NURTURE)
class MessageSent(MessageEvent, frozen=True, kw_only=True):
    """The next system accepted the message. Does not imply that it was delivered or read."""

    content: Annotated[str, Meta(description="Which content was chosen, for example practice.manufacturing")]
    content_version: int = 1


@DECLARED.declare(name="message_failed", on=NURTURE)
class MessageFailed(MessageEvent, frozen=True, kw_only=True):
    """The message was refused for good, and the sequence goes on without it."""

    code: str


@DECLARED.declare(name="message_unconfirmed", on=NURTURE)
class MessageUnconfirmed(MessageEvent, frozen=True, kw_only=True):
    """The answer to a send was lost: it may or may not have gone out, and is never repeated by itself."""


@DECLARED.declare(name="message_suppressed", on=NURTURE)
class MessageSuppressed(MessageEvent, frozen=True, kw_only=True):
    """The message was not sent, for a stated reason."""

    reason: Annotated[str, Meta(description="unsubscribed, no_address, too_late, erased, …")]


@DECLARED.declare(name="sequence_exited", on=NURTURE)
class SequenceExited(NurtureEvent, frozen=True, kw_only=True):
    """The lead left a sequence; nothing of it is sent any more."""

    reason: Annotated[str, Meta(description="completed, promoted, unsubscribed, assigned, merged, erased, …")]
    at: Moment


_RUN: Final[Any] = {
    "lead": EXAMPLE_LEAD,
    "sequence": "b_leads",
    "sequence_version": 1,
    "enrolment": "e-5f1c-1",
}
_MESSAGE: Final[Any] = {**_RUN, "step": "welcome", "message": "m-5f1c-1-welcome"}

EXAMPLES: Final = (
    LeadEnrolled(**_RUN, reason="mql/B"),
    MessageSent(**_MESSAGE, content="welcome.manufacturing"),
    MessageFailed(**_MESSAGE, code="smtp.refused"),
    MessageUnconfirmed(**_MESSAGE),
    MessageSuppressed(**_MESSAGE, reason="unsubscribed"),
    SequenceExited(**_RUN, reason="promoted", at=EXAMPLE_MOMENT),
)
