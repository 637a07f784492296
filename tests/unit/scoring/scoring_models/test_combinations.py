"""A combination's points are weighted scores of other models, at every instant, and its lines are theirs."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.facts import Fact
from services.scoring.domain.ledger import total
from services.scoring.domain.questions import explain_at, explain_state, tier_history
from services.scoring.domain.running_score import fold
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from services.scoring.domain.scoring_models.compiler import ModelFaults, compile_models
from services.scoring.domain.scoring_models.document import ScoringModelDocument
from shared.documents.versions import load_document
from shared.kernel.instants import DAY, HOUR, Instant
from tests.examples import tried
from tests.unit.scoring.dates.plans import FALLING, MIXED, plans
from tests.unit.scoring.handlers.arriving import check_told_in_time, learn, shuffled
from tests.unit.scoring.histories import histories
from tests.unit.scoring.stories import CONFIG, START, Story, day, vocabulary

FIVE_STEP = (CONFIG / "models" / "five_step.yaml").read_text("utf-8")
MQL = (CONFIG / "models" / "mql.yaml").read_text("utf-8")
PHARMA = FIVE_STEP.replace("name: five_step", "name: pharma_only") + (
    "\naudience: {label: {en: Pharma}, when: {field: industry, operator: is, value: pharma}}\n"
)
TIERS = """
tiers: [{tier: high, at_least: 50}, {tier: middle, more_than: 20}, {tier: low}]
leaving: {margin: 5, after_hours: 24}
"""


def combination(name: str, sources: str, version: int = 1) -> str:
    return f"name: {name}\nversion: {version}\ncombines: [{sources}]\n{TIERS}"


BLEND = combination("blend", "{model: five_step@1, weight: 0.333}, {model: mql@1, weight: 0.5}")
NESTED = combination(
    "nested",
    "{model: blend@1, weight: 1.5}, {model: pharma_only@1, weight: 0.7}, {model: falling@1, weight: 0.6}",
)
RESTLESS = combination("restless", "{model: mixed@1, weight: 0.9}, {model: mql@1, weight: 0.25}")
WEIGHTS = {
    "blend": {"five_step": 333, "mql": 500},
    "nested": {"blend": 1500, "pharma_only": 700, "falling": 600},
    "restless": {"mixed": 900, "mql": 250},
}


def models_from(*texts: str) -> list[CompiledModel]:
    documents = [load_document(text, kind="scoring_model", shape=ScoringModelDocument).body for text in texts]
    return compile_models(documents, vocabulary())


def faults_of(*texts: str) -> dict[str, str]:
    with pytest.raises(ModelFaults) as raised:
        models_from(*texts)
    return {fault.path: fault.text for fault in raised.value.faults}


ALL = ModelSet(models_from(NESTED, RESTLESS, BLEND, FIVE_STEP, MQL, PHARMA, FALLING, MIXED))


def lead_of(model: str) -> Story:
    return Story(ALL.by_name[model])


class TestTheScore:
    def test_is_the_sum_of_the_sources_scores_by_their_weights(self) -> None:
        """In five_step 45, in mql 55: 0.333 of the one and 0.5 of the other are 14.985 and 27.5."""
        lead = lead_of("blend").is_known_as(industry="pharma", title_level="cxo").did("demo_requested")
        assert (lead.points(), lead.tier()) == (42.485, "middle")

    def test_follows_the_sources_as_they_cool(self) -> None:
        lead = lead_of("blend").did("demo_requested")
        assert [lead.points(day(7)), lead.points(day(37))] == [21.66, 10.83]

    def test_is_explained_by_the_lines_of_the_sources(self) -> None:
        lead = lead_of("blend").is_known_as(industry="pharma").did("demo_requested")
        told = [(line.rule, line.points, line.granted_points) for line in lead.explanation().lines]
        assert told == [
            ("mql.trial_or_demo_requested", 15_000, 15_000),
            ("five_step.demo_requested", 6_660, 6_660),
            ("mql.key_industry", 5_000, 5_000),
            ("five_step.target_industry", 3_330, 3_330),
        ]

    def test_leaves_out_a_source_that_does_not_score_the_lead(self) -> None:
        """25 in both sources of blend make 20.825, times 1.5; then 0.7 of 25 for pharma and 0.6 of 30."""
        lead = lead_of("nested").is_known_as(industry="internet", title_level="cxo")
        lead.is_known_as(day(1), industry="pharma")
        assert [lead.points(day(0)), lead.points(day(1))] == [31.237, 66.737]


class TestFaults:
    def test_a_circle_is_refused_with_its_path(self) -> None:
        faults = faults_of(
            combination("a", "{model: five_step@1, weight: 1}, {model: b@1, weight: 1}"),
            combination("b", "{model: c@1, weight: 1}"),
            combination("c", "{model: a@1, weight: 1}"),
            FIVE_STEP,
        )
        assert faults == {
            "a@1: combines[1].model": "goes round in a circle: a@1 → b@1 → c@1 → a@1; take one of them out",
            "b@1: combines[0].model": "goes round in a circle: b@1 → c@1 → a@1 → b@1; take one of them out",
            "c@1: combines[0].model": "goes round in a circle: c@1 → a@1 → b@1 → c@1; take one of them out",
        }

    def test_a_model_that_combines_itself_is_a_circle_too(self) -> None:
        faults = faults_of(combination("a", "{model: a@1, weight: 1}"))
        assert list(faults) == ["a@1: combines[0].model"]

    def test_a_model_that_is_not_there_in_that_version_is_refused(self) -> None:
        """A new version of a source asks for a new version of the combination: none changes unseen."""
        faults = faults_of(combination("a", "{model: five_step@2, weight: 1}"), FIVE_STEP)
        assert list(faults) == ["a@1: combines[0].model"]
        assert "did you mean five_step@1?" in faults["a@1: combines[0].model"]

    @pytest.mark.parametrize(
        ("sources", "path"),
        [
            ("{model: five_step@1, weight: 0.3333}", "a@1: combines[0].weight"),
            (
                "{model: five_step@1, weight: 1}, {model: five_step@1, weight: 1}",
                "a@1: combines[1].model",
            ),
        ],
    )
    def test_others_have_their_paths(self, sources: str, path: str) -> None:
        assert list(faults_of(combination("a", sources), FIVE_STEP)) == [path]

    def test_a_model_has_groups_or_combines_others(self) -> None:
        both = FIVE_STEP.replace("name: five_step", "name: a") + "\ncombines: [{model: mql@1, weight: 1}]\n"
        assert list(faults_of(both, MQL)) == ["a@1: groups"]
        neither = f"name: a\nversion: 1\n{TIERS}"
        assert "a@1: groups" in faults_of(neither)


MANY = settings(max_examples=tried(30), deadline=None)
ANY = st.one_of(histories(), plans())
END = day(400)


def weighted(model: str, points: dict[str, int]) -> int:
    """The sum by hand; products are rounded towards zero."""
    return sum(int(points[source] * weight / 1000) for source, weight in WEIGHTS[model].items())


class TestAnyHistory:
    @MANY
    @given(ANY, st.integers(START, END))
    def test_gives_the_weighted_sum_and_lines_that_sum_to_it(self, facts: list[Fact], at: Instant) -> None:
        answers = {score.model: (score.points, lines) for score, lines in explain_at(ALL, facts, as_of=at)}
        points = {name: score for name, (score, _lines) in answers.items()}
        for model in WEIGHTS:
            score, lines = answers[model]
            assert score == weighted(model, points)
            assert sum(line.points for line in lines) == score

    @MANY
    @given(ANY, st.integers(0, 2**32).map(Random), st.integers(0, 300 * DAY))
    def test_in_any_order_and_cut_gives_the_same(self, facts: list[Fact], random: Random, later: int) -> None:
        arriving = shuffled(facts, random)
        state = learn(ALL, arriving)
        assert state == fold(ALL, facts)
        at = max(fact.occurred for fact in facts) + later
        assert explain_state(ALL, state, as_of=at) == explain_at(ALL, facts, as_of=at)

    @MANY
    @given(ANY, st.lists(st.integers(0, 300 * 24), max_size=8))
    def test_no_crossing_is_missed_and_none_comes_early(self, facts: list[Fact], looks: list[int]) -> None:
        told = tier_history(ALL, facts, until=END)

        def score(model: CompiledModel, at: Instant) -> int:
            state = fold(ALL, [fact for fact in facts if fact.occurred <= at])
            return total(model, state.models[model.name].slots, at) if state else 0

        for name in WEIGHTS:
            model = ALL.by_name[name]
            ranks = {tier.name: rank for rank, tier in enumerate(model.tiers)}
            since = None
            for crossing in told[name]:
                before, after = ranks[crossing.from_tier], ranks[crossing.to_tier]
                if not crossing.event:
                    assert score(model, crossing.at) == crossing.points
                    just_before = score(model, crossing.at - 1)
                    if after > before:
                        assert just_before < (model.tiers[before + 1].enter or 0) <= crossing.points
                    else:
                        assert since is not None
                        assert crossing.at >= since + DAY
                        assert crossing.at == since + DAY or model.highest_kept(just_before) >= before
                since = crossing.at
            for look in looks:
                at = START + look * HOUR + 1
                past = [crossing for crossing in told[name] if crossing.at <= at]
                held = ranks[past[-1].to_tier] if past else 0
                points = score(model, at)
                assert model.highest_entered(points) <= held
                if model.highest_kept(points) < held:
                    assert at < past[-1].at + DAY

    @settings(max_examples=tried(20), deadline=None)
    @given(ANY, st.integers(0, 2**32).map(Random))
    def test_is_told_in_time(self, facts: list[Fact], random: Random) -> None:
        check_told_in_time(ALL, facts, random, until=END)
