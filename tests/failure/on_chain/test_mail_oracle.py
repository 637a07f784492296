"""The oracle of mail, tried by hand: what agrees passes, and every kind of damage shows."""

from __future__ import annotations

import msgspec
import pytest

from leadmill.demo.mail_sink import Received
from services.nurture.domain.messages import Message, State
from tests.failure.on_chain.oracle.mail import compare_mail
from tests.failure.oracle.comparison import Differences


def line(identity: str, state: State = "sent", *, step: str = "welcome", lead: str = "a") -> Message:
    return Message(
        id=identity,
        enrolment=f"run of {lead}",
        lead=lead,
        sequence="b_leads",
        sequence_version=1,
        step=step,
        content="welcome",
        content_version=1,
        variant="any",
        language="en",
        due=0,
        too_late=9,
        planned_at=0,
        cause="cause",
        state=state,
    )


def mail(identity: str, *, is_answered: bool = True) -> Received:
    content = f"Message-ID: <{identity}@mill.example>\r\n\r\nhello\r\n".encode()
    return Received("news@mill.example", "a@example.com", content, is_answered)


def found(*ledger: Message, arrived: tuple[Received, ...] = (), **told: str) -> Differences:
    """Compare; the topic says what the ledger says, unless ``told`` says otherwise."""
    differences = Differences()
    said = {message.id: str(message.state) for message in ledger} | told
    compare_mail({message.id: message for message in ledger}, arrived, said, differences)
    return differences


def test_what_agrees_passes_and_a_lost_answer_is_listed_whether_the_mail_arrived_or_not() -> None:
    ledger = (
        line("m1"),
        line("m2", "unconfirmed", step="practice"),
        line("m3", "unconfirmed", step="guide"),
        line("m4", "suppressed", lead="b"),
        line("m5", "failed", lead="c"),
    )
    assert found(*ledger, arrived=(mail("m1"), mail("m2", is_answered=False))).lines == []


@pytest.mark.parametrize("state", ["failed", "suppressed", "planned", "sending"])
def test_a_mail_that_arrived_is_sent_or_unknown_and_nothing_else(state: State) -> None:
    assert found(line("m1", state), arrived=(mail("m1"),)).kinds["mail"] >= 1


def test_a_mail_that_arrives_twice_shows_by_its_id_and_by_its_step() -> None:
    assert found(line("m1"), arrived=(mail("m1"), mail("m1"))).kinds == {"mailed_twice": 2}


def test_a_step_that_a_lead_got_in_two_runs_shows() -> None:
    second = msgspec.structs.replace(line("m2"), enrolment="another run")
    assert found(line("m1"), second, arrived=(mail("m1"), mail("m2"))).kinds == {"mailed_twice": 1}


def test_what_is_said_to_be_sent_must_have_arrived() -> None:
    assert found(line("m1")).kinds == {"mail": 1}


def test_an_answer_that_was_never_given_cannot_have_been_heard() -> None:
    assert found(line("m1"), arrived=(mail("m1", is_answered=False),)).kinds == {"mail": 1}


def test_a_mail_that_the_ledger_does_not_know_shows() -> None:
    assert found(arrived=(mail("m1"),)).kinds == {"mail": 1}


def test_the_topic_must_say_what_the_ledger_says() -> None:
    assert found(line("m1"), arrived=(mail("m1"),), m1="unconfirmed").kinds == {"mail": 1}
