"""Looks through the lists of vendors for leads that no delivery told of.

Each list is looked through from where it was looked until, and some hours before that, because a
vendor may list a lead late. A lead that is known already is passed over; one that comes both ways at
once takes effect once, by its message id. What was looked through counts only once all of it lies in
the raw topic, so whoever dies in between begins that list again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from services.ingest.domain.identifiers import IdentifierKind
from services.ingest.jobs.hooks.bringing import Bringer, HookTools, open_bringer
from services.ingest.providers.port import Client, HookItem, LeadGone, VendorUnavailable
from services.ingest.store.hooks.lists import (
    Listed,
    Turn,
    claim_turn,
    end_turn,
    find_known,
    keep_turn,
    load_positions,
    save_position,
)
from shared.kernel.errors import BUG_CODE, Rejected, Unavailable
from shared.kernel.instants import MICROSECOND, Instant
from shared.log.port import NewRecord
from shared.telemetry.logging import get_logger

_LEASE: Final = timedelta(minutes=5)
_MOST_PAGES: Final = 10_000
_MOST_FAILURES: Final = 3

logger = get_logger(__name__)


class LookInterrupted(Unavailable):
    """This process is being stopped; another one looks through the rest."""

    code = "hook.look_interrupted"


class Looking:
    """Looks through lists when it is their turn; any number of processes may.

    ``every`` is the time between two looks, ``overlap`` how far each goes back behind the last.
    """

    def __init__(
        self,
        tools: HookTools,
        *,
        every: timedelta = timedelta(minutes=15),
        overlap: timedelta = timedelta(hours=6),
    ) -> None:
        self._tools = tools
        self._every = every
        self._overlap = overlap // timedelta(microseconds=MICROSECOND)
        self._is_stopping = False
        self.beat = 0.0
        """The event loop's time when a page was last asked for."""

    def stop(self) -> None:
        """Ask for no further page; a list that is not read to its end is begun again."""
        self._is_stopping = True

    async def look(self) -> None:
        """Look through the lists of every hook that is due, or until :meth:`stop`.

        :raises Unavailable: if the database does not answer.
        """
        while not self._is_stopping and await self.turn():
            continue

    async def turn(self) -> bool:
        """Look through the lists of one hook that is due; returns whether there was one."""
        tools = self._tools
        async with tools.database.transaction() as transaction:
            turn = await claim_turn(transaction, providers=tools.listed, lease=_LEASE)
        if turn is None:
            return False
        fault: str | None = None
        again_in = self._every
        try:
            await self.look_through(turn)
        except LookInterrupted:
            again_in = timedelta(0)
        except Unavailable as away:
            fault = away.reason
            again_in = max(self._every, timedelta(seconds=away.retry_after))
        except Rejected as refused:
            fault = refused.reason
        except Exception:  # a bug of ours with one vendor's answer; the others must go on
            logger.exception("look_failed", provider=turn.provider, source=turn.source)
            fault = BUG_CODE
        if fault is not None:
            logger.warning("look_put_off", provider=turn.provider, source=turn.source, code=fault)
        async with tools.database.transaction() as transaction:
            await end_turn(transaction, turn, again_in=again_in, fault=fault)
        return True

    async def look_through(self, turn: Turn, *, since: Instant | None = None) -> int:
        """Look through all lists of one hook and return how many leads nobody knew.

        With ``since`` every list is looked through from there on, whatever was looked through before. A
        list that cannot be read does not hide the others; after three in a row the vendor is left alone.

        :raises Unavailable: if the vendor, the log or the database does not answer, for any list.
        """
        async with open_bringer(self._tools) as bringer:
            client = await self._tools.client_of(turn.source, turn.provider, bringer.http)
            async with self._tools.database.connection() as connection:
                positions = await load_positions(connection, turn.source, turn.provider)
            found = in_a_row = 0
            failed: VendorUnavailable | None = None
            for stream in await client.list_streams():
                begins = since if since is not None else positions.get(stream, turn.added) - self._overlap
                try:
                    found += await self._look_through_one(turn, stream, begins, client, bringer)
                    in_a_row = 0
                except LeadGone:
                    continue  # the list was deleted there since it was named
                except VendorUnavailable as away:
                    failed, in_a_row = away, in_a_row + 1
                    if in_a_row == _MOST_FAILURES:
                        break
            if failed is not None:
                raise failed
            return found

    async def _look_through_one(
        self, turn: Turn, stream: str, since: Instant, client: Client, bringer: Bringer
    ) -> int:
        until = self._tools.clock.now()
        found = 0
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            if self._is_stopping:
                raise LookInterrupted
            self.beat = asyncio.get_running_loop().time()
            async with self._tools.database.connection() as connection:
                await keep_turn(connection, turn, lease=_LEASE)
            page = await client.list_leads(stream, since=since, until=until, cursor=cursor)
            unknown = await self._find_unknown(turn.source, page.items)
            await bringer.append(unknown)
            found += len(unknown)
            self._tools.metrics.found(turn.provider, len(unknown))
            if page.next is None:
                break
            if page.next == cursor:
                raise VendorUnavailable("the vendor's list goes round in a circle")
            cursor = page.next
        else:
            raise VendorUnavailable("the vendor's list has no end")
        async with self._tools.database.transaction() as transaction:
            await save_position(transaction, turn.source, turn.provider, stream, until=until)
        return found

    async def _find_unknown(self, source: str, items: Sequence[HookItem]) -> list[NewRecord]:
        """Return the records of those that were neither taken in, nor put in quarantine before."""
        tools = self._tools
        listed = []
        for item in items:
            record_id, record = tools.stamp(item, source=source, received=tools.clock.now())
            name = f"{source}\x1f{item.external_id}"
            known_by = tools.hash_identifier(IdentifierKind.EXTERNAL, name).hash if item.external_id else ""
            listed.append((record, Listed(record_id, known_by)))
        if not listed:
            return []
        async with tools.database.connection() as connection:
            known = await find_known(connection, [one for _, one in listed])
        return [record for record, one in listed if one not in known]
