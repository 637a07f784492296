"""From the cells of a row to a message, or to the one reason why there is none."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final, Literal, NamedTuple

import msgspec

from services.ingest.domain.acts import UNSUBSCRIBED
from services.ingest.domain.choices import fold
from services.ingest.domain.imports.amounts import AmountOpen, DecimalMark, read_plain_amount
from services.ingest.domain.imports.cells import Cell, digits_of, is_rounded, text_of
from services.ingest.domain.imports.columns import LEFT_OUT, Column
from services.ingest.domain.imports.dates import DateUnreadable, DayOrder, read_date
from services.ingest.domain.imports.definitions import ImportRules, TableKind
from services.ingest.domain.imports.faults import RowFault
from services.ingest.domain.imports.options import Mode
from services.ingest.domain.traits import fold_name
from shared.kernel.instants import SECOND, Instant, from_datetime

RowChannel = Literal["lead", "event", "outcome", "cost"]

ATTENDED: Final = "Live Event Attended"
BROKEN: Final = "\ufffd"
"""Stands where bytes could not be read."""

_CHANNELS: Final[Mapping[TableKind, RowChannel]] = {
    "leads": "lead",
    "events": "event",
    "suppressions": "event",
    "outcomes": "outcome",
    "costs": "cost",
}
_IDENTIFYING: Final = ("external_id", "email", "phone")
_OF_THE_ACT: Final = frozenset({"live_event", "offline", "document", "kind"})
_OF_THE_TABLE: Final = frozenset({"event", "live_event", "offline", "occurred_at", "delivery_channel"})
"""What a template fills in before anybody is in it."""

_REP: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_DAY_SECONDS: Final = 86_400
_LARGEST_ROW: Final = 24_000
"""Characters of a row; the front door takes no larger messages."""

_encode: Final = msgspec.json.Encoder(order="sorted").encode


class Row(NamedTuple):
    """A row as a message.

    ``key`` names what the row is about where it has a name of its own, and is empty else; ``content`` is
    all that it says, in one order. ``owner`` and ``status`` count for a lead that is held only.
    """

    number: int
    body: dict[str, Any]
    key: str
    content: bytes
    is_history: bool
    owner: str
    status: str


class _Told(NamedTuple):
    fields: dict[str, Any]
    free: dict[str, str]
    occurred: datetime | None


class Spellings:
    """Our names for currencies and statuses, by what people write."""

    def __init__(self, rules: ImportRules) -> None:
        self.currencies = {
            unicodedata.normalize("NFKC", word).casefold(): code
            for code, words in rules.currencies.items()
            for word in (code, *words)
        }
        self.statuses = {
            fold_name(word): status for status, words in rules.statuses.items() for word in (status, *words)
        }


class RowReader:
    """Reads the rows of one table, as its columns and a person say.

    ``now`` is when the import began; ``zone`` is where dates without a zone are.
    """

    def __init__(
        self,
        kind: TableKind,
        columns: Sequence[Column],
        *,
        rules: ImportRules,
        mode: Mode,
        orders: Mapping[int, DayOrder],
        marks: Mapping[int, DecimalMark],
        zone: tzinfo,
        now: Instant,
        currency: str = "",
        event: str = "",
    ) -> None:
        self.kind = kind
        self.channel: RowChannel = _CHANNELS[kind]
        self._columns = [column for column in columns if column.field != LEFT_OUT]
        self._mode = mode
        self._orders = orders
        self._marks = marks
        self._zone = zone
        self._old = now - rules.history_after_days * _DAY_SECONDS * SECOND
        self._spellings = Spellings(rules)
        self._currency = currency
        self._event = event
        self._make: Callable[[dict[str, Any], dict[str, str]], dict[str, Any] | RowFault] = {
            "leads": self._lead,
            "events": self._act,
            "suppressions": self._suppression,
            "outcomes": self._report,
            "costs": self._report,
        }[kind]

    def read(self, number: int, cells: Sequence[Cell]) -> Row | RowFault | None:
        """Return the row as a message, why it is none, or None if it is empty."""
        told = self._take(cells)
        if isinstance(told, RowFault):
            return told
        fields, free, occurred = told
        is_prefilled = self.channel == "event" and fields.keys() <= _OF_THE_TABLE
        if not free and (not fields or is_prefilled):
            return None
        owner, status = self._beside(fields)
        body = self._make(fields, free)
        if isinstance(body, RowFault):
            return body
        if occurred is not None:
            body["timestamp"] = occurred.isoformat()
        is_history = self._is_history(None if occurred is None else from_datetime(occurred))
        content = _encode([body, owner, status])
        if not is_history:
            target = body["traits"] if self.channel == "event" else body
            target |= {name: text for name, text in (("owner", owner), ("status", status)) if text}
            owner = status = ""
        return Row(number, body, self._key(body), content, is_history, owner, status)

    def _take(self, cells: Sequence[Cell]) -> _Told | RowFault:
        """Return what the cells say: known fields, free texts by their heading, and when it was."""
        fields: dict[str, Any] = {}
        free: dict[str, str] = {}
        occurred: datetime | None = None
        size = 0
        for column in self._columns:
            cell = cells[column.place] if column.place < len(cells) else None
            text = text_of(cell)
            if not text:
                continue
            size += len(text)
            if BROKEN in text:
                return RowFault(column.heading, "row.broken_text")
            if column.field is None:
                free[column.heading] = text
                continue
            value = self._value(column, cell, text, fields)
            if isinstance(value, RowFault):
                return value
            if isinstance(value, datetime):
                occurred = value
            else:
                fields[column.field] = value
        return RowFault("", "row.too_large") if size > _LARGEST_ROW else _Told(fields, free, occurred)

    def _is_history(self, occurred: Instant | None) -> bool:
        if self._mode != "by_age":
            return self._mode == "history"
        return self.kind == "suppressions" or (occurred is not None and occurred < self._old)

    def _value(
        self, column: Column, cell: Cell, text: str, fields: dict[str, Any]
    ) -> str | datetime | RowFault:
        match "text" if column.definition is None else column.definition.type:
            case "id" | "phone":
                return RowFault(column.heading, "number.rounded") if is_rounded(cell) else digits_of(cell)
            case "day" | "moment" as kind:
                try:
                    moment = read_date(cell, order=self._orders.get(column.place), zone=self._zone)
                except DateUnreadable as error:
                    return RowFault(column.heading, error.code)
                assert moment is not None
                return moment if kind == "moment" else moment.date().isoformat()
            case "amount":
                return self._amount(column, cell, fields)
            case "number":
                return self._number(column, cell, text)
            case "currency":
                word = unicodedata.normalize("NFKC", text).casefold()
                return self._spellings.currencies.get(word) or RowFault(column.heading, "currency.unknown")
            case "status":
                status = self._spellings.statuses.get(fold_name(text))
                return status or RowFault(column.heading, "status.unknown")
        return text

    def _number(self, column: Column, cell: Cell, text: str) -> str:
        """Return a plain number as it is, and a range or words as they stand: the choices tell."""
        try:
            amount = read_plain_amount(cell, mark=self._marks.get(column.place))
        except AmountOpen:
            return text
        return text if amount is None else amount.number

    def _amount(self, column: Column, cell: Cell, fields: dict[str, Any]) -> str | RowFault:
        try:
            amount = read_plain_amount(cell, mark=self._marks.get(column.place))
        except AmountOpen as error:
            return RowFault(column.heading, error.code)
        assert amount is not None
        if amount.currency:
            code = self._spellings.currencies.get(amount.currency.casefold())
            if code is None:
                return RowFault(column.heading, "currency.unknown")
            fields.setdefault("currency", code)
        return amount.number

    @staticmethod
    def _beside(fields: dict[str, Any]) -> tuple[str, str]:
        """Take out what stands beside a lead: its owner, if that names a rep, and its status."""
        owner = fields.get("owner", "")
        if _REP.fullmatch(owner):
            del fields["owner"]
        else:
            owner = ""
        return owner, fields.pop("status", "")

    @staticmethod
    def _lead(fields: dict[str, Any], free: dict[str, str]) -> dict[str, Any]:
        return {**free, **fields}

    def _act(self, fields: dict[str, Any], free: dict[str, str]) -> dict[str, Any] | RowFault:
        live_event = fields.get("live_event") or self._event
        name = fields.pop("event", "") or (ATTENDED if live_event else "")
        if not name:
            return RowFault("", "event.missing")
        properties = {name: fields.pop(name) for name in tuple(fields) if name in _OF_THE_ACT}
        if live_event:
            properties["live_event"] = live_event
        person = {name: fields.pop(name) for name in _IDENTIFYING if name in fields}
        return {"event": name, "lead": person, "traits": {**free, **fields}, "properties": properties}

    @staticmethod
    def _suppression(fields: dict[str, Any], _free: dict[str, str]) -> dict[str, Any]:
        person = {name: fields.pop(name) for name in _IDENTIFYING if name in fields}
        channel = fold(fields.get("delivery_channel", "email"))
        properties = {
            "delivery_channel": "email" if channel in {"e-mail", "mail", "邮件", "邮箱"} else channel
        }
        return {"event": UNSUBSCRIBED, "lead": person, "traits": {}, "properties": properties}

    def _report(self, fields: dict[str, Any], free: dict[str, str]) -> dict[str, Any]:
        if "amount" in fields and self._currency:
            fields.setdefault("currency", self._currency)
        return {**free, **fields}

    def _key(self, body: Mapping[str, Any]) -> str:
        """Return how the source names what the row is about, so that a correction replaces it."""
        match self.kind:
            case "leads":
                parts = [body.get("external_id")]
            case "costs":
                parts = [body.get(name) for name in ("day", "campaign", "channel", "kind")]
                parts[2] = parts[2] or "-"
            case "outcomes" if body.get("payment"):
                parts = [body.get("opportunity"), body.get("payment")]
            case "outcomes":
                # what happened to it and when: the amount, the reason and whose it is may be corrected
                told = [fold_name(str(body.get(name, ""))) or "-" for name in ("kind", "stage")]
                parts = [body.get("opportunity"), *told, body.get("timestamp", "-")]
            case _:
                parts = []
        return "\x1f".join(map(str, parts)) if parts and all(parts) else ""
