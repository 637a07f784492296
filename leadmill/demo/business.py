"""The tables about sales and money that the demo prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from leadmill.demo.people import Person
from shared.kernel.instants import HOUR, parse_instant, to_datetime

Row = Mapping[str, Any]
_SKIPS: Final[Mapping[str, str]] = {
    "on_leave": "on leave",
    "other_region": "other regions",
    "at_capacity": "full",
}


def print_funnel(screen: Console, rows: Sequence[Row]) -> None:
    """How far the leads of each source came, and what they paid."""
    table = _table(
        screen, "Funnel by source", "", "leads", "MQL", "SQL", "opportunities", "customers", "won (CNY)"
    )
    names = ("leads", "mqls", "sqls", "opportunities", "customers")
    for row in rows:
        table.add_row(
            row["source"] or "told by sales only", *_counts(row[name] for name in names), row["won"]
        )
    table.add_section()
    won = sum(row["won_minor"] for row in rows)
    table.add_row("all", *_counts(sum(row[name] for row in rows) for name in names), f"{won / 100:.2f}")
    screen.print(table)


def print_traces(screen: Console, traces: Sequence[tuple[Person, Row]]) -> None:
    """Who got what and why: every decision about the people of the script."""
    table = _table(screen, "Who got what, and why", "", "when", "to", "why", "passed over", left=True)
    for person, lead in traces:
        for stay in lead["history"]:
            if stay["place"] not in {"owned", "pool"} or stay["since"] == stay["until"]:
                continue
            decisions = [one for one in lead["trace"] if one["assignment"] == stay["assignment"]]
            considered = decisions[0]["considered"] if stay["assignment"] and decisions else ()
            skipped = [
                f"{one['rep']} {_SKIPS.get(one['skipped'], one['skipped'])}"
                for one in considered
                if one["skipped"]
            ]
            rule = f" by {decisions[0]['rule']}" if considered else ""
            table.add_row(
                person.name, when(stay["since"]), stay["rep"] or "the pool",
                f"{stay['reason']}{rule}".replace("_", " "), ", ".join(skipped),
            )  # fmt: skip
    screen.print(table)


def print_clocks(screen: Console, body: Row, reps: Sequence[Row], *, race: tuple[int, int]) -> None:
    """Which first responses were in time, rep by rep, and how the claim race ended."""
    title = f"First responses: {body['kept']} in time, {body['missed']} missed"
    table = _table(
        screen, title, "", "received", "kept", "missed", "recalled", "waiting", "median (h)", "load"
    )
    standing = {rep["rep"]: rep for rep in reps}
    for row in body["rows"]:
        median = row["median_response_seconds"]
        rep = standing.get(row["rep"], {})
        table.add_row(
            f"{row['rep']} {rep.get('name', '')}",
            *_counts(row[name] for name in ("received", "kept", "missed", "recalled", "waiting")),
            "·" if median is None else f"{median / 3600:.1f}", str(rep.get("load", "")),
        )  # fmt: skip
    screen.print(table)
    asked, won = race
    screen.print(f"{asked} claims of one lead in the same moment: {won} taken, {asked - won} refused")


def print_mails(screen: Console, sequences: Sequence[Row]) -> None:
    """What each step of each sequence came to: messages that were due, and what people did with them.

    What was stopped did not go out, mostly because somebody rose to sales in the same moment.
    """
    table = _table(
        screen, "Mails", "", "due", "sent", "opened", "clicked", "unsubscribed", "stopped", "unconfirmed"
    )
    sums: Counter[str] = Counter()
    for sequence in sequences:
        steps = [*sequence["steps"], *sorted(sequence["messages"].keys() - {*sequence["steps"]})]
        for step in steps:
            states, engaged = sequence["messages"].get(step, {}), sequence["engaged"].get(step, {})
            counts = {
                "due": sum(states.values()),
                "sent": states.get("sent", 0),
                **{kind: engaged.get(kind, 0) for kind in ("open", "click", "unsubscribe")},
                "stopped": states.get("suppressed", 0) + states.get("failed", 0),
                "unconfirmed": states.get("unconfirmed", 0),
            }
            sums.update(counts)
            table.add_row(f"{sequence['sequence']} {step}".replace("_", " "), *_counts(counts.values()))
    table.add_section()
    table.add_row("all", *_counts(sums.values()))
    screen.print(table)


def print_returns(screen: Console, first: Sequence[Row], shared: Sequence[Row]) -> None:
    """What campaigns returned, under two attribution models; what no touch led to is a row."""
    table = _table(
        screen, "Return on campaigns (CNY)", "", "cost", "first touch", "ROI", "U (40-20-40)", "ROI"
    )
    other = {row["campaign"]: row for row in shared}
    names = list(dict.fromkeys([row["campaign"] for row in (*first, *shared)]))
    mine = {row["campaign"]: row for row in first}
    nothing = {"cost": None, "contribution": "0.00", "roi": None}
    for name in sorted(names, key=lambda name: (name is None, name or "")):
        one, two = mine.get(name, nothing), other.get(name, nothing)
        label = "unattributed" if name is None else name or "no campaign named"
        table.add_row(
            label, one["cost"] or two["cost"] or "·",
            one["contribution"], _rate(one["roi"]), two["contribution"], _rate(two["roi"]),
        )  # fmt: skip
    table.add_section()
    sums = [sum(row["contribution_minor"] for row in rows) for rows in (first, shared)]
    table.add_row("all", "", f"{sums[0] / 100:.2f}", "", f"{sums[1] / 100:.2f}", "")
    screen.print(table)


def when(instant: str) -> str:
    """Return an instant as the people of the story read it: weekday, day and time in Shanghai."""
    return f"{to_datetime(parse_instant(instant) + 8 * HOUR):%a %d %H:%M}"


def _rate(roi: float | None) -> str:
    return "·" if roi is None else f"{roi:+.0%}"


def _counts(values: Any) -> list[str]:
    return [f"{value:,}" if value else "·" for value in values]


def _table(screen: Console, title: str, first: str, *columns: str, left: bool = False) -> Table:
    screen.print()
    screen.print(title, style="bold", highlight=False)
    table = Table(header_style="dim", box=None, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="left" if left else "right")
    return table
