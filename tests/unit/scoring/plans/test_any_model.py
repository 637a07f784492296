"""What holds of the plans for any lead under any model, by the engine and by the naive reading."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.facts import ATTRIBUTES, Fact
from services.scoring.domain.plans.outlook import Outlook, goal_of, look_ahead
from services.scoring.domain.plans.trial import Goal
from services.scoring.domain.questions import tier_history
from services.scoring.domain.running_score import fold
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from shared.kernel.instants import DAY, Instant
from tests.examples import tried
from tests.unit.scoring.any_model.documents import (
    LONGEST,
    Document,
    compiled,
    documents,
    histories,
    instants,
    only_model,
)
from tests.unit.scoring.any_model.naive_tiers import Walk
from tests.unit.scoring.stories import START

MANY = settings(max_examples=tried(20), deadline=None)
FEW_TRIED = 100
walked = st.one_of(documents(laws="steps"), documents(negative=False))
"""Models that the naive walk can follow."""
END = START + LONGEST + 300 * DAY


class Asked:
    """A lead, a model, and what it would take to reach one of its tiers from an instant on."""

    def __init__(self, document: Document, facts: list[Fact], at: Instant, rank: int | None) -> None:
        self.document = document
        self.models: ModelSet = compiled(document)
        self.model: CompiledModel = only_model(self.models)
        self.at = at
        self.known = [fact for fact in facts if fact.occurred <= at]
        state = fold(self.models, self.known)
        top = len(self.model.tiers) - 1
        if rank is None:
            goal = goal_of(self.model, state, at=at, tier=None, activation=True)
        else:
            goal = Goal(min(rank, top))
        self.goal = goal
        self.outlook: Outlook = look_ahead(
            self.model, state, goal=goal, profile="p", at=at, most_tried=FEW_TRIED
        )

    def reaches(self, facts: Sequence[Fact], at: Instant) -> bool:
        """Whether the goal is reached at an instant, by the engine, all facts folded from the start."""
        everything = [*self.known, *facts]
        if self.goal.rank is None:
            state = fold(self.models, everything)
            gate = None if state is None else state.models[self.model.name].gate
            return gate is not None and gate.passage is not None
        (crossings,) = tier_history(self.models, everything, until=at).values()
        return self.rank_of(crossings[-1].to_tier if crossings else None) >= self.goal.rank

    def reaches_naively(self, facts: Sequence[Fact], at: Instant) -> bool:
        """The same by the second opinion."""
        everything = [*self.known, *facts]
        changes = Walk(self.document).history(everything, until=at) if everything else []
        return self.rank_of(changes[-1].to_tier if changes else None) >= (self.goal.rank or 0)

    def rank_of(self, tier: str | None) -> int:
        """The rank of a tier; everybody begins in the lowest."""
        return 0 if tier is None else [one.name for one in self.model.tiers].index(tier)


ranks = st.integers(1, 3)


class TestEachPlan:
    @MANY
    @given(walked, histories(max_size=10), instants(), ranks)
    def test_reaches_the_tier_when_its_facts_are_added_and_not_when_one_is_left_out(
        self, document: Document, facts: list[Fact], at: Instant, rank: int
    ) -> None:
        asked = Asked(document, facts, at, rank)
        for plan in asked.outlook.plans:
            told, end = plan.facts, plan.facts[-1].occurred
            assert [fact.occurred for fact in told] == sorted(fact.occurred for fact in told)
            assert told[0].occurred > at
            assert asked.reaches(told, end)
            assert asked.reaches_naively(told, end)
            for place in range(len(told)):
                fewer = [*told[:place], *told[place + 1 :]]
                assert not asked.reaches(fewer, end)
                assert not asked.reaches_naively(fewer, end)

    @MANY
    @given(documents(), histories(max_size=10), instants(), ranks)
    def test_does_so_also_where_scores_rise_by_themselves_and_ends_when_it_says(
        self, document: Document, facts: list[Fact], at: Instant, rank: int
    ) -> None:
        asked = Asked(document, facts, at, rank)
        for plan in asked.outlook.plans:
            told, end = plan.facts, plan.facts[-1].occurred
            assert asked.reaches(told, end)
            assert not any(
                asked.reaches([*told[:place], *told[place + 1 :]], end) for place in range(len(told))
            )
            if plan.until is None:
                assert asked.reaches(told, max(END, end))
            else:
                assert asked.reaches(told, plan.until - 1)
                assert not asked.reaches(told, plan.until)

    @settings(max_examples=tried(60), deadline=None)
    @given(documents(negative=False), histories(max_size=10), instants())
    def test_passes_the_gate_where_that_is_asked_for(
        self, document: Document, facts: list[Fact], at: Instant
    ) -> None:
        if "activation" not in document:
            return
        asked = Asked(document, facts, at, None)
        for plan in asked.outlook.plans:
            told, end = plan.facts, plan.facts[-1].occurred
            assert plan.is_activated
            assert asked.reaches(told, end)
            assert not any(
                asked.reaches([*told[:place], *told[place + 1 :]], end) for place in range(len(told))
            )

    @MANY
    @given(documents(), histories(max_size=10), instants(), ranks)
    def test_comes_after_no_larger_one_and_where_there_is_none_it_is_said_why(
        self, document: Document, facts: list[Fact], at: Instant, rank: int
    ) -> None:
        outlook = Asked(document, facts, at, rank).outlook
        sizes = [len(plan.steps) for plan in outlook.plans]
        assert sizes == sorted(sizes)
        if outlook.is_reached or outlook.plans:
            assert not outlook.obstacles
        else:
            assert outlook.obstacles or outlook.by_itself is not None

    @MANY
    @given(documents(), histories(max_size=10), instants(), ranks, histories(max_size=1))
    def test_is_found_where_one_act_would_do(
        self, document: Document, facts: list[Fact], at: Instant, rank: int, one: list[Fact]
    ) -> None:
        (act,) = one
        if act.name == ATTRIBUTES:
            return
        fields = {name: "new" if name in {"path", "message"} else value for name, value in act.fields.items()}
        act = Fact("one", "p", at + 1, at + 1, act.name, fields)
        asked = Asked(document, facts, at, rank)
        if not asked.reaches([], at + 1) and asked.reaches([act], at + 1):
            assert asked.outlook.plans
            assert len(asked.outlook.plans[0].steps) == 1
