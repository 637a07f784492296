"""Opens, clicks and the way out: from the links in a mail to events at the front door."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from shared.kernel.instants import DAY, HOUR, MINUTE, SECOND
from shared.security.internal_keys import internal_key
from tests.services.nurture.conftest import open_stand
from tests.services.nurture.stand import Stand
from tests.services.nurture.words import Words
from tests.services.surroundings.stand import SECRETS
from tests.unit.nurture.stories import START

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SEQUENCES = "/nurture/v1/sequences"


class Mail:
    """A mail in a mailbox, and what one can do with it."""

    def __init__(self, stand: Stand, who: str) -> None:
        (received,) = stand.mails(who)
        self.id = received.message_id
        self.stand = stand
        body = received.message.get_body(("html",))
        assert body is not None
        html = body.get_content().replace("&amp;", "&")
        self.pixel = re.findall(r'src="([^"]+)"', html)[0]
        self.links = re.findall(r'href="([^"]+/t/c/[^"]+)"', html)
        self.way_out = str(received.message["List-Unsubscribe"]).strip("<>")

    async def ask(self, url: str, method: str = "GET", **more: Any) -> httpx.Response:
        return await self.stand.http.request(method, url, **more)


async def becomes_a_reader(stand: Stand, words: Words, who: str = "ada") -> Mail:
    """Somebody gets a mail, and an hour goes by."""
    await stand.learn(words.captured(who, START), words.contact(who, START))
    await stand.learn(words.tier(who, "B", START, traceparent=TRACE))
    stand.clock.advance_to(START + HOUR)
    return Mail(stand, who)


@pytest.fixture
async def mail(small_stand: Stand, words: Words) -> Mail:
    return await becomes_a_reader(small_stand, words)


async def test_an_open_and_a_click_come_to_the_front_door_as_new_events(mail: Mail, words: Words) -> None:
    stand = mail.stand
    opened = await mail.ask(mail.pixel)
    assert (opened.status_code, opened.headers["content-type"]) == (200, "image/gif")
    assert "no-store" in opened.headers["cache-control"]
    stand.clock.advance_to(START + HOUR + MINUTE)
    clicked = await mail.ask(mail.links[1])
    assert (clicked.status_code, clicked.headers["location"]) == (302, "https://www.example.com/book-a-demo")
    await stand.settle()

    first, second = sorted(stand.door.told, key=lambda event: event["timestamp"])
    assert first | {"messageId": ""} == {
        "type": "track",
        "event": "Email Opened",
        "messageId": "",
        "leadId": words.lead("ada"),
        "timestamp": "2026-03-02T07:30:00Z",
        "properties": {"message": mail.id},
    }
    assert second["event"] == "Email Link Clicked"
    assert second["properties"] == {"message": mail.id, "link": "book", "purpose": "book_demo"}
    assert stand.door.keys == {internal_key(SECRETS.pepper.reveal(), "nurture").reveal()}
    assert set(stand.door.traces) == {TRACE}, "what comes of a mail is told in the trace that it came of"
    told = await stand.lead(words.lead("ada"))
    assert [(act["kind"], act["state"]) for act in told["engagements"]] == [
        ("open", "told"),
        ("click", "told"),
    ]


async def test_the_same_act_twice_is_told_once(mail: Mail) -> None:
    for _ in range(3):
        await mail.ask(mail.pixel)
    await mail.stand.settle()
    assert len(mail.stand.door.told) == 1


async def test_a_link_leads_only_where_the_mail_led(mail: Mail) -> None:
    address, _, _ = mail.links[0].partition("?")
    for target in ("https://evil.example", "https://www.example.com/book-a-demo", "", "//evil.example"):
        answer = await mail.ask(address, params={"u": target})
        assert (answer.status_code, answer.json()["code"]) == (404, "nurture.link_unknown")
        assert "location" not in answer.headers
    token = address.rpartition("/")[2]
    for changed in (token[::-1], token[:-1], token + "A", "x"):
        assert (await mail.ask(mail.links[0].replace(token, changed))).status_code == 404
        assert (await mail.ask(mail.way_out.rpartition("/")[0] + "/" + changed, "POST")).status_code == 404
    assert (await mail.ask(mail.way_out.rpartition("/")[0] + "/" + token, "POST")).status_code == 404
    assert (await mail.ask(mail.pixel.replace("/t/o/", "/t/o/x"))).status_code == 200, (
        "a picture is a picture"
    )
    await mail.stand.settle()
    assert not mail.stand.door.told


async def test_one_click_unsubscribes_and_a_look_does_not(stand: Stand, words: Words) -> None:
    mail = await becomes_a_reader(stand, words)
    for language, title in (
        ("en-GB", "Unsubscribe"),
        ("zh-CN,zh;q=0.9", "退订邮件"),
        ("fr, en", "Unsubscribe"),
    ):
        page = await mail.ask(mail.way_out, headers={"accept-language": language})
        assert page.status_code == 200
        assert f"<h1>{title}</h1>" in page.text
        assert '<form method="post">' in page.text
    await stand.settle()
    assert not stand.door.told

    done = await mail.ask(mail.way_out, "POST", data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    await stand.settle()
    (event,) = stand.door.told
    assert (event["event"], event["leadId"]) == ("Unsubscribed", words.lead("ada"))
    assert event["properties"] == {"message": mail.id, "delivery_channel": "email"}

    # nothing is sent from now on, even before the event has come round
    await stand.pass_to(START + 4 * DAY)
    assert len(stand.mails("ada")) == 1
    await stand.learn(words.unsubscribed("ada", START + 4 * DAY))
    assert (await stand.told(words.lead("ada")))[-2:] == [
        "MessageSuppressed practice unsubscribed",
        "SequenceExited unsubscribed",
    ]
    assert not await stand.breaches()


async def test_a_front_door_that_is_shut_loses_nothing(mail: Mail) -> None:
    stand = mail.stand
    stand.door.status = 503
    await mail.ask(mail.pixel)
    await mail.ask(mail.links[0])
    await stand.until("SELECT count(*) = 2 FROM engagement WHERE attempts > 0")
    assert not stand.door.told
    stand.door.status = 200
    await stand.execute("UPDATE engagement SET next_attempt = clock_timestamp()")
    await stand.settle()
    assert len({event["messageId"] for event in stand.door.told}) == 2


async def test_what_machines_do_is_kept_and_goes_no_further(mail: Mail, words: Words) -> None:
    stand = mail.stand
    await mail.ask(mail.links[0], "HEAD")
    await mail.ask(mail.links[0], headers={"user-agent": "Barracuda Sentinel"})
    await mail.ask(mail.pixel, headers={"user-agent": "Mozilla/5.0 (compatible; bot/1.0)"})
    await stand.settle()
    assert not stand.door.told
    told = await stand.lead(words.lead("ada"))
    assert [act["state"] for act in told["engagements"]] == ["kept", "kept"], "two clicks of machines are one"
    await mail.ask(mail.links[0])
    await stand.settle()
    assert len(stand.door.told) == 1, "and hide no person's"


async def test_sequences_count_what_people_did_step_by_step_and_leave_machines_out(mail: Mail) -> None:
    stand = mail.stand
    await mail.ask(mail.links[0], headers={"user-agent": "Barracuda Sentinel"})
    await mail.ask(mail.pixel)
    await mail.ask(mail.links[0])
    stand.clock.advance_to(START + HOUR + MINUTE)
    await mail.ask(mail.links[1])
    await mail.ask(mail.way_out, "POST")
    await stand.settle()
    listed = {one["sequence"]: one["engaged"] for one in (await stand.http.get(SEQUENCES)).json()}
    assert listed["b_leads"] == {"welcome": {"open": 1, "click": 1, "unsubscribe": 1}}
    assert listed["c_content"] == {}


async def test_a_click_right_after_the_sending_is_a_machines(small_stand: Stand, words: Words) -> None:
    stand = small_stand
    await stand.learn(*words.becomes_b("ada", START))
    mail = Mail(stand, "ada")
    stand.clock.advance_to(START + 4 * SECOND)
    assert (await mail.ask(mail.links[0])).status_code == 302
    await stand.settle()
    assert not stand.door.told
    (act,) = (await stand.lead(words.lead("ada")))["engagements"]
    assert act["machine"] == "too_quick"


async def test_links_work_while_the_database_is_away_and_nothing_is_lost(mail: Mail) -> None:
    stand = mail.stand
    await stand.database.stop()
    assert (await mail.ask(mail.links[0])).status_code == 302
    assert (await mail.ask(mail.pixel)).status_code == 200
    refused = await mail.ask(mail.way_out, "POST")
    assert refused.status_code == 503, "an unsubscription is never only promised"
    assert refused.headers["retry-after"]

    await stand.database.start()
    await stand.until("SELECT count(*) = 2 FROM engagement")
    await stand.settle()
    assert {event["event"] for event in stand.door.told} == {"Email Opened", "Email Link Clicked"}
    assert (await mail.ask(mail.way_out, "POST")).status_code == 200


async def test_what_was_answered_while_the_database_was_away_outlives_the_process(mail: Mail) -> None:
    stand = mail.stand
    await stand.database.stop()
    assert (await mail.ask(mail.links[0])).status_code == 302
    assert (await mail.ask(mail.pixel)).status_code == 200

    await stand.restart()
    await stand.until("SELECT count(*) = 2 FROM engagement")
    await stand.settle()
    assert {event["event"] for event in stand.door.told} == {"Email Opened", "Email Link Clicked"}


async def test_what_neither_database_nor_disk_takes_is_not_answered_as_if_it_were_kept(
    request: pytest.FixtureRequest, database_url: str, words: Words
) -> None:
    async with open_stand("embedded", request, database_url, spill=False) as stand:
        await stand.start()
        mail = await becomes_a_reader(stand, words)
        await stand.database.stop()
        for link in (mail.links[0], mail.pixel):
            refused = await mail.ask(link)
            assert (refused.status_code, refused.json()["code"]) == (503, "nurture.not_kept")
            assert refused.headers["retry-after"]
        await stand.database.start()
        assert (await mail.ask(mail.links[0])).status_code == 302


async def test_addresses_are_documented_and_other_methods_refused(mail: Mail) -> None:
    document = (await mail.ask("/openapi.json")).json()
    assert {"/t/o/{token}.gif", "/t/c/{token}", "/t/u/{token}"} <= set(document["paths"])
    assert (await mail.ask(mail.links[0], "POST")).status_code == 405
    assert (await mail.ask(SEQUENCES, headers={"authorization": ""})).status_code == 401
