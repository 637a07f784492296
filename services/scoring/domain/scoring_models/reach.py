"""How many points a model can bring at most: a tier or a gate above them is a mistake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.scoring.domain.rules.act import ActRule
from services.scoring.domain.rules.rule import Rule
from services.scoring.domain.scoring_models.compiled import Group, Source, Tier
from shared.kernel.faults import Fault

_POINT: Final = 1000


def most_points(groups: Sequence[Group], rules: Sequence[Rule], sources: Sequence[Source] = ()) -> int:
    """Return a bound in thousandths that no score exceeds: all rules at their best, under their caps.

    Rules that exclude each other are taken to hold together: the bound may be too high, never too low.
    """
    most = 0
    for group in groups:
        best = sum(_most_of(rules[member.slot]) for member in group.members)
        most += best if group.cap is None else min(best, group.cap)
    for source in sources:
        model = source.model
        most += source.weighted(most_points(model.groups, model.rules, model.sources))
    return most


def unreachable(tiers: Sequence[Tier], gate_at: int | None, most: int) -> list[Fault]:
    """Return a fault for each tier, and for the gate, that ``most`` thousandths do not reach.

    ``tiers`` stand lowest first, as in a compiled model; documents have them the other way round.
    """
    last = len(tiers) - 1
    needed = [(f"tiers[{last - rank}]", tier.enter) for rank, tier in enumerate(tiers)]
    needed.append(("activation.at_least", gate_at))
    bring = f"{most / _POINT:g}"
    return [
        Fault(path, f"needs {enter / _POINT:g} points, and all rules together bring {bring} at most")
        for path, enter in needed
        if enter is not None and enter > most
    ]


def _most_of(rule: Rule) -> int:
    if rule.points <= 0:
        return 0
    marks = rule.most if isinstance(rule, ActRule) and rule.counts != "once" else 1
    worth = rule.points * marks
    return worth if rule.cap is None else min(worth, rule.cap)
