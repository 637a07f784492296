"""Write keys from the day they are made to the day they are revoked, in a real PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from shared.kernel.clock import SimulatedClock
from shared.kernel.instants import DAY, SECOND
from shared.postgres.database import Database
from shared.security.credential_cache import CacheLimits
from shared.security.entrances import WriteKeys
from shared.security.key_ring import KeyRing, NewKey
from shared.security.write_keys import (
    DOORS,
    DoorUnknown,
    Entrance,
    KeyTerms,
    WriteKey,
    WriteKeyTaken,
    WriteKeyUnknown,
    note_uses,
)

pytestmark = pytest.mark.postgres

PEPPER = b"p" * 32
NOW = 1_790_000_000 * SECOND
AT_ONCE = CacheLimits(fresh_for=timedelta(0), unknown_for=timedelta(0))
FORMS = KeyTerms(doors=frozenset({"forms"}), rate=5, burst=10)


@dataclass
class Ring:
    """A key ring, its clock, and somebody who tries keys at doors."""

    database: Database

    def __post_init__(self) -> None:
        self.clock = SimulatedClock(NOW)
        self.ring = KeyRing(self.database, pepper=PEPPER, clock=self.clock)
        self.keys = WriteKeys(self.database, pepper=PEPPER, limits=AT_ONCE)

    async def add(self, source: str, terms: KeyTerms = FORMS) -> NewKey:
        return await self.ring.add(source, by="mei (0123)", terms=terms)

    async def entrance(self, key: NewKey) -> Entrance:
        found = await self.keys.entrance_of(key.key.reveal(), now=self.clock.now())
        assert found is not None
        return found

    async def works(self, key: NewKey) -> bool:
        return await self.keys.entrance_of(key.key.reveal(), now=self.clock.now()) is not None

    async def listed(self, key: NewKey) -> WriteKey:
        return await self.ring.find(key.id)


@pytest.fixture
def ring(database: Database) -> Ring:
    return Ring(database)


async def test_a_key_opens_the_doors_that_were_named_and_no_other(ring: Ring) -> None:
    entrance = await ring.entrance(await ring.add("website"))
    assert [door for door in DOORS if entrance.opens(door)] == ["forms"]
    everything = await ring.entrance(await ring.add("website", KeyTerms()))
    assert all(everything.opens(door) for door in DOORS)


async def test_a_door_that_there_is_not_is_refused_and_makes_no_key(ring: Ring) -> None:
    with pytest.raises(DoorUnknown):
        await ring.add("website", KeyTerms(doors=frozenset({"windows"})))
    assert await ring.ring.list_keys() == []


async def test_a_key_may_end_by_itself(ring: Ring) -> None:
    key = await ring.add("website", KeyTerms(lasts=timedelta(days=90)))
    ring.clock.advance_to(NOW + 90 * DAY - 1)
    assert await ring.works(key)
    assert (await ring.listed(key)).state(ring.clock.now()) == "expires"
    ring.clock.advance_to(NOW + 90 * DAY)
    assert not await ring.works(key)
    assert (await ring.listed(key)).state(ring.clock.now()) == "expired"


async def test_who_made_a_key_and_who_revoked_it_stays_on_record(ring: Ring) -> None:
    key = await ring.add("website")
    await ring.ring.revoke(key.id, by="lan (4567)")
    await ring.ring.revoke(key.id, by="somebody later")
    listed = await ring.listed(key)
    assert (listed.created_by, listed.revoked_by) == ("mei (0123)", "lan (4567)")
    assert (listed.created_at, listed.revoked_at, listed.state(NOW)) == (NOW, NOW, "revoked")


async def test_rotation_replaces_one_key_by_another_that_opens_the_same(ring: Ring) -> None:
    form = await ring.add("website")
    server = await ring.add("website", KeyTerms(doors=frozenset({"events", "leads"})))
    new = await ring.ring.rotate("website", by="mei (0123)", overlap=timedelta(days=7), key_id=form.id)
    entrance = await ring.entrance(new)
    assert (entrance.doors, entrance.rate, entrance.burst) == (frozenset({"forms"}), 5, 10)
    assert all([await ring.works(key) for key in (form, server, new)])
    ring.clock.advance_to(NOW + 7 * DAY)
    assert [await ring.works(key) for key in (form, server, new)] == [False, True, True]


async def test_rotation_of_a_source_gives_one_key_that_opens_what_all_of_them_opened(ring: Ring) -> None:
    for doors, rate in (({"forms"}, 5), ({"events"}, 50)):
        await ring.add("website", KeyTerms(doors=frozenset(doors), rate=rate))
    gone = await ring.add("website", KeyTerms(doors=frozenset({"reports"})))
    await ring.ring.revoke(gone.id, by="mei (0123)")
    new = await ring.ring.rotate("website", by="mei (0123)", overlap=timedelta(days=1))
    entrance = await ring.entrance(new)
    assert (entrance.doors, entrance.rate, entrance.burst) == (frozenset({"forms", "events"}), 50, None)
    await ring.add("website", KeyTerms())
    newest = await ring.ring.rotate("website", by="mei (0123)", overlap=timedelta(days=1))
    assert (await ring.entrance(newest)).doors == frozenset()


async def test_rotation_never_lets_an_old_key_live_longer(ring: Ring) -> None:
    key = await ring.add("website", KeyTerms(lasts=timedelta(days=1)))
    await ring.ring.rotate("website", by="", overlap=timedelta(days=7))
    assert (await ring.listed(key)).expires_at == NOW + DAY
    ring.clock.advance_to(NOW + DAY)
    with pytest.raises(WriteKeyUnknown):
        await ring.ring.rotate("website", by="", overlap=timedelta(days=7), key_id=key.id)
    with pytest.raises(WriteKeyUnknown):
        await ring.ring.rotate("fair", by="", overlap=timedelta(days=7), key_id=key.id)


async def test_a_key_can_be_changed_and_what_is_not_named_stays(ring: Ring) -> None:
    key = await ring.add("website")
    await ring.ring.change(key.id, doors=None, rate=7, burst=None)
    assert (await ring.entrance(key))[2:] == (frozenset({"forms"}), key.id, 7, 10)
    await ring.ring.change(key.id, doors=frozenset({"hooks"}), rate=None, burst=None)
    assert (await ring.entrance(key)).doors == {"hooks"}
    with pytest.raises(DoorUnknown):
        await ring.ring.change(key.id, doors=frozenset({"windows"}), rate=None, burst=None)
    await ring.ring.revoke(key.id, by="")
    with pytest.raises(WriteKeyUnknown):
        await ring.ring.change(key.id, doors=None, rate=1, burst=None)


async def test_a_key_brought_along_again_keeps_its_terms_and_says_so(ring: Ring) -> None:
    for terms in (FORMS, FORMS, KeyTerms()):
        await ring.ring.add("website", by="", brought="WK_test123", terms=terms)
    with pytest.raises(WriteKeyTaken):
        await ring.ring.add("website", by="", brought="WK_test123", terms=KeyTerms(rate=6))
    (key,) = await ring.ring.list_keys()
    assert (key.doors, key.rate) == (("forms",), 5)


async def test_when_a_key_was_used_last_never_goes_back(ring: Ring) -> None:
    one, other = await ring.add("website"), await ring.add("fair")
    for at in (NOW + 5 * SECOND, NOW + 3 * SECOND):
        async with ring.database.transaction() as transaction:
            await note_uses(transaction, {one.id: at, "no such key": at})
    assert (await ring.listed(one)).last_used_at == NOW + 5 * SECOND
    assert (await ring.listed(other)).last_used_at is None
    assert [key.source for key in await ring.ring.list_keys("fair")] == ["fair"]
