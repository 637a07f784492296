"""The laws by which points cool; a group names one, and so does each of its lines.

Every law is a closed form: what a line is worth follows from its points and its age alone. None
raises the worth of a line, all bring it to nothing, and all round towards zero to a thousandth.
"""

from __future__ import annotations

from typing import TypeAlias

from services.scoring.domain.decay.half_life import HalfLife
from services.scoring.domain.decay.steps import CompoundSteps, LinearSteps
from shared.kernel.instants import Instant

Law: TypeAlias = HalfLife | LinearSteps | CompoundSteps
"""How the points of a group cool. ``left`` tells what points are still worth at an age, ``lifetime``
the age from which on they are worth nothing, ``full`` how long they count in full."""

__all__ = ["CompoundSteps", "HalfLife", "Law", "LinearSteps", "gone_at"]


def gone_at(points: int, granted: Instant, law: Law) -> Instant:
    """Return an instant from which on a line granted at ``granted`` is worth nothing."""
    return granted + law.lifetime(points)
