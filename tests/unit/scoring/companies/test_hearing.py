"""Companies hear of their leads' facts once, wherever profiles move and whatever the order of arrival."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.companies.company import CompanyHeard, CompanyWorking, heard_of
from services.scoring.domain.companies.hearing import COMPANY, companies_in, for_companies, is_for_companies
from services.scoring.domain.companies.reading import Heard, in_order_heard, read_at
from services.scoring.domain.companies.standing import score_at, tier_history
from services.scoring.domain.facts import ATTRIBUTES, Fact
from services.scoring.domain.verdicts import LEAD_VERDICT
from services.scoring.domain.vocabulary import OPPORTUNITY_WON
from services.scoring.handlers.interpreting import ProfileMoved
from shared.kernel.changes import Fact as Learned
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import DAY, HOUR, Instant
from tests.unit.scoring.companies.firms import FIRM, OTHER_FIRM, shipped
from tests.unit.scoring.handlers.world import World
from tests.unit.scoring.stories import START

MODELS = (shipped("customer_grade"), shipped("customer_value"))
PEOPLE = [deterministic_id("somebody at a firm", str(number)) for number in range(4)]
ADA, BOB = PEOPLE[:2]
YEAR = 400 * DAY


class Story:
    """Things that happen to people at firms, each learnt by the home of its profile."""

    def __init__(self) -> None:
        self.world = World(companies=MODELS)
        self.number = 0
        self.versions: Counter[str] = Counter()

    def fact(
        self, who: str, name: str, fields: Mapping[str, object], *, at: Instant, learnt: Instant
    ) -> Learned:
        self.number += 1
        identity = deterministic_id("something at a firm", str(self.number))
        return Learned(identity, who, learnt, Fact(identity, who, at, learnt, name, fields))

    def move(self, who: str, lead: str, *, learnt: Instant) -> Learned:
        self.number += 1
        self.versions[who] += 1
        moved = ProfileMoved(who, lead, self.versions[who])
        return Learned(deterministic_id("a move at a firm", str(self.number)), who, learnt, moved)

    def deliver_all(self, draw: Random | None = None) -> None:
        """Deliver what workers say to each other until nobody says anything more.

        With ``draw`` in any order that keeps that of each writer to each reader, and cut at random.
        """
        while self.world.internal:
            waiting, self.world.internal = self.world.internal, []
            if draw is None:
                self.world.learn(waiting)
                continue
            first = self._pick(waiting, draw)
            self.world.internal = [one for one in waiting if one is not first]
            self.world.learn([first])

    @staticmethod
    def _pick(waiting: list[Learned], draw: Random) -> Learned:
        firsts: dict[tuple[str, str], Learned] = {}
        for one in waiting:
            event = one.event
            writer = event.lead if isinstance(event, CompanyHeard) else getattr(event, "profile", "")
            firsts.setdefault((one.key, writer), one)
        return draw.choice(list(firsts.values()))


def naive(world: World) -> dict[str, list[Heard]]:
    """What each company should have heard: the facts that count for each lead, if any of them names it."""
    found: dict[str, list[Heard]] = {}
    for lead in world.leads:
        counted = [fact for fact in world.counted(lead) if is_for_companies(fact)]
        for company in companies_in(counted):
            found.setdefault(company, []).extend(Heard(lead, for_companies(fact)) for fact in counted)
    return {company: in_order_heard(heard) for company, heard in found.items()}


def firm_of(world: World, company: str) -> CompanyWorking:
    """A company as it is stored."""
    found = world.load_company(company).state
    assert isinstance(found, CompanyWorking)
    return found


def check(world: World) -> None:
    """Every company holds just what it should, and was told to be what that makes it."""
    wanted = naive(world)
    for company in world.companies:
        working = firm_of(world, company)
        heard = heard_of(working.kept, working.facts)
        assert heard == wanted.get(company, [])
        kept = working.kept
        for model in MODELS:
            score = score_at(model, read_at(company, heard, kept.through))
            assert sum(line.points for line in score.lines) == score.points
            told = [row.change for row in world.company_changes if row.company == company]
            mine = [change for change in told if change.model == model.name]
            assert (mine[-1].to_tier if mine else model.tiers[0].name) == score.tier_name
            assert all(a.to_tier == b.from_tier for a, b in pairwise(mine))
    assert {company for company in wanted if wanted[company]} <= world.companies.keys()


def at_firm(company: str | None = FIRM, **known: object) -> dict[str, object]:
    return {COMPANY: company, **known}


def won(deal: str, units: int) -> dict[str, object]:
    return {"opportunity": deal, "amount": units * 100, "currency": "CNY"}


def test_a_company_hears_of_each_fact_once_and_of_all_that_was_known_before_it_was_named() -> None:
    story = Story()
    happened: list[tuple[str, Mapping[str, object]]] = [
        ("page_viewed", {"path": "/x"}),
        ("demo_requested", {}),
        (ATTRIBUTES, {"title_level": "vp"}),
        (ATTRIBUTES, at_firm(None)),
        (ATTRIBUTES, at_firm()),
        (OPPORTUNITY_WON, won("d", 500_000)),
    ]
    for number, (name, fields) in enumerate(happened):
        at = START + number * HOUR
        story.world.learn([story.fact(ADA, name, fields, at=at, learnt=at)])
        story.deliver_all()
    check(story.world)
    grades = [
        row.change.to_tier for row in story.world.company_changes if row.change.model == "customer_grade"
    ]
    assert grades == ["B"]
    assert len(story.world.company_facts[FIRM]) == 5


def test_a_merge_moves_a_firms_facts_without_a_word() -> None:
    story = Story()
    story.world.learn(
        [
            story.fact(ADA, ATTRIBUTES, at_firm(title_level="vp"), at=START, learnt=START),
            story.fact(ADA, OPPORTUNITY_WON, won("d", 600_000), at=START + 1, learnt=START + 1),
            story.fact(BOB, ATTRIBUTES, at_firm(OTHER_FIRM), at=START, learnt=START),
        ]
    )
    story.deliver_all()
    told = len(story.world.company_changes)
    story.world.learn([story.move(ADA, BOB, learnt=START + DAY)])
    story.deliver_all()
    check(story.world)
    mine = [row for row in story.world.company_changes[told:] if row.company == FIRM]
    assert mine == []
    story.world.learn([story.move(ADA, ADA, learnt=START + 2 * DAY)])
    story.deliver_all()
    check(story.world)
    assert set(story.world.company_facts[FIRM]) == set(story.world.facts[ADA])


def test_an_invalid_lead_is_no_customer_and_is_one_again_once_it_is_valid() -> None:
    story, verdict = Story(), {"number": 1, "invalid": True, "pardons": False}
    story.world.learn(
        [
            story.fact(ADA, ATTRIBUTES, at_firm(), at=START, learnt=START),
            story.fact(ADA, OPPORTUNITY_WON, won("d", 600_000), at=START + 1, learnt=START + 1),
        ]
    )
    story.deliver_all()
    story.world.learn([story.fact(ADA, LEAD_VERDICT, verdict, at=START + 2, learnt=START + 2)])
    story.deliver_all()
    check(story.world)
    assert not story.world.company_facts[FIRM]
    back = {"number": 2, "invalid": False, "pardons": False}
    story.world.learn([story.fact(ADA, LEAD_VERDICT, back, at=START + 3, learnt=START + 3)])
    story.deliver_all()
    check(story.world)
    grades = [(row.change.to_tier, row.change.restated) for row in story.world.company_changes]
    assert grades[-2:] == [("B", True), ("A", True)]


def test_its_clock_rings_when_an_amount_leaves_and_tells_the_very_microsecond() -> None:
    story = Story()
    story.world.learn(
        [
            story.fact(ADA, ATTRIBUTES, at_firm(), at=START, learnt=START),
            story.fact(ADA, OPPORTUNITY_WON, won("d", 600_000), at=START + 7, learnt=START + HOUR),
        ]
    )
    story.deliver_all()
    story.world.learn([], until=START + YEAR)
    values = [row.change for row in story.world.company_changes if row.change.model == "customer_value"]
    assert [(change.to_tier, change.at) for change in values] == [
        ("A", START + 7),
        ("D", START + 365 * DAY + 7),
    ]
    heard = naive(story.world)[FIRM]
    assert [crossing.at for crossing in tier_history(MODELS[1], FIRM, heard, until=START + YEAR)] == [
        change.at for change in values
    ]
    check(story.world)


STAGES = ["", "proposal", "negotiation", "contract_signing"]


def _happening(draw: Random, story: Story, who: str, now: Instant) -> Learned:
    at = now - draw.choice([0, 0, 0, HOUR, 40 * DAY])
    kind = draw.randrange(9)
    deal = draw.choice(["a", "b", "c"])
    if kind <= 1:
        known: Mapping[str, object] = draw.choice(
            [{}, {"title_level": "vp"}, {"stage": "approved"}, {"strategic_customer": True}]
        )
        firm = draw.choice([FIRM, FIRM, OTHER_FIRM, None])
        return story.fact(who, ATTRIBUTES, at_firm(firm, **known), at=at, learnt=now)
    if kind == 2:
        known = draw.choice([{"title_level": "manager"}, {"strategic_customer": None}, {"tender": True}])
        return story.fact(who, ATTRIBUTES, dict(known), at=at, learnt=now)
    if kind == 3:
        return story.fact(who, OPPORTUNITY_WON, won(deal, draw.choice([60_000, 300_000])), at=at, learnt=now)
    if kind == 4:
        name = draw.choice(["opportunity_created", "opportunity_stage_changed"])
        fields: dict[str, object] = {"opportunity": deal, "stage": draw.choice(STAGES)}
        return story.fact(who, name, fields, at=at, learnt=now)
    if kind == 5:
        return story.fact(who, "opportunity_lost", {"opportunity": deal}, at=at, learnt=now)
    if kind == 6:
        return story.fact(who, draw.choice(["demo_requested", "page_viewed"]), {}, at=at, learnt=now)
    if kind == 7:
        number = story.number
        verdict = {"number": number, "invalid": draw.random() < 0.5, "pardons": False}
        return story.fact(who, LEAD_VERDICT, verdict, at=at, learnt=now)
    return story.move(who, draw.choice([*PEOPLE, who, who]), learnt=now)


@given(st.randoms(use_true_random=False), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_any_history_leaves_each_company_what_a_naive_reading_finds(draw: Random, length: int) -> None:
    story, now = Story(), START
    for _ in range(length):
        now += draw.choice([1, HOUR, 20 * DAY])
        who = draw.choice(PEOPLE)
        story.world.learn([_happening(draw, story, who, now)])
        if draw.random() < 0.5:
            story.deliver_all(draw)
    story.deliver_all(draw)
    check(story.world)


@given(st.randoms(use_true_random=False), st.integers(1, 25))
@settings(max_examples=40, deadline=None)
def test_any_order_cut_and_repetition_leave_a_company_the_same(draw: Random, length: int) -> None:
    """Nothing moves here, so the facts may come in whatever order, and as often as they like."""
    story = Story()
    happened: list[Learned] = []
    while len(happened) < length:
        one = _happening(draw, story, draw.choice(PEOPLE), START + 50 * DAY)
        if isinstance(one.event, Fact):
            happened.append(one)
    ends = []
    for _ in range(2):
        story.world = World(companies=MODELS)
        coming = [*happened, *draw.sample(happened, length // 2)]
        draw.shuffle(coming)
        while coming:
            cut = draw.randint(1, len(coming))
            story.world.learn(coming[:cut])
            coming = coming[cut:]
            if draw.random() < 0.5:
                story.deliver_all(draw)
        story.deliver_all(draw)
        check(story.world)
        found = {}
        for company in story.world.companies:
            working = firm_of(story.world, company)
            heard = heard_of(working.kept, working.facts)
            for model in MODELS:
                found[company, model.name] = tier_history(model, company, heard, until=START + YEAR)
        ends.append({key: crossings for key, crossings in found.items() if crossings})
    assert ends[0] == ends[1]


@pytest.mark.parametrize("name", ["page_viewed", "email_opened", "lead_returned"])
def test_companies_hear_nothing_of_what_no_rule_of_theirs_can_speak_of(name: str) -> None:
    story = Story()
    story.world.learn(
        [
            story.fact(ADA, ATTRIBUTES, at_firm(), at=START, learnt=START),
            story.fact(ADA, name, {}, at=START + 1, learnt=START + 1),
        ]
    )
    assert len(story.world.internal) == 1
