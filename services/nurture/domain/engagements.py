"""What came back from a mail: an open, a click, an unsubscription, a bounce; by a person or a machine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from shared.kernel.faults import Fault, Faults
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import MINUTE, SECOND, Instant

Kind = Literal["open", "click", "unsubscribe", "bounce"]

OPEN: Final = "open"
CLICK: Final = "click"
UNSUBSCRIBE: Final = "unsubscribe"
BOUNCE: Final = "bounce"

BOUNCES: Final = frozenset({"mail.550", "mail.551", "mail.553"})
"""Refusals that say that there is no such mailbox; others are about the message or the sender."""

_SAME: Final = 30 * MINUTE
"""What is repeated within this time is one act, as in C9."""

_BURST: Final = 2 * SECOND
"""Nobody follows every link of a mail within this time."""


class Engagement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One act on one message. ``id`` is the same for what counts as the same act.

    ``machine`` says by what a machine gave itself away, empty if nothing did so far.
    """

    id: str
    message: str
    kind: Kind
    number: int
    at: Instant
    machine: str = ""


class ScannerDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By what machines are told from people. A click ``seconds_after_sending`` or sooner is a machine's."""

    name: str
    version: Annotated[int, Meta(ge=1)]
    description: str = ""
    agents: tuple[Annotated[str, Meta(min_length=2)], ...] = ()
    seconds_after_sending: Annotated[int, Meta(ge=0, le=600)] = 0


class ScannerFaults(Faults):
    """The document of scanners has faults; all of them are listed, each with its path."""

    code = "nurture.scanner_faults"


class Scanners:
    """Tells machines from people. :raises ScannerFaults: if a pattern is none."""

    def __init__(self, document: ScannerDocument) -> None:
        faults = []
        for place, pattern in enumerate(document.agents):
            try:
                re.compile(pattern)
            except re.error as error:
                faults.append(Fault(f"agents[{place}]", f"is no pattern: {error}"))
        if faults:
            raise ScannerFaults(faults, about=document.name)
        self._agents = re.compile("|".join(f"(?:{one})" for one in document.agents) or "(?!)", re.IGNORECASE)
        self._quickest = document.seconds_after_sending * SECOND

    def recognise(self, *, method: str, agent: str) -> str:
        """Return why a request is a machine's by its method and User-Agent alone, empty if it may not be."""
        if method == "HEAD":
            return "head"
        return "scanner" if self._agents.search(agent) is not None else ""

    def judge(
        self, act: Engagement, *, sent: Instant | None, links: int, clicked: Iterable[tuple[int, Instant]]
    ) -> str:
        """Return why an act is a machine's, empty if it may be a person's.

        ``sent`` is when the message went out, ``links`` how many it holds, ``clicked`` all clicks on it
        by link and time. Whoever unsubscribes is believed: a wrong one costs less than a mail too many.
        """
        if act.kind == UNSUBSCRIBE:
            return ""
        if act.machine or act.kind != CLICK:
            return act.machine
        if sent is not None and act.at - sent < self._quickest:
            return "too_quick"
        near = {number for number, at in clicked if abs(at - act.at) < _BURST}
        return "every_link" if links > 1 and len(near) >= links else ""


def engagement(message: str, kind: Kind, *, at: Instant, number: int = 0, machine: str = "") -> Engagement:
    """Return an act; the same act within half an hour has the same id, a machine's another."""
    slot = 0 if kind in {UNSUBSCRIBE, BOUNCE} else at // _SAME
    identity = deterministic_id(
        "nurture_engagement", message, kind, str(number), str(slot), "machine" if machine else ""
    )
    return Engagement(id=identity, message=message, kind=kind, number=number, at=at, machine=machine)
