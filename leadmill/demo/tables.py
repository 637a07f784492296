"""What the demo prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from leadmill.demo.answers import KnownLead, Movement, sum_up_rules
from leadmill.demo.clients import Sent
from leadmill.demo.visits import SOURCES, Capture, Report, Visit, names_somebody
from shared.kernel.instants import HOUR, Instant, to_datetime

MQL: Final = "mql"
FIVE_STEP: Final = "five_step"
_SHOWN_DAYS: Final = (1, 3, 5, 7, 9, 11, 13, 14)
_MOST_ROWS: Final = 8
_WORDS: Final = {
    "intake.no_event_name": "an act without a name",
    "intake.no_identity": "nobody to attach it to",
    "intake.honeypot": "a form filled in by a machine",
    "intake.malformed_json": "not readable",
}


def print_sources(screen: Console, visits: Sequence[Visit], leads: Sequence[KnownLead]) -> None:
    """People by the source they first came from, and what became of them."""
    first: dict[int, str] = {}
    requests: Counter[str] = Counter()
    for visit in visits:
        requests[visit.source] += 1
        first.setdefault(visit.person.number, visit.source)
    table = _table(
        screen, "People by first source", "", "requests", "people", "known", "mql A", "mql B", "hot"
    )
    for source in SOURCES:
        people = {number for number, own in first.items() if own == source}
        known = [lead for lead in leads if lead.person.number in people]
        tiers = Counter(lead.tier(MQL) for lead in known)
        hot = sum(lead.tier(FIVE_STEP) == "hot" for lead in known)
        table.add_row(
            source, *_numbers(requests[source], len(people), len(known), tiers["A"], tiers["B"], hot)
        )
    screen.print(table)


def print_movements(screen: Console, movements: Mapping[str, Movement]) -> None:
    """Each model's tiers day by day, with how often leads rose and fell."""
    for model, movement in movements.items():
        table = _table(
            screen,
            f"Tiers by {model}: {movement.rises} rises, {movement.falls} falls",
            "day", *(str(day) for day in _SHOWN_DAYS),
        )  # fmt: skip
        for tier in movement.tiers:
            table.add_row(tier, *_numbers(*(movement.by_day[day - 1][tier] for day in _SHOWN_DAYS)))
        screen.print(table)


def print_hottest(screen: Console, leads: Sequence[KnownLead]) -> None:
    """The leads to call first."""
    table = _table(screen, "Hottest leads", "", "title", "company", "industry", "mql", "", "five_step", "")
    ordered = sorted(leads, key=lambda lead: (-lead.points(MQL), -lead.points(FIVE_STEP), lead.lead))
    for lead in ordered[:_MOST_ROWS]:
        person = lead.person
        table.add_row(
            person.name, person.title, person.company, person.industry,
            f"{lead.points(MQL):.1f}", lead.tier(MQL), f"{lead.points(FIVE_STEP):.1f}", lead.tier(FIVE_STEP),
        )  # fmt: skip
    screen.print(table)


def print_rules(screen: Console, leads: Sequence[KnownLead]) -> None:
    """What brings the points."""
    table = _table(screen, "Most effective, by points that mql counts today", "", "leads", "points")
    for rule, count, points in sum_up_rules(leads, MQL)[:_MOST_ROWS]:
        table.add_row(rule.replace("_", " "), *_numbers(count, round(points)))
    screen.print(table)


def print_example(
    screen: Console, lead: KnownLead, now: Mapping[str, Any], before: Mapping[str, Any]
) -> None:
    """One score, line by line: what was granted when, and what of it is left."""
    person = lead.person
    table = _table(
        screen,
        f"Why {person.name} ({person.title}, {person.company}) has {now['points']:g} points"
        f" in {now['model']}: tier {now['tier']}",
        "rule", "granted (UTC)", "points then", "points now",
    )  # fmt: skip
    for line in sorted(now["lines"], key=lambda line: str(line["granted_at"])):
        table.add_row(
            str(line["rule"]).replace("_", " "),
            str(line["granted_at"])[:16].replace("T", " "),
            f"{line['granted_points']:g}",
            f"{line['points']:g}",
        )
    table.add_section()
    table.add_row("sum", str(now["as_of"])[:16].replace("T", " "), "", f"{now['points']:g}")
    table.add_row(
        "a week before",
        str(before["as_of"])[:16].replace("T", " "),
        "",
        f"{before['points']:g} ({before['tier']})",
    )
    screen.print(table)


def print_intake(
    screen: Console,
    *,
    refused: Mapping[str, int],
    repeated: int,
    merged: int,
    named: int,
    parted: int,
    erased: int,
) -> None:
    """What did not become a fact, and whom ingest recognised."""
    table = _table(screen, "Recognised and refused", "", "")
    table.add_row("visitors without a name who gave one later: their history counts", str(named))
    table.add_row("people who came in twice and are one lead", str(merged))
    table.add_row("people of one name who had become one lead and are two again", str(parted))
    table.add_row("people who asked to be erased, and are not found any more", str(erased))
    table.add_row("messages sent again by a client and counted once", str(repeated))
    for code, count in sorted(refused.items()):
        table.add_row(f"in quarantine, {_WORDS.get(code, code)} ({code})", str(count))
    screen.print(table)


def print_sent(
    screen: Console, sent: Sent, *, people: int, begun: Instant, ended: Instant, seconds: float
) -> None:
    """What went in, and how fast."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(sent.requests.items()))
    screen.print(
        f"{people} people, {_day(begun)} to {_day(ended)}: {sent.messages} messages in {kinds};"
        f" {seconds:.1f} s for the fortnight, answers in {sent.percentile(0.5):.1f} ms"
        f" (p50), {sent.percentile(0.99):.1f} ms (p99)"
    )


def count_named(visits: Sequence[Visit]) -> int:
    """Return how many people were visitors without a name before they gave one."""
    nameless: set[int] = set()
    named: set[int] = set()
    for visit in visits:
        number = visit.person.number
        if isinstance(visit, Report):
            continue
        if names_somebody(visit):
            if number in nameless and not isinstance(visit, Capture):
                named.add(number)
        else:
            nameless.add(number)
    return len(named)


def _table(screen: Console, title: str, first: str, *columns: str) -> Table:
    screen.print()
    screen.print(title, style="bold", highlight=False)
    table = Table(header_style="dim", box=None, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for column in columns:
        table.add_column(
            column, justify="left" if column in {"title", "company", "industry", "granted (UTC)"} else "right"
        )
    return table


def _numbers(*values: int) -> list[str]:
    return [f"{value:,}" if value else "·" for value in values]


def _day(instant: Instant) -> str:
    # the story's people live in Shanghai
    return f"{to_datetime(instant + 8 * HOUR):%-d %B %Y}"
