"""Rule types beyond what the shipped models use, and the pitfalls that others fell into."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.facts import Fact
from services.scoring.domain.ledger import total
from services.scoring.domain.questions import tier_history
from services.scoring.domain.running_score import fold
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from services.scoring.domain.tiers import next_crossing
from shared.kernel.instants import DAY, HOUR
from tests.examples import tried
from tests.unit.scoring.histories import histories
from tests.unit.scoring.stories import START, Story, day, hour, model_from


def one_rule(rule: str, *, group: str = "") -> CompiledModel:
    """A model of one rule over behaviour; ``group`` adds to its group."""
    return model_from(f"""
name: one_rule
version: 1
groups:
  - group: behaviour
    of: behaviour
    {group}
    rules:
      - {{rule: it, {rule}}}
tiers: [{{tier: all}}]
""")


class TestPitfallsOfOthers:
    def test_a_mail_opened_thrice_and_another_once_are_two_mails_s5(self) -> None:
        rule = "type: act, points: 7, acts: [email_opened], counts: once_per_object"
        lead = Story(one_rule(rule, group="cap: 1000\n    cooling: {full_hours: 168, half_life_days: 30}"))
        for message in ("a", "a", "a", "b"):
            lead.did("email_opened", message=message)
        assert lead.points() == 14

    def test_an_open_and_a_click_of_one_mail_do_not_count_the_opening_twice_s5(self) -> None:
        """Opening 7, clicking 3; the picture was blocked, so the click stands for the opening too."""
        lead = Story(
            model_from("""
name: opens_and_clicks
version: 1
groups:
  - group: mails
    of: behaviour
    cooling: {full_hours: 168, half_life_days: 30}
    rules:
      - rule: opened
        type: act
        points: 7
        acts: [email_opened, email_link_clicked]
        counts: once_per_object
      - {rule: clicked, type: act, points: 3, acts: [email_link_clicked], counts: once_per_object}
tiers: [{tier: all}]
""")
        )
        lead.did("email_link_clicked", message="m", link="l")
        assert lead.points() == 10
        lead.did("email_opened", hour(1), message="m")
        assert lead.points() == 10

    def test_points_of_one_group_leave_the_others_alone_s3(self) -> None:
        lead = Story(
            model_from("""
name: two_groups
version: 1
groups:
  - group: a
    of: behaviour
    rules: [{rule: one, type: act, points: 5, acts: [demo_requested]}]
  - group: b
    of: behaviour
    cap: 1
    rules: [{rule: two, type: act, points: 5, acts: [trial_requested]}]
tiers: [{tier: all}]
""")
        )
        lead.did("demo_requested").did("trial_requested")
        assert {line.group: line.points for line in lead.explanation().lines} == {"a": 5_000, "b": 1_000}


class TestEveryTime:
    def test_counts_every_act_up_to_its_cap(self) -> None:
        lead = Story(one_rule("type: act, points: 2, acts: [chat_started], counts: every_time, cap: 5"))
        points = [lead.did("chat_started", hour(n)).points() for n in range(4)]
        assert points == [2, 4, 5, 5]

    def test_a_cap_bounds_points_that_are_taken_away_too(self) -> None:
        lead = Story(one_rule("type: act, points: -2, acts: [chat_started], counts: every_time, cap: 5"))
        assert [lead.did("chat_started", hour(n)).points() for n in range(4)] == [-2, -4, -5, -5]
        assert sum(line.points for line in lead.explanation().lines) == -5_000


class TestWindows:
    RULE = "type: window, points: 45, acts: [proposal_opened], at_least: 3, counting: acts, within_hours: 168"

    def test_over_acts_one_object_opened_three_times_is_three(self) -> None:
        lead = Story(one_rule(self.RULE))
        points = [lead.did("proposal_opened", day(n), proposal="p").points() for n in range(4)]
        assert points == [0, 0, 45, 45]

    def test_an_act_that_does_not_complete_the_count_grants_nothing_anew(self) -> None:
        lead = Story(one_rule(self.RULE))
        for at in (0, 1, 2, 20):
            lead.did("proposal_opened", day(at), proposal="p")
        assert [line.granted for line in lead.explanation().lines] == [day(2)]


RISING = """
name: rising
version: 1
groups:
  - group: fit
    of: fit
    rules:
      - {rule: known, type: attribute, points: 40, when: {field: industry, operator: known}}
      - {rule: student, type: attribute, points: -20, when: {field: student, operator: is, value: true}}
  - group: annoyance
    of: behaviour
    cooling: {full_hours: 24, half_life_days: 3}
    rules:
      - {rule: chat, type: act, points: -30, acts: [chat_started]}
      - {rule: mail, type: act, points: -3, acts: [email_opened], counts: once_per_object, cap: 9}
  - group: interest
    of: behaviour
    cooling: {full_hours: 168, half_life_days: 30}
    cap: 60
    rules:
      - {rule: demo, type: act, points: 30, acts: [demo_requested, trial_requested]}
      - {rule: page, type: act, points: 5, acts: [page_viewed], counts: once_per_object}
tiers:
  - {tier: hot, at_least: 61}
  - {tier: warm, at_least: 31}
  - {tier: cold}
leaving: {margin: 5, after_hours: 24}
"""


class TestPointsThatAreTakenAwayAndFade:
    """With them a score may rise by the passing of time alone; tiers follow, at the exact instant."""

    def test_a_tier_rises_again_when_an_annoyance_has_faded(self) -> None:
        lead = Story(model_from(RISING)).is_known_as(industry="pharma").did("chat_started", day(2))
        assert [crossing.to_tier for crossing in lead.history(day(2))] == ["warm", "cold"]
        rise = next_crossing(lead.model, lead.state().models["rising"])
        assert rise is not None
        assert (rise.to_tier, lead.points(rise.at)) == ("warm", 31)
        assert lead.points(rise.at - 1) < 31
        assert lead.tier(rise.at - 1) == "cold"
        assert lead.tier(rise.at) == "warm"

    @settings(max_examples=tried(80), deadline=None)
    @given(histories(max_size=10), st.lists(st.integers(0, 300 * 24), max_size=20))
    def test_no_crossing_is_missed_and_none_comes_early(self, facts: list[Fact], looks: list[int]) -> None:
        models = ModelSet([model_from(RISING)])
        (model,) = models.models
        ranks = {tier.name: rank for rank, tier in enumerate(model.tiers)}
        crossings = tier_history(models, facts, until=day(300))[model.name]

        def score(at: int) -> int:
            state = fold(models, [fact for fact in facts if fact.occurred <= at])
            return total(model, state.models[model.name].slots, at) if state else 0

        for crossing in crossings:
            assert score(crossing.at) == crossing.points or crossing.event
            to = model.tiers[ranks[crossing.to_tier]]
            if ranks[crossing.to_tier] > ranks[crossing.from_tier] and not crossing.event:
                assert to.enter is not None
                assert score(crossing.at - 1) < to.enter <= crossing.points
        for look in looks:
            at = START + look * HOUR + 1
            past = [crossing for crossing in crossings if crossing.at <= at]
            held = ranks[past[-1].to_tier] if past else 0
            points = score(at)
            assert model.highest_entered(points) <= held
            if model.highest_kept(points) < held:
                assert at < past[-1].at + DAY


@pytest.mark.parametrize("name", ["page_viewed", "something_else"])
def test_acts_that_no_rule_knows_score_nothing(name: str) -> None:
    lead = Story(one_rule("type: act, points: 2, acts: [chat_started]")).did(name, kind="home", path="/")
    assert lead.points() == 0
