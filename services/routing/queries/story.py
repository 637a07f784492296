"""Routing's part of a lead's story: what was said, decided and done, each with its cause."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from services.routing.domain.assignment.eligibility import MEANINGS
from services.routing.store.lead_rows import find_home, load_file, load_said
from shared.kernel.instants import Instant
from shared.postgres.database import Database, Row
from shared.postgres.snapshots import snapshot

_LEFT_OUT: Final = frozenset({"lead", "assignment"})


class StoryEntry(NamedTuple):
    """One line: when it occurred, what kind, in words, the fact behind it, and the event it tells of."""

    at: Instant
    kind: str
    text: str
    cause: str
    event: str = ""


async def tell_story(database: Database, lead: str) -> list[StoryEntry]:
    """Return what routing knows of a lead, and of those that were merged into it under their own ids."""
    async with snapshot(database) as transaction:
        home = await find_home(transaction, lead)
        file = await load_file(transaction, home)
        said = [*await load_said(transaction, home)]
        if home != lead:
            said += await load_said(transaction, lead)
    if file is None:
        return []
    entries = [
        StoryEntry(row["at"], row["kind"], _words(row, lead=home), row["cause"], row["event"])
        for row in sorted(said, key=lambda row: (row["at"], row["lead"] != home, row["number"]))
    ]
    entries += [StoryEntry(row["at"], "decision", _decision(row), row["cause"]) for row in file.decisions]
    entries += [
        StoryEntry(row["at"], "follow_up", _follow_up(row), row["id"])
        for row in file.follow_ups
        if not row["counts"]
    ]
    return sorted(entries, key=lambda entry: entry.at)


def _words(row: Row, *, lead: str) -> str:
    fields: Mapping[str, Any] = msgspec.json.decode(row["fields"])
    told = ", ".join(f"{name}={_show(value)}" for name, value in fields.items() if name not in _LEFT_OUT)
    about = "" if row["lead"] == lead else f" (as {row['lead']})"
    return (told or "—") + (f", by {row['by']}" if row["by"] else "") + about


def _show(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(str, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {one}" for name, one in value.items()) + "}"
    return str(value)


def _decision(row: Row) -> str:
    considered = msgspec.json.decode(row["considered"])
    skipped = [f"{one['rep']} {MEANINGS[one['skipped']]}" for one in considered if one.get("skipped")]
    rule = f"rule {row['rule']} v{row['rule_version']}" if row["rule"] else "no rule held"
    got = f"{row['rep']} by {row['strategy']}" if row["rep"] else f"nobody ({row['fallback']})"
    waiting = [one["rep"] for one in considered if not one.get("skipped") and one["rep"] != row["rep"]]
    parts = [f"for {row['reason']}: {got}, {rule}"]
    if waiting:
        parts.append(f"then {', '.join(waiting)}")
    if skipped:
        parts.append(f"skipped: {'; '.join(skipped)}")
    return "; ".join(parts)


def _follow_up(row: Row) -> str:
    return f"{row['way']} by {row['rep']} said nothing and stopped no clock"
