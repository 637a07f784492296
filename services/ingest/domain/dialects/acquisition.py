"""What brought somebody: click ids, UTM parameters and the referring page become a channel and its details.

Nothing that is kept names a person: what identifies is taken out of addresses, names and search words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from services.ingest.domain.channels.classifying import DIRECT, UTM, ChannelRules, Classifier, Judgement
from services.ingest.domain.channels.sites import searched_for
from services.ingest.domain.identifiers import clean_text
from services.ingest.domain.intake import Acquisition
from services.ingest.domain.links.addresses import CLICK, find_click
from services.ingest.domain.scrubbing import scrub_label, scrub_path, scrub_text
from services.ingest.domain.traits import fold_name

_NO_REFERRER: Final = "$direct"
"""What RudderStack's browser client writes where no page referred."""

_LONGEST: Final = 100
_LONGEST_ADDRESS: Final = 300
_LONGEST_PAGE: Final = 200
_MOST_PARAMETERS: Final = 50
_CAMPAIGN: Final = ("source", "medium", "name", "term", "content")
_LANDING: Final = ("landingurl", "landingpage", "pageurl")
_CLICK: Final = fold_name(CLICK)


class Clues(NamedTuple):
    """What a request says; ``referrer`` None means that it did not say, "" that there was none."""

    url: object = None
    search: object = None
    referrer: object = None
    campaign: Mapping[str, object] | None = None


class AcquisitionReader:
    """Reads clues by the documents it was made with."""

    def __init__(self, rules: ChannelRules) -> None:
        self._classifier = Classifier(rules)
        self._ad_ids = {fold_name(one): ours for ours, names in rules.ad_ids.items() for one in names}
        self._taken = UTM | self._classifier.click_names
        self._of_referrer = lru_cache(maxsize=4096)(self._judge_referrer)
        self._of_pages = lru_cache(maxsize=4096)(lambda *clues: self._read(Clues(*clues)))

    def read(self, clues: Clues) -> Acquisition | None:
        """Return what the clues amount to, None if they say nothing."""
        pages = clues[:3]
        is_short = all(one is None or (type(one) is str and len(one) <= _LONGEST_ADDRESS) for one in pages)
        # the same few pages come again and again
        return self._of_pages(*pages) if is_short and not clues.campaign else self._read(clues)

    def _read(self, clues: Clues) -> Acquisition | None:
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
            if folded in self._taken:
                said[folded] = clean_text(given.pop(name)) or ""
            elif folded in self._ad_ids:
                said[folded] = clean_text(given[name]) or ""
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
        url = clues.url[:_LONGEST_ADDRESS] if isinstance(clues.url, str) else ""
        judged = self._classifier.judge(said, host) if said else None
        if judged is not None:
            return self._tell(judged, said, host, url)
        if referrer is None:
            return None
        found = self._of_referrer(host, _host_of(url))
        if found is None:
            return None
        acquisition, judged = found
        keyword = ""
        if judged.site is not None and "?" in referrer:
            keyword = _short(searched_for(judged.site, referrer))
        return acquisition._replace(keyword=keyword, landing_page=_page_of(url))

    def _tell(self, judged: Judgement, said: Mapping[str, str], host: str, url: str) -> Acquisition:
        source = said.get("utmsource")
        return Acquisition(
            judged.channel,
            campaign=_label(said.get("utmcampaign")),
            ad=_label(said.get("utmcontent")),
            keyword=_short(said.get("utmterm")),
            medium=_short(said.get("utmmedium")),
            referrer=host,
            source=_short(source) or ("" if judged.site is None else judged.site.name),
            click_id=judged.click_id,
            landing_page=_page_of(url),
            ad_ids={
                self._ad_ids[name]: text
                for name in said
                if name in self._ad_ids and (text := _label(said[name]))
            },
        )

    def _judge_referrer(self, host: str, own: str) -> tuple[Acquisition, Judgement] | None:
        if not host:
            return Acquisition(DIRECT), Judgement(DIRECT)
        if own and _site_of(host) == _site_of(own):
            return None
        judged = self._classifier.judge_referrer(host)
        name = "" if judged.site is None else judged.site.name
        return Acquisition(judged.channel, referrer=host, source=name), judged


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


@lru_cache(maxsize=4096)
def _page_of(address: str) -> str:
    """Return host and path of a page, freed of what identifies."""
    if not address:
        return ""
    path = scrub_path(address)
    return f"{_host_of(address)}{path}"[:_LONGEST_PAGE] if "//" in address else path[:_LONGEST_PAGE]


def _site_of(host: str) -> str:
    return host.removeprefix("www.")


def _label(text: str | None) -> str:
    return scrub_label(text.strip())[:_LONGEST] if text else ""


def _short(text: str | None) -> str:
    return scrub_text(text.strip())[:_LONGEST] if text else ""
