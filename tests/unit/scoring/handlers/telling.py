"""What stories for the handlers are told with: a few names, and facts one after the other."""

from __future__ import annotations

from services.scoring.domain.facts import ATTRIBUTES, Fact
from shared.kernel.changes import Fact as Learned
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import SECOND, Instant
from tests.unit.scoring.handlers.plots import LEADS, learn_fact
from tests.unit.scoring.handlers.world import World
from tests.unit.scoring.stories import START

ADA, VISITOR, BOSS = LEADS


class Told:
    """Facts, told one after the other, each with an id of its own."""

    def __init__(self) -> None:
        self.number = 0

    def fact(
        self, who: str, name: str, at: Instant | None, *, received: Instant | None = None, **fields: object
    ) -> Learned:
        """Without an instant, a second after what was told before."""
        self.number += 1
        at = START + self.number * SECOND if at is None else at
        identity = deterministic_id("story", str(self.number))
        return learn_fact(Fact(identity, who, at, at if received is None else received, name, fields))

    def known(self, who: str = ADA, at: Instant | None = None) -> Learned:
        """35 points in five_step: warm."""
        return self.fact(who, ATTRIBUTES, at, industry="pharma", title_level="director", size="500_plus")

    def demo(self, who: str = ADA, at: Instant | None = None, *, received: Instant | None = None) -> Learned:
        """20 points."""
        return self.fact(who, "demo_requested", at, received=received)

    def price(self, who: str = ADA, at: Instant | None = None, *, received: Instant | None = None) -> Learned:
        """15 points."""
        return self.fact(who, "page_viewed", at, received=received, kind="price", path="/pricing")


def learn(world: World, *learned: Learned) -> None:
    """Each by itself, and what scoring sends itself after each."""
    for one in learned:
        heard = len(world.internal)
        world.learn([one])
        while heard < len(world.internal):
            heard += 1
            world.learn([world.internal[heard - 1]])
