"""Schemas of this deployment: one for each service, and the one that says who may do what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from shared.postgres.database import Database
from shared.postgres.migrations import Phase, migrate, require_schema
from shared.runtime.blueprint import Blueprint
from shared.security.tables import ACCESS_TABLES
from shared.telemetry.logging import get_logger

ACCESS: Final = "access"

_ALONE: Final = "SELECT pg_advisory_xact_lock(hashtextextended('leadmill access tables', 0))"

logger = get_logger(__name__)


async def migrate_schemas(
    url: str, blueprints: Sequence[Blueprint], *, phase: Phase = "all"
) -> Mapping[str, Sequence[str]]:
    """Bring every schema to what this release needs; return what ran, by schema. Idempotent.

    :raises DatabaseUnavailable: if the database does not answer.
    :raises Rejected: if the order of a roll-out is not kept, see :mod:`shared.postgres.migrations`.
    """
    access = Database(url, schema=ACCESS, application="leadmill/migrate")
    await access.start()
    try:
        async with access.transaction() as transaction:
            await transaction.fetch(_ALONE)
            is_there = await transaction.fetch_value("SELECT to_regclass('access.token') IS NOT NULL")
            if not is_there:
                await transaction.execute(ACCESS_TABLES)
    finally:
        await access.stop()
    ran: dict[str, Sequence[str]] = {ACCESS: [] if is_there else ["token"]}
    for blueprint in blueprints:
        ran[blueprint.schema] = await migrate(
            url, schema=blueprint.schema, scripts=blueprint.migrations, phase=phase
        )
        if ran[blueprint.schema]:
            logger.info("migrated", schema=blueprint.schema, scripts=list(ran[blueprint.schema]))
    return ran


async def require_schemas(url: str, blueprints: Sequence[Blueprint]) -> None:
    """Make sure that every schema is at least what the code needs.

    :raises SchemaOutdated: naming the first that is not.
    :raises DatabaseUnavailable: if the database does not answer.
    """
    for blueprint in blueprints:
        await require_schema(url, schema=blueprint.schema, scripts=blueprint.migrations)
