"""Folds from the checkpoint before a late fact on, until what it changed has gone.

A score remembers no more than its rules need: a page that was viewed again later, a window that is over,
leave no trace of what came late. So if the score at a later checkpoint is the very one that was stored
there, all that follows is as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from services.scoring.domain.checkpoints.checkpoint import EVERY, Checkpoint, Stretch
from services.scoring.domain.facts import Fact, Place, in_order, learn_external_ids
from services.scoring.domain.running_score import advance
from services.scoring.domain.scoring_models.compiled import ModelSet


class Unsettled(Exception):
    """What came late still matters where the stretch ends; resume on a longer one."""


class Resumed(NamedTuple):
    """What late facts came to.

    ``newest`` is the score after all facts, None if it is as it was. Between ``after`` and ``until`` the
    checkpoints are now ``checkpoints``; ``ends`` are those of the stretch.
    """

    newest: Checkpoint | None
    after: Place
    until: Place | None
    checkpoints: tuple[Checkpoint, ...]
    ends: tuple[Checkpoint, ...]

    @property
    def replaced(self) -> tuple[Place, Place | None, tuple[Checkpoint, ...]]:
        """Return between which places which checkpoints are new."""
        return self.after, self.until, self.checkpoints


def resume(
    models: ModelSet, stretch: Stretch, counting: Iterable[Fact], late: Sequence[Fact], *, every: int = EVERY
) -> Resumed:
    """Return what becomes of the score with ``late``; ``counting`` are the stretch's facts that count.

    :raises Unsettled: if the stretch is not open, and the late facts still matter at its end.
    """
    score, external_ids = stretch.base if stretch.base is not None else (None, {})
    places = [Place(fact.occurred, fact.id) for fact in late]
    first, last = min(places), max(places)
    ends, written = list(stretch.ends), list[Checkpoint]()
    reached, walked, longest = 0, 0, every if stretch.is_open else 2 * every
    for fact in in_order([*counting, *late]):
        place = Place(fact.occurred, fact.id)
        score = advance(models, score, fact)
        external_ids = learn_external_ids(external_ids, fact)
        walked += 1
        if reached < len(ends) and place == ends[reached].place:
            now, walked = Checkpoint(score, external_ids), 0
            if place > last and now == ends[reached]:
                return Resumed(None, first, place, tuple(written), tuple(ends))
            if place > first:
                ends[reached] = now
                written.append(now)
            reached += 1
        elif walked >= longest and place > first:
            written.append(Checkpoint(score, external_ids))
            walked = 0
    if not stretch.is_open or score is None:
        raise Unsettled
    return Resumed(Checkpoint(score, external_ids), first, None, tuple(written), ())
