"""Brings tables in with the command that people use, and prints how long that took and how much memory.

``--file PATH`` brings that table in twice. ``--rows N`` makes a table of N rows, as CSV or with ``--xlsx`` as
XLSX, and brings it in; with ``--twice`` that, too, is done twice. ``--preview`` only looks through.

With ``--up`` the table comes into a platform that runs beside the command (``leadmill up``, all services,
the embedded log), and is followed until the resolver has taken the last row to a lead, for ``--minutes`` at
the most; then it is told how far both were. Without it the command has the database for itself, and nobody
takes the rows on.

Memory is the most that a process ever held, by the kernel's word (VmHWM): of the command, and of the
platform. Every row must be accounted for, in the counts, in the result file, and as a lead once it is
settled; else it ends in an error.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.operations.imports.large_tables import count_faulty, write_csv, write_xlsx
from tests.operations.imports.watching import Beside, bring_in


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.operations.imports")
    parser.add_argument("--file", type=Path, help="bring this table in, twice")
    parser.add_argument("--rows", type=int, help="make a table of so many rows, and bring it in")
    parser.add_argument("--xlsx", action="store_true", help="make it as XLSX")
    parser.add_argument("--twice", action="store_true", help="bring it in twice")
    parser.add_argument("--preview", action="store_true", help="only look through it")
    parser.add_argument("--up", action="store_true", help="beside a platform that runs")
    parser.add_argument("--minutes", type=float, default=60.0, help="with --up: no longer than that")
    parser.add_argument("--mode", default="by_age", help="by_age, new or history")
    parser.add_argument("--work", type=Path, help="an empty folder to work in; kept")
    given = parser.parse_args()
    if given.file is None and given.rows is None:
        parser.error("say --file or --rows")
    if given.work is not None:
        given.work.mkdir(mode=0o755, parents=True, exist_ok=True)
        return asyncio.run(_measure(given, given.work))
    with tempfile.TemporaryDirectory(prefix="leadmill-imports-") as folder:
        Path(folder).chmod(0o755)  # the database runs under an account of its own
        return asyncio.run(_measure(given, Path(folder)))


async def _measure(given: argparse.Namespace, folder: Path) -> int:
    table, times = given.file, 2
    if table is None:
        table, times = folder / ("table.xlsx" if given.xlsx else "table.csv"), 1 + given.twice
        (write_xlsx if given.xlsx else write_csv)(table, given.rows)
        print(f"made {table.name}: {given.rows} rows, {table.stat().st_size // 2**20} MB", flush=True)
    beside = Beside(folder / "data", minutes=given.minutes) if given.up else None
    if beside is not None:
        await beside.start()
    try:
        for number in range(times):
            told = await bring_in(
                table,
                folder / "data",
                result=folder / "result.csv",
                mode=given.mode,
                only_look=given.preview,
                beside=beside,
            )
            preview = told.pop("preview", None)
            print(f"time {number + 1}: {json.dumps(told, ensure_ascii=False)}", flush=True)
            if preview is not None:
                print(str(preview)[:2_000])
            if told.get("counts"):
                _account(told, given.rows, is_first=number == 0)
        if beside is not None:
            print(f"platform: {json.dumps(await beside.follow())}", flush=True)
    finally:
        if beside is not None:
            beside.stop()
    return 0


def _account(told: dict[str, Any], rows: int | None, *, is_first: bool) -> None:
    """Require that every row is accounted for. :raises SystemExit: if one is not."""
    counts = told["counts"]
    summed = sum(counts[name] for name in ("taken", "repeated", "refused", "empty"))
    if summed != told["rows"] or (not is_first and counts["taken"]):
        raise SystemExit(f"not accounted for: {told}")
    if rows is not None:
        refused, empty = count_faulty(rows)
        if (told["rows"], counts["refused"], counts["empty"]) != (rows, refused, empty):
            raise SystemExit(f"of {rows} rows {refused} cannot be used and {empty} are empty: {told}")
        if told["reasons_written"] != refused:
            raise SystemExit(f"the result file tells of {told['reasons_written']} rows, not of {refused}")


if __name__ == "__main__":
    sys.exit(main())
