"""What people type becomes the right value, or none, and never a wrong one (I3, I9)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.choices import Added, Choices, fold_spelling, key_of, read_yes_no
from services.ingest.domain.choices.spelling import Reading, Spellings, WordSpellings
from services.ingest.domain.choices.typos import find_distance
from tests.examples import tried
from tests.unit.ingest.choices.judging import Case, figures, generate, judge, read_by_hand, shipped

CHOICES = shipped()
RIGHT = 0.99


def value_of(attribute: str, text: str) -> object:
    return CHOICES.standardise(attribute, text).attributes.get(attribute)


@pytest.mark.parametrize("cases", [read_by_hand(), generate(CHOICES)], ids=["by hand", "generated"])
def test_at_least_99_in_100_spellings_are_right_and_none_is_wrong(cases: list[Case]) -> None:
    judged = judge(CHOICES, cases)
    told = figures(judged)
    assert not [one for one in judged if one.is_wrong], told
    assert sum(one.is_right for one in judged) >= RIGHT * len(judged), told


def test_there_are_300_by_hand_and_2000_generated_and_many_mean_nothing() -> None:
    by_hand = read_by_hand()
    assert len(by_hand) == len({(one.attribute, one.text) for one in by_hand})
    assert len(by_hand) >= 300
    assert len(generate(CHOICES)) == 2_000
    assert sum(one.expected is None for one in by_hand) >= 60
    assert generate(CHOICES) == generate(CHOICES)


@settings(max_examples=tried(80), deadline=None)
@given(st.text(max_size=40))
def test_folding_again_changes_nothing(text: str) -> None:
    folded = fold_spelling(text)
    assert fold_spelling(folded) == folded
    assert key_of(fold_spelling(folded)) == key_of(folded)


@settings(max_examples=tried(80), deadline=None)
@given(st.sampled_from([one for one in read_by_hand() if one.attribute != "region"]), st.booleans())
def test_width_and_case_do_not_count(case: Case, wide: bool) -> None:
    text = case.text.swapcase()
    if wide:
        text = "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text)
    assert (
        unicodedata.normalize("NFKC", text).casefold() == unicodedata.normalize("NFKC", case.text).casefold()
    )
    assert CHOICES.standardise(case.attribute, text).attributes == (
        CHOICES.standardise(case.attribute, case.text).attributes
    )


@settings(max_examples=tried(120), deadline=None)
@given(st.text(max_size=60), st.sampled_from(sorted(CHOICES.attributes)))
def test_whatever_is_written_is_read_or_kept(text: str, attribute: str) -> None:
    standard = CHOICES.standardise(attribute, text)
    rule = CHOICES.rule_of(attribute)
    assert rule is not None
    assert standard.is_known or standard.attributes.keys() <= {attribute}
    assert not standard.is_plain or standard.is_known


@settings(max_examples=tried(80), deadline=None)
@given(st.text("abcdef", max_size=8), st.text("abcdef", max_size=8))
def test_a_distance_is_the_same_both_ways_and_0_only_for_the_same(first: str, second: str) -> None:
    distance = find_distance(first, second, most=9)
    assert distance == find_distance(second, first, most=9)
    assert (distance == 0) == (first == second)
    assert find_distance(first, second, most=1) == min(distance, 2)


def test_a_spelling_of_two_values_is_refused() -> None:
    with pytest.raises(ValueError, match="stands for a and for b"):
        Spellings({"a": ["one"], "b": ["ONE."]}, Reading())


def test_what_is_near_to_two_values_means_none() -> None:
    near = Spellings({"east": ["jiangsu"], "south": ["jiangxi"]}, Reading())
    assert near.find("jiangsi") is None
    assert near.find("jaingsu") == "east"


def test_short_words_are_never_corrected_and_neither_is_a_first_letter() -> None:
    spellings = Spellings({"a": ["power", "mining"]}, Reading())
    assert [spellings.find(one) for one in ("powder", "poewr", "dining", "minnig")] == [None, None, None, "a"]


def test_parts_that_say_the_same_are_one_and_parts_that_differ_are_none() -> None:
    assert value_of("industry", "医疗、健康") == "health"
    assert CHOICES.standardise("industry", "医疗、金融").is_known is False


def test_the_first_value_of_words_wins_and_some_words_forbid_all() -> None:
    words = WordSpellings({"vp": ["vice president"], "cxo": ["president"]}, Reading(never=["assistant"]))
    assert [words.find(one) for one in ("Vice President", "vixe president", "vice presidnet")] == ["vp"] * 3
    assert words.find("President") == "cxo"
    assert words.find("asistant to the President") is None


def test_what_people_added_goes_before_the_documents_and_holds_for_variants() -> None:
    rules = [rule for name in sorted(CHOICES.attributes) if (rule := CHOICES.rule_of(name)) is not None]
    added = [Added("industry", "培训", "professional_services"), Added("size", "100-499", "200_to_499")]
    choices = Choices(rules, [*added, Added("tender", "走流程", "yes"), Added("title_level", "掌柜", "cxo")])
    for attribute, text, value in [
        ("industry", "培訓", "professional_services"),
        ("industry", "培训行业", "professional_services"),
        ("size", "100-499", "200_to_499"),
        ("tender", "走流程", True),
        ("title_level", "大掌柜", "cxo"),
    ]:
        assert choices.standardise(attribute, text).attributes == {attribute: value}
    assert value_of("industry", "培训") == "education"


def test_the_text_is_kept_beside_a_value_unless_it_says_no_more() -> None:
    said = {
        ("industry", "制造业"): False,
        ("industry", "Manufacturing"): True,
        ("size", 120): True,
        ("size", "120"): True,
        ("size", "上百人以上"): False,
        ("tender", "是"): True,
        ("title_level", "director"): True,
    }
    assert {key: CHOICES.standardise(*key).is_plain for key in said} == said


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        *((one, True) for one in ("是", "Yes.", "ＹＥＳ", 1, "√")),
        *((one, False) for one in (0, "否", "暂无", False)),
        *((one, None) for one in ("maybe", "", "yes and no", None)),
    ],
)
def test_yes_and_no_are_read_as_people_say_them(value: object, answer: bool | None) -> None:
    assert read_yes_no(value) is answer
