"""What is wrong with the sound parts of a document whose shape is not: so that all faults show at once."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.scoring.domain.activation.document import ActivationDocument, compile_gate
from services.scoring.domain.decay import HalfLife
from services.scoring.domain.rules import AnyRuleDocument
from services.scoring.domain.rules.context import RuleContext
from services.scoring.domain.scoring_models.compiler import compile_tiers
from services.scoring.domain.scoring_models.document import LeavingDocument, TierDocument
from services.scoring.domain.vocabulary import Vocabulary
from shared.kernel.faults import Fault
from shared.kernel.instants import DAY


def faults_beside(data: object, known: Sequence[Fault], vocabulary: Vocabulary) -> list[Fault]:
    """Return the faults of meaning of those rules, tiers and gates in which ``known`` has no fault.

    ``data`` is a model's document as plain data, ``known`` are all faults of its shape. What only the whole
    can tell, such as whether a tier is out of reach, is left until the shape is sound.
    """
    if not isinstance(data, dict):
        return []

    def is_sound(path: str) -> bool:
        below = (f"{path}.", f"{path}[")
        return not any(fault.path == path or fault.path.startswith(below) for fault in known)

    faults: list[Fault] = []
    groups = data.get("groups")
    for place, group in enumerate(groups if isinstance(groups, list) else ()):
        path = f"groups[{place}]"
        if not isinstance(group, dict) or not is_sound(f"{path}.of"):
            continue
        rules = group.get("rules")
        for number, rule in enumerate(rules if isinstance(rules, list) else ()):
            if is_sound(f"{path}.rules[{number}]"):
                context = RuleContext(
                    path=f"{path}.rules[{number}]",
                    behaviour=group["of"] == "behaviour",
                    cooling=HalfLife(0, DAY) if group.get("cooling") is not None else None,
                    vocabulary=vocabulary,
                    faults=faults,
                )
                msgspec.convert(rule, AnyRuleDocument).compile(context)
    if is_sound("tiers") and is_sound("leaving"):
        tiers = msgspec.convert(data["tiers"], tuple[TierDocument, ...])
        compile_tiers(tiers, msgspec.convert(data.get("leaving"), LeavingDocument | None), faults)
    if data.get("activation") is not None and is_sound("activation"):
        gate = msgspec.convert(data["activation"], ActivationDocument)
        compile_gate(gate, vocabulary, faults, steady=True)
    return faults
