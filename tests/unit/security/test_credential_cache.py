"""A look-up that goes on while its store is away."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from shared.kernel.errors import Unavailable
from shared.security.credential_cache import CacheLimits, CredentialCache, CredentialStoreUnavailable

A, B = b"a" * 32, b"b" * 32


@dataclass
class Store:
    """A store that can go away or stop answering, and a clock."""

    held: dict[bytes, str] = field(default_factory=dict)
    is_away: bool = False
    is_silent: bool = False
    is_impatient: bool = False
    questions: int = 0
    now: float = 1_000.0

    async def load(self, stored: bytes) -> str | None:
        self.questions += 1
        if self.is_silent:
            await asyncio.sleep(3_600)
        await asyncio.sleep(0)
        if self.is_away:
            raise Unavailable("the database is away")
        return self.held.get(stored)

    def cache(self, **limits: timedelta | int) -> CredentialCache[str]:
        patience = timedelta(milliseconds=200) if self.is_impatient else timedelta(seconds=60)
        settings = {"patience": patience, "patience_for_new": patience} | limits
        return CredentialCache(self.load, limits=CacheLimits(**settings), now=lambda: self.now)  # type: ignore[arg-type]


@pytest.fixture
def store() -> Store:
    return Store(held={A: "website"})


class TestWhatIsKnown:
    async def test_is_asked_for_once_and_then_now_and_again(self, store: Store) -> None:
        cache = store.cache(fresh_for=timedelta(seconds=15))
        for _ in range(5):
            assert await cache.find(A) == "website"
        assert store.questions == 1
        store.now += 15
        assert await cache.find(A) == "website"
        assert store.questions == 2

    async def test_stops_being_known_when_the_store_says_so(self, store: Store) -> None:
        cache = store.cache()
        assert await cache.find(A) == "website"
        store.held.clear()
        assert await cache.find(A) == "website"
        store.now += 15
        assert await cache.find(A) is None

    async def test_can_be_forgotten_at_once(self, store: Store) -> None:
        cache = store.cache()
        assert await cache.find(A) == "website"
        del store.held[A]
        cache.forget(A)
        assert await cache.find(A) is None

    @pytest.mark.parametrize("silent", [False, True])
    async def test_stays_known_while_the_store_is_away_however_long(self, store: Store, silent: bool) -> None:
        store.is_impatient = silent
        cache = store.cache()
        assert await cache.find(A) == "website"
        store.is_away, store.is_silent = not silent, silent
        for _ in range(20):
            store.now += 3_600
            assert await cache.find(A) == "website"

    async def test_does_not_wait_for_a_silent_store_each_time(self, store: Store) -> None:
        store.is_impatient = True
        cache = store.cache()
        assert await cache.find(A) == "website"
        store.is_silent = True
        store.now += 60
        for _ in range(10):
            assert await cache.find(A) == "website"
        assert store.questions == 2

    async def test_is_answered_from_memory_while_another_asks_again(self, store: Store) -> None:
        cache = store.cache(patience=timedelta(seconds=60))
        assert await cache.find(A) == "website"
        store.is_silent = True
        store.now += 60
        first = asyncio.create_task(cache.find(A))
        await asyncio.sleep(0)
        assert await cache.find(A) == "website"
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first


class TestWhatWasLearnt:
    async def test_is_known_without_a_question_also_while_the_store_is_away(self, store: Store) -> None:
        cache = store.cache()
        cache.learn({A: "website"}, asked_at=cache.now())
        store.is_away = True
        store.now += 3_600
        assert await cache.find(A) == "website"
        with pytest.raises(CredentialStoreUnavailable):
            await cache.find(B)

    async def test_ages_from_when_it_was_asked_for(self, store: Store) -> None:
        cache = store.cache(fresh_for=timedelta(seconds=15))
        store.held.clear()
        cache.learn({A: "website"}, asked_at=cache.now() - 14)
        assert await cache.find(A) == "website"
        store.now += 1
        assert await cache.find(A) is None

    async def test_does_not_undo_what_is_known_from_later(self, store: Store) -> None:
        cache = store.cache()
        asked_at = cache.now()
        store.now += 1
        assert await cache.find(A) == "website"
        cache.learn({A: "an old name"}, asked_at=asked_at)
        assert await cache.find(A) == "website"
        cache.learn({A: "a new name"}, asked_at=cache.now() + 1)
        assert await cache.find(A) == "a new name"

    async def test_ends_what_was_unknown_and_is_bounded(self, store: Store) -> None:
        cache = store.cache(most_known=2)
        assert await cache.find(B) is None
        cache.learn({A: "website", B: "fair", b"c" * 32: "shop"}, asked_at=cache.now())
        assert await cache.find(B) == "fair"
        assert store.questions == 1
        assert await cache.find(b"c" * 32) is None
        assert store.questions == 2


class TestWhatIsNotKnown:
    async def test_is_unknown_only_if_the_store_said_so(self, store: Store) -> None:
        cache = store.cache()
        assert await cache.find(B) is None
        store.is_away = True
        store.now += 2
        with pytest.raises(CredentialStoreUnavailable):
            await cache.find(B)

    async def test_is_waited_for_longer_than_what_is_known(self, store: Store) -> None:
        cache = store.cache(patience=timedelta(0), patience_for_new=timedelta(seconds=60))
        assert await cache.find(A) == "website"
        store.held.clear()
        store.now += 60
        assert await cache.find(A) == "website", "the store was not waited for, so it is said from memory"

    async def test_is_unavailable_when_the_store_does_not_answer_in_time(self, store: Store) -> None:
        store.is_silent = store.is_impatient = True
        with pytest.raises(CredentialStoreUnavailable) as caught:
            await store.cache().find(A)
        assert caught.value.reason == "access.store_unavailable"

    async def test_is_refused_at_once_while_a_store_that_failed_rests(self, store: Store) -> None:
        cache = store.cache()
        store.is_away = True
        for _ in range(10):
            with pytest.raises(CredentialStoreUnavailable):
                await cache.find(A)
        assert store.questions == 1
        store.is_away = False
        store.now += 2
        assert await cache.find(A) == "website"

    async def test_becomes_known_soon_after_it_was_added(self, store: Store) -> None:
        cache = store.cache()
        assert await cache.find(B) is None
        store.held[B] = "fair"
        assert await cache.find(B) is None
        store.now += 1
        assert await cache.find(B) == "fair"

    async def test_is_asked_for_once_by_many_at_the_same_time(self, store: Store) -> None:
        cache = store.cache(questions_at_once=1)
        assert set(await asyncio.gather(*(cache.find(A) for _ in range(50)))) == {"website"}
        assert store.questions == 1

    async def test_in_any_number_pushes_nothing_out_that_is_known(self, store: Store) -> None:
        cache = store.cache(most_unknown=10)
        assert await cache.find(A) == "website"
        for number in range(500):
            assert await cache.find(number.to_bytes(32)) is None
        store.is_away = True
        assert await cache.find(A) == "website"
        assert len(cache._unknown) == 10

    async def test_takes_no_more_memory_than_allowed(self, store: Store) -> None:
        cache = store.cache(most_known=3)
        for number in range(10):
            store.held[number.to_bytes(32)] = "x"
            await cache.find(number.to_bytes(32))
        assert len(cache._known) == 3
