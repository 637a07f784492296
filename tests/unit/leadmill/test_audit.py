"""The audit's own arithmetic."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console

from leadmill.audit.comparing import _look_twice
from leadmill.audit.reading import _Seen
from leadmill.audit.report import describe_findings, print_findings
from shared.processor.checks import Finding


class TestNumbersInATopic:
    def gaps(self, *numbers: int) -> list[tuple[int, int]]:
        seen = _Seen()
        for number in numbers:
            seen.add(number)
        return seen.gaps

    def test_a_dense_sequence_has_no_gap(self) -> None:
        assert self.gaps(1, 2, 3, 4) == []

    def test_repeats_are_fine(self) -> None:
        assert self.gaps(1, 2, 3, 2, 3, 4) == []

    def test_what_is_missing_is_named_from_first_to_last(self) -> None:
        assert self.gaps(3, 4, 8) == [(1, 2), (5, 7)]


def finding(*breaches: str) -> Finding:
    return Finding(check="a promise", looked_at=7, breaches=breaches)


class TestALookAtLivingData:
    async def settled(self, *answers: Sequence[str]) -> list[str]:
        looks = iter(answers)

        async def look() -> list[Finding]:
            return [finding(*next(looks))]

        (found,) = await _look_twice(look)
        return list(found.breaches)

    async def test_what_holds_at_once_is_not_looked_at_again(self) -> None:
        assert await self.settled([]) == []

    async def test_what_was_merely_moving_is_no_breach(self) -> None:
        assert await self.settled(["lead 1", "lead 2"], ["lead 3"]) == []

    async def test_what_is_said_both_times_counts(self) -> None:
        assert await self.settled(["lead 1", "lead 2"], ["lead 2", "lead 3"]) == ["lead 2"]


class TestReport:
    def test_names_every_breach(self) -> None:
        screen = Console(width=100, record=True, file=io.StringIO())
        print_findings(screen, [finding(), finding("lead 1 is lost")])
        text = screen.export_text()
        assert "1 breached" in text
        assert "a promise: lead 1 is lost" in text

    def test_says_more_than_it_shows(self) -> None:
        screen = Console(width=100, record=True, file=io.StringIO())
        print_findings(screen, [finding(*(f"lead {number}" for number in range(30)))])
        assert "and 10 more" in screen.export_text()

    def test_scripts_get_all_of_it(self) -> None:
        document = describe_findings([finding("lead 1 is lost")])
        assert document["clean"] is False
        assert document["checks"] == [
            {"check": "a promise", "looked_at": 7, "ok": False, "breaches": ["lead 1 is lost"]}
        ]
