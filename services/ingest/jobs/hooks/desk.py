"""What people do about hooks: set them up, look at them, take them away, make them try again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from services.ingest.jobs.hooks.bringing import HookTools
from services.ingest.jobs.hooks.looking import Looking
from services.ingest.providers.port import Provider
from services.ingest.store.hooks.errands import STUCK, WAITING, count_errands, retry_errands
from services.ingest.store.hooks.lists import Turn
from services.ingest.store.hooks.secrets import (
    HookRow,
    HookUnset,
    load_hook,
    load_hooks,
    remove_hook,
    save_hook,
)
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant, from_datetime


class ProviderUnknown(Rejected):
    """There is no such provider; `leadmill hook providers` lists those there are."""

    code = "hook.unknown_provider"


class SecretUnknown(Rejected):
    """This provider has no such secret; `leadmill hook providers` lists what each has."""

    code = "hook.unknown_secret"


class SecretsIncomplete(Rejected):
    """A secret that this provider needs is missing."""

    code = "hook.secrets_incomplete"

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(f"this provider needs {', '.join(missing)} as well")


class NothingListed(Rejected):
    """This provider has no lists to look through; its deliveries are all there is."""

    code = "hook.nothing_listed"


class HookState(NamedTuple):
    """One hook: when it was set up, when its lists were looked through last, and what still waits."""

    source: str
    provider: str
    added: datetime
    looked: datetime | None
    fault: str | None
    waiting: int
    stuck: int


class HookDesk:
    """Acts on hooks; ``tools.database`` is ingest's, started. ``public_url`` is how vendors reach us."""

    def __init__(self, tools: HookTools, *, public_url: str = "") -> None:
        self._tools = tools
        self._public_url = public_url

    def provider(self, name: str) -> Provider:
        """Return a provider. :raises ProviderUnknown: if there is none of this name."""
        found = self._tools.providers.get(name)
        if found is None:
            raise ProviderUnknown
        return found

    def address_of(self, name: str, key: str, *, base: str = "") -> str:
        """Return the address to give to a vendor; where we do not know how we are reached, it says so."""
        reached = (base or self._public_url).rstrip("/") or "https://<your front door>"
        return f"{reached}/hooks/{self.provider(name).name}/{key}"

    def steps_of(self, name: str, address: str) -> list[str]:
        """Return what is to be done with the vendor, in order."""
        return [step.replace("{address}", address) for step in self.provider(name).steps]

    async def is_set_up(self, name: str, source: str) -> bool:
        """Return whether a source has something set for a provider."""
        async with self._tools.database.connection() as connection:
            return await load_hook(connection, source, name, sealing=self._tools.sealing) is not None

    async def find_missing(self, name: str, source: str, given: Mapping[str, str]) -> list[str]:
        """Return the secrets that a source would still lack; what was set before counts.

        :raises ProviderUnknown: if there is no such provider.
        :raises SecretUnknown: if the provider has no such secret.
        """
        provider = self.provider(name)
        if not given.keys() <= {secret.name for secret in provider.secrets}:
            raise SecretUnknown
        values = {**await self._load(name, source), **given}
        return [one.name for one in provider.secrets if not one.is_optional and not values.get(one.name)]

    async def check(self, name: str, source: str, given: Mapping[str, str]) -> None:
        """Return if everything that is needed would be there. :raises SecretsIncomplete: if not."""
        missing = await self.find_missing(name, source, given)
        if missing:
            raise SecretsIncomplete(missing)

    async def save(self, name: str, source: str, given: Mapping[str, str]) -> None:
        """Set secrets; those that are not given stay as they were, an empty one goes.

        :raises SecretsIncomplete: if one that is needed is missing.
        """
        await self.check(name, source, given)
        merged = {**await self._load(name, source), **given}
        values = {key: value for key, value in merged.items() if value}
        async with self._tools.database.transaction() as transaction:
            await save_hook(
                transaction,
                source,
                name,
                values,
                sealing=self._tools.sealing,
                now=self._tools.clock.now(),
            )

    async def list_hooks(self) -> list[HookState]:
        """Return every hook with what waits, by source and provider."""
        async with self._tools.database.connection() as connection:
            rows = await load_hooks(connection)
            counted = {
                (one.source, one.provider, one.state): one.many for one in await count_errands(connection)
            }
        return [_state_of(row, counted) for row in rows]

    async def show(self, name: str, source: str) -> dict[str, str | None]:
        """Return what is set: of secrets only that they are.

        :raises HookUnset: if nothing is.
        """
        provider = self.provider(name)
        values = await self._load(name, source, must_be=True)
        return {
            one.name: values.get(one.name) and ("set" if one.is_secret else values[one.name])
            for one in provider.secrets
        }

    async def remove(self, name: str, source: str) -> None:
        """Forget what is set. :raises HookUnset: if nothing is."""
        async with self._tools.database.transaction() as transaction:
            await remove_hook(transaction, source, name)

    async def retry(self, *, source: str | None = None, provider: str | None = None) -> int:
        """Make errands due now, also those that are stuck; returns how many."""
        async with self._tools.database.transaction() as transaction:
            return await retry_errands(transaction, source=source, provider=provider)

    async def look_through(self, name: str, source: str, *, since: Instant) -> int:
        """Look through the lists of a vendor from an instant on; returns how many leads nobody knew.

        :raises NothingListed: if the vendor gives out no lists.
        :raises HookUnset: if nothing is set.
        """
        if self.provider(name).client is None:
            raise NothingListed
        async with self._tools.database.connection() as connection:
            rows = await load_hooks(connection)
        row = next((one for one in rows if (one.source, one.provider) == (source, name)), None)
        if row is None:
            raise HookUnset
        turn = Turn(source, name, from_datetime(row.added))
        return await Looking(self._tools).look_through(turn, since=since)

    async def _load(self, name: str, source: str, *, must_be: bool = False) -> Mapping[str, str]:
        async with self._tools.database.connection() as connection:
            found = await load_hook(connection, source, name, sealing=self._tools.sealing)
        if found is None and must_be:
            raise HookUnset
        return {} if found is None else found.reveal()


def _state_of(row: HookRow, counted: Mapping[tuple[str, str, str], int]) -> HookState:
    waiting, stuck = (counted.get((row.source, row.provider, state), 0) for state in (WAITING, STUCK))
    return HookState(row.source, row.provider, row.added, row.looked, row.last_fault, waiting, stuck)
