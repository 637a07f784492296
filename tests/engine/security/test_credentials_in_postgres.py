"""Write keys and tokens in a real PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.kernel.errors import Rejected
from shared.kernel.instants import DAY, HOUR, SECOND
from shared.postgres.database import Database
from shared.security.credential_cache import CacheLimits, CredentialStoreUnavailable
from shared.security.credentials import fingerprint, mint_credential, public_id
from shared.security.entrances import WriteKeys
from shared.security.internal_keys import internal_key
from shared.security.tokens import (
    ROLES,
    RoleUnknown,
    TokenNameTaken,
    Tokens,
    TokenUnknown,
    add_token,
    load_tokens,
    revoke_token,
)
from shared.security.write_keys import (
    Entrance,
    SourceMalformed,
    WriteKeyMalformed,
    WriteKeyTaken,
    WriteKeyUnknown,
    add_write_key,
    load_write_keys,
    revoke_write_key,
    rotate_write_keys,
)

pytestmark = pytest.mark.postgres

PEPPER = b"p" * 32
NOW = 1_790_000_000 * SECOND
AT_ONCE = CacheLimits(fresh_for=timedelta(0), unknown_for=timedelta(0))


async def added(database: Database, source: str, *, brought: str | None = None, now: int = NOW) -> str:
    async with database.transaction() as transaction:
        key = await add_write_key(transaction, pepper=PEPPER, source=source, now=now, brought=brought)
    return key.reveal()


async def token(database: Database, name: str, role: str, **more: object) -> str:
    async with database.transaction() as transaction:
        made = await add_token(transaction, pepper=PEPPER, name=name, role=role, now=NOW, **more)  # type: ignore[arg-type]
    return made.reveal()


class TestAWriteKey:
    async def test_opens_the_door_of_its_source_and_no_other(self, database: Database) -> None:
        keys = WriteKeys(database, pepper=PEPPER)
        website, fair = await added(database, "website"), await added(database, "fair")
        assert await keys.source_of(website, now=NOW) == "website"
        assert await keys.source_of(fair, now=NOW) == "fair"
        assert await keys.source_of(mint_credential("lmw"), now=NOW) is None
        assert await keys.source_of("nonsense", now=NOW) is None
        assert await keys.source_of("", now=NOW) is None

    async def test_of_the_platform_itself_follows_from_the_pepper_and_nobody_else_gets_one(
        self, database: Database
    ) -> None:
        keys = WriteKeys(database, pepper=PEPPER)
        own = await keys.entrance_of(internal_key(PEPPER, "nurture").reveal(), now=NOW)
        assert own == Entrance("nurture", is_internal=True)
        for stranger in (internal_key(PEPPER, "website"), internal_key(b"x" * 32, "nurture")):
            assert await keys.entrance_of(stranger.reveal(), now=NOW) is None
        website = await keys.entrance_of(await added(database, "website"), now=NOW)
        assert website is not None
        assert (website.source, website.is_internal) == ("website", False)
        with pytest.raises(Rejected) as refused:
            await added(database, "nurture")
        assert refused.value.reason == "source.reserved"

    async def test_is_stored_nowhere(self, database: Database) -> None:
        key = await added(database, "website")
        async with database.connection() as connection:
            rows = await connection.fetch("SELECT source.*, write_key.* FROM source, write_key")
        assert key not in str(rows)
        assert key.encode() not in rows[0]["fingerprint"]

    async def test_can_be_brought_along_from_another_system(self, database: Database) -> None:
        keys = WriteKeys(database, pepper=PEPPER)
        assert await added(database, "website", brought="WK_test123") == "WK_test123"
        assert await added(database, "website", brought="WK_test123") == "WK_test123"
        assert await keys.source_of("WK_test123", now=NOW) == "website"
        with pytest.raises(WriteKeyTaken):
            await added(database, "fair", brought="WK_test123")

    @pytest.mark.parametrize(
        "brought", ["", "short", "with space inside", "ключ-ключ", "x" * 201, "lmw_changed"]
    )
    async def test_that_cannot_be_one_is_refused(self, database: Database, brought: str) -> None:
        with pytest.raises(WriteKeyMalformed):
            await added(database, "website", brought=brought)

    async def test_needs_a_source_that_can_be_named(self, database: Database) -> None:
        with pytest.raises(SourceMalformed):
            await added(database, "My Website")

    async def test_that_is_rotated_out_works_until_the_overlap_is_over(self, database: Database) -> None:
        keys = WriteKeys(database, pepper=PEPPER)
        old = await added(database, "website")
        async with database.transaction() as transaction:
            new = await rotate_write_keys(
                transaction, pepper=PEPPER, source="website", now=NOW, overlap=timedelta(days=1)
            )
        for key in (old, new.reveal()):
            assert await keys.source_of(key, now=NOW + 23 * HOUR) == "website"
        assert await keys.source_of(old, now=NOW + DAY) is None
        assert await keys.source_of(new.reveal(), now=NOW + 400 * DAY) == "website"
        with pytest.raises(WriteKeyTaken):
            await added(database, "website", brought=old)

    async def test_that_is_revoked_works_no_more(self, database: Database) -> None:
        keys = WriteKeys(database, pepper=PEPPER, limits=AT_ONCE)
        key = await added(database, "website", brought="WK_test123")
        assert await keys.source_of(key, now=NOW) == "website"
        async with database.transaction() as transaction:
            (listed,) = await load_write_keys(transaction)
            await revoke_write_key(transaction, key_id=listed.id, now=NOW + SECOND)
            with pytest.raises(WriteKeyUnknown):
                await revoke_write_key(transaction, key_id="000000000000", now=NOW)
        assert await keys.source_of(key, now=NOW) is None
        async with database.connection() as connection:
            (listed,) = await load_write_keys(connection)
        assert (listed.source, listed.hint, listed.created_at) == ("website", "…t123", NOW)
        assert (listed.revoked_at, listed.expires_at) == (NOW + SECOND, None)
        with pytest.raises(WriteKeyTaken):
            await added(database, "website", brought=key)

    async def test_that_is_known_works_while_the_database_is_away_and_an_unknown_one_is_not_called_unknown(
        self, database: Database
    ) -> None:
        keys = WriteKeys(database, pepper=PEPPER, limits=AT_ONCE)
        known, fresh = await added(database, "website"), await added(database, "website")
        assert await keys.source_of(known, now=NOW) == "website"
        await database.stop()
        assert await keys.source_of(known, now=NOW) == "website"
        with pytest.raises(CredentialStoreUnavailable):
            await keys.source_of(fresh, now=NOW)
        assert await keys.source_of("lmw_mistyped", now=NOW) is None

    async def test_that_was_read_at_the_start_works_without_the_database_and_a_revoked_one_does_not(
        self, database: Database
    ) -> None:
        keys = WriteKeys(database, pepper=PEPPER)
        with pytest.raises(CredentialStoreUnavailable):
            await keys.check()
        website, gone = await added(database, "website"), await added(database, "fair")
        short = await added(database, "shop")
        async with database.transaction() as transaction:
            await revoke_write_key(transaction, key_id=public_id(fingerprint(PEPPER, gone)), now=NOW)
            await rotate_write_keys(
                transaction, pepper=PEPPER, source="shop", now=NOW, overlap=timedelta(seconds=5)
            )
        await keys.read_all()
        await keys.check()
        await database.stop()
        assert await keys.source_of(website, now=NOW) == "website"
        assert await keys.source_of(short, now=NOW + 4 * SECOND) == "shop"
        assert await keys.source_of(short, now=NOW + 6 * SECOND) is None
        with pytest.raises(CredentialStoreUnavailable):
            await keys.source_of(gone, now=NOW)


class TestAToken:
    async def test_tells_whose_it_is_and_what_that_one_may(self, database: Database) -> None:
        tokens = Tokens(database, pepper=PEPPER)
        for role in ROLES:
            principal = await tokens.principal_of(await token(database, f"the {role}", role), now=NOW)
            assert principal is not None
            assert (principal.name, principal.role, principal.subject) == (f"the {role}", role, None)
        rep = await tokens.principal_of(await token(database, "mei", "rep", subject="rep-7"), now=NOW)
        assert rep is not None
        assert rep.subject == "rep-7"

    async def test_that_is_none_opens_nothing(self, database: Database) -> None:
        tokens = Tokens(database, pepper=PEPPER)
        assert await tokens.principal_of(mint_credential("lmt"), now=NOW) is None
        assert await tokens.principal_of(mint_credential("lmw"), now=NOW) is None
        assert await tokens.principal_of("", now=NOW) is None

    async def test_expires_to_the_instant(self, database: Database) -> None:
        tokens = Tokens(database, pepper=PEPPER)
        made = await token(database, "guest", "read", lasts=timedelta(hours=1))
        assert await tokens.principal_of(made, now=NOW + HOUR - 1) is not None
        assert await tokens.principal_of(made, now=NOW + HOUR) is None

    async def test_can_be_revoked_by_name_and_the_name_used_again(self, database: Database) -> None:
        tokens = Tokens(database, pepper=PEPPER, limits=AT_ONCE)
        old = await token(database, "ci", "service")
        with pytest.raises(TokenNameTaken):
            await token(database, "ci", "admin")
        async with database.transaction() as transaction:
            await revoke_token(transaction, name_or_id="ci", now=NOW)
            with pytest.raises(TokenUnknown):
                await revoke_token(transaction, name_or_id="ci", now=NOW)
        new = await token(database, "ci", "service")
        assert await tokens.principal_of(old, now=NOW) is None
        assert await tokens.principal_of(new, now=NOW) is not None
        async with database.connection() as connection:
            listed = await load_tokens(connection)
        assert [entry.revoked_at for entry in listed] in ([NOW, None], [None, NOW])

    async def test_needs_a_role_that_there_is(self, database: Database) -> None:
        with pytest.raises(RoleUnknown):
            await token(database, "root", "superuser")
