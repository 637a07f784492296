"""BANT as it ships: each part unknown, known or met, by fields and behaviour (C16)."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.bootstrap import load_bant
from services.scoring.domain.bant.document import BantDocument, BantFaults, compile_bant
from services.scoring.domain.bant.judging import judge_bant
from services.scoring.domain.facts import Fact
from shared.documents.versions import load_document
from shared.kernel.instants import Instant, parse_instant
from tests.examples import tried
from tests.unit.scoring.dates.plans import plans
from tests.unit.scoring.histories import histories, instants
from tests.unit.scoring.stories import CONFIG, START, Story, day, shipped, vocabulary

BANT = load_bant(CONFIG.parent)


class Person(Story):
    """A lead of whom one part at a time is asked."""

    def __init__(self) -> None:
        super().__init__(shipped("mql"))

    def stands(self, part: str, at: Instant = START) -> str:
        """How the lead stands with a part."""
        findings = {one.part.name: one.state for one in judge_bant(BANT, self.facts, as_of=at)}
        return findings[part]

    def signs(self, part: str, at: Instant = START) -> list[tuple[str, str]]:
        """The signs that hold, and the facts that carry them."""
        findings = {one.part.name: one for one in judge_bant(BANT, self.facts, as_of=at)}
        return [(shown.sign.name, shown.event) for shown in findings[part].shown]


@pytest.fixture
def lead() -> Person:
    return Person()


def test_the_four_parts_stand_in_their_order_and_nothing_is_known_of_a_new_lead_c16(lead: Person) -> None:
    lead.did("chat_started")
    assert [(one.part.name, one.state) for one in judge_bant(BANT, lead.facts, as_of=START)] == [
        ("budget", "unknown"),
        ("authority", "unknown"),
        ("need", "unknown"),
        ("timeline", "unknown"),
    ]


class TestFieldsC16:
    @pytest.mark.parametrize(
        ("known", "part", "state"),
        [
            ({"budget": 199_999}, "budget", "known"),
            ({"budget": 200_000}, "budget", "met"),
            ({"budget_band": "under_100000"}, "budget", "known"),
            ({"budget_band": "200000_to_499999"}, "budget", "met"),
            ({"stage": "evaluating"}, "budget", "unknown"),
            ({"stage": "approved"}, "budget", "met"),
            ({"title_level": "manager"}, "authority", "known"),
            ({"title_level": "director"}, "authority", "met"),
            ({"procurement": True}, "authority", "unknown"),
            ({"procurement": True, "legal": True}, "authority", "met"),
            ({"scope": "group"}, "need", "known"),
            ({"product_lines": 3}, "need", "known"),
            ({"tender": False}, "need", "unknown"),
            ({"tender": True}, "need", "met"),
            ({"stage": "learning"}, "timeline", "known"),
            ({"stage": "purchasing"}, "timeline", "met"),
        ],
    )
    def test_make_a_part_known_or_met(
        self, lead: Person, known: dict[str, object], part: str, state: str
    ) -> None:
        lead.fact("attributes", known, START)
        assert lead.stands(part) == state

    def test_that_are_taken_back_make_it_unknown_again(self, lead: Person) -> None:
        lead.is_known_as(budget=300_000).is_known_as(day(1), budget=None)
        assert [lead.stands("budget", day(0)), lead.stands("budget", day(1))] == ["met", "unknown"]


class TestBehaviourC16:
    @pytest.mark.parametrize(
        ("act", "fields", "part", "state", "days"),
        [
            ("document_downloaded", {"kind": "quote", "document": "q"}, "budget", "known", 90),
            ("document_downloaded", {"kind": "white_paper", "document": "w"}, "need", "known", 90),
            ("page_viewed", {"kind": "solution", "path": "/s"}, "need", "known", 90),
            ("page_viewed", {"kind": "price", "path": "/p"}, "need", "known", 90),
            ("demo_requested", {}, "need", "met", 180),
            ("trial_requested", {}, "need", "met", 180),
            ("email_link_clicked", {"message": "m", "link": "l", "purpose": "book_demo"}, "need", "met", 180),
            ("form_submitted", {"form": "f", "start_within_months": 3}, "timeline", "met", 90),
        ],
    )
    def test_makes_a_part_known_or_met_for_so_many_days(
        self, lead: Person, act: str, fields: dict[str, object], part: str, state: str, days: int
    ) -> None:
        lead.fact(act, fields, START)
        assert [lead.stands(part), lead.stands(part, day(days))] == [state, state]
        assert lead.stands(part, day(days) + 1) != state

    def test_a_start_that_is_far_is_known_and_stays_so(self, lead: Person) -> None:
        lead.did("form_submitted", form="f", start_within_months=6)
        assert lead.stands("timeline", day(900)) == "known"


class TestTheNewestWordC16:
    def test_decides_when_a_project_starts_and_a_form_that_is_silent_changes_nothing(
        self, lead: Person
    ) -> None:
        for number, months in enumerate([1, None, 12, 3]):
            lead.did("form_submitted", day(number), form="f", start_within_months=months)
        states = [lead.stands("timeline", day(number)) for number in range(4)]
        assert states == ["met", "met", "known", "met"]


class TestTimeC16:
    def test_a_date_is_known_and_met_from_three_months_before_it_until_it_begins(self, lead: Person) -> None:
        lead.is_known_as(go_live_on="2026-08-31")
        begin = parse_instant("2026-05-31T00:00:00+08:00")
        end = parse_instant("2026-08-31T00:00:00+08:00")
        states = [lead.stands("timeline", at) for at in (begin - 1, begin, end - 1, end)]
        assert states == ["known", "met", "met", "known"]


class TestWhatShowsIt:
    def test_signs_name_their_events_and_those_of_met_stand_first(self, lead: Person) -> None:
        lead.did("page_viewed", kind="price", path="/p").did("demo_requested", day(1))
        lead.is_known_as(day(2), tender=True)
        assert lead.signs("need", day(2)) == [
            ("demo_or_trial_requested", "f001"),
            ("tender_required", "f002"),
            ("solution_looked_at", "f000"),
        ]

    @settings(max_examples=tried(70), deadline=None)
    @given(st.one_of(histories(), plans()), st.integers(0, 2**32).map(Random), instants())
    def test_the_order_of_arrival_is_of_no_account_and_each_part_is_shown_by_what_it_is(
        self, facts: list[Fact], random: Random, at: Instant
    ) -> None:
        shuffled = list(facts)
        random.shuffle(shuffled)
        findings = judge_bant(BANT, facts, as_of=at)
        assert judge_bant(BANT, shuffled, as_of=at) == findings
        ids = {fact.id for fact in facts if fact.occurred <= at}
        for finding in findings:
            says = {shown.sign.says for shown in finding.shown}
            assert finding.state == ("met" if "met" in says else "known" if says else "unknown")
            assert {shown.event for shown in finding.shown} <= ids


WRONG = """
name: bant
version: 1
parts:
  - part: budget
    label: {en: Budget, fr: Budget}
    signs:
      - {sign: a, type: attribute, says: met, label: {en: A, zh: A}, when: {field: budgets, operator: known}}
      - {sign: a, type: act, says: known, label: {en: A, zh: A}, acts: [demo_request]}
      - {sign: b, type: date, says: met, label: {zh: B}, field: budget, within_months: 3, zone: UTC}
  - part: budget
    label: {en: Budget, zh: 预算}
    signs:
      - {sign: d, type: act, says: met, label: {en: D, zh: D}, acts: [chat_started], newest_decides: true}
      - {sign: c, type: attribute, says: met, label: {en: C, zh: C}, when: {field: budget, operator: known}}
"""


def test_all_faults_are_listed_at_once_with_their_paths() -> None:
    document = load_document(WRONG, kind="bant", shape=BantDocument).body
    with pytest.raises(BantFaults) as raised:
        compile_bant(document, vocabulary())
    assert {fault.path for fault in raised.value.faults} == {
        "parts",
        "parts[0].label.zh",
        "parts[0].label.fr",
        "parts[0].signs[0].when.field",
        "parts[0].signs[1].sign",
        "parts[0].signs[1].acts[0]",
        "parts[0].signs[2].label.en",
        "parts[0].signs[2].field",
        "parts[1].part",
        "parts[1].signs[0].when",
    }
