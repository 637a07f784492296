"""What a run prints: a line as it goes on, a table at its end, or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One figure, with the target that it is held against if it has one."""

    part: str
    what: str
    figure: float
    unit: str = ""
    target: float | None = None
    holds: Literal["at least", "below"] = "at least"
    remark: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        return self.figure >= self.target if self.holds == "at least" else self.figure < self.target


def tell(text: str) -> None:
    """Print progress, where it does not disturb a result that is piped on."""
    print(text, file=sys.stderr, flush=True)


def print_table(lines: Sequence[Line]) -> None:
    """Print all figures, their targets, and whether they are met."""
    rows = [("", "what", "figure", "target", "")]
    for line in lines:
        sign = "≥" if line.holds == "at least" else "<"
        target = "" if line.target is None else f"{sign} {_number(line.target)}{line.unit}"
        verdict = {None: "", True: "met", False: "MISSED"}[line.is_met]
        remark = "  ".join(part for part in (verdict, line.remark) if part)
        rows.append((line.part, line.what, f"{_number(line.figure)}{line.unit}", target, remark))
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    for part, what, figure, target, remark in rows:
        print(
            f"{part:<{widths[0]}}  {what:<{widths[1]}}  {figure:>{widths[2]}}"
            f"  {target:>{widths[3]}}  {remark}".rstrip()
        )


def print_json(lines: Sequence[Line], **about: object) -> None:
    """Print all figures for scripts."""
    figures = [{**asdict(line), "is_met": line.is_met} for line in lines]
    print(json.dumps({**about, "figures": figures}, ensure_ascii=False, indent=2))


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"
