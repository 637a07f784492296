"""A look-up that goes on while its store is away.

What was known stays known: it is asked about again now and then, and while the store does not
answer it is answered from memory. What is not known is never called unknown unless the store said
so: with the store away the answer is *unavailable*, because a client that is told "unknown key"
throws its data away.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from shared.kernel.errors import Unavailable

T = TypeVar("T")


class CredentialStoreUnavailable(Unavailable):
    """Keys cannot be checked at the moment; send it again shortly."""

    code = "access.store_unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheLimits:
    """How old an answer may be while the store answers, how long it is waited for, how much is kept.

    A revoked credential goes on working for at most ``fresh_for`` (longer only while the store is
    away); a new one works after at most ``unknown_for``. One that was never seen here is waited for
    longer: there is nothing to answer from, and a browser that is refused sends nothing again. For the
    same reason a store that failed rests only shortly; ``questions_at_once`` is what spares it.
    """

    fresh_for: timedelta = timedelta(seconds=15)
    unknown_for: timedelta = timedelta(seconds=1)
    patience: timedelta = timedelta(milliseconds=500)
    patience_for_new: timedelta = timedelta(seconds=2)
    rest_after_failure: timedelta = timedelta(milliseconds=250)
    most_known: int = 10_000
    most_unknown: int = 1_000
    questions_at_once: int = 2


@dataclass(slots=True)
class _Known(Generic[T]):
    value: T
    asked_at: float


class CredentialCache(Generic[T]):
    """Finds what a credential stands for by its fingerprint.

    ``load`` asks the store; it returns None for what it does not know and raises ``Unavailable``
    when it does not answer.
    """

    def __init__(
        self,
        load: Callable[[bytes], Awaitable[T | None]],
        *,
        limits: CacheLimits | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._limits = limits or CacheLimits()
        self._now = now
        self._known: OrderedDict[bytes, _Known[T]] = OrderedDict()
        self._unknown: OrderedDict[bytes, float] = OrderedDict()
        self._questions = asyncio.Semaphore(self._limits.questions_at_once)
        self._rest_until = float("-inf")

    async def find(self, stored: bytes) -> T | None:
        """Return what the credential stands for; None only if the store says that there is none.

        :raises CredentialStoreUnavailable: if it is not known yet and the store does not answer.
        """
        known = self._known.get(stored)
        if known is not None:
            self._known.move_to_end(stored)
            now = self._now()
            if now - known.asked_at < self._limits.fresh_for.total_seconds() or now < self._rest_until:
                return known.value
            known.asked_at = now  # whoever comes meanwhile is answered from memory
        elif self._is_known_to_be_unknown(stored):
            return None
        elif self._now() < self._rest_until:
            raise CredentialStoreUnavailable
        try:
            return await self._ask(stored, stood_in_line=known is None)
        except Unavailable:
            self._rest_until = self._now() + self._limits.rest_after_failure.total_seconds()
            if known is not None:
                return known.value
            raise

    @property
    def most_known(self) -> int:
        """How many credentials are kept at most."""
        return self._limits.most_known

    def learn(self, values: Mapping[bytes, T], *, asked_at: float) -> None:
        """Know these as if each had been asked for at ``asked_at``; what was learnt later stays.

        Beyond the bound nothing is learnt: what was used counts for more than what was not.
        """
        for stored, value in values.items():
            known = self._known.get(stored)
            if known is not None:
                if known.asked_at < asked_at:
                    known.value, known.asked_at = value, asked_at
            elif len(self._known) < self._limits.most_known:
                self._known[stored] = _Known(value, asked_at)
                self._unknown.pop(stored, None)

    def now(self) -> float:
        """Return the time by which answers age, in seconds."""
        return self._now()

    def forget(self, stored: bytes) -> None:
        """Ask the store again at the next look-up; for a credential that was just changed here."""
        self._known.pop(stored, None)
        self._unknown.pop(stored, None)

    async def _ask(self, stored: bytes, *, stood_in_line: bool) -> T | None:
        patience = self._limits.patience_for_new if stood_in_line else self._limits.patience
        try:
            async with asyncio.timeout(patience.total_seconds()), self._questions:
                if stood_in_line:  # somebody else may have asked the same while we stood in line
                    if (known := self._known.get(stored)) is not None:
                        return known.value
                    if self._is_known_to_be_unknown(stored):
                        return None
                value = await self._load(stored)
        except TimeoutError as error:
            raise CredentialStoreUnavailable from error
        except Unavailable as error:
            raise CredentialStoreUnavailable(retry_after=error.retry_after) from error
        if value is None:
            self._known.pop(stored, None)
            self._unknown[stored] = self._now()
            if len(self._unknown) > self._limits.most_unknown:
                self._unknown.popitem(last=False)
        else:
            self._unknown.pop(stored, None)
            self._known[stored] = _Known(value, self._now())
            if len(self._known) > self._limits.most_known:
                self._known.popitem(last=False)
        return value

    def _is_known_to_be_unknown(self, stored: bytes) -> bool:
        asked_at = self._unknown.get(stored)
        return asked_at is not None and self._now() - asked_at < self._limits.unknown_for.total_seconds()
