"""The proxy loses the answer to COMMIT and nothing else; what PostgreSQL did is another matter."""

from __future__ import annotations

import pytest

from shared.postgres.database import Database
from shared.postgres.faults import CommitUnknown
from shared.testing.commit_proxy import CommitProxy

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize(("fate", "rows"), [("swallow", 1), ("drop", 0)])
async def test_a_commit_is_unanswered_whether_it_took_effect_or_not(
    fate: str, rows: int, database_url: str
) -> None:
    async with CommitProxy(database_url) as proxy:
        database = Database(proxy.url, schema="public", application="test")
        await database.start()
        async with database.transaction() as transaction:
            await transaction.execute("CREATE TABLE thing (id int)")
        setattr(proxy, fate, 1.0)

        with pytest.raises(CommitUnknown):
            async with database.transaction() as transaction:
                await transaction.execute("INSERT INTO thing VALUES (1)")

        proxy.swallow = proxy.drop = 0.0
        async with database.connection() as connection:
            assert await connection.fetch_value("SELECT count(*) FROM thing") == rows
        assert (proxy.swallowed, proxy.dropped) == ((1, 0) if fate == "swallow" else (0, 1))
        await database.stop()
