"""What brought somebody: click ids, UTM parameters and the referring page become a channel and a campaign.

A click id says more than a medium, a medium more than a referring page. A referring page of the same
site is a step within the visit and says nothing; one that a browser expressly leaves empty means that
they came directly. Nothing that is kept names a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import msgspec

from services.ingest.domain.identifiers import clean_text
from services.ingest.domain.intake import Acquisition
from services.ingest.domain.links.addresses import CLICK, find_click
from services.ingest.domain.scrubbing import scrub_label, scrub_text
from services.ingest.domain.traits import fold_name

DIRECT: Final = "direct"
REFERRAL: Final = "referral"
OTHER: Final = "other"
SOCIAL: Final = "social"
PAID_SOCIAL: Final = "paid_social"
PAID_SEARCH: Final = "paid_search"

_NO_REFERRER: Final = "$direct"
"""What RudderStack's browser client writes where no page referred."""

_LONGEST: Final = 100
_LONGEST_ADDRESS: Final = 300
_MOST_PARAMETERS: Final = 50
_CAMPAIGN: Final = ("source", "medium", "name", "term", "content")
_UTM: Final = frozenset({"utmsource", "utmmedium", "utmcampaign", "utmterm", "utmcontent"})
_LANDING: Final = ("landingurl", "landingpage", "pageurl")
_CLICK: Final = fold_name(CLICK)


class ChannelRules(msgspec.Struct, frozen=True, kw_only=True):
    """How clues become channels, as the document gives them.

    ``click_ids`` maps the parameter of an ad platform to a channel; ``mediums`` and ``hosts`` map a
    channel to the mediums and referring hosts that stand for it, and a host also to its subdomains.
    """

    click_ids: dict[str, str] = {}
    mediums: dict[str, list[str]] = {}
    hosts: dict[str, list[str]] = {}


class Clues(NamedTuple):
    """What a request says; ``referrer`` None means that it did not say, "" that there was none."""

    url: object = None
    search: object = None
    referrer: object = None
    campaign: Mapping[str, object] | None = None


class AcquisitionReader:
    """Reads clues by the document it was made with."""

    def __init__(self, rules: ChannelRules) -> None:
        self._click_ids = {fold_name(name): channel for name, channel in rules.click_ids.items()}
        self._mediums = {
            fold_name(medium): channel for channel, mediums in rules.mediums.items() for medium in mediums
        }
        self._hosts = {host.lower(): channel for channel, hosts in rules.hosts.items() for host in hosts}
        self._names = {host.split(".")[0]: channel for host, channel in self._hosts.items()}
        self._of_referrer = lru_cache(maxsize=4096)(self._judge_referrer)

    def read(self, clues: Clues) -> Acquisition | None:
        """Return what the clues amount to, None if they say nothing."""
        said = {
            f"utm{'campaign' if name == 'name' else name}": text
            for name, text in _texts(clues.campaign, _CAMPAIGN)
        }
        said.update(_parameters(clues.search) if clues.search else _parameters(clues.url, is_url=True))
        return self._judge(said, clues)

    def take_click(self, given: dict[str, object]) -> str | None:
        """Take the id of the click that led here out of the fields of a form or a lead, if it is there."""
        own: object = None
        for name in [name for name in given if fold_name(name) == _CLICK]:
            own = given.pop(name)
        if isinstance(own, str) and own:
            return own
        pages = (find_click(given[name]) for name in given if fold_name(name) in _LANDING)
        return next((click for click in pages if click is not None), None)

    def take_fields(self, given: dict[str, object]) -> Acquisition | None:
        """Take out of the fields of a form or a lead what tells where they came from, and read it."""
        said: dict[str, str] = {}
        url: object = None
        referrer: object = None
        for name in list(given):
            folded = fold_name(name)
            if folded in _UTM or folded in self._click_ids:
                said[folded] = clean_text(given.pop(name)) or ""
            elif folded in _LANDING:
                url = given.pop(name)
            elif folded == "referrer":
                referrer = given.pop(name)
        return self._judge({**dict(_parameters(url, is_url=True)), **said}, Clues(url, referrer=referrer))

    def _judge(self, said: Mapping[str, str], clues: Clues) -> Acquisition | None:
        referrer = clues.referrer if isinstance(clues.referrer, str) else None
        if referrer == _NO_REFERRER:
            referrer = ""
        host = _host_of(referrer[:_LONGEST_ADDRESS]) if referrer else ""
        channel = self._of_parameters(said) if said else None
        if channel is not None:
            return Acquisition(
                channel,
                campaign=_label(said.get("utmcampaign")),
                ad=_label(said.get("utmcontent")),
                keyword=_short(said.get("utmterm")),
                medium=_short(said.get("utmmedium")),
                referrer=host,
            )
        if referrer is None:
            return None
        own = _host_of(clues.url[:_LONGEST_ADDRESS]) if isinstance(clues.url, str) else ""
        return self._of_referrer(host, own)

    def _of_parameters(self, said: Mapping[str, str]) -> str | None:
        medium = self._mediums.get(fold_name(said.get("utmmedium", "")))
        source = self._names.get(fold_name(said.get("utmsource", "")))
        clicked = next((self._click_ids[name] for name in said if name in self._click_ids), None)
        if clicked is not None and (medium is None or clicked != SOCIAL):
            return clicked
        if medium == PAID_SEARCH and source == SOCIAL:
            return PAID_SOCIAL
        if medium is not None:
            return medium
        if clicked is not None:
            return clicked
        has_campaign = any(said.get(name) for name in _UTM)
        return (source or OTHER) if has_campaign else None

    def _judge_referrer(self, host: str, own: str) -> Acquisition | None:
        if not host:
            return Acquisition(DIRECT)
        if own and _site_of(host) == _site_of(own):
            return None
        labels = host.split(".")
        for cut in range(len(labels)):
            channel = self._hosts.get(".".join(labels[cut:])) or self._hosts.get(f"{labels[cut]}.*")
            if channel is not None:
                return Acquisition(channel, referrer=host)
        return Acquisition(REFERRAL, referrer=host)


def _texts(given: Mapping[str, object] | None, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in names:
        text = clean_text(given.get(name)) if given else None
        if text is not None:
            yield name, text


def _parameters(value: object, *, is_url: bool = False) -> Iterator[tuple[str, str]]:
    """Yield the parameters that an address carries, under folded names: utm_source as utmsource."""
    if not isinstance(value, str) or (is_url and "?" not in value):
        return
    try:
        query = urlsplit(value).query if is_url else value.removeprefix("?")
        pairs = parse_qsl(query, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return
    for name, text in pairs:
        yield fold_name(name), text


@lru_cache(maxsize=4096)
def _host_of(address: str) -> str:
    try:
        host = urlsplit(address if "//" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""
    return scrub_text(host.lower())


def _site_of(host: str) -> str:
    return host.removeprefix("www.")


def _label(text: str | None) -> str:
    return scrub_label(text.strip())[:_LONGEST] if text else ""


def _short(text: str | None) -> str:
    return scrub_text(text.strip())[:_LONGEST] if text else ""
