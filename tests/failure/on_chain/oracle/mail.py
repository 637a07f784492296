"""What must hold of mail, whatever the order was: the sink, the ledger and the topic, held together.

Each step reached a lead at most once; what is said to be sent has arrived; what has arrived and is not
known to be sent is listed as unknown; and no answer that was lost was ever guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from leadmill.demo.mail_sink import Received
from services.nurture.domain.messages import FAILED, SENT, SUPPRESSED, UNCONFIRMED, Message
from services.nurture.store.desk_rows import message_of
from services.nurture.store.documents import read_rulebook
from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.events import nurture
from shared.contracts.topics import NURTURE
from shared.log.port import Record, TopicPartition
from shared.postgres.database import Database
from tests.failure.on_services.oracle.effects import first_records
from tests.failure.on_services.worker import CALENDAR, CONFIG
from tests.failure.oracle.comparison import Differences

_KINDS: Final = {
    nurture.MessageSent: SENT,
    nurture.MessageFailed: FAILED,
    nurture.MessageUnconfirmed: UNCONFIRMED,
    nurture.MessageSuppressed: SUPPRESSED,
}


async def check_mail(
    log: Mapping[TopicPartition, Sequence[Record]],
    database: Database,
    received: Sequence[Received],
    differences: Differences,
) -> Counter[str]:
    """Check everything; returns how many mails arrived, and how many messages ended how."""
    async with database.connection() as connection:
        rows = [message_of(row) for row in await connection.fetch("SELECT * FROM message")]
    compare_mail({message.id: message for message in rows}, received, _told(log), differences)
    states = Counter(message.state for message in rows)
    return Counter(
        {
            "mails": len(received),
            "answers of mail lost": sum(not one.is_answered for one in received),
            **{f"messages {state}": count for state, count in states.items()},
        }
    )


def compare_mail(
    ledger: Mapping[str, Message],
    received: Sequence[Received],
    told: Mapping[str, str],
    differences: Differences,
) -> None:
    """Hold the ledger, what arrived, and what was said of each message last, against each other."""
    arrived = Counter(one.message_id for one in received)
    _check_once(ledger, arrived, differences)
    unanswered = {one.message_id for one in received if not one.is_answered}
    for identity in sorted({*ledger, *arrived}):
        message = ledger.get(identity)
        if message is None:
            differences.add("mail", f"{identity} arrived, and the ledger does not know it")
            continue
        state = message.state
        if state not in _KINDS.values():
            differences.add("mail", f"{identity} is left {state}")
        if state == SENT and identity not in arrived:
            differences.add("mail", f"{identity} is said to be sent, and has not arrived")
        if state not in {SENT, UNCONFIRMED} and identity in arrived:
            differences.add("mail", f"{identity} is {state}, and has arrived")
        if identity in unanswered and state != UNCONFIRMED:
            differences.add("mail", f"{identity} was never answered, and is {state}")
        if told.get(identity) != state:
            differences.add("mail", f"{identity} is {state}, the topic says {told.get(identity)}")


def _check_once(ledger: Mapping[str, Message], arrived: Counter[str], differences: Differences) -> None:
    """No message arrives twice, and no step of a sequence that has steps."""
    sequences = read_rulebook(CONFIG, calendar=CALENDAR).rules.sequences
    stepwise = {sequence.name for sequence in sequences.live if sequence.steps}
    steps: Counter[tuple[str, str, str]] = Counter()
    for identity, times in arrived.items():
        if times > 1:
            differences.add("mailed_twice", f"{identity} arrived {times} times")
        message = ledger.get(identity)
        if message is not None and message.sequence in stepwise:
            steps[message.lead, message.sequence, message.step] += times
    for step, times in steps.items():
        if times > 1:
            differences.add("mailed_twice", f"{step} arrived {times} times")


def _told(log: Mapping[TopicPartition, Sequence[Record]]) -> dict[str, str]:
    """Return what the topic says last of each message."""
    told: dict[str, str] = {}
    for record in first_records(log, NURTURE.name):
        event = decode_event(decode_envelope(record.value or b""))
        if isinstance(event, nurture.MessageEvent):
            told[event.message] = _KINDS[type(event)]
    return told
