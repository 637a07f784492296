"""The way through a link, as people, previews and marketers meet it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from services.ingest.domain.dialects.clicks import ClickRecord
from services.ingest.domain.links.addresses import CLICK, click_that_counts
from shared.log.port import LogUnavailable
from shared.log.spill import SpillFull
from tests.unit.ingest.links.gate import Gate
from tests.unit.ingest.requests import RECEIVED


@pytest.fixture
async def gate() -> AsyncIterator[Gate]:
    made = Gate()
    yield made
    await made.client.aclose()


def record_of(gate: Gate) -> ClickRecord:
    (raw,) = gate.raws
    assert (raw.channel, raw.kind, raw.source) == ("link", "click", "links")
    return msgspec.json.decode(raw.content, type=ClickRecord)


async def test_leads_on_with_campaign_and_click_and_writes_the_click_down(gate: Gate) -> None:
    answer = await gate.client.get("/l/spring")
    assert answer.status_code == 302
    assert "no-store" in answer.headers["cache-control"]
    led = urlsplit(answer.headers["location"])
    assert (led.netloc, led.path, led.fragment) == ("example.com", "/landing", "top")
    said = dict(parse_qsl(led.query))
    click = record_of(gate)
    assert said == {
        "a": "b",
        "utm_source": "baidu",
        "utm_medium": "cpc",
        "utm_campaign": "spring-2026",
        "utm_content": "factory",
        CLICK: click.click,
    }
    assert click_that_counts(click.click, occurred=RECEIVED) == click.click
    assert (click.link, click.campaign, click.ad, click.rep) == ("spring", "spring-2026", "factory", "r-7")
    assert not click.is_retired
    assert gate.clicks("kept") == 1


async def test_passes_on_what_an_ad_platform_added(gate: Gate) -> None:
    query = "gclid=g1&utm_term=mes&utm_campaign=other&redirect=https://evil.test"
    answer = await gate.client.get(f"/l/spring?{query}")
    said = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    assert (said["gclid"], said["utm_term"], said["utm_campaign"]) == ("g1", "mes", "spring-2026")
    assert "evil" not in answer.headers["location"]
    assert record_of(gate).passed == {"gclid": "g1"}


async def test_leads_on_when_the_link_is_retired_and_the_click_says_so(gate: Gate) -> None:
    answer = await gate.client.get("/l/old")
    assert answer.headers["location"].startswith("https://example.com/old?")
    assert record_of(gate).is_retired


async def test_takes_capital_letters_of_a_printed_address(gate: Gate) -> None:
    assert (await gate.client.get("/l/SPRING")).status_code == 302


async def test_two_clicks_have_two_ids(gate: Gate) -> None:
    for _ in range(2):
        await gate.client.get("/l/spring")
    assert len({msgspec.json.decode(raw.content)["click"] for raw in gate.raws}) == 2


async def test_answers_head_and_marks_it(gate: Gate) -> None:
    answer = await gate.client.head("/l/spring")
    assert answer.status_code == 302
    assert record_of(gate).method == "HEAD"


async def test_marks_what_only_looks_ahead(gate: Gate) -> None:
    await gate.client.get("/l/spring", headers={"sec-purpose": "prefetch;prerender"})
    assert record_of(gate).purpose == "prefetch;prerender"


@pytest.mark.parametrize("trouble", [LogUnavailable(), SpillFull()])
async def test_leads_on_and_counts_a_click_that_nobody_keeps(
    gate: Gate, trouble: LogUnavailable | SpillFull
) -> None:
    gate.sink.trouble = trouble
    answer = await gate.client.get("/l/spring")
    assert answer.status_code == 302
    assert not gate.raws
    assert (gate.clicks("kept"), gate.clicks("lost")) == (0, 1)


async def test_leads_on_before_a_slow_log_has_the_click_and_keeps_it_all_the_same() -> None:
    gate = Gate(patience=timedelta(milliseconds=20))
    gate.sink.may_keep.clear()
    sent: asyncio.Queue[object] = asyncio.Queue()
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(gate.follow("/l/spring", sent))  # type: ignore[arg-type]
        start, body = await sent.get(), await sent.get()
        assert isinstance(start, dict)
        assert isinstance(body, dict)
        assert start["status"] == 302
        assert not body.get("more_body")
        assert not gate.raws
        assert not following.done()
        gate.sink.may_keep.set()
    assert gate.clicks("kept") == 1
    assert record_of(gate).link == "spring"
    await gate.client.aclose()


class TestALinkThatThereIsNot:
    @pytest.mark.parametrize(
        ("language", "word"), [("zh-CN,zh;q=0.9", "链接不存在"), ("en-GB", "no such link"), ("", "链接")]
    )
    async def test_is_told_of_on_a_page(self, gate: Gate, language: str, word: str) -> None:
        answer = await gate.client.get("/l/nothing", headers={"accept-language": language})
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert word in answer.text
        assert "nothing" not in answer.text
        assert not gate.raws

    async def test_is_a_problem_to_whoever_wants_no_pages(self, gate: Gate) -> None:
        answer = await gate.client.get("/l/nothing", headers={"accept": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (404, "link.unknown")
        picture = await gate.client.get("/l/nothing/qr.svg")
        assert picture.status_code == 404

    async def test_is_not_called_unknown_while_nobody_can_tell(self, gate: Gate) -> None:
        gate.is_away = True
        answer = await gate.client.get("/l/spring")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "2"
        assert answer.headers["content-type"].startswith("text/html")


class TestACode:
    async def test_is_drawn_as_svg_and_png_of_the_whole_address(self) -> None:
        gate = Gate(public_url="https://go.example.com")
        svg = await gate.client.get("/l/spring/qr.svg")
        assert svg.headers["content-type"] == "image/svg+xml"
        assert svg.content.startswith(b"<?xml")
        png = await gate.client.get("/l/spring/qr.png")
        assert png.headers["content-type"] == "image/png"
        assert png.content.startswith(b"\x89PNG")
        assert not gate.raws

    async def test_holds_the_address_by_which_the_request_came_if_nothing_else_is_set(self) -> None:
        drawn = [await Gate(public_url=url).client.get("/l/spring/qr.svg") for url in ("", "http://test")]
        other = await Gate(public_url="https://go.example.com").client.get("/l/spring/qr.svg")
        assert drawn[0].content == drawn[1].content != other.content
