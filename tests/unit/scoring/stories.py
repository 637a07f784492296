"""What tests of scoring share: the shipped models, and a way to tell a lead's story in days."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from services.scoring.domain.facts import ATTRIBUTES, Fact
from services.scoring.domain.questions import Explanation, Score, explain_at, score_at, tier_history
from services.scoring.domain.running_score import ScoringState, fold
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from services.scoring.domain.scoring_models.compiler import ModelFaults, compile_model, value_lists
from services.scoring.domain.scoring_models.document import ScoringModelDocument, ValueListDocument
from services.scoring.domain.tiers import Crossing
from services.scoring.domain.vocabulary import Vocabulary
from shared.documents.faults import DocumentFaults
from shared.documents.files import read_documents
from shared.documents.versions import load_document
from shared.kernel.instants import DAY, HOUR, Instant, parse_instant

CONFIG = Path(__file__).parents[3] / "config" / "scoring"
START: Instant = parse_instant("2026-03-02T09:00:00Z")


def day(days: float) -> Instant:
    """The instant so many days after the story began."""
    return START + round(days * DAY)


def hour(hours: float) -> Instant:
    """The instant so many hours after the story began."""
    return START + round(hours * HOUR)


@cache
def vocabulary() -> Vocabulary:
    """The vocabulary with the shipped lists."""
    lists = read_documents(CONFIG / "lists", kind="value_list", shape=ValueListDocument)
    return Vocabulary(lists=value_lists(loaded.body for loaded in lists.values()))


@cache
def shipped(name: str) -> CompiledModel:
    """One of the shipped models."""
    models = read_documents(CONFIG / "models", kind="scoring_model", shape=ScoringModelDocument)
    body = next(loaded.body for loaded in models.values() if loaded.key.name == name)
    return compile_model(body, vocabulary())


def model_from(text: str) -> CompiledModel:
    """A model from the text of its document."""
    loaded = load_document(text, kind="scoring_model", shape=ScoringModelDocument)
    return compile_model(loaded.body, vocabulary())


def faults_of(text: str) -> dict[str, str]:
    """What is wrong with the text of a model's document, by path."""
    try:
        model_from(text)
    except (DocumentFaults, ModelFaults) as error:
        return {fault.path: fault.text for fault in error.faults}
    return {}


BOTH = ModelSet([shipped("five_step"), shipped("mql")])
"""The two shipped models, side by side."""


class Story:
    """A lead's facts, told one after the other; the score of one model can be asked at any time."""

    def __init__(self, model: CompiledModel) -> None:
        self.models = ModelSet([model])
        self.model = model
        self.facts: list[Fact] = []

    def fact(self, name: str, fields: dict[str, object], at: Instant) -> Story:
        """Add a fact that was received when it occurred."""
        number = len(self.facts)
        self.facts.append(Fact(f"f{number:03}", "p1", at, at, name, fields))
        return self

    def is_known_as(self, at: Instant = START, **attributes: object) -> Story:
        """Learn attributes."""
        return self.fact(ATTRIBUTES, attributes, at)

    def did(self, name: str, at: Instant = START, **fields: object) -> Story:
        """Learn of an act."""
        return self.fact(name, fields, at)

    def state(self) -> ScoringState:
        """The state after all facts."""
        state = fold(self.models, self.facts)
        assert state is not None
        return state

    def explanation(self, at: Instant | None = None) -> Explanation:
        """Points, tier and lines; without an instant, just after the newest fact."""
        if at is None:
            at = max(fact.occurred for fact in self.facts)
        return explain_at(self.models, self.facts, as_of=at)[0]

    def score(self, at: Instant | None = None) -> Score:
        """Points and tier."""
        if at is None:
            at = max(fact.occurred for fact in self.facts)
        return score_at(self.models, self.facts, as_of=at)[0]

    def points(self, at: Instant | None = None) -> float:
        """Points as people read them."""
        return self.score(at).points / 1000

    def tier(self, at: Instant | None = None) -> str:
        """The tier's name."""
        return self.score(at).tier

    def history(self, until: Instant) -> list[Crossing]:
        """Every change of tier up to an instant."""
        return tier_history(self.models, self.facts, until=until)[self.model.name]
