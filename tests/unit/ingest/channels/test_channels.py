"""Channels: what referrers, click ids and campaigns amount to, against the cases of others (I-14, A-9)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.channels.classifying import ChannelRules, Classifier
from services.ingest.domain.channels.sites import SiteList, SiteTable, searched_for
from services.ingest.domain.dialects.acquisition import AcquisitionReader, Clues
from services.ingest.store.rules.channels import ChannelsDocument, complete_channels
from shared.documents.faults import DocumentFaults
from tests.unit.ingest.requests import ROOT, RULEBOOK

READER = AcquisitionReader(RULEBOOK.channels)
SITES = Classifier(RULEBOOK.channels).sites
SITE = "https://shop.example/"


def read_document(name: str) -> Any:
    return msgspec.json.decode((ROOT / "tests" / "cases" / f"{name}.json").read_bytes())


REFERRERS = read_document("referer_parser/referrers")
VISITS = read_document("posthog/channels")


class TestCasesOfOthers:
    def test_are_all_there(self) -> None:
        assert len(REFERRERS["cases"]) == 118
        assert len(VISITS["cases"]) == 36

    @pytest.mark.parametrize("case", REFERRERS["cases"], ids=lambda case: case["name"])
    def test_a_referrer_tells_channel_site_and_what_was_searched_for(self, case: dict[str, Any]) -> None:
        found = READER.read(Clues(SITE, referrer=case["referrer"]))
        assert found is not None
        ours = {"channel": found.channel, "source": found.source, "term": found.keyword or None}
        assert ours == case["ours"]
        assert found.channel == REFERRERS["channels"][case["peer"]["medium"]]
        differs = any(case["peer"][what] != ours[what] for what in ("source", "term"))
        assert not differs or case["deliberately_different"]

    @pytest.mark.parametrize("case", VISITS["cases"], ids=lambda case: case["name"])
    def test_a_visit_tells_its_channel(self, case: dict[str, Any]) -> None:
        if "host" in case:
            site = SITES.at(case["host"])
            assert site is not None
            assert {"kind": site.kind} == case["ours"] == case["peer"]
            return
        sent = case["sent"]
        found = READER.read(Clues(sent["url"], referrer=sent.get("referrer"), campaign=sent.get("campaign")))
        assert {"channel": None if found is None else found.channel} == case["ours"]
        assert case["ours"] == case["peer"] or case["deliberately_different"]


class TestDetails:
    def test_say_source_click_id_landing_page_and_ids_of_ads_and_never_the_click_ids_value(self) -> None:
        url = (
            f"{SITE}pricing?gclid=Cj0KCQ&utm_source=google&hsa_cam=778&hsa_grp=12&hsa_ad=9&email=a@b.example"
        )
        found = READER.read(Clues(url, referrer=""))
        assert found is not None
        assert (found.source, found.click_id, found.landing_page) == (
            "google",
            "gclid",
            "shop.example/pricing",
        )
        assert found.ad_ids == {"campaign": "778", "ad_group": "12", "ad": "9"}
        assert "Cj0KCQ" not in repr(found)
        assert "b.example" not in repr(found)

    def test_of_a_form_take_ids_of_ads_and_leave_the_fields_where_they_are(self) -> None:
        fields: dict[str, object] = {"utm_source": "facebook", "utm_medium": "cpc", "ad_id": "42"}
        found = READER.take_fields(fields)
        assert found is not None
        assert (found.channel, found.ad_ids) == ("paid_social", {"ad": "42"})
        assert fields == {"ad_id": "42"}

    def test_of_a_chinese_search_engine_are_read_in_its_own_encoding_too(self) -> None:
        site = SITES.at("www.baidu.com")
        assert site is not None
        assert searched_for(site, "https://www.baidu.com/s?wd=%D6%C6%D4%EC") == "制造"
        assert searched_for(site, "https://www.baidu.com/s?wd=%E5%88%B6%E9%80%A0") == "制造"

    @pytest.mark.parametrize(
        "path",
        [
            *("u/ada-lovelace", "users/ada.lovelace", "reset/Zm9vYmFyMTIzNDU2Nzg5MHF3ZXJ0eQ"),
            *("mail/ada%40example.com", "call/13800138000", "invite/8f14e45f"),
            *("s/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "f/aB3dE5fG7hI9jK1lM3nO5p"),
        ],
    )
    def test_hold_no_name_address_number_or_token_out_of_a_path(self, path: str) -> None:
        found = READER.read(Clues(f"{SITE}{path}?utm_source=x", referrer=f"https://forum.example/{path}"))
        assert found is not None
        assert found.landing_page == f"shop.example/{path.split('/', maxsplit=1)[0]}/-"
        assert path.split("/")[1] not in repr(found)

    @pytest.mark.parametrize("path", ["pricing", "blog/2026-spring-release-of-the-factory-suite", "users"])
    def test_keep_what_names_a_page(self, path: str) -> None:
        found = READER.read(Clues(f"{SITE}{path}?utm_source=x"))
        assert found is not None
        assert found.landing_page == f"shop.example/{path}"


class TestSites:
    def test_the_longest_host_counts_and_an_ending_is_no_name(self) -> None:
        one = SiteList(sites={"search": {"Find": "find.*"}, "email": {"Find Mail": "mail.find.*"}})
        table = SiteTable([one], aliases={})
        assert [
            site and site.name
            for site in map(
                table.at, ["www.find.co.uk", "mail.find.de", "find.evil.example", "xfind.de", "find"]
            )
        ] == ["Find", "Find Mail", None, None, None]

    def test_our_own_list_has_the_last_word(self) -> None:
        assert [site and site.kind for site in map(SITES.at, ["youtube.com", "tieba.baidu.com"])] == [
            *("video", "social"),
        ]

    def test_documents_that_contradict_each_other_are_refused_with_every_fault(self) -> None:
        document = ChannelsDocument(
            name="channels",
            version=1,
            click_ids={},
            mediums={},
            paid=[],
            kinds={},
            aliases={"Nowhere at all": ["x"]},
        )
        with pytest.raises(DocumentFaults) as refused:
            complete_channels(document, ROOT / "config" / "ingest" / "referrers")
        assert "aliases.Nowhere at all" in str(refused.value)
        assert "kinds.search" in str(refused.value)

    @given(st.text(max_size=60))
    def test_are_looked_for_whatever_the_text(self, text: str) -> None:
        assert SITES.at(text) is None or SITES.at(text)
        assert SITES.called(text) is None or SITES.called(text)

    def test_without_documents_nobody_is_known(self) -> None:
        found = AcquisitionReader(ChannelRules()).read(Clues(SITE, referrer="https://www.google.com/"))
        assert found is not None
        assert found.channel == "referral"
