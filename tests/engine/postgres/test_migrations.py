"""Migrations on a real PostgreSQL: expand, contract, side by side, and when one of them fails."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from shared.kernel.errors import code_of
from shared.postgres import migrations
from shared.postgres.faults import DatabaseUnavailable, SchemaOutdated, WriteConflict

pytestmark = pytest.mark.postgres


def write_script(folder: Path, name: str, body: str) -> None:
    number = name[:4]
    before = f"{int(number) - 1:04}"
    (folder / f"{name}.py").write_text(
        f'''"""{name}."""
from alembic import op
from shared.postgres.migrations import execute_script
revision = "{number}"
down_revision = {None if before == "0000" else repr(before)}

def upgrade() -> None:
    {body}
'''
    )


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    folder.mkdir()
    write_script(
        folder, "0001_pre_start", 'execute_script("CREATE TABLE a (n int); INSERT INTO a VALUES (1)")'
    )
    write_script(folder, "0002_pre_more", 'op.execute("ALTER TABLE a ADD COLUMN m int")')
    write_script(folder, "0003_post_less", 'op.execute("ALTER TABLE a DROP COLUMN n")')
    return folder


async def columns(url: str, schema: str = "room") -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = $1 AND table_name = 'a'"
            " ORDER BY 1",
            schema,
        )
    finally:
        await connection.close()
    return [row[0] for row in rows]


class TestMigrating:
    async def test_creates_the_schema_and_runs_everything_once(
        self, database_url: str, scripts: Path
    ) -> None:
        ran = await migrations.migrate(database_url, schema="room", scripts=scripts)
        assert ran == ["0001_pre_start", "0002_pre_more", "0003_post_less"]
        assert await columns(database_url) == ["m"]
        assert await migrations.migrate(database_url, schema="room", scripts=scripts) == []

    async def test_expands_before_the_new_code_and_contracts_after_it(
        self, database_url: str, scripts: Path
    ) -> None:
        ran = await migrations.migrate(database_url, schema="room", scripts=scripts, phase="pre")
        assert ran == ["0001_pre_start", "0002_pre_more"]
        assert await columns(database_url) == ["m", "n"]
        assert await migrations.migrate(database_url, schema="room", scripts=scripts) == ["0003_post_less"]
        assert await columns(database_url) == ["m"]

    async def test_keeps_to_the_schema_it_was_given(self, database_url: str, scripts: Path) -> None:
        await migrations.migrate(database_url, schema="one", scripts=scripts)
        await migrations.migrate(database_url, schema="two", scripts=scripts, phase="pre")
        assert await columns(database_url, "one") == ["m"]
        assert await columns(database_url, "two") == ["m", "n"]
        assert await columns(database_url, "public") == []

    async def test_takes_turns_with_others(self, database_url: str, scripts: Path) -> None:
        ran = await asyncio.gather(
            *(migrations.migrate(database_url, schema="room", scripts=scripts) for _ in range(4))
        )
        assert sorted(len(names) for names in ran) == [0, 0, 0, 3]

    async def test_keeps_what_ran_before_a_failure_and_nothing_of_what_failed(
        self, database_url: str, scripts: Path
    ) -> None:
        write_script(
            scripts, "0004_pre_broken", 'execute_script("ALTER TABLE a ADD COLUMN k int; SELECT 1 / 0")'
        )
        with pytest.raises(asyncpg.DivisionByZeroError):
            await migrations.migrate(database_url, schema="room", scripts=scripts)
        assert await columns(database_url) == ["m"]
        write_script(scripts, "0004_pre_broken", 'op.execute("ALTER TABLE a ADD COLUMN k int")')
        assert await migrations.migrate(database_url, schema="room", scripts=scripts) == ["0004_pre_broken"]
        assert await columns(database_url) == ["k", "m"]

    async def test_creates_an_index_beside_running_work(self, database_url: str, scripts: Path) -> None:
        body = 'with op.get_context().autocommit_block(): op.execute("CREATE INDEX CONCURRENTLY i ON a (m)")'
        write_script(scripts, "0004_pre_index", body)
        both = await asyncio.gather(
            migrations.migrate(database_url, schema="room", scripts=scripts),
            migrations.migrate(database_url, schema="room", scripts=scripts),
        )
        assert sorted(len(names) for names in both) == [0, 4]

    async def test_gives_up_a_lock_that_is_not_to_be_had(self, database_url: str, scripts: Path) -> None:
        await migrations.migrate(database_url, schema="room", scripts=scripts)
        write_script(
            scripts,
            "0004_pre_late",
            'execute_script("SET LOCAL lock_timeout = 100; ALTER TABLE a ADD COLUMN k int")',
        )
        connection = await asyncpg.connect(database_url)
        try:
            async with connection.transaction():
                await connection.execute("LOCK TABLE room.a IN ACCESS SHARE MODE")
                with pytest.raises(WriteConflict):
                    await migrations.migrate(database_url, schema="room", scripts=scripts)
        finally:
            await connection.close()
        assert await migrations.migrate(database_url, schema="room", scripts=scripts) == ["0004_pre_late"]

    async def test_waits_five_seconds_for_a_lock(self, database_url: str, scripts: Path) -> None:
        write_script(
            scripts,
            "0004_pre_ask",
            "op.execute(\"DO $$ BEGIN ASSERT current_setting('lock_timeout') = '5s'; END $$\")",
        )
        assert len(await migrations.migrate(database_url, schema="room", scripts=scripts)) == 4

    async def test_refuses_a_line_that_branches(self, database_url: str, scripts: Path) -> None:
        text = (scripts / "0003_post_less.py").read_text()
        (scripts / "0003_post_less.py").write_text(text.replace("'0002'", "'0001'"))
        with pytest.raises(ValueError, match="down_revision"):
            await migrations.migrate(database_url, schema="room", scripts=scripts)

    async def test_says_so_if_nobody_answers(self, scripts: Path) -> None:
        with pytest.raises(DatabaseUnavailable):
            await migrations.migrate("postgresql://nobody@127.0.0.1:1/none", schema="room", scripts=scripts)


class TestASchema:
    async def test_that_was_never_migrated_is_too_old(self, database_url: str, scripts: Path) -> None:
        assert await migrations.expected_and_present(database_url, "room", scripts) == ("0002", None)
        with pytest.raises(SchemaOutdated, match="leadmill migrate") as outdated:
            await migrations.require_schema(database_url, schema="room", scripts=scripts)
        assert code_of(outdated.value) == "database.schema"

    async def test_that_is_expanded_serves_the_new_code(self, database_url: str, scripts: Path) -> None:
        await migrations.migrate(database_url, schema="room", scripts=scripts, phase="pre")
        assert await migrations.expected_and_present(database_url, "room", scripts) == ("0002", "0002")
        await migrations.require_schema(database_url, schema="room", scripts=scripts)

    async def test_that_lacks_the_latest_expansion_is_too_old(self, database_url: str, scripts: Path) -> None:
        await migrations.migrate(database_url, schema="room", scripts=scripts)
        write_script(scripts, "0004_pre_new", 'op.execute("ALTER TABLE a ADD COLUMN k int")')
        with pytest.raises(SchemaOutdated, match="0003, this code needs 0004"):
            await migrations.require_schema(database_url, schema="room", scripts=scripts)

    async def test_that_is_ahead_serves_the_code_it_is_rolled_out_over(
        self, database_url: str, scripts: Path
    ) -> None:
        await migrations.migrate(database_url, schema="room", scripts=scripts)
        (scripts / "0003_post_less.py").unlink()
        (scripts / "0002_pre_more.py").unlink()
        await migrations.require_schema(database_url, schema="room", scripts=scripts)
        assert await migrations.migrate(database_url, schema="room", scripts=scripts) == []
