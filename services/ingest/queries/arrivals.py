"""“I submitted the form at 10:02, where is my lead?”: what came in then, and what became of it, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote

from services.ingest.domain.desk.wording import (
    NOTHING,
    ON_ITS_WAY,
    OPENED,
    SUPPRESSED,
    TAKEN_IN,
    Words,
    fill,
    reason_of,
)
from services.ingest.domain.erasure import holds_any
from services.ingest.domain.identifiers import (
    HashIdentifier,
    IdentifierKind,
    IdentityRules,
    national_number,
    normalise_email,
    normalise_phone,
)
from services.ingest.domain.story import StoryRow
from services.ingest.store.desk.arrivals import (
    Laid,
    count_waiting,
    load_came_in,
    load_erased,
    load_laid,
)
from services.ingest.store.directory_rows import find_lead_ids
from shared.kernel.instants import Instant, format_instant
from shared.postgres.database import Database

_MOST_LINES: Final = 2_000
_MOST_LAID: Final = 2_000
_MOST_FOUND: Final = 200
_MOST_LEADS: Final = 50

Verdict = Literal["taken_in", "quarantined", "refused", "forgotten"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is known of what was sent: when it was at the earliest and latest, and whatever else."""

    start: Instant
    end: Instant
    form: str | None = None
    source: str | None = None
    email: str | None = None
    phone: str | None = None

    @property
    def names_somebody(self) -> bool:
        """True if it says whose it was."""
        return bool(self.email or self.phone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One thing that came in. ``what`` are kinds of events, ``code`` why it was of no use."""

    at: Instant
    source: str
    verdict: Verdict
    what: Sequence[str]
    text: str
    lead: str | None
    code: str | None
    message: str
    words: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """Everything that fits, oldest first; ``words`` answer as a whole. ``waiting`` is not worked off yet."""

    found: Sequence[Arrival]
    waiting: int
    words: Words


class ArrivalSearch:
    """Answers where something is that was sent."""

    def __init__(self, database: Database, *, rules: IdentityRules, hash_identifier: HashIdentifier) -> None:
        self._database = database
        self._rules = rules
        self._hash = hash_identifier

    async def find(self, asked: Asked) -> Arrivals:
        """Return what came in from ``start`` to ``end`` and fits, 200 things at most.

        With an address or number it is what their lead did then, whatever it was, and what lies in
        quarantine and holds it.
        """
        email = normalise_email(asked.email)
        phone = normalise_phone(asked.phone, region=None, rules=self._rules)
        hashes = [
            self._hash(kind, value).hash
            for kind, value in ((IdentifierKind.EMAIL, email), (IdentifierKind.PHONE, phone))
            if value is not None
        ]
        async with self._database.connection() as connection:
            leads = None
            if asked.names_somebody:
                leads = await find_lead_ids(
                    connection, hashes=hashes, email=email, phone=phone, limit=_MOST_LEADS
                )
            lines = await load_came_in(
                connection,
                start=asked.start,
                end=asked.end,
                leads=leads,
                form=asked.form,
                source=asked.source,
                limit=_MOST_LINES,
            )
            laid = await load_laid(
                connection, start=asked.start, end=asked.end, source=asked.source, limit=_MOST_LAID
            )
            erased = await load_erased(connection, hashes) if hashes else []
            waiting = await count_waiting(connection)
        found = [
            *_taken_in(lines),
            *(_not_used(one) for one in laid if _fits(one, asked, email=email, phone=phone)),
            *(_forgotten(lead, at) for lead, at in erased),
        ]
        found.sort(key=lambda arrival: (arrival.at, arrival.message))
        return Arrivals(found=found[:_MOST_FOUND], waiting=waiting, words=_answer(found, waiting))


def _taken_in(lines: Sequence[StoryRow]) -> list[Arrival]:
    by_message: dict[str, list[StoryRow]] = {}
    for line in lines:
        by_message.setdefault(line.cause, []).append(line)
    arrivals = []
    for cause, rows in by_message.items():
        last = rows[-1]
        opened = any(row.kind == "lead_captured" for row in rows)
        words = OPENED if opened else TAKEN_IN
        arrivals.append(
            Arrival(
                at=last.at,
                source=_source_in(rows),
                verdict="taken_in",
                what=[row.kind for row in rows],
                text="; ".join(row.text for row in rows),
                lead=last.lead,
                code=None,
                message=cause,
                words=fill(words, lead=last.lead),
            )
        )
    return arrivals


def _source_in(rows: Sequence[StoryRow]) -> str:
    """Return the source that a line names: it stands behind ``from``, at the beginning or the end."""
    for row in rows:
        for part in row.text.split("; "):
            if part.startswith("from "):
                return part.removeprefix("from ")
    return ""


def _not_used(laid: Laid) -> Arrival:
    is_message = laid.record.startswith(b'{"specversion"')
    return Arrival(
        at=laid.received,
        source=laid.source,
        verdict="quarantined" if is_message else "refused",
        what=(),
        text="was sent round again since" if laid.is_replayed else "",
        lead=None,
        code=laid.code,
        message=laid.id,
        words=reason_of(laid.code),
    )


def _forgotten(lead: str, at: Instant) -> Arrival:
    return Arrival(
        at=at,
        source="",
        verdict="forgotten",
        what=("lead_erased",),
        text="",
        lead=lead,
        code=None,
        message="",
        words=fill(SUPPRESSED, day=format_instant(at)[:10]),
    )


def _fits(laid: Laid, asked: Asked, *, email: str | None, phone: str | None) -> bool:
    if asked.names_somebody:
        needles = [email, quote(email, safe="")] if email else []
        if phone:
            needles += [phone.lstrip("+"), national_number(phone)]
        given = (asked.email or asked.phone or "").strip().lower()
        if not holds_any(laid.record, [one.lower() for one in (*needles, given) if one]):
            return False
    return asked.form is None or holds_any(laid.record, [asked.form.lower()])


def _answer(found: Sequence[Arrival], waiting: int) -> Words:
    if found:
        leads = dict.fromkeys(one.lead for one in found if one.lead and one.verdict == "taken_in")
        useless = sum(1 for one in found if one.verdict in {"quarantined", "refused"})
        en, zh = [f"{len(found)} found."], [f"找到 {len(found)} 条。"]
        if leads:
            en.append(f"Lead: {', '.join(leads)}.")
            zh.append(f"线索：{'、'.join(leads)}。")
        if useless:
            en.append(f"{useless} could not be used; each says why and what to do.")
            zh.append(f"其中 {useless} 条无法使用，原因和处理办法见各条。")
        return Words(" ".join(en), "".join(zh))
    return fill(ON_ITS_WAY, count=waiting) if waiting else NOTHING
