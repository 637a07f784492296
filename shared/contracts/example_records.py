"""Examples of every event as they would lie in the log, with ids that never change."""

from __future__ import annotations

from shared.contracts.attributes import EXAMPLE_LEAD, EXAMPLE_MOMENT
from shared.contracts.declarations import Declaration, Event
from shared.contracts.envelope import encode_event, event_id, source_of, type_of
from shared.contracts.events import EXAMPLES, dead_letters, raw
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import SECOND, from_datetime

_CAUSE = deterministic_id("example")
_FIRST_ID = event_id(_CAUSE, type_of(raw.RawReceived), 0)
_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def examples_of(declaration: Declaration) -> list[Event]:
    """Return the invented instances of an event, as its module declares them."""
    return [event for event in EXAMPLES if type(event) is declaration.struct]


def records_of(declaration: Declaration) -> list[bytes]:
    """Return one record's value per example of an event; all belong to the chain of the first raw one."""
    happened = from_datetime(EXAMPLE_MOMENT)
    begins_the_chain = declaration.struct is raw.RawReceived
    return [
        encode_event(
            event,
            id=event_id(_CAUSE, declaration.type, ordinal),
            source=source_of(declaration.topics[0].owner),
            subject=_subject_of(event),
            occurred=happened,
            received=happened + SECOND,
            partition_key=EXAMPLE_LEAD,
            causation_id=None if begins_the_chain else _FIRST_ID,
            correlation_id=_FIRST_ID,
            traceparent=_TRACE,
        )
        for ordinal, event in enumerate(examples_of(declaration))
    ]


def _subject_of(event: Event) -> str:
    if isinstance(event, dead_letters.DeadLetter):
        return f"{event.topic}/{event.partition}/{event.offset}"
    return str(getattr(event, "lead", EXAMPLE_LEAD))
