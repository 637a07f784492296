"""``leadmill sources``: how each source is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leadmill.cli.options import Data, Json
from leadmill.cli.running import console, print_json, read_settings, run_on_deployment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadmill.platform.deployed import Deployment


def sources(data: Data = None, as_json: Json = False) -> None:
    """Tell how each source is: what it sent, what became of it, what it was refused, and the lag."""

    async def work(deployment: Deployment) -> Sequence[Any]:
        from leadmill.platform.roster import KEYS_OWNER, SOURCES

        return await SOURCES(deployment.service(KEYS_OWNER).database).find_sources()

    rows = [_as_row(state) for state in run_on_deployment(read_settings(data_dir=data), work)]
    if as_json:
        print_json({"sources": rows})
        return
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in (
        "source",
        "accepted",
        "processed",
        "repeated",
        "quarantined",
        "refused",
        "to fetch",
        "last seen",
        "lag",
    ):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(
            row["source"] or "(nobody known)",
            *(str(row[name]) for name in ("accepted", "processed", "duplicate")),
            *(_reasons(row[name]) for name in ("quarantined", "refused")),
            f"{row['to_fetch']}" + (f" ({row['stuck']} stuck)" if row["stuck"] else ""),
            str(row["last_seen_at"] or "never")[:19].replace("T", " "),
            f"{row['lag_seconds']:.0f} s",
        )
    if rows:
        console().print(table)
    else:
        print("no source yet; `leadmill key add` makes one")


def _reasons(counts: dict[str, int]) -> str:
    return "\n".join(f"{code} {count}" for code, count in counts.items())


def _as_row(state: Any) -> dict[str, Any]:
    from shared.kernel.instants import SECOND, format_instant

    return {
        "source": state.source,
        "accepted": state.accepted,
        "processed": state.processed,
        "duplicate": state.duplicate,
        "dead": state.dead,
        "quarantined": dict(sorted(state.quarantined.items())),
        "refused": dict(sorted(state.refused.items())),
        "waiting": state.waiting,
        "to_fetch": state.to_fetch,
        "stuck": state.stuck,
        "test_leads": state.test_leads,
        "last_seen_at": None if state.seen is None else format_instant(state.seen),
        "lag_seconds": state.lag / SECOND,
    }
