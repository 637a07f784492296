"""The plan of the long runs: everything is in it, and none of its shares is too long for a sitting."""

from __future__ import annotations

from tests.failure.__main__ import EVERYTHING
from tests.failure.plan import cut

SHARES = 4


def test_all_runs_together_take_less_than_two_hours_and_each_quarter_less_than_half_of_one() -> None:
    shares = [cut(EVERYTHING, share, SHARES) for share in range(1, SHARES + 1)]

    assert [run for share in shares for run in share] == list(EVERYTHING)
    assert max(sum(run.seconds for run in share) for share in shares) < 30 * 60
    assert sum(run.seconds for run in EVERYTHING) < 120 * 60


def test_no_two_runs_have_one_name_for_progress_is_kept_by_it() -> None:
    names = [run.name for run in EVERYTHING]

    assert sorted(set(names)) == sorted(names)
