"""The sites that people come from: what a referring host or the source of a campaign is known as.

A host stands for its subdomains, ``google.*`` for any ending, also one of two parts (google.co.uk). The
longest host that fits counts, and of two documents the later one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import msgspec

from services.ingest.domain.traits import fold_name

KINDS: Final = (
    *("search", "social", "video", "short_video", "shopping"),
    *("email", "ai_assistant", "advertising", "referral"),
)
"""The kinds of sites; what each amounts to says the document of channels."""

_ANY: Final = ".*"
_ADVERTISING: Final = "advertising"
_ENDING: Final = re.compile(r"[a-z]{2,}|(?:com?|org|net|edu|it|gov|ac|ne|or)\.[a-z]{2}")
_SHORTEST_NAME: Final = 2
_LONGEST_ADDRESS: Final = 2_000
_MOST_PARAMETERS: Final = 50


class SiteList(msgspec.Struct, frozen=True, kw_only=True):
    """Sites as a document gives them: kind, then name, then hosts with blanks between them.

    ``terms`` are the parameters of an address in which a search engine writes what was searched for,
    ``charsets`` what it writes them in where that is not always UTF-8.
    """

    sites: dict[str, dict[str, str]] = {}
    terms: dict[str, str] = {}
    charsets: dict[str, str] = {}


class Site(NamedTuple):
    """One site: its name, its kind, and where it writes what was searched for."""

    name: str
    kind: str
    terms: tuple[str, ...] = ()
    charset: str = ""


class SiteTable:
    """Knows sites by the lists it was made with; ``aliases`` are other names of them in campaigns."""

    def __init__(self, lists: Sequence[SiteList], *, aliases: Mapping[str, Sequence[str]]) -> None:
        self._hosts: dict[str, Site] = {}
        self._names: dict[str, Site] = {}
        for name, site, hosts in _sites(lists):
            if site.kind == _ADVERTISING:
                self._names.setdefault(fold_name(name), site)
            else:
                self._names[fold_name(name)] = site
            for host in hosts.lower().split():
                self._hosts[host] = site
        for host, site in self._hosts.items():
            label, _, rest = host.partition(".")
            if rest and "." not in rest and len(label) >= _SHORTEST_NAME:
                self._names.setdefault(fold_name(label), site)
        for name, spellings in aliases.items():
            site = self._names[fold_name(name)]
            self._names |= {fold_name(spelling): site for spelling in spellings}
        self.at = lru_cache(maxsize=4096)(self._find)
        self.called = lru_cache(maxsize=4096)(self._find_name)

    def _find(self, host: str) -> Site | None:
        """Return the site at a host, None if nobody knows it."""
        labels = host.split(".")
        for cut in range(len(labels)):
            site = self._hosts.get(".".join(labels[cut:]))
            for parts in (1, 2):
                name, ending = labels[cut:-parts], ".".join(labels[-parts:])
                if site is None and name and _ENDING.fullmatch(ending):
                    site = self._hosts.get(".".join(name) + _ANY)
            if site is not None:
                return site
        return None

    def _find_name(self, text: str) -> Site | None:
        """Return the site that a campaign calls so: by its name, another name of it, or its host."""
        found = self._names.get(fold_name(text))
        return self.at(text.strip().lower()) if found is None and "." in text else found


def _sites(lists: Sequence[SiteList]) -> Iterator[tuple[str, Site, str]]:
    """Yield the sites with their hosts; what a later list says of a name holds for the earlier ones, too."""
    terms = {name: text for one in lists for name, text in one.terms.items()}
    charsets = {name: text for one in lists for name, text in one.charsets.items()}
    for one in lists:
        for kind, sites in one.sites.items():
            for name, hosts in sites.items():
                site = Site(name, kind, tuple(terms.get(name, "").split()), charsets.get(name, ""))
                yield name, site, hosts


def searched_for(site: Site, address: str) -> str:
    """Return what was searched for, as the address of the results tells; empty if it does not."""
    if not site.terms or "?" not in address:
        return ""
    try:
        query = urlsplit(address[:_LONGEST_ADDRESS]).query
        try:
            pairs = parse_qsl(query, max_num_fields=_MOST_PARAMETERS, errors="strict")
        except UnicodeDecodeError:
            pairs = parse_qsl(
                query, max_num_fields=_MOST_PARAMETERS, encoding=site.charset or "utf-8", errors="replace"
            )
    except ValueError:
        return ""
    said = dict(reversed(pairs))
    return next((said[term].strip() for term in site.terms if said.get(term, "").strip()), "")
