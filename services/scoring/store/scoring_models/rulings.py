"""Which versions rule now: looked at with every batch, compiled once for each step that changes it."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar, Protocol

from services.scoring.domain.life.register import Register, read_register
from services.scoring.domain.life.ruling import RuledModel, Ruling
from services.scoring.domain.life.steps import Paper
from services.scoring.domain.scoring_models.combining import key_of
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from services.scoring.store.scoring_models.shelf import Draft, Shelf
from services.scoring.store.scoring_models.steps import load_number, load_paper, load_steps
from shared.kernel.errors import Unavailable
from shared.kernel.faults import Faults
from shared.postgres.database import Transaction


class ModelUnusable(Unavailable):
    """A live scoring model's document is not there or cannot be used by this release; roll it back."""

    code: ClassVar[str] = "scoring.model_unusable"


class Rulings(Protocol):
    """Tells which versions rule."""

    @property
    def newest(self) -> Ruling:
        """The ruling that this process looked at last."""
        ...

    async def current(self, transaction: Transaction) -> Ruling:
        """Return the ruling as this transaction sees it."""
        ...

    async def holds(self, transaction: Transaction, numbers: Collection[int]) -> bool:
        """Return whether these are the number of the ruling as this transaction sees it."""
        ...


class FixedRulings:
    """Models that nobody takes steps about; for whoever has no register."""

    def __init__(self, models: ModelSet) -> None:
        self.newest = Ruling.of(models)

    async def current(self, _transaction: Transaction) -> Ruling:
        """Return the one ruling there is."""
        return self.newest

    async def holds(self, _transaction: Transaction, _numbers: Collection[int]) -> bool:
        """Return True: there is no other."""
        return True


class RegisteredRulings:
    """The ruling by documents and steps; a step holds for every transaction that looks after its commit."""

    def __init__(self, shelf: Shelf) -> None:
        self.newest = Ruling.of(shelf.newest())
        self._shelf = shelf

    async def current(self, transaction: Transaction) -> Ruling:
        """Return the ruling as this transaction sees it.

        :raises ModelUnusable: if this release cannot use a live document.
        """
        number = await load_number(transaction)
        ruling = self.newest
        if number != ruling.number:
            register = await load_register(transaction, self._shelf)
            ruling = await self._compile(transaction, register)
            self.newest = ruling
        return ruling

    async def holds(self, transaction: Transaction, numbers: Collection[int]) -> bool:
        """Return whether these are the number of the ruling as this transaction sees it."""
        number = await load_number(transaction)
        return all(one == number for one in numbers)

    async def _compile(self, transaction: Transaction, register: Register) -> Ruling:
        models, shadows = [], []
        for life in register.lives.values():
            if life.shadow is not None:
                shadows.append(await self.compile(transaction, life.name, life.shadow))
            live = None if life.live is None else await self.compile(transaction, life.name, life.live)
            shared, percent = None, 0
            if life.share is not None:
                shared = await self.compile(transaction, life.name, life.share.version)
                percent = life.share.percent
            if live is not None or shared is not None:
                models.append(RuledModel(life.name, live, shared, percent, life.tells_past))
        return Ruling(models, number=register.number, shadows=shadows)

    async def compile(self, transaction: Transaction, model: str, version: int) -> CompiledModel:
        """Return a version as it computes; what a step has brought goes before the documents.

        :raises ModelUnusable: if it is not there, or this release cannot use it.
        """
        paper = await load_paper(transaction, model, version)
        if paper is None:
            found = self._shelf.find(model, version)
            if found is None:
                raise ModelUnusable
            return found
        try:
            return (await read_draft(transaction, self._shelf, paper)).model
        except Faults as error:
            raise ModelUnusable from error


async def read_draft(transaction: Transaction, shelf: Shelf, paper: Paper) -> Draft:
    """Read and compile a document, with the versions that it combines, shipped or handed in.

    :raises Faults: with every fault, each with its path.
    """
    sources = {}
    for name, version in shelf.sources_in(paper.text):
        found = await load_paper(transaction, name, version)
        if found is not None:
            sources[key_of(name, version)] = (await read_draft(transaction, shelf, found)).model
    return shelf.read(paper.text, lists=paper.lists, sources=sources)


async def load_register(transaction: Transaction, shelf: Shelf) -> Register:
    """Return what all steps come to."""
    return read_register(await load_steps(transaction), shipped=shelf.digests())
