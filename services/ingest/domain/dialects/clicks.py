"""Clicks on tracking links: what the edge wrote down of one, and whether a person clicked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec

from services.ingest.domain.acts import Act
from services.ingest.domain.dialects.acquisition import AcquisitionReader, Clues
from services.ingest.domain.identifiers import HashIdentifier, IdentifierKind
from services.ingest.domain.intake import Intake, Refusal, show_message_id
from services.ingest.domain.scrubbing import scrub_properties
from shared.kernel.instants import Instant

LINK_CLICKED: Final = "Link Clicked"
"""The act that a click is."""

MALFORMED: Final = Refusal("intake.malformed_json")
MACHINE: Final = Refusal("link.machine")
"""A link preview, a scanner or a HEAD request: kept, and no click of a person."""


class ClickRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of one click: its id, the link as it stood then, and the request.

    ``passed`` are the parameters of the click's own address that travelled on; ``purpose`` is what a
    browser says that only looks ahead.
    """

    click: str
    link: str
    campaign: str = ""
    ad: str = ""
    keyword: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    rep: str = ""
    is_retired: bool = False
    passed: dict[str, str] = {}
    method: str = "GET"
    purpose: str = ""


class Machines(msgspec.Struct, frozen=True, kw_only=True):
    """By what machines give themselves away: patterns of the User-Agent, whatever its case."""

    agents: Sequence[str] = ()


_read: Final = msgspec.json.Decoder(ClickRecord).decode
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class ClickReader:
    """Reads clicks by the documents it was made with."""

    def __init__(
        self, *, acquisition: AcquisitionReader, machines: Machines, hash_identifier: HashIdentifier
    ) -> None:
        self._acquisition = acquisition
        self._agents = re.compile("|".join(f"(?:{one})" for one in machines.agents) or "(?!)", re.IGNORECASE)
        self._hash = hash_identifier

    def read(
        self, body: bytes | str, *, source: str, received: Instant, agent: str, referrer: str | None
    ) -> Intake | Refusal:
        """Return what a click says; nobody is known by it but the click itself."""
        try:
            click = _read(body)
        except _UNREADABLE:
            return MALFORMED
        if click.method == "HEAD" or click.purpose or self._agents.search(agent):
            return MACHINE
        told = {"link": click.link, "campaign": click.campaign, "ad": click.ad, "rep": click.rep}
        properties = scrub_properties({name: text for name, text in told.items() if text})
        if click.is_retired:
            properties["is_retired"] = True
        return Intake(
            source=source,
            occurred=received,
            anchors=[],
            anonymous=[self._hash(IdentifierKind.CLICK, click.click)],
            message_id=show_message_id(click.click),
            act=Act(LINK_CLICKED, properties, is_declared=False),
            acquisition=self._acquisition.read(
                Clues(search=urlencode(click.passed), referrer=referrer, campaign=_campaign(click))
            ),
        )


def _campaign(click: ClickRecord) -> dict[str, object]:
    return {
        "source": click.utm_source,
        "medium": click.utm_medium,
        "name": click.campaign,
        "term": click.keyword,
        "content": click.ad,
    }
