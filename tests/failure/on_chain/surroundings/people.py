"""People of the matrix who also buy: what sales systems report of them, and what campaigns cost."""

from __future__ import annotations

import random
from typing import Any, Final

import msgspec

from services.ingest.api.native.bodies import open_native, report_key_of
from services.ingest.api.stamping import Channel
from shared.kernel.instants import Instant, format_instant
from shared.log.port import Log
from tests.failure.on_services.surroundings.clock import FastClock
from tests.failure.on_services.surroundings.load import Edge
from tests.failure.on_services.surroundings.people import People, Sent
from tests.failure.on_services.worker import IDENTITY_KEY

_KINDS: Final = ("created", "created", "stage changed", "won", "won", "lost", "payment")
_CURRENCIES: Final = ("CNY", "CNY", "EUR")
_DAY: Final = len("2026-01-01")


class Buyers(People):
    """One message in ten is an outcome or a cost; some are said again with another amount."""

    def _compose(self, now: Instant) -> Sent:
        dice = self._pick.random()
        if dice < 0.07:
            return self._outcome(now)
        if dice < 0.10:
            return self._cost(now)
        return super()._compose(now)

    def _outcome(self, now: Instant) -> Sent:
        pick = self._pick
        person = pick.randrange(max(1, self._count // 14) + 1)
        kind = pick.choice(_KINDS)
        report: dict[str, Any] = {
            "kind": kind,
            "opportunity": f"OP-{person}-{pick.randrange(2)}",
            "email": self._email(person),
            "timestamp": format_instant(now),
        }
        if kind == "stage changed":
            report["stage"] = pick.choice(("proposal", "negotiation"))
        if kind in {"won", "payment"}:
            report["amount"] = f"{pick.randrange(1, 90_000)}.{pick.randrange(100):02d}"
            report["currency"] = pick.choice(_CURRENCIES)
        if kind == "payment":
            report["payment"] = f"PAY-{person}-{pick.randrange(3)}"
        return self._report("outcome", report)

    def _cost(self, now: Instant) -> Sent:
        pick = self._pick
        cost = {
            "campaign": f"campaign-{pick.randrange(6)}",
            "kind": pick.choice(("ads", "content", "labour")),
            "day": format_instant(now)[:_DAY],
            "amount": f"{pick.randrange(1, 9_000)}.{pick.randrange(100):02d}",
            "currency": "CNY",
        }
        return self._report("cost", cost)

    def _report(self, kind: str, report: dict[str, Any]) -> Sent:
        body = msgspec.json.encode(report)
        channel: Channel = "outcome" if kind == "outcome" else "cost"
        (message,) = open_native(body, channel=channel, key_of=report_key_of).messages
        return Sent(channel, "crm", message._replace(message_id=f"{kind}-{self._count}"))


class BuyersEdge(Edge):
    """Feeds what buyers send."""

    def __init__(self, log: Log, *, rate: float, seed: int, clock: FastClock) -> None:
        super().__init__(log, rate=rate, seed=seed, clock=clock)
        self._people = Buyers(random.Random(seed), identity_key=IDENTITY_KEY)
