"""Takes steps in the life of models: one at a time, each in a transaction of its own."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec

from services.scoring.domain.life.deciding import Standing, decide, version_after
from services.scoring.domain.life.preview import Tally
from services.scoring.domain.life.register import Register
from services.scoring.domain.life.steps import (
    Command,
    DraftModel,
    Paper,
    PublishModel,
    RollBackModel,
    Step,
    ValidateModel,
)
from services.scoring.domain.scoring_models.compiler import ModelFaults
from services.scoring.store.scoring_models.passes import is_passing
from services.scoring.store.scoring_models.previews import load_preview
from services.scoring.store.scoring_models.rulings import load_register, read_draft
from services.scoring.store.scoring_models.shadows import drop_shadows
from services.scoring.store.scoring_models.shelf import Draft, Shelf
from services.scoring.store.scoring_models.steps import NewStep, load_paper, lock_steps, save_steps
from shared.kernel.faults import Fault
from shared.kernel.instants import Instant, format_instant
from shared.postgres.database import Database, Transaction
from shared.processor.commands import keep_reply, take_key


class ModelCommands:
    """Runs commands about models, as ``shared.http.commands.CommandRunner`` says."""

    def __init__(self, database: Database, shelf: Shelf) -> None:
        self._database = database
        self._shelf = shelf

    async def run(self, *, key: str, command: object, received: Instant, idempotency_key: str) -> Any:
        """Take a step once for each ``idempotency_key`` and return what it is, as plain data.

        :raises Rejected: if it may not be taken, with what to do first.
        :raises Faults: with every fault of a draft's document, each with its path.
        """
        assert isinstance(command, Command)
        asked = command
        if isinstance(command, ValidateModel):  # what a trial finds is no part of what was asked
            asked = msgspec.structs.replace(command, details={})
        named = msgspec.msgpack.encode([key, type(command).__name__, asked])
        digest = blake2b(named, digest_size=16).digest()
        async with self._database.transaction() as transaction:
            done = await take_key(
                transaction, idempotency_key=idempotency_key, digest=digest, received=received
            )
            if done is not None:
                return msgspec.json.decode(done)
            await lock_steps(transaction)
            reply = msgspec.json.encode(await self._take(transaction, command, received))
            await keep_reply(transaction, idempotency_key=idempotency_key, reply=reply)
        return msgspec.json.decode(reply)

    async def _take(self, transaction: Transaction, command: Command, at: Instant) -> dict[str, object]:
        register = await load_register(transaction, self._shelf)
        draft = None
        if isinstance(command, DraftModel):
            draft = await self._read(transaction, register, command)
            standing = Standing(at, draft.digest, draft.model.version)
        else:
            counted = await self._counted(transaction, register, command)
            standing = Standing(at, counted=counted, is_passing=await is_passing(transaction))
        steps = decide(register, command, standing)
        if steps[-1].kind == "shadowed":
            await drop_shadows(transaction, model=command.model)
        await save_steps(transaction, [await self._with_paper(transaction, step, draft) for step in steps])
        return describe_step(steps[-1])

    async def _counted(self, transaction: Transaction, register: Register, command: Command) -> Tally | None:
        """Return what the last preview of this step has counted, if it is done and nothing ruled since."""
        life = register.lives.get(command.model)
        if life is None or not isinstance(command, PublishModel | RollBackModel):
            return None
        preview = await load_preview(transaction, command.model, version_after(life, command) or 0)
        if preview is None or not preview.done or preview.number != register.number:
            return None
        return preview.tally

    async def _read(self, transaction: Transaction, register: Register, command: DraftModel) -> Draft:
        draft = await read_draft(transaction, self._shelf, Paper(text=command.text))
        faults = []
        if draft.model.name != command.model:
            faults.append(Fault("name", f"is another model's; this one is called {command.model}"))
        life = register.lives.get(command.model)
        newest = max(life.digests, default=0) if life is not None else 0
        if draft.model.version <= newest:
            faults.append(Fault("version", f"{newest} is there already; make it {newest + 1}"))
        if faults:
            raise ModelFaults(faults, about=f"model {command.model}")
        return draft

    async def _with_paper(self, transaction: Transaction, step: Step, draft: Draft | None) -> NewStep:
        if draft is not None and step.kind == "drafted":
            return NewStep(step, draft.paper)
        if not step.version or await load_paper(transaction, step.model, step.version) is not None:
            return NewStep(step, None)
        return NewStep(step, self._shelf.paper_of(step.model, step.version))


def describe_step(step: Step) -> dict[str, object]:
    """Return a step as people read it."""
    shown: dict[str, object] = {
        "number": step.number,
        "model": step.model,
        "version": step.version,
        "step": step.kind,
        "at": format_instant(step.at),
        "by": step.by,
        "why": step.why,
        "digest": step.digest,
    }
    if step.kind == "shared":
        shown["percent"] = step.percent
    if step.kind in {"published", "rolled_back"}:
        shown["tells_past"] = step.tells_past
    if step.details:
        shown["details"] = dict(step.details)
    return shown
