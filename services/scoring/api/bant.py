"""BANT over HTTP: how a lead stands with each part, by which signs, in words (C16)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel

from services.scoring.api.parameters import READERS, AsOf, KnownAt
from services.scoring.api.wording.texts import WordsOut
from services.scoring.domain.bant.judging import Finding, Shown
from services.scoring.queries.bant import BantQueries
from shared.http.access import require
from shared.http.parameters.instants import read_instant
from shared.kernel.clock import Clock
from shared.kernel.instants import Instant, format_instant

_STATES: Final = {
    "unknown": {"en": "unknown", "zh": "未知"},
    "known": {"en": "known", "zh": "已知"},
    "met": {"en": "met", "zh": "已满足"},
}


class SignOut(BaseModel):
    """A sign that holds: what it says of its part, the event that carries it, and since when."""

    sign: str
    says: str
    words: WordsOut
    event: str
    since: str


class PartOut(BaseModel):
    """A part: `unknown`, `known` or `met`, and the signs that hold, those that it is met first."""

    part: str
    state: str
    words: WordsOut
    signs: list[SignOut]


class BantOut(BaseModel):
    """All four parts of a lead; `met` and `known` count them, what is met being known too."""

    lead: str
    document: str
    version: int
    as_of: str
    met: int
    known: int
    parts: list[PartOut]


def build_bant_router(*, bant: BantQueries, clock: Clock) -> APIRouter:
    """Return the route."""
    router = APIRouter(prefix="/scoring/v1", tags=["scoring"])

    @router.get(
        "/leads/{lead}/bant",
        dependencies=[require(*READERS)],
        summary="Budget, authority, need and timeline of a lead, and what shows it (C16)",
    )
    async def explain_bant(lead: str, as_of: AsOf = None, known_at: KnownAt = None) -> BantOut:
        asked = read_instant(as_of)
        at = clock.now() if asked is None else asked
        home, findings = await bant.explain_bant(lead, as_of=at, known_at=read_instant(known_at))
        document = bant.bant.listening
        return bant_out(home, findings, document=document.name, version=document.version, as_of=at)

    return router


def bant_out(
    lead: str, findings: Sequence[Finding], *, document: str, version: int, as_of: Instant
) -> BantOut:
    """Translate how a lead stands."""
    states = [finding.state for finding in findings]
    return BantOut(
        lead=lead,
        document=document,
        version=version,
        as_of=format_instant(as_of),
        met=states.count("met"),
        known=len(states) - states.count("unknown"),
        parts=[_part_out(finding) for finding in findings],
    )


def _part_out(finding: Finding) -> PartOut:
    part, state = finding.part, _STATES[finding.state]
    english, chinese = f"{part.label['en']}: {state['en']}", f"{part.label['zh']}：{state['zh']}"
    if finding.shown:
        english += f" ({'; '.join(one.sign.label['en'] for one in finding.shown)})"
        chinese += f"（{'；'.join(one.sign.label['zh'] for one in finding.shown)}）"
    return PartOut(
        part=part.name,
        state=finding.state,
        words=WordsOut(en=english, zh=chinese),
        signs=[_sign_out(shown) for shown in finding.shown],
    )


def _sign_out(shown: Shown) -> SignOut:
    sign = shown.sign
    return SignOut(
        sign=sign.name,
        says=sign.says,
        words=WordsOut(en=sign.label["en"], zh=sign.label["zh"]),
        event=shown.event,
        since=format_instant(shown.since),
    )
