"""Handing mail over, to a real server on loopback that behaves as told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from leadmill.demo.mail_sink import MailSink, Treatment
from shared.delivery.mail import MailLine, MailServer
from shared.delivery.outcomes import Accepted, Deferred, Outcome, Refused, Unknown

MESSAGE = b"Message-ID: <one@example.com>\r\nSubject: Hello\r\n\r\nA line.\r\n..and one with dots\r\n"


@pytest.fixture
async def sink() -> AsyncIterator[MailSink]:
    async with MailSink() as opened:
        yield opened


@pytest.fixture
async def line(sink: MailSink) -> AsyncIterator[MailLine]:
    opened = MailLine(server_at(sink.port))
    yield opened
    await opened.close()


def server_at(port: int) -> MailServer:
    return MailServer(
        host="127.0.0.1", port=port, security="none", timeout=timedelta(seconds=1), name="test.invalid"
    )


async def send(line: MailLine, recipient: str = "ada@example.com") -> Outcome:
    return await line.send(MESSAGE, sender="news@example.com", recipient=recipient)


async def test_a_message_arrives_as_it_was_on_one_connection_for_many(sink: MailSink, line: MailLine) -> None:
    assert [await send(line), await send(line, "ben@example.com")] == [Accepted(), Accepted()]
    assert [received.recipient for received in sink.received] == ["ada@example.com", "ben@example.com"]
    assert sink.received[0].sender == "news@example.com"
    assert sink.received[0].content == MESSAGE
    assert sink.received[0].message_id == "one"
    assert sink.conversations == 1


@pytest.mark.parametrize(
    ("treatment", "outcome", "arrives"),
    [
        (Treatment.REFUSE_RECIPIENT, Refused("mail.550"), 0),
        (Treatment.REFUSE_DATA, Refused("mail.554"), 0),
        (Treatment.DEFER_RECIPIENT, Deferred("mail.451"), 0),
        (Treatment.DEFER_DATA, Deferred("mail.452"), 0),
        (Treatment.HANG_UP_EARLY, Deferred("mail.unreachable"), 0),
        (Treatment.LOSE_ANSWER, Unknown("mail.answer_lost"), 1),
        (Treatment.NEVER_ANSWER, Unknown("mail.answer_lost"), 1),
    ],
)
async def test_what_is_told_is_what_is_known(
    sink: MailSink, line: MailLine, treatment: Treatment, outcome: Outcome, arrives: int
) -> None:
    sink.treat = lambda recipient: treatment if recipient.startswith("odd") else Treatment.TAKE
    assert await send(line, "odd@example.com") == outcome
    assert len(sink.received) == arrives
    assert await send(line) == Accepted(), "the next message is not hurt"


async def test_a_server_that_is_not_there_may_be_there_later(sink: MailSink) -> None:
    async with MailSink() as gone:
        port = gone.port
    line = MailLine(server_at(port))
    assert await send(line) == Deferred("mail.unreachable")
    await line.close()


async def test_a_server_that_wants_no_tls_gets_nothing_in_the_clear(sink: MailSink) -> None:
    line = MailLine(MailServer(host="127.0.0.1", port=sink.port, security="starttls"))
    assert isinstance(await send(line), Deferred)
    assert not sink.received
    await line.close()
