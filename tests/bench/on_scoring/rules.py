"""Rule evaluation alone: facts through the rules of one model, states in memory, one core, nothing else."""

from __future__ import annotations

import time
from typing import Final

from services.scoring.bootstrap import load_models
from services.scoring.domain.facts import Fact
from services.scoring.domain.running_score import ScoringState, advance
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.handlers.interpreting import interpret
from shared.contracts.envelope import decode_envelope
from tests.bench.on_services.workload import CONFIG
from tests.services.scoring.throughput import invent

ALL: Final = "all models"
_LEADS: Final = 2_000
_RUNS: Final = 3


def measure_rules(*, facts: int) -> dict[str, float]:
    """Return facts per second of processor time by model, and of all that ship; the best of three runs."""
    told = _facts(facts)
    shipped = load_models(CONFIG)
    found = {model.name: _best(ModelSet([model]), told) for model in shipped.models}
    return {**found, ALL: _best(shipped, told)}


def _facts(count: int) -> list[Fact]:
    learned = [
        interpret(decode_envelope(deed.record.value or b"")) for deed in invent(leads=_LEADS, facts=count)
    ]
    return [one.event for one in learned if one is not None and isinstance(one.event, Fact)]


def _best(models: ModelSet, facts: list[Fact]) -> float:
    best = float("inf")
    for _ in range(_RUNS):
        states: dict[str, ScoringState] = {}
        begun = time.process_time()
        for fact in facts:
            states[fact.profile] = advance(models, states.get(fact.profile), fact)
        best = min(best, time.process_time() - begun)
    return len(facts) / best
