"""What brought somebody."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.dialects.acquisition import AcquisitionReader, Clues
from services.ingest.domain.intake import Acquisition, Intake
from shared.contracts.events.behaviour import FormSubmitted, PageViewed
from shared.contracts.events.leads import LeadCaptured
from shared.contracts.events.raw import RawReceived
from tests.unit.ingest.requests import RECEIVED, RULEBOOK, make_reader, read_request
from tests.unit.ingest.shelf import Shelf

READER = AcquisitionReader(RULEBOOK.channels)
SITE = "https://www.example.com/pricing"


def said(channel: Any, body: Any, *, kind: str = "page") -> list[Any]:
    text = body if isinstance(body, str) else msgspec.json.encode(body).decode()
    raw = RawReceived(source="website", channel=channel, kind=kind, body=text)
    intake = make_reader().on_raw_received(raw, record_id="0" * 32, received=RECEIVED)
    assert isinstance(intake, Intake)
    return [one.event for one in Shelf().resolve([intake])[0]]


class TestAPage:
    @pytest.mark.parametrize(
        ("clues", "channel"),
        [
            (Clues(f"{SITE}?gclid=x&utm_medium=email"), "paid_search"),
            (Clues(SITE, search="?bd_vid=1"), "paid_search"),
            (Clues(f"{SITE}?utm_medium=CPC&utm_source=google"), "paid_search"),
            (Clues(f"{SITE}?utm_medium=cpc&utm_source=facebook"), "paid_social"),
            (Clues(f"{SITE}?utm_medium=Paid-Social"), "paid_social"),
            (Clues(f"{SITE}?fbclid=1"), "social"),
            (Clues(f"{SITE}?fbclid=1&utm_medium=paid_social"), "paid_social"),
            (Clues(f"{SITE}?utm_medium=newsletter"), "email"),
            (Clues(f"{SITE}?utm_source=linkedin&utm_campaign=x"), "social"),
            (Clues(f"{SITE}?utm_campaign=x"), "other"),
            (Clues(SITE, campaign={"source": "google", "medium": "cpc", "name": "fall"}), "paid_search"),
            (Clues(SITE, referrer="https://www.google.co.uk/"), "organic_search"),
            (Clues(SITE, referrer="https://m.baidu.com/s?wd=mes"), "organic_search"),
            (Clues(SITE, referrer="https://mp.weixin.qq.com/s/1"), "social"),
            (Clues(SITE, referrer="https://partner.example.org/x"), "referral"),
            (Clues(SITE, referrer=""), "direct"),
            (Clues(SITE, referrer="$direct"), "direct"),
            (Clues(SITE, referrer="https://example.com/"), None),
            (Clues(f"{SITE}?q=1", referrer="https://www.example.com/home"), None),
            (Clues(SITE), None),
            (Clues(), None),
            (Clues("http://[", referrer="http://["), "direct"),
        ],
    )
    def test_tells_its_channel(self, clues: Clues, channel: str | None) -> None:
        found = READER.read(clues)
        assert (None if found is None else found.channel) == channel

    def test_tells_campaign_ad_and_keyword(self) -> None:
        url = f"{SITE}?utm_medium=cpc&utm_campaign=spring-2026&utm_content=b&utm_term=mes%20system"
        assert READER.read(Clues(url, referrer="https://www.google.com/")) == Acquisition(
            "paid_search",
            campaign="spring-2026",
            ad="b",
            keyword="mes system",
            medium="cpc",
            referrer="www.google.com",
            source="Google",
            landing_page="www.example.com/pricing",
            ad_ids={},
        )

    def test_names_nobody(self) -> None:
        url = f"{SITE}?utm_campaign=to-ada@example.com&utm_term=13800138000&email=ada@example.com"
        found = READER.read(Clues(url, referrer="https://ada@example.com@mail.example.org/"))
        assert "ada@" not in repr(found)
        assert "13800138000" not in repr(found)

    @given(st.builds(Clues, *[st.none() | st.text(max_size=40)] * 3))
    def test_is_read_whatever_it_says(self, clues: Clues) -> None:
        found = READER.read(clues)
        assert found is None or found.channel


class TestAMessage:
    def test_of_a_real_browser_tells_what_brought_it(self) -> None:
        request = read_request("segment-ajs184-standard-02-POST")
        (page,) = [one for one in said("sdk", request.text) if isinstance(one, PageViewed)]
        assert page.acquisition is not None
        assert page.acquisition.channel == "paid_search"

    def test_of_a_form_takes_hidden_fields_as_what_brought_it(self) -> None:
        raw = RawReceived(
            source="landing",
            channel="form",
            kind="urlencoded",
            body="email=ada%40example.com&utm_campaign=spring&UTM-Medium=cpc&gclid=1&referrer=",
        )
        intake = make_reader().on_raw_received(raw, record_id="0" * 32, received=RECEIVED)
        assert isinstance(intake, Intake)
        assert intake.traits is not None
        assert intake.traits.free_text == {}
        captured, submitted, _ = (one.event for one in Shelf().resolve([intake])[0])
        assert isinstance(captured, LeadCaptured)
        assert isinstance(submitted, FormSubmitted)
        assert captured.acquisition == submitted.acquisition
        assert captured.acquisition is not None
        assert (captured.acquisition.channel, captured.acquisition.campaign) == ("paid_search", "spring")

    def test_of_the_native_api_may_give_the_landing_page(self) -> None:
        (captured, _) = said(
            "lead",
            {"email": "ada@example.com", "landing_url": f"{SITE}?ttclid=1&utm_campaign=c"},
            kind="lead",
        )
        assert captured.acquisition.channel == "paid_social"
        assert captured.acquisition.campaign == "c"
