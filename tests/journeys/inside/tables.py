"""Brings tables in, as the command does, beside a platform that runs."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

from leadmill.cli.imports.opening import open_desk, read_options
from tests.journeys.site import Site


def as_csv(rows: Sequence[Mapping[str, str]]) -> bytes:
    """A table whose headings are the names of the first row's cells."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


async def bring_in(
    site: Site, kind: str, rows: Sequence[Mapping[str, str]], *, source: str = "crm", **options: Any
) -> tuple[str, dict[str, Any], Any]:
    """Bring a table in; returns the import's id, what became of its rows, and the preview."""
    desk = open_desk(site.deployment)
    content = as_csv(rows)
    one = await desk.begin(
        kind,
        source=source,
        digest=hashlib.sha256(content).hexdigest(),
        file_name=f"{kind}.csv",
        options=read_options(options),
        is_local=True,
    )
    preview = await desk.check(one, io.BytesIO(content))
    one = await desk.start(one.id)
    counts = await desk.carry_out(one, io.BytesIO(content), claim="journey")
    assert counts.rows == len(rows)
    return one.id, counts.as_json(), preview


async def release(site: Site, import_id: str, **which: Any) -> int:
    """Release leads that an import holds, once everything has taken effect."""
    await site.platform.drained()
    told: int = await open_desk(site.deployment).release(import_id, **which)
    return told


async def held_by(site: Site, import_id: str) -> int:
    """How many leads an import holds, once everything has taken effect."""
    await site.platform.drained()
    held: int = await open_desk(site.deployment).count_held(import_id)
    return held
