"""The oracle of imports and corrections shows each fault it is there for, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.failure.on_services.oracle.commands import compare_commands
from tests.failure.on_services.oracle.imports import check_releases, check_rows
from tests.failure.on_services.surroundings.tables import Portion, Table, TableRow
from tests.failure.on_services.surroundings.wishes import TOKEN, Wish
from tests.failure.oracle.comparison import Differences
from tests.failure.surroundings.callers import Asked

REFUSED = {"row": 0, "verdict": "refused", "lead": "a", "corrected": []}
DONE = {"row": 0, "verdict": "corrected", "lead": "a", "corrected": ["title"]}
REPLY = {"lead": "a", "version": 4, "corrected": ["title"]}


def table(name: str, *rows: tuple[str, str], portions: list[Portion] | None = None) -> Table:
    """A table of rows, each with its mark and its key."""
    return Table(
        name=name,
        kind="leads",
        source="crm",
        mode="history",
        starts=True,
        rows=[TableRow(cells=(), mark=mark, key=key) for mark, key in rows],
        portions=portions or [],
    )


@pytest.mark.parametrize(
    ("arrived", "kinds"),
    [
        ({"one": {"1"}, "two": {"2"}, "three": {"3"}}, []),
        ({"one": {"1"}, "two": {"2"}}, ["lost"]),
        ({"one": {"1"}, "two": {"2", "4"}, "three": {"3"}}, []),  # said again after something else was
        ({"one": {"1", "4"}, "two": {"2"}, "three": {"3"}}, ["double"]),
        ({"one": {"1"}, "two": {"2"}, "three": {"3"}, "four": {"4"}}, ["unexplained"]),
    ],
)
def test_each_row_is_one_message_however_often_its_table_was_brought_in(
    arrived: dict[str, set[str]], kinds: list[str]
) -> None:
    tables = [table("first", ("one", ""), ("two", "LD-1")), table("second", ("three", "LD-1"))]
    differences = Differences()
    check_rows(tables, {"first": 2, "second": 1}, arrived, differences)
    assert list(differences.kinds) == kinds


@pytest.mark.parametrize(
    ("answers", "released", "kinds"),
    [
        ([2, 2], {"a", "b"}, []),
        ([2, 1], {"a", "b"}, ["release"]),
        ([3], {"a"}, ["release"]),
        ([2, 2], {"a", "b", "c"}, ["release"]),
    ],
)
def test_a_portion_is_about_the_same_leads_however_often_it_is_asked_for(
    answers: list[int], released: set[str], kinds: list[str]
) -> None:
    portion = Portion(import_id="x", count=2, answers=[{"released": one} for one in answers])
    differences = Differences()
    check_releases([table("first", portions=[portion])], {"x": released}, differences)
    assert list(differences.kinds) == kinds


@pytest.mark.parametrize(
    ("answers", "reply", "kinds"),
    [
        ([DONE, DONE], REPLY, []),
        ([REFUSED, DONE], REPLY, []),  # asked again it could be done
        ([REFUSED], None, []),
        ([DONE, REFUSED], REPLY, ["command"]),
        ([DONE], None, ["lost"]),
        ([{**DONE, "corrected": []}], REPLY, ["command"]),
    ],
)
def test_a_row_of_many_is_answered_as_it_took_effect(
    answers: list[dict[str, Any]], reply: dict[str, Any] | None, kinds: list[str]
) -> None:
    asked = Asked(
        "c1:a:many",
        "a",
        began=0.0,
        answered=1.0,
        replies=[{"rows": [one]} for one in answers],
        meaning=[Wish(lead="a", by=TOKEN, fields={})],
    )
    differences = Differences()
    compare_commands({} if reply is None else {"c1:a:many/0": reply}, [asked], differences)
    assert list(differences.kinds) == kinds


def test_what_nobody_asked_for_is_shown() -> None:
    differences = Differences()
    compare_commands({"c7:a:right": REPLY}, [], differences)
    assert list(differences.kinds) == ["unexplained"]
