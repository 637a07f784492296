"""The rules that ship, and changes to tell."""

from __future__ import annotations

from typing import Final

from services.scoring.domain.activation.told import Activation, SaidActivation
from services.scoring.domain.effects import TierChange
from services.scoring.domain.told_changes import Details, ToldChange
from services.scoring.domain.webhooks.webhook import Direction
from services.scoring.store.webhooks.documents import read_webhook_rules
from tests.unit.scoring.stories import CONFIG, START

RULES: Final = read_webhook_rules(CONFIG)


def change(
    *, model: str = "five_step", direction: Direction = "up", to_tier: str = "hot", event: str = "e1"
) -> ToldChange:
    """A change of tier as it was told."""
    told = TierChange(
        model=model,
        version=1,
        direction=direction,
        from_tier="warm",
        to_tier=to_tier,
        points=71_000,
        at=START,
        restated=False,
        reasons=(),
    )
    details = Details([("demo_requested", 20_000, "e0")], {"crm": "LD-1"}, event)
    return ToldChange("7.3", "lead-1", START, told, details, "cause-1")


def activation(*, model: str = "mql", event: str = "e2") -> SaidActivation:
    """An activation as it was told."""
    told = Activation(model, 1, 1, START, 95_000, ("e0",))
    return SaidActivation("7.4", "lead-1", START, told, {"crm": "LD-1"}, "cause-1", event)
