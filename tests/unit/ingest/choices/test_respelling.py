"""A spelling that a person adds holds for what was said before, unless a newer word has set it (I3)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.choices import Choices
from services.ingest.domain.directory import Contact, Directory, Lead, Profile, Told
from services.ingest.domain.respelling.adding import (
    AddSpelling,
    AttributeUnknown,
    ChoiceUnknown,
    Spelling,
    SpellingRefused,
    SpellingUnknown,
    TakeBackSpelling,
    add,
    as_added,
    standing,
    take_back,
)
from services.ingest.domain.respelling.anew import Lens, differs, read_anew, texts_of
from services.ingest.handlers.respelling import on_read_anew
from shared.contracts.events.leads import LeadChanged
from shared.kernel.errors import Rejected
from tests.examples import tried
from tests.unit.ingest.choices.judging import shipped

SHIPPED = shipped()
RULES = [rule for name in sorted(SHIPPED.attributes) if (rule := SHIPPED.rule_of(name)) is not None]
T0, T1, T2 = 1_000_000, 2_000_000, 3_000_000
ADA, BOB = "a" * 32, "b" * 32


def words(*said: tuple[str, str, str | None]) -> list[Spelling]:
    return [
        Spelling(version=number, attribute=attribute, text=text, spelling=text, value=value, at=T0, by="ann")
        for number, (attribute, text, value) in enumerate(said, start=1)
    ]


def lens(*said: tuple[str, str, str | None], before: int = 0) -> Lens:
    told = words(*said)
    return Lens(
        Choices(RULES, as_added(standing(told, until=before))),
        Choices(RULES, as_added(standing(told))),
        frozenset(word.attribute for word in told[before:]),
    )


def lead(texts: dict[str, Told], attributes: dict[str, Told] | None = None, *, lead_id: str = ADA) -> Lead:
    return Lead(
        id=lead_id, is_captured=True, attributes=attributes or {}, contact=Contact(1, {}, texts), version=1
    )


def values(one: Lead) -> dict[str, object]:
    return {name: told.value for name, told in one.attributes.items()}


ZHIZAO = ("industry", "智造", "manufacturing")
MADE_IN_CHINA = lens(ZHIZAO)


class TestWhatWasSaidBefore:
    def test_is_read_by_the_new_spelling_at_the_moment_at_which_it_was_said(self) -> None:
        before = lead({"industry": Told(" 智 造 ", T1, "web")}, {"industry": Told("other", T1, "web")})
        after, changed = read_anew(before, lens(ZHIZAO))
        assert after.attributes["industry"] == Told("manufacturing", T1, "web")
        assert changed == {T1: {"industry": "manufacturing"}}
        assert after.version == before.version + 1

    def test_stays_as_it_is_where_a_newer_word_has_set_it(self) -> None:
        before = lead({"industry": Told("智造", T1)}, {"industry": Told("finance", T2)})
        assert read_anew(before, lens(ZHIZAO)).lead is before

    def test_stays_as_it_is_where_somebody_took_the_value_away_since(self) -> None:
        before = lead({"industry": Told("智造", T1)}, {"industry": Told(None, T2)})
        assert read_anew(before, lens(ZHIZAO)).lead is before

    def test_counts_against_an_older_value(self) -> None:
        before = lead({"industry": Told("智造", T2)}, {"industry": Told("finance", T1)})
        assert values(read_anew(before, lens(ZHIZAO)).lead) == {"industry": "manufacturing"}

    def test_goes_again_with_a_spelling_that_is_taken_back(self) -> None:
        taken = lens(ZHIZAO, ("industry", "智造", None), before=1)
        before = lead({"industry": Told("智造", T1)}, {"industry": Told("manufacturing", T1)})
        assert values(read_anew(before, taken).lead) == {"industry": "other"}
        size = lens(("size", "100-499", "200_to_499"), ("size", "100-499", None), before=1)
        told = lead({"size": Told("100-499", T1)}, {"size": Told("200_to_499", T1)})
        after, changed = read_anew(told, size)
        assert (values(after), changed) == ({"size": None}, {T1: {"size": None}})

    def test_is_left_alone_where_the_spelling_says_nothing_about_it(self) -> None:
        before = lead(
            {"industry": Told("弄堂", T1), "title": Told("智造", T1)}, {"industry": Told("other", T1)}
        )
        assert read_anew(before, lens(ZHIZAO)).lead is before
        assert not differs(lens(ZHIZAO), {"industry": "弄堂", "title": "智造"})
        assert differs(lens(ZHIZAO), {"industry": "智造行业"})

    def test_a_title_gives_a_level_unless_the_level_was_said_with_it(self) -> None:
        boss = lens(("title_level", "掌柜", "cxo"))
        assert values(read_anew(lead({"title": Told("大掌柜", T1)}), boss).lead) == {"title_level": "cxo"}
        said = lead({"title": Told("大掌柜", T1)}, {"title_level": Told("manager", T1)})
        assert read_anew(said, boss).lead is said
        assert texts_of({"title_level"}) == ["title", "title_level"]
        assert texts_of({"industry"}) == ["industry"]

    def test_a_title_makes_a_student(self) -> None:
        pupil = lens(("student_title", "学徒", "yes"))
        assert values(read_anew(lead({"title": Told("学徒", T1)}), pupil).lead) == {"student": True}

    @settings(max_examples=tried(80), deadline=None)
    @given(st.sampled_from([None, "other", "finance"]), st.integers(0, 3), st.integers(0, 3), st.booleans())
    def test_read_anew_twice_is_read_anew_once_and_as_a_first_reading_would_have_it(
        self, value: str | None, at: int, said: int, known: bool
    ) -> None:
        attributes = {"industry": Told(value, at)} if known else {}
        once = read_anew(lead({"industry": Told("智造", said)}, attributes), MADE_IN_CHINA).lead
        assert read_anew(once, MADE_IN_CHINA).lead is once
        if not known or said > at:
            assert once.attributes["industry"] == Told("manufacturing", said)
        if known and at > said:
            assert once.attributes == attributes


class TestWhatIsTold:
    def shelf(self, ada: Lead, bob: Lead | None = None, *, home: str = ADA) -> Directory:
        leads = {one.id: one for one in (ada, bob) if one is not None}
        profiles = {one: Profile(one, home if one == BOB else ADA) for one in leads}
        return Directory(profiles=profiles, leads=leads)

    def told(
        self, directory: Directory, homes: Sequence[str] = (ADA,), said: Lens | None = None
    ) -> list[LeadChanged]:
        emissions, story = on_read_anew(
            directory, homes, said or lens(ZHIZAO), version=7, by="ann", at=T2, cause="c" * 32
        )
        assert len(emissions) == len(story)
        assert all(one.occurred == T1 + 7 for one in emissions)
        assert all(one.at == T2 and one.event and "ann" in one.text for one in story)
        return [one.event for one in emissions if isinstance(one.event, LeadChanged)]

    def test_is_one_event_with_who_said_what_the_spelling_means(self) -> None:
        text = {"industry": Told("智造", T1)}
        (event,) = self.told(self.shelf(lead(text, {"industry": Told("other", T1)})))
        assert (event.lead, event.profile, event.by) == (ADA, ADA, "ann")
        assert (event.source, event.attributes, event.corrected) == (
            "choices",
            {"industry": "manufacturing"},
            ["industry"],
        )

    def test_what_a_merged_lead_brought_along_is_said_by_its_profile_so_that_it_goes_back_with_it(
        self,
    ) -> None:
        text, other = {"industry": Told("智造", T1)}, {"industry": Told("other", T1)}
        directory = self.shelf(lead(text, other), lead(text, other, lead_id=BOB))
        (event,) = self.told(directory)
        assert (event.lead, event.profile) == (ADA, BOB)
        assert values(directory.leads[ADA]) == values(directory.leads[BOB]) == {"industry": "manufacturing"}

    def test_nothing_is_said_twice_and_nothing_of_the_erased(self) -> None:
        directory = self.shelf(lead({"industry": Told("智造", T1)}))
        assert len(self.told(directory)) == 1
        assert self.told(directory) == []
        gone = Lead(id=ADA, erased=T2, contact=Contact(1, {}, {"industry": Told("智造", T1)}))
        assert self.told(self.shelf(gone)) == []


class TestAddingAndTakingBack:
    def command(
        self, attribute: str = "industry", spelling: str = "智造", value: str = "manufacturing"
    ) -> AddSpelling:
        return AddSpelling(attribute=attribute, spelling=spelling, value=value, by="ann")

    def test_the_last_word_counts(self) -> None:
        first = add([], SHIPPED, self.command(), at=T1)
        assert first is not None
        assert (first.version, first.text, first.at, first.by) == (1, "智造", T1, "ann")
        assert add([first], SHIPPED, self.command(spelling=" 智 造 "), at=T2) is None
        second = add([first], SHIPPED, self.command(value="internet"), at=T2)
        assert second is not None
        assert [one.value for one in standing([first, second])] == ["internet"]
        assert [one.value for one in standing([first, second], until=1)] == ["manufacturing"]
        third = take_back(
            [first, second], TakeBackSpelling(attribute="industry", spelling="智造", by="bob"), at=T2
        )
        assert (third.version, third.by, standing([first, second, third])) == (3, "bob", [])

    @pytest.mark.parametrize(
        ("attribute", "spelling", "value", "error"),
        [
            ("shoe_size", "x", "y", AttributeUnknown),
            ("go_live_on", "x", "y", AttributeUnknown),
            ("industry", "x", "y", ChoiceUnknown),
            ("industry", "13800138000", "retail", SpellingRefused),
            ("industry", "x" * 61, "retail", SpellingRefused),
            ("industry", "…", "retail", SpellingRefused),
        ],
    )
    def test_what_is_no_spelling_is_refused(
        self, attribute: str, spelling: str, value: str, error: type[Rejected]
    ) -> None:
        with pytest.raises(error):
            add([], SHIPPED, self.command(attribute, spelling, value), at=T1)

    def test_what_nobody_added_is_not_taken_back(self) -> None:
        with pytest.raises(SpellingUnknown):
            take_back([], TakeBackSpelling(attribute="industry", spelling="制造", by="ann"), at=T1)
