"""The audit's answer for people: each check, how much it looked at, and what breaks it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from shared.processor.checks import Finding

_MOST_SHOWN: Final = 20


def print_findings(screen: Console, findings: Sequence[Finding]) -> None:
    """Print a table of all checks, and below it every breach with its id."""
    screen.print()
    screen.print("Audit", style="bold")
    table = Table(header_style="dim", box=None, pad_edge=False)
    table.add_column("check")
    table.add_column("looked at", justify="right")
    table.add_column("")
    for finding in findings:
        verdict = "[green]ok[/]" if finding.holds else f"[red]{len(finding.breaches)} breached[/]"
        table.add_row(finding.check, f"{finding.looked_at:,}", verdict)
    screen.print(table)
    for finding in findings:
        for breach in finding.breaches[:_MOST_SHOWN]:
            screen.print(f"[red]✗[/] {finding.check}: {breach}", highlight=False)
        hidden = len(finding.breaches) - _MOST_SHOWN
        if hidden > 0:
            screen.print(f"  … and {hidden} more; --json lists them all")


def describe_findings(findings: Sequence[Finding]) -> dict[str, object]:
    """Return the findings for scripts."""
    return {
        "clean": all(finding.holds for finding in findings),
        "checks": [
            {
                "check": finding.check,
                "looked_at": finding.looked_at,
                "ok": finding.holds,
                "breaches": list(finding.breaches),
            }
            for finding in findings
        ],
    }
