"""Words by industry, role and language, as they ship (N2), and what is wrong with contents that are."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from services.nurture.domain.contents import Content, ContentDocument, ContentFaults
from services.nurture.domain.sequences import SequenceDocument, SequenceFaults, SequenceSet
from shared.documents.versions import load_document
from tests.unit.nurture.stories import rules


def chosen(content: str, language: str | None = "zh-CN", **attributes: Any) -> str:
    words = rules().contents.live(content).choose(attributes, language=language)
    return f"{words.variant}.{words.language}"


class TestByIndustryAndRoleN2:
    @pytest.mark.parametrize(
        ("attributes", "variant"),
        [
            ({"industry": "manufacturing", "title_level": "vp"}, "manufacturing_owner"),
            ({"industry": "manufacturing", "title_level": "manager"}, "manufacturing"),
            ({"industry": "internet", "title_level": "director"}, "internet_owner"),
            ({"industry": "internet"}, "internet"),
            ({"industry": "pharma", "title_level": "cxo"}, "owner"),
            ({"industry": "pharma"}, "general"),
            ({}, "general"),
        ],
    )
    def test_practice_speaks_to_the_industry_and_the_role(
        self, attributes: dict[str, Any], variant: str
    ) -> None:
        assert chosen("practice", **attributes) == f"{variant}.zh"

    @pytest.mark.parametrize("content", ["welcome", "guide", "invitation"])
    def test_who_owns_the_budget_hears_of_return_and_cost(self, content: str) -> None:
        assert chosen(content, title_level="director") == "owner.zh"
        assert chosen(content, title_level="manager") == "general.zh"

    @pytest.mark.parametrize(
        ("language", "spoken"), [("en", "en"), ("en-GB", "en"), ("zh-TW", "zh"), ("fr", "zh"), (None, "zh")]
    )
    def test_the_persons_language_or_else_the_first(self, language: str | None, spoken: str) -> None:
        assert chosen("welcome", language) == f"general.{spoken}"

    def test_every_content_speaks_chinese_and_english(self) -> None:
        for content in rules().contents:
            assert content.document.languages == ("zh", "en")

    def test_words_chosen_earlier_are_found_again_and_fall_back_when_they_are_gone(self) -> None:
        practice = rules().contents.live("practice")
        assert practice.find("manufacturing", "en").variant == "manufacturing"
        assert practice.find("gone", "en").variant == "general"


FAULTY = """
name: faulty
version: 1
languages: [zh, en]
links:
  - {link: a, url: "http://example.com", label: {zh: 甲}}
  - {link: a, url: "https://example.com", label: {zh: 甲, en: A}}
variants:
  - variant: one
    words: {zh: {subject: 一, paragraphs: [一]}, fr: {subject: un, paragraphs: [un]}}
  - variant: one
    when: {field: industri, operator: is, value: pharma}
    words: {zh: {subject: 二, paragraphs: [二]}}
"""


def test_every_fault_of_a_content_is_told_at_once() -> None:
    document = load_document(FAULTY, kind="content", shape=ContentDocument).body
    with pytest.raises(ContentFaults) as error:
        Content(document)
    assert {fault.path for fault in error.value.faults} == {
        "links",
        "links[0].url",
        "links[0].label.en",
        "variants",
        "variants[0].when",
        "variants[0].words.fr",
        "variants[1].when",
        "variants[1].when.field",
        "variants[1].words.en",
    }


SEQUENCE = """
name: faulty
version: 1
entry: {type: tier, model: mql, tier: B}
priority: 1
at: "10:00"
steps:
  - {step: one, content: welcom, day: 3}
  - {step: two, content: welcome, day: 3}
  - {step: two, content: welcome, day: 9, last_day: 8}
"""


def test_every_fault_of_a_sequence_is_told_at_once() -> None:
    first = load_document(SEQUENCE, kind="sequence", shape=SequenceDocument).body
    empty = "name: empty\nversion: 1\nentry: {type: lost}\npriority: 1\nat: '09:00'"
    second = load_document(empty, kind="sequence", shape=SequenceDocument).body
    with pytest.raises(SequenceFaults) as error:
        SequenceSet([first, second], contents=["welcome"])
    assert {fault.path for fault in error.value.faults} == {
        "faulty.content",
        "faulty.steps",
        "faulty.steps[1].day",
        "faulty.steps[2].last_day",
        "empty",
        "faulty.priority",
    }


def test_those_inside_finish_the_version_they_began() -> None:
    first = load_document(SEQUENCE, kind="sequence", shape=SequenceDocument).body
    sound = first.steps[1:2]
    versions = [replace(first, steps=sound), replace(first, steps=sound, version=2)]
    both = SequenceSet(versions, contents=["welcome"])
    assert [one.version for one in both.live] == [2]
    assert both.find("faulty", 1) == versions[0]
    assert both.find("faulty", 7) == versions[1]
    assert both.find("gone", 1) is None
