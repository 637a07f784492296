"""The sequence for B leads from records to mails in a mailbox, on both logs (N1, N2, N3)."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.contracts.events import nurture
from shared.kernel.instants import DAY, HOUR, MINUTE
from tests.services.nurture.stand import Stand
from tests.services.nurture.words import Words
from tests.unit.nurture.stories import START, shanghai


async def test_the_four_mails_of_a_fortnight_arrive_when_they_should(stand: Stand, words: Words) -> None:
    ada = words.lead("ada")
    await stand.learn(
        words.captured("ada", START, industry="manufacturing", title_level="vp"),
        words.contact("ada", START, name="Ada <Lovelace>", language="zh-CN", company_name="云端 & Co"),
        words.tier("ada", "B", START),
    )
    assert len(stand.mails("ada")) == 1
    await stand.pass_to(START + 20 * DAY)

    letters = [one.message for one in stand.mails("ada")]
    assert [letter["Date"].datetime.isoformat() for letter in letters] == [
        "2026-03-02T06:30:00+00:00",
        "2026-03-05T02:00:00+00:00",
        "2026-03-09T02:00:00+00:00",
        "2026-03-12T02:00:00+00:00",
    ]
    assert letters[1]["Subject"] == "制造企业怎样把展会线索变成可计算的回报"
    events = [event for event in await stand.said(ada) if isinstance(event, nurture.MessageSent)]
    assert [event.content for event in events] == [
        "welcome.owner.zh",
        "practice.manufacturing_owner.zh",
        "guide.owner.zh",
        "invitation.owner.zh",
    ]
    assert [one.message_id for one in stand.mails("ada")] == [event.message for event in events]
    assert (await stand.told(ada))[-1] == "SequenceExited completed"
    assert not await stand.breaches()


@pytest.mark.every_run
async def test_promotion_stops_it_at_once(stand: Stand, words: Words) -> None:
    await stand.learn(*words.becomes_b("ada", START), *words.becomes_b("ben", START))
    await stand.pass_to(START + HOUR)
    at = START + HOUR
    await stand.learn(words.tier("ada", "A", at), words.assigned("ben", at))
    await stand.pass_to(START + 30 * DAY)

    assert [len(stand.mails("ada")), len(stand.mails("ben"))] == [1, 1]
    assert await stand.told(words.lead("ada")) == [
        "LeadEnrolled mql/B",
        "MessageSent welcome",
        "SequenceExited promoted",
    ]
    assert (await stand.told(words.lead("ben")))[-1] == "SequenceExited assigned"
    assert await stand.value("SELECT count(*) FROM timer") == 0
    assert not await stand.breaches()


async def test_a_letter_is_what_mail_and_its_reader_ask_for(small_stand: Stand, words: Words) -> None:
    stand = small_stand
    await stand.learn(
        words.captured("ada", START),
        words.contact("ada", START, name="Ada <b>Lovelace</b> {{ 7*7 }}", language="en"),
        words.tier("ada", "B", START),
    )
    (mail,) = stand.mails("ada")
    letter = mail.message
    assert mail.sender == "news@mill.example"
    assert str(letter["From"]) == "Mill & Co <news@mill.example>"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.search(
        rb"^List-Unsubscribe: <https://news.mill.example/t/u/[\w-]{46}>\r$", mail.content, re.MULTILINE
    )
    assert letter.get_content_type() == "multipart/alternative"
    assert all(len(line) < 999 for line in mail.content.split(b"\r\n"))
    text, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "Ada <b>Lovelace</b> {{ 7*7 }}, thank you" in text.get_content()
    assert "Ada &lt;b&gt;Lovelace&lt;/b&gt; {{ 7*7 }}, thank you" in html.get_content()
    for body in (text.get_content(), html.get_content()):
        assert "1 Mill Lane, Shanghai" in body
        assert str(letter["List-Unsubscribe"]).strip("<>") in body
    assert "/t/o/" in html.get_content()
    (link,) = [word for word in text.get_content().split() if "overview" in word]
    assert parse_qs(urlsplit(link).query)["u"] == ["https://www.example.com/overview"]


async def test_ten_in_the_morning_is_the_recipients(small_stand: Stand, words: Words) -> None:
    stand = small_stand
    await stand.learn(*words.becomes_b("ada", START, time_zone="America/New_York"))
    await stand.pass_to(START + 20 * DAY)
    assert [one.message["Date"].datetime.isoformat() for one in stand.mails("ada")][1:] == [
        "2026-03-05T15:00:00+00:00",
        "2026-03-09T14:00:00+00:00",  # New York moved its clocks on the 8th
        "2026-03-12T14:00:00+00:00",
    ]


async def test_a_lead_is_explained(small_stand: Stand, words: Words) -> None:
    stand = small_stand
    ada, ben = words.lead("ada"), words.lead("ben")
    await stand.learn(*words.becomes_b("ada", START), words.tier("ben", "B", START))
    told = await stand.lead(ada)
    assert told["sequence"] == "b_leads"
    (run,) = told["enrolments"]
    assert (run["step"], run["next"], run["why"]) == ("practice", "2026-03-05T02:00:00Z", "mql/B")
    (message,) = told["messages"]
    assert (message["state"], message["step"], message["variant"]) == ("sent", "welcome", "general")
    assert told["why_not"] == {"lost_deals": "no_deal_lost", "c_content": "promoted"}
    assert (await stand.lead(ben))["why_not"]["b_leads"] == "no_address"
    assert (await stand.http.get("/nurture/v1/leads/nobody")).json()["code"] == "nurture.lead_unknown"

    lines = await stand.blueprint.tell(ada)
    assert [line.kind for line in lines] == ["lead_enrolled", "mail planned", "message_sent"]
    _, planned, sent = lines
    assert planned.event == sent.cause == message["id"]
    assert planned.cause == run["cause"]


async def test_sequences_are_listed_with_what_they_have_come_to(small_stand: Stand, words: Words) -> None:
    stand = small_stand
    await stand.learn(*words.becomes_b("ada", START), *words.becomes_b("ben", START))
    await stand.learn(words.tier("ben", "A", START + MINUTE))
    (first, *others) = (await stand.http.get("/nurture/v1/sequences")).json()
    assert first["sequence"] == "b_leads"
    assert first["steps"] == ["welcome", "practice", "guide", "invitation"]
    assert first["runs"] == {"running": 1, "ended": 1}
    assert first["messages"] == {"welcome": {"sent": 2}}
    assert [other["sequence"] for other in others] == ["lost_deals", "c_content"]


async def test_without_a_calendar_day_there_is_no_mail_on_a_holiday(small_stand: Stand, words: Words) -> None:
    stand = small_stand
    begun = shanghai("2026-04-28T16:00")
    stand.clock.advance_to(begun)
    await stand.learn(*words.becomes_b("ada", begun))
    await stand.pass_to(begun + 8 * DAY)
    assert [one.message["Date"].datetime.isoformat() for one in stand.mails("ada")] == [
        "2026-04-28T08:00:00+00:00",
        "2026-05-06T02:00:00+00:00",
    ]
