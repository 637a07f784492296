"""How a preview and a result read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadmill.cli.running import console

_WARNINGS = {
    "free_text": "nobody knows this column; it is kept as free text (--map says what it is)",
    "doubled": "another column fills the same field; this one is kept as free text",
    "dates_unclear": "day and month can be told either way; say --dates dmy or --dates mdy",
    "holds_addresses": "is to be a telephone number and holds e-mail addresses; are two columns swapped?",
    "holds_numbers": "is to be an e-mail address and holds telephone numbers; are two columns swapped?",
    "not_told": "owner and status count for history only; for new rows they are kept as free text",
}
_STARTS = {
    "tier_changed": "would reach a tier at once",
    "assigned": "would go to a rep at once",
    "claimable": "would lie in the public pool",
    "enrolled": "would enter a mail sequence",
    "mailed": "would get a mail at once",
}


def show_preview(kind: str, name: str, seen: Any, *, language: Any) -> None:
    """Show what bringing a table in would do."""
    from leadmill.cli.imports.opening import advise

    print(f"{name}: {seen.rows} rows of {kind}, {seen.empty} of them empty{_how(seen)}")
    screen = console()
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    table.add_column("column", overflow="fold")
    table.add_column("fills")
    for heading, field in seen.columns:
        table.add_row(heading, field or "(free text)")
    screen.print(table)
    for warning in seen.warnings:
        if warning.code == "free_text" and len(seen.columns) > 20:
            continue  # the table above says it
        rows = f" ({warning.rows} rows)" if warning.rows else ""
        print(f"! {warning.column or 'rows'}{rows}: {_WARNINGS.get(warning.code, warning.code)}")
    print(
        f"would be taken {seen.taken}, say nothing new {seen.repeated}, refused {sum(seen.refused.values())}"
    )
    for fault in seen.faults:
        advice = advise(fault.code, language.value)
        print(f"  row {fault.row}, {fault.column or 'the row'}: {advice.reason}; {advice.remedy}")
    more = sum(seen.refused.values()) - len(seen.faults)
    if more > 0:
        print(f"  and {more} more")
    if seen.new or seen.known:
        print(
            f"people: {seen.new} new, {seen.held} of them held as history, {seen.unreachable} unreachable;"
            f" {seen.known} rows about people who are known"
        )
    for start, count in seen.starts.items():
        print(f"  {count} {_STARTS.get(start, start)}")


def _how(seen: Any) -> str:
    if seen.sheet:
        return f" (sheet {seen.sheet})"
    parts = {"\t": "tab"}.get(seen.delimiter, seen.delimiter)
    return f" ({seen.encoding}, columns parted by {parts})"


def show_counts(told: Mapping[str, Any], *, language: Any) -> None:
    """Show what became of the rows."""
    from leadmill.cli.imports.opening import advise

    counts = told["counts"]
    print(
        f"{told['rows']} rows: {counts['taken']} taken, {counts['repeated']} said nothing new,"
        f" {counts['refused']} refused, {counts['empty']} empty"
    )
    for code, number in counts["reasons"].items():
        print(f"  {number} refused: {advise(code, language.value).reason}")
    if told["result"]:
        print(f"reasons row by row: {told['result']}")
    print(f"import {told['import']}; `leadmill import show {told['import']}` tells whom it holds")
