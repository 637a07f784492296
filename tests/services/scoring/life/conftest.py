"""The surroundings of scoring's tests hold here, too."""

from __future__ import annotations

import pytest

from tests.services.scoring.conftest import deeds, small_stand, stand
from tests.services.scoring.life.desk import Author
from tests.services.scoring.stand import Stand

__all__ = ["author", "deeds", "small_stand", "stand"]


@pytest.fixture
def author(small_stand: Stand) -> Author:
    """Somebody who takes steps, where a worker may run or not."""
    return Author(small_stand)
