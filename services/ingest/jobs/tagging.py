"""Tags put on and taken off in bulk: a portion after the other, each a command of its own.

A portion has a name that follows from the work and its place, so one that is done twice takes effect
once, and several processes may work at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.ingest.domain.desk.corrections import NotYours
from services.ingest.domain.tag_rules.rules import TagRules
from services.ingest.domain.tags.commands import MOST_LEADS, TagLeads, tags_to_put, tags_to_take
from services.ingest.domain.tags.filters import check_filter, widen_tags
from services.ingest.domain.tags.work import TagWork, WorkKeyReused, WorkUnknown
from services.ingest.store.desk.owners import load_owner
from services.ingest.store.tags.bulk import (
    add_work,
    load_open_work,
    load_portion,
    load_work,
    save_progress,
)
from services.ingest.store.tags.catalogue import load_own_tags
from shared.http.commands import CommandRunner
from shared.kernel.clock import Clock
from shared.kernel.errors import Rejected
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant
from shared.postgres.database import Database


class BulkTagging:
    """Takes orders for tags in bulk, and carries them out."""

    def __init__(self, database: Database, *, commands: CommandRunner, rules: TagRules, clock: Clock) -> None:
        self._database = database
        self._commands = commands
        self._rules = rules
        self._clock = clock

    async def ask(
        self,
        *,
        put: Sequence[str],
        take: Sequence[str],
        by: str,
        reason: str,
        key: str,
        received: Instant,
        owner: str | None = None,
        where: Any = None,
        leads: Sequence[str] = (),
    ) -> TagWork:
        """Note what is asked for, and do it at once if it is about few leads.

        :raises Rejected: if a tag is unknown or cannot be put on, a filter has faults, a lead is not the
            rep's own, or the key was used for something else.
        """
        if where is not None:
            check_filter(where)
        async with self._database.transaction() as transaction:
            catalogue = self._rules.catalogue(await load_own_tags(transaction))
            puts, takes = tags_to_put(catalogue, tuple(put)), tags_to_take(catalogue, tuple(take))
            if owner is not None:
                for lead in leads:
                    if await load_owner(transaction, lead) != owner:
                        raise NotYours
            wanted = TagWork(
                *(deterministic_id("tag_work", key), received, by, owner, tuple(puts), tuple(takes)),
                *(reason, 0, 0, 0, None, None),
            )
            work = await add_work(transaction, wanted, where=widen_tags(where, catalogue), leads=leads)
        if (work.put, work.take, work.who) != (wanted.put, wanted.take, wanted.who):
            raise WorkKeyReused
        if work.finished is None and work.leads <= MOST_LEADS:
            work = await self.go_on(work)
        return work

    async def find(self, work: str) -> TagWork:
        """Return how far work is. :raises WorkUnknown: if there is none of this id."""
        async with self._database.connection() as connection:
            found = await load_work(connection, work)
        if found is None:
            raise WorkUnknown
        return found

    async def run(self) -> None:
        """Carry out what is not finished, oldest first.

        :raises Unavailable: if the database does not answer; it goes on from there next time.
        """
        while True:
            async with self._database.connection() as connection:
                work = await load_open_work(connection)
            if work is None:
                return
            await self.go_on(work)

    async def go_on(self, work: TagWork) -> TagWork:
        """Carry out the next portion of work and return how far it is then."""
        async with self._database.connection() as connection:
            portion = await load_portion(connection, work, limit=MOST_LEADS)
        refused, changed = None, 0
        if portion:
            command = TagLeads(
                leads=tuple(portion),
                put=tuple(work.put),
                take=tuple(work.take),
                by=work.who,
                reason=work.reason,
                owner=work.owner,
            )
            try:
                reply = await self._commands.run(
                    key=portion[0],
                    command=command,
                    received=work.asked,
                    idempotency_key=f"tags:{work.id}:{work.done}",
                )
                changed = reply["changed"]
            except Rejected as error:  # a tag that was retired meanwhile, for example
                refused = error.reason
        async with self._database.transaction() as transaction:
            await save_progress(
                transaction,
                work,
                done=len(portion),
                changed=changed,
                at=self._clock.now(),
                refused=refused,
            )
            return await load_work(transaction, work.id) or work
