"""Takes what was learnt onto the desk."""

from __future__ import annotations

from services.analytics.domain.desk import Desk, Learned
from shared.kernel.changes import Fact, Ruling


def learn(desk: Desk, fact: Fact) -> Ruling:
    """Note a fact and what follows from it; analytics says nothing to anybody."""
    assert isinstance(fact.event, Learned)
    desk.learn(fact.event)
    return Ruling()
