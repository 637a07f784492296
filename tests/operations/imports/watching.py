"""The command and the platform beside it, watched from outside: seconds, memory, and how far the rows are."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg

from leadmill.embedded import find_running
from shared.contracts.topics import RAW
from tests.operations.processes import COMMAND, Running, clean_environment

_LOOK: Final = 0.1
_TELL: Final = 15.0

_APPENDED: Final = "SELECT coalesce(sum(next_offset), 0)::bigint FROM log.partition WHERE topic = $1"
_RESOLVED: Final = """
SELECT coalesce(sum(next_offset), 0)::bigint FROM log.progress WHERE topic = $1 AND consumer_group = 'ingest'
"""
_DONE: Final = "SELECT state, rows_done FROM ingest.table_import ORDER BY created DESC LIMIT 1"
_FAR: Final = """
SELECT (SELECT count(*) FROM ingest.lead WHERE is_captured)::bigint AS leads,
       (SELECT count(*) FROM ingest.quarantine)::bigint AS quarantined
"""


@dataclass
class Beside:
    """A platform that runs beside the command, for ``minutes`` at the most."""

    data: Path
    minutes: float
    running: Running | None = None
    began: float = 0.0
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        arguments = ["up", "--log", "embedded", "--data", str(self.data)]
        running = Running(arguments, {}, self.data.parent / "up.log")
        running.__enter__()
        self.running = running
        await asyncio.to_thread(running.until, "/readyz", status=200)
        self.began = time.monotonic()
        print(f"platform is up, holding {self.held} MB", flush=True)

    @property
    def pid(self) -> int:
        """Its process."""
        assert self.running is not None
        assert self.running.process is not None
        return self.running.process.pid

    @property
    def held(self) -> int:
        """The most megabytes that it ever held."""
        return held_by(self.pid) // 1024

    @property
    def is_over(self) -> bool:
        """True when the time is up."""
        return time.monotonic() - self.began > self.minutes * 60

    async def look(self) -> dict[str, Any]:
        """Return how far everything is."""
        url = find_running(self.data)
        assert url is not None
        connection = await asyncpg.connect(url)
        try:
            done = await connection.fetchrow(_DONE)
            return {
                "seconds": round(time.monotonic() - self.began),
                "rows": 0 if done is None else done["rows_done"],
                "state": "" if done is None else done["state"],
                "appended": await connection.fetchval(_APPENDED, RAW.name),
                "resolved": await connection.fetchval(_RESOLVED, RAW.name),
                "platform_megabytes": self.held,
            }
        finally:
            await connection.close()

    async def follow(self) -> dict[str, Any]:
        """Wait until the resolver has caught up, or the time is up, and return how far it is.

        :raises SystemExit: if a record has become neither a lead nor stands in quarantine.
        """
        while True:
            seen = await self.look()
            print(f"  {json.dumps(seen)}", flush=True)
            if self.is_over or seen["resolved"] >= seen["appended"]:
                break
            await asyncio.sleep(_TELL)
        url = find_running(self.data)
        assert url is not None
        connection = await asyncpg.connect(url)
        try:
            far = dict(await connection.fetchrow(_FAR) or {})
        finally:
            await connection.close()
        is_settled = seen["resolved"] >= seen["appended"]
        if is_settled and far["leads"] + far["quarantined"] != seen["appended"]:
            raise SystemExit(f"not accounted for: {seen} {far}")
        rate = round(seen["resolved"] / max(seen["seconds"], 1))
        return {**seen, **far, "is_settled": is_settled, "resolved_per_second": rate}

    def stop(self) -> None:
        """Stop it as an operator does, within the minute, else at once."""
        if self.running is not None and self.running.process is not None:
            try:
                self.running.terminate(seconds=60)
            finally:
                self.running.__exit__()


async def bring_in(
    table: Path,
    data: Path,
    *,
    result: Path,
    mode: str = "by_age",
    only_look: bool = False,
    beside: Beside | None = None,
) -> dict[str, Any]:
    """Run the command and return what it told, with seconds and megabytes.

    When the time is up it is stopped as with Ctrl-C; then how far it was is returned instead.
    """
    arguments = [
        *("import", "leads", str(table), "--source", "crm", "--mode", mode, "--data", str(data), "--json"),
        *("--result", str(result)),
        "--preview" if only_look else "--yes",
    ]
    began, used = time.monotonic(), _cpu_seconds()
    with tempfile.TemporaryFile() as told:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, *arguments, stdout=told, env=clean_environment()
        )
        most, next_look, is_cut = 0, began + _TELL, False
        while process.returncode is None:
            most = max(most, held_by(process.pid))
            if beside is not None and time.monotonic() > next_look:
                next_look = time.monotonic() + _TELL
                seen = {**(await beside.look()), "command_megabytes": most // 1024}
                print(f"  {json.dumps(seen)}", flush=True)
                if beside.is_over and not is_cut:
                    is_cut = True
                    process.send_signal(signal.SIGINT)
            try:
                async with asyncio.timeout(_LOOK):
                    await process.wait()
            except TimeoutError:
                continue
        seconds = time.monotonic() - began
        told.seek(0)
        answer = told.read()
    if process.returncode and not is_cut:
        raise SystemExit(process.returncode)
    figures = {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(_cpu_seconds() - used, 1),
        "megabytes": most // 1024,
    }
    if is_cut and beside is not None:
        return {**figures, "cut": True, **(await beside.look())}
    told_of = json.loads(answer)
    written = told_of.pop("result", None)
    lines = 0 if written is None else len(Path(written).read_text(encoding="utf-8-sig").splitlines()) - 1
    rate = {"rows_per_second": round(told_of["rows"] / seconds)} if "rows" in told_of else {}
    return {**figures, **rate, "reasons_written": lines, **told_of}


def held_by(pid: int) -> int:
    """Return the most kilobytes that a process ever held, 0 if there is none."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def _cpu_seconds() -> float:
    """Return what all that ended below this process has computed, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
