"""Dead letters of all services: found, replayed, and the partitions that halted because of them resumed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from leadmill.platform.deployed import Deployment
from shared.processor.replay import LetterUnknown, ReplayResult, replay_all
from shared.processor.tables import dead_letters
from shared.processor.tables.dead_letters import DeadLetter, LetterSummary
from shared.runtime.blueprint import Blueprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which dead letters are meant; None stands for all. ``limit`` counts per service."""

    service: str | None = None
    code: str | None = None
    topic: str | None = None
    since: datetime | None = None
    limit: int = 1000
    ids: frozenset[str] = field(default_factory=frozenset)


class ListedLetter(NamedTuple):
    """A dead letter and whose it is."""

    service: str
    letter: LetterSummary


class HaltedPartition(NamedTuple):
    """A partition that waits for a person."""

    service: str
    topic: str
    partition: int
    offset: int
    code: str
    detail: str


async def find_letters(
    deployment: Deployment, choice: Choice, *, with_replayed: bool = False
) -> list[ListedLetter]:
    """Return the dead letters that are meant, oldest first within each service.

    :raises ServiceUnknown: if the choice names a service that there is not.
    """
    found: list[ListedLetter] = []
    for blueprint in _services(deployment, choice.service):
        async with blueprint.database.connection() as connection:
            letters = await dead_letters.find_letters(
                connection,
                code=choice.code,
                topic=choice.topic,
                since=choice.since,
                with_replayed=with_replayed or bool(choice.ids),
                limit=choice.limit,
            )
        found += [
            ListedLetter(blueprint.name, letter)
            for letter in letters
            if not choice.ids or letter.id in choice.ids
        ]
    return found


async def find_letter(deployment: Deployment, letter_id: str) -> tuple[str, DeadLetter]:
    """Return a dead letter with its bytes, and whose it is. :raises LetterUnknown: if there is none."""
    for blueprint in deployment.blueprints:
        async with blueprint.database.connection() as connection:
            letter = await dead_letters.load_letter(connection, letter_id)
        if letter is not None:
            return blueprint.name, letter
    raise LetterUnknown


async def replay_letters(deployment: Deployment, choice: Choice) -> list[ReplayResult]:
    """Replay the dead letters that are meant, each once in effect; see :mod:`shared.processor.replay`.

    :raises LetterUnknown: if an id is named that there is not.
    """
    results: list[ReplayResult] = []
    if choice.ids:
        for letter_id in sorted(choice.ids):
            service, _ = await find_letter(deployment, letter_id)
            results += await _replay(deployment.service(service), [letter_id])
        return results
    for blueprint in _services(deployment, choice.service):
        letters = await find_letters(deployment, _only(choice, blueprint.name))
        results += await _replay(blueprint, [listed.letter.id for listed in letters])
    return results


async def _replay(blueprint: Blueprint, letter_ids: Sequence[str]) -> list[ReplayResult]:
    if not letter_ids:
        return []
    return await replay_all(blueprint.workers[0].replays(), letter_ids)


async def find_halts(deployment: Deployment, service: str | None) -> list[HaltedPartition]:
    """Return the partitions that are halted."""
    numbers = range(deployment.ground.settings.partitions)
    halted: list[HaltedPartition] = []
    for blueprint in _services(deployment, service):
        async with blueprint.database.connection() as connection:
            halts = await dead_letters.load_halts(connection, group=blueprint.group, partitions=list(numbers))
        halted += [
            HaltedPartition(blueprint.name, *target, halt.offset, halt.code, halt.detail)
            for target, halt in sorted(halts.items())
            if not halt.resumed
        ]
    return halted


async def resume_partitions(
    deployment: Deployment, *, service: str | None, topic: str | None, partition: int | None
) -> int:
    """Let halted partitions go on and return how many; the service notices by itself."""
    count = 0
    for blueprint in _services(deployment, service):
        async with blueprint.database.transaction() as transaction:
            count += await dead_letters.resume(
                transaction, group=blueprint.group, topic=topic, partition=partition
            )
    return count


def _services(deployment: Deployment, name: str | None) -> Sequence[Blueprint]:
    return deployment.blueprints if name is None else [deployment.service(name)]


def _only(choice: Choice, service: str) -> Choice:
    return Choice(
        service=service, code=choice.code, topic=choice.topic, since=choice.since, limit=choice.limit
    )
