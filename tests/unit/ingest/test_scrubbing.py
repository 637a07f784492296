"""What names somebody is taken out of texts; ids that only look like it are not."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.scrubbing import REMOVED, identifies, scrub_label, scrub_properties, scrub_text
from shared.kernel.ids import deterministic_id


@given(st.uuids())
def test_ids_stay_whole_however_many_digits_they_begin_with(identity: UUID) -> None:
    for text in (str(identity), identity.hex):
        assert scrub_text(text) == text
        assert not identifies(text)


def test_ids_of_our_own_mails_stay_whole_so_that_a_click_finds_its_mail() -> None:
    ids = [deterministic_id("nurture_message", str(number)) for number in range(2_000)]
    assert any(one[:9].isdigit() for one in ids), "some begin with as many digits as a telephone number"
    assert [scrub_text(one) for one in ids] == ids


@pytest.mark.parametrize(
    "text",
    ["+86 138 0013 8000", "13800138000", "call 020-7946-0958 now", "ada@example.com", "%2B8613800138000"],
)
def test_numbers_and_addresses_are_taken_out(text: str) -> None:
    assert identifies(text)
    assert REMOVED in scrub_text(text)
    assert "0958" not in scrub_text(text)
    assert "138" not in scrub_text(text)


def test_what_is_only_part_of_an_id_is_no_id() -> None:
    assert scrub_text("13800138000eb87ecbcb98e") == "-eb87ecbcb98e"


@pytest.mark.parametrize("number", [123456, 20_000_000_000, 1_459_076_748_710_713, 7_126_711_421_177_430_274])
def test_numbers_of_campaigns_ads_and_forms_stay_whole_as_texts(number: int) -> None:
    assert scrub_label(str(number)) == str(number)
    for name in ("campaign_id", "adgroupId", "Ad ID", "formId", "creative_id"):
        for value in (number, str(number)):
            assert scrub_properties({name: value}) == {name: str(number)}


@pytest.mark.parametrize("text", ["spring 13800138000", "+8613800138000", "ada@example.com", "138 0013 8000"])
def test_names_of_campaigns_hold_nobody(text: str) -> None:
    assert REMOVED in scrub_label(text)
    assert scrub_properties({"campaign_id": text}) == {}
