"""Outcomes and costs: what sales and ad platforms report afterwards, under our names for it (I8)."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal, NamedTuple, get_args

import msgspec

from shared.kernel.money import Money, parse_money

_GROUPED: Final = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?")
_MOST_MINOR: Final = 10**15


CostKind = Literal["ads", "content", "labour"]
COST_KINDS: Final[tuple[CostKind, ...]] = get_args(CostKind)


class OutcomeKind(StrEnum):
    """What became of an opportunity."""

    CREATED = "opportunity_created"
    STAGE_CHANGED = "opportunity_stage_changed"
    WON = "opportunity_won"
    LOST = "opportunity_lost"
    PAID = "payment_received"


class Outcome(NamedTuple):
    """One report about an opportunity; nothing in it names a person.

    ``opportunity`` and ``payment`` are the names that the sales system gave them.
    """

    kind: OutcomeKind
    opportunity: str
    stage: str = ""
    amount: Money | None = None
    reason: str = ""
    payment: str = ""


class Cost(NamedTuple):
    """What a campaign cost on one day (YYYY-MM-DD) for one kind; the same four said again replace it."""

    campaign: str
    channel: str
    kind: CostKind
    day: str
    amount: Money


class OutcomeNames(msgspec.Struct, frozen=True, kw_only=True):
    """Other spellings of kinds of outcomes, of stages and of kinds of costs, as the document gives them."""

    kinds: dict[str, list[str]] = {}
    stages: dict[str, list[str]] = {}
    costs: dict[str, list[str]] = {}


class AmountUnreadable(Exception):
    """``code`` says what is wrong with an amount."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_amount(value: object, currency: object, *, default: str, signed: bool = False) -> Money | None:
    """Return the amount that a client wrote, None if it wrote none.

    ``currency`` is ISO 4217; where the client named none, ``default`` counts unless that is empty.
    Only a ``signed`` amount may lie below zero.

    :raises AmountUnreadable: if it is no plain amount in a currency.
    """
    if value is None or value == "" or isinstance(value, bool):
        return None
    if isinstance(value, float):
        text = f"{Decimal(str(value)):f}"
    elif isinstance(value, int | str):
        text = str(value).strip()
    else:
        raise AmountUnreadable("amount_malformed")
    code = currency.strip() if isinstance(currency, str) else ""
    if not code and not default:
        raise AmountUnreadable("no_currency")
    if len(text) > 40 or _GROUPED.fullmatch(text) is None:
        raise AmountUnreadable("amount_malformed")
    try:
        money = parse_money(text, code or default)
    except ValueError:
        raise AmountUnreadable("amount_malformed") from None
    if abs(money.minor) > _MOST_MINOR or (money.minor < 0 and not signed):
        raise AmountUnreadable("amount_malformed")
    return money
