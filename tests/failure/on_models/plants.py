"""Planted bugs of models, shadows and webhooks; substituted inside a process only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.scoring.domain.life.register import Life, Register, read_register
from services.scoring.domain.webhooks.attempts import Attempt
from services.scoring.handlers import ruled
from services.scoring.handlers.scoring import ScoringHandlers
from services.scoring.jobs.webhooks import serving
from services.scoring.jobs.webhooks.telling import Telling
from services.scoring.store import renewing
from services.scoring.store.scoring_models import commands, rulings
from services.scoring.store.webhooks.webhooks import Lease
from shared.postgres.database import Transaction
from tests.failure.on_services.plants import PLANTS as OF_SERVICES


def deliver_before_the_answer() -> None:
    """Take a message for delivered whatever is answered, and if nothing is."""
    attempt = Telling._attempt

    async def attempt_and_believe(self: Telling, *asked: Any) -> Attempt:
        return (await attempt(self, *asked))._replace(status=200, code="")

    Telling._attempt = attempt_and_believe  # type: ignore[assignment, method-assign]


def skip_after_takeover() -> None:
    """Take over from whoever had a webhook, and begin with what is told from now on."""
    claim = vars(serving)["claim_webhook"]

    async def claim_and_skip(transaction: Transaction, **how: Any) -> Lease | None:
        lease: Lease | None = await claim(transaction, **how)
        if lease is not None:
            await transaction.execute(
                "UPDATE webhook_delivery SET state = 'delivered', ended_at = next_attempt"
                " WHERE webhook = $1 AND state = 'waiting'",
                lease.webhook,
            )
        return lease

    vars(serving)["claim_webhook"] = claim_and_skip


def let_shadows_rule() -> None:
    """Take a version in shadow for the live one."""

    def read_wrongly(steps: Any, *, shipped: Mapping[str, Mapping[int, str]]) -> Register:
        register = read_register(steps, shipped=shipped)
        lives: dict[str, Life] = {
            name: msgspec.structs.replace(life, live=life.shadow or life.live)
            for name, life in register.lives.items()
        }
        return msgspec.structs.replace(register, lives=lives)

    vars(rulings)["read_register"] = read_wrongly


def forget_the_cursor() -> None:
    """Let a pass end with its first portion."""
    advance = vars(renewing)["advance_pass"]

    async def advance_to_the_end(transaction: Transaction, **how: Any) -> None:
        await advance(transaction, **{**how, "is_last": True})

    vars(renewing)["advance_pass"] = advance_to_the_end


def tell_the_past() -> None:
    """Let whoever comes under another version tell what differs by it."""

    def handlers(models: Any, **how: Any) -> ScoringHandlers:
        return ScoringHandlers(models, **{**how, "tells_past": frozenset(models.by_name)})

    vars(ruled)["ScoringHandlers"] = handlers


def step_again() -> None:
    """Take a step anew whenever it is asked for again."""
    take = vars(commands)["take_key"]

    async def take_anew(transaction: Transaction, **asked: Any) -> None:
        await take(transaction, **asked)

    vars(commands)["take_key"] = take_anew


PLANTS: Final = {
    **OF_SERVICES,
    "delivered_before_the_answer": deliver_before_the_answer,
    "skipped_after_takeover": skip_after_takeover,
    "shadow_rules": let_shadows_rule,
    "cursor_forgotten": forget_the_cursor,
    "past_told": tell_the_past,
    "step_taken_twice": step_again,
}


def plant(name: str) -> None:
    """Plant the bug of this name; none if the name is empty."""
    if name:
        PLANTS[name]()
