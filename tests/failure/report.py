"""Do runs one after the other, say what came of each, and add up."""

from __future__ import annotations

import shutil
import tempfile
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.failure.oracle.comparison import Differences
from tests.failure.plan import Run
from tests.failure.surroundings.ground import Ground, Outcome

_LINES_SHOWN = 12


@dataclass(slots=True)
class Report:
    """Sums over all runs; ``failed`` names those that differed, or missed their planted bug."""

    runs: int = 0
    seconds: float = 0.0
    struck: Counter[str] = field(default_factory=Counter)
    sums: Counter[str] = field(default_factory=Counter)
    differences: Counter[str] = field(default_factory=Counter)
    caught: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def add(self, run: Run, outcome: Outcome) -> None:
        """Add one run and print its line."""
        self.runs += 1
        self.seconds += outcome.seconds
        kinds = outcome.differences.kinds
        is_as_it_should = run.is_caught(kinds) if run.plant else not kinds
        if run.plant:
            self.caught += [run.plant] if is_as_it_should else []
        else:
            self.differences.update(kinds)
            self.struck.update(outcome.struck)
            for name in ("facts", "events", "transactions", "commands", "timers", "dead_letters", "merges"):
                self.sums[name] += getattr(outcome, name)
            self.sums["repeats"] += outcome.repeats_read + outcome.repeats_said
        if not is_as_it_should:
            self.failed.append(run.name)
        verdict = "ok" if is_as_it_should else "FAILED"
        if run.plant:
            verdict += f", {'caught' if is_as_it_should else 'not caught'} by {dict(kinds)}"
        elif kinds:
            verdict += f" {dict(kinds)}"
        print(
            f"{run.name:32} {outcome.seconds:5.1f} s  {outcome.facts:6} facts {outcome.events:6} events"
            f" {outcome.transactions:5} transactions {outcome.commands:4} commands {outcome.timers:4} timers"
            f"{f' {outcome.merges:4} merges' if outcome.merges else ''}  {_told(outcome.struck)}  {verdict}",
            flush=True,
        )
        if outcome.said:
            print(f"    {_told(dict(outcome.said))}", flush=True)
        if not run.plant:
            for line in outcome.differences.lines[:_LINES_SHOWN]:
                print(f"    {line}", flush=True)

    def print_sum(self) -> None:
        """Print what all runs came to."""
        sums = self.sums
        print(
            f"\n{self.runs} runs in {self.seconds / 60:.1f} min: {sums['facts']} facts,"
            f" {sums['events']} events, {sums['transactions']} transactions, {sums['commands']} commands,"
            f" {sums['timers']} timers, {sums['merges']} merges, {sums['dead_letters']} dead letters,"
            f" {sums['repeats']} repeats dropped"
        )
        print(f"struck: {_told(self.struck)}")
        if self.caught:
            print(f"planted bugs caught: {', '.join(self.caught)}")
        lost, double, reordered = (self.differences[kind] for kind in ("lost", "double", "reordered"))
        others = {
            kind: count
            for kind, count in self.differences.items()
            if kind not in {"lost", "double", "reordered"}
        }
        print(
            f"differences: {lost} lost, {double} double, {reordered} reordered, {dict(others) or 'none'} else"
        )
        if self.failed:
            print(f"failed: {', '.join(self.failed)}")


def _told(struck: Counter[str] | dict[str, int] | object) -> str:
    assert isinstance(struck, dict)
    return ", ".join(f"{count} {what}" for what, count in sorted(struck.items())) or "nothing"


async def carry_out(run: Run, ground: Ground) -> Outcome:
    """Do one run from the field to the comparison; what breaks on the way is a difference, too."""
    await ground.restore()
    async with run.open(ground, run) as opened:
        try:
            await run.strike(opened)
            await opened.settle(within=run.patience)
            outcome = await opened.compare()
        except Exception:  # noqa: BLE001 - the report goes on with the next run
            outcome = Outcome(struck=opened.crew.struck, differences=Differences([*opened.crew.faults]))
            outcome.differences.add("broken", traceback.format_exc())
        if outcome.differences.lines and not run.plant:
            kept = Path(tempfile.mkdtemp(prefix=f"leadmill-{run.kind}-{run.number}-"))
            shutil.copytree(opened.crew.folder, kept, dirs_exist_ok=True)
            (kept / "differences.txt").write_text("\n".join(outcome.differences.lines))
            outcome.differences.add("kept", f"logs of the processes are in {kept}")
    return outcome
