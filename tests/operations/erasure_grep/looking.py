"""Looks for a person in everything there is: tables of every schema, topics, files, what was logged."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import asyncpg

from leadmill.audit.reading import read_topic
from shared.contracts.topics import all_topics
from shared.log.port import Log, OffsetOutOfRange, Record

NEEDLES = re.compile(
    r"ada[.%2e]{1,3}fixture|fixture[- ]lovelace|2025550147|202[ .\-)]{1,2}555[ .\-]?0147|555 0147",
    re.IGNORECASE,
)
"""Name, company, address and number of the person, as they were sent."""

_READINGS = 20


def find(text: str | bytes) -> set[str]:
    """What of the person stands in a text."""
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return {found.lower() for found in NEEDLES.findall(plain)}


async def look_into_tables(database_url: str) -> dict[str, set[str]]:
    """Every value of every column of every table of every schema; by table, what was found."""
    connection = await asyncpg.connect(database_url)
    found: dict[str, set[str]] = {}
    try:
        tables = await connection.fetch(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        for schema, table in tables:
            for row in await connection.fetch(f'SELECT * FROM "{schema}"."{table}"'):
                for value in row.values():
                    seen = find(_plain(value))
                    if seen:
                        found.setdefault(f"{schema}.{table}", set()).update(seen)
    finally:
        await connection.close()
    return found


def _plain(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


async def look_into_topics(log: Log, topics: Collection[str] | None = None) -> dict[str, set[str]]:
    """Every key, header and value of every record that can still be read; by topic, what was found.

    All topics, unless some are named.
    """
    wanted = [one.name for one in all_topics() if topics is None or one.name in topics]
    found = {topic: await _look_into_topic(log, topic) for topic in wanted}
    return {topic: seen for topic, seen in found.items() if seen}


async def _look_into_topic(log: Log, topic: str) -> set[str]:
    """Look through one topic; what is removed while it is read makes the reading begin again."""
    for _ in range(_READINGS):
        try:
            return {seen async for records in read_topic(log, topic) for one in records for seen in _in(one)}
        except OffsetOutOfRange:
            continue
    raise AssertionError(f"{topic} was removed faster than it could be read, {_READINGS} times")


def _in(record: Record) -> set[str]:
    parts = (record.key or b"", record.value or b"", *(value for _, value in record.headers))
    return {seen for part in parts for seen in find(part)}


def look_into_files(folder: Path) -> dict[str, set[str]]:
    """Every file below a folder, name and content."""
    found: dict[str, set[str]] = {}
    for path in folder.rglob("*"):
        try:
            seen = find(path.name) | (find(path.read_bytes()) if path.is_file() else set())
        except FileNotFoundError:  # it has been removed since
            continue
        if seen:
            found[str(path.relative_to(folder))] = seen
    return found


async def look_into_heap(database_url: str) -> dict[str, set[str]]:
    """The database's own files, once what was deleted has been cleared away and written back.

    Rows that were deleted lie in the pages until vacuum comes by; the write-ahead log keeps them until its
    segments are used again. The pages are looked into here, the write-ahead log is named as what ages out.
    """
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("VACUUM FULL")
        await connection.execute("CHECKPOINT")
        row = await connection.fetchrow(
            "SELECT current_setting('data_directory') AS folder, oid FROM pg_database"
            " WHERE datname = current_database()"
        )
    finally:
        await connection.close()
    return look_into_files(Path(row["folder"]) / "base" / str(row["oid"]))
