"""Runs errands: fetches what a vendor told by its id alone, erases whom it says to erase.

::

    waiting ─claim, for a lease─► asked ─ content in the raw topic ─► gone
       ▲                            │
       └── later, and later still ──┤
                                    └─ after days, or for good ──► stuck, until somebody looks

Whoever dies in between loses nothing: the lease ends and the errand is run again, and what was
appended twice takes effect once, by its message id.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Final, Protocol

from services.ingest.domain.erasure import ErasePerson
from services.ingest.domain.identifiers import IdentifierKind
from services.ingest.jobs.hooks.bringing import Bringer, HookTools, open_bringer
from services.ingest.providers.port import LeadGone
from services.ingest.store.hooks.errands import (
    ClaimedErrand,
    Patience,
    claim_errands,
    finish_errand,
    put_off_errand,
)
from shared.kernel.errors import BUG_CODE, Rejected, Unavailable
from shared.kernel.instants import Instant
from shared.telemetry.logging import get_logger

_AT_ONCE: Final = 10
_LEASE: Final = timedelta(minutes=2)
_ERASURE: Final = "erasure"

logger = get_logger(__name__)


class RunsCommands(Protocol):
    """Carries commands out; ``shared.processor.commands.Commands`` does."""

    async def run(self, *, key: str, command: object, received: Instant, idempotency_key: str) -> Any:
        """Carry out a command once for each idempotency key."""
        ...


class Fetching:
    """Runs errands that are due; any number of processes may."""

    def __init__(self, tools: HookTools, *, commands: RunsCommands, patience: Patience | None = None) -> None:
        self._tools = tools
        self._commands = commands
        self._patience = patience or Patience()
        self._is_stopping = False
        self.beat = 0.0
        """The event loop's time of the last turn."""

    def stop(self) -> None:
        """Begin no further turn."""
        self._is_stopping = True

    async def work_off(self) -> None:
        """Run what is due until nothing is, or until :meth:`stop`.

        :raises Unavailable: if the database does not answer; what was claimed comes back by itself.
        """
        while not self._is_stopping and await self.turn():
            continue

    async def turn(self) -> int:
        """Run a batch of what is due; returns how many there were."""
        self.beat = asyncio.get_running_loop().time()
        async with self._tools.database.transaction() as transaction:
            claimed = await claim_errands(transaction, lease=_LEASE, limit=_AT_ONCE)
        if claimed:
            async with open_bringer(self._tools) as bringer:
                ends = await asyncio.gather(
                    *(self._run(errand, bringer) for errand in claimed), return_exceptions=True
                )
            for end in ends:
                if isinstance(end, BaseException):
                    raise end
        return len(claimed)

    async def _run(self, claimed: ClaimedErrand, bringer: Bringer) -> None:
        """Run one errand; one that fails hurts only itself."""
        try:
            if claimed.errand.what == "erase":
                await self._erase(claimed)
            else:
                await self._fetch(claimed, bringer)
        except LeadGone as gone:
            await self._put_off(claimed, gone.reason, is_final=True)
        except Unavailable as away:
            await self._put_off(claimed, away.reason, at_least=timedelta(seconds=away.retry_after))
        except Rejected as refused:
            await self._put_off(claimed, refused.reason, is_final=True)
        except Exception:  # a bug of ours with one vendor's answer; the others must go on
            logger.exception("errand_failed", errand=claimed.id, provider=claimed.errand.provider)
            await self._put_off(claimed, BUG_CODE)

    async def _fetch(self, claimed: ClaimedErrand, bringer: Bringer) -> None:
        client = await self._tools.client_of(claimed.source, claimed.errand.provider, bringer.http)
        item = await client.fetch(claimed.errand)
        received = self._tools.clock.now()
        _, record = self._tools.stamp(item, source=claimed.source, received=received)
        await bringer.append([record])
        await self._finish(claimed, "fetched")

    async def _erase(self, claimed: ClaimedErrand) -> None:
        name = f"{claimed.source}\x1f{claimed.errand.external_id}"
        await self._commands.run(
            key=_ERASURE,
            command=ErasePerson(self._tools.hash_identifier(IdentifierKind.EXTERNAL, name)),
            received=claimed.received,
            idempotency_key=f"hook-{claimed.id}",
        )
        await self._finish(claimed, "erased")

    async def _finish(self, claimed: ClaimedErrand, result: str) -> None:
        async with self._tools.database.transaction() as transaction:
            await finish_errand(transaction, claimed)
        self._tools.metrics.errand(claimed.errand.provider, result)

    async def _put_off(
        self,
        claimed: ClaimedErrand,
        fault: str,
        *,
        is_final: bool = False,
        at_least: timedelta = timedelta(0),
    ) -> None:
        async with self._tools.database.transaction() as transaction:
            is_stuck = await put_off_errand(
                transaction,
                claimed.id,
                fault=fault,
                is_final=is_final,
                at_least=at_least,
                patience=self._patience,
            )
        self._tools.metrics.errand(claimed.errand.provider, "stuck" if is_stuck else "put_off")
        logger.warning(
            "errand_stuck" if is_stuck else "errand_put_off",
            errand=claimed.id,
            provider=claimed.errand.provider,
            source=claimed.source,
            code=fault,
        )
