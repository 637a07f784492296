"""Brings tables in with the command that people use, and prints how long that took and how much memory.

``--file PATH`` brings that table in twice. ``--rows N`` makes a table of N rows, as CSV or with ``--xlsx`` as
XLSX, and brings it in. ``--preview`` only looks through. Memory is the most that the command's own process
ever held, by the kernel's word (VmHWM); seconds of computing are those of the command and its database.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.operations.imports.large_tables import write_csv, write_xlsx


def bring_in(table: Path, data: Path, *, only_look: bool) -> dict[str, Any]:
    """Run the command and return what it told, with seconds and megabytes."""
    command = [
        *(sys.executable, "-c", "import sys; from leadmill.cli import main; sys.exit(main())"),
        *("import", "leads", str(table), "--data", str(data), "--json"),
        *("--result", str(data.parent / "result.csv")),
        "--preview" if only_look else "--yes",
    ]
    began, used = time.monotonic(), _cpu_seconds()
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(command, stdout=told)
        most = 0
        while process.poll() is None:
            most = max(most, _held(process.pid))
            time.sleep(0.05)
        seconds = time.monotonic() - began
        told.seek(0)
        answer = told.read()
    if process.returncode:
        raise SystemExit(process.returncode)
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(_cpu_seconds() - used, 1),
        "megabytes": most // 1024,
        **json.loads(answer),
    }


def _cpu_seconds() -> float:
    """Return what all that ended below this process has computed, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _held(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.operations.imports")
    parser.add_argument("--file", type=Path, help="bring this table in, twice")
    parser.add_argument("--rows", type=int, help="make a table of so many rows, and bring it in")
    parser.add_argument("--xlsx", action="store_true", help="make it as XLSX")
    parser.add_argument("--preview", action="store_true", help="only look through it")
    given = parser.parse_args()
    if given.file is None and given.rows is None:
        parser.error("say --file or --rows")
    with tempfile.TemporaryDirectory(prefix="leadmill-imports-") as folder:
        Path(folder).chmod(0o755)  # the database runs under an account of its own
        table, times = given.file, 2
        if table is None:
            table, times = Path(folder) / ("table.xlsx" if given.xlsx else "table.csv"), 1
            (write_xlsx if given.xlsx else write_csv)(table, given.rows)
            print(f"made {table.name}: {given.rows} rows, {table.stat().st_size // 2**20} MB")
        for number in range(times):
            told = bring_in(table, Path(folder) / "data", only_look=given.preview)
            told.pop("result", None)
            preview = told.pop("preview", None)
            print(f"time {number + 1}: {json.dumps(told, ensure_ascii=False)}")
            if preview is not None:
                print(str(preview)[:2_000])
    return 0


if __name__ == "__main__":
    sys.exit(main())
