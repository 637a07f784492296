"""Grades of two axes: a letter for who they are, one for what they do, and a grade for each pair.

A grade is read off the score at an instant, beside its tier. It has no margin and no dwell, and nothing
is told when it changes: tiers are what others act upon.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from services.scoring.domain.rules.context import in_thousandths
from shared.kernel.faults import Fault, allowed, show

Letter = Annotated[str, Meta(pattern="^[A-Za-z0-9]{1,8}$")]
"""How a step of an axis is called, for example A or 1."""


class StepDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step of an axis and the least points it takes; the lowest takes none."""

    letter: Letter
    at_least: float | None = None


Axis = Annotated[tuple[StepDocument, ...], Meta(min_length=1)]
"""An axis, highest step first."""


class GradesDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Both axes, and by the letter of fit and then that of behaviour the grade."""

    fit: Axis
    behaviour: Axis
    matrix: Mapping[str, Mapping[str, Annotated[str, Meta(min_length=1, max_length=40)]]]


class Step(NamedTuple):
    """A step and the least thousandths it takes, None for the lowest."""

    letter: str
    at_least: int | None


class Grade(NamedTuple):
    """The letters of both axes, and what they make together."""

    fit: str
    behaviour: str
    grade: str


@dataclass(frozen=True, slots=True)
class GradeMatrix:
    """Compiled axes, highest step first, and their cells."""

    fit: tuple[Step, ...]
    behaviour: tuple[Step, ...]
    cells: Mapping[tuple[str, str], str]

    def grade(self, fit: int, behaviour: int) -> Grade:
        """Return the grade for so many thousandths of fit and of behaviour."""
        pair = _letter(self.fit, fit), _letter(self.behaviour, behaviour)
        return Grade(*pair, self.cells[pair])


def compile_grades(document: GradesDocument, faults: list[Fault]) -> GradeMatrix:
    """Check and compile; what is wrong is added to ``faults``."""
    fit = _axis(document.fit, "grades.fit", faults)
    behaviour = _axis(document.behaviour, "grades.behaviour", faults)
    cells: dict[tuple[str, str], str] = {}
    rows, columns = [step.letter for step in fit], [step.letter for step in behaviour]
    for row, given in document.matrix.items():
        path = f"grades.matrix.{row}"
        if row not in rows:
            faults.append(Fault(path, f"{show(row)} is no letter of fit; {allowed(rows)}"))
            continue
        for column, grade in given.items():
            if column not in columns:
                unknown = f"{show(column)} is no letter of behaviour; {allowed(columns)}"
                faults.append(Fault(f"{path}.{column}", unknown))
            cells[row, column] = grade
    faults.extend(
        Fault(f"grades.matrix.{row}.{column}", "is missing; every pair of letters has a grade")
        for row in rows
        for column in columns
        if (row, column) not in cells
    )
    return GradeMatrix(fit, behaviour, cells)


def _axis(documents: Sequence[StepDocument], path: str, faults: list[Fault]) -> tuple[Step, ...]:
    steps: list[Step] = []
    for place, document in enumerate(documents):
        where = f"{path}[{place}]"
        if any(document.letter == step.letter for step in steps):
            faults.append(Fault(f"{where}.letter", f"{document.letter} is there already; letters are unique"))
        is_lowest = place == len(documents) - 1
        bound = in_thousandths(document.at_least) if document.at_least is not None else None
        if is_lowest and document.at_least is not None:
            faults.append(Fault(where, "the lowest step is open downwards and has no bound"))
        elif not is_lowest and bound is None:
            faults.append(Fault(where, "needs a bound, at_least, with three decimals at most"))
        above = steps[-1].at_least if steps else None
        if bound is not None and above is not None and bound >= above:
            faults.append(Fault(where, "steps stand highest first, each bound below the one before"))
        steps.append(Step(document.letter, None if is_lowest else bound))
    return tuple(steps)


def _letter(axis: Sequence[Step], points: int) -> str:
    return next(step.letter for step in axis if step.at_least is None or points >= step.at_least)
