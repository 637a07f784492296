"""The documents of channels and of the sites that people come from, checked against each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import field

from services.ingest.domain.channels.classifying import ChannelRules, ClickId, KindOfSite
from services.ingest.domain.channels.sites import KINDS, SiteList
from services.ingest.domain.traits import fold_name
from shared.documents.faults import Fault, raise_if_any
from shared.documents.files import read_documents
from shared.documents.versions import Document

_OWN = "own"


class ChannelsDocument(Document, frozen=True, kw_only=True):
    """What brought somebody; see :class:`services.ingest.domain.channels.classifying.ChannelRules`."""

    click_ids: dict[str, ClickId]
    mediums: dict[str, list[str]]
    campaigns: dict[str, list[str]] = field(default_factory=dict)
    paid: list[str]
    refining: list[str] = field(default_factory=list)
    kinds: dict[str, KindOfSite]
    aliases: dict[str, list[str]] = field(default_factory=dict)
    ad_ids: dict[str, list[str]] = field(default_factory=dict)


class SitesDocument(Document, frozen=True, kw_only=True):
    """Sites by kind and name; ``origin`` says from where the list is, and under which licence."""

    origin: str
    sites: dict[str, dict[str, str]]
    terms: dict[str, str] = field(default_factory=dict)
    charsets: dict[str, str] = field(default_factory=dict)


def complete_channels(document: ChannelsDocument, folder: Path) -> ChannelRules:
    """Return the rules of channels with the sites in ``folder``; our own list has the last word.

    :raises DocumentFaults: with every fault and its path.
    """
    lists = [loaded.body for loaded in read_documents(folder, kind="referrers", shape=SitesDocument).values()]
    lists.sort(key=lambda one: one.name == _OWN)
    raise_if_any(list(_faults(document, lists)), about="documents of kind channels")
    return ChannelRules(
        click_ids=document.click_ids,
        mediums=document.mediums,
        campaigns=document.campaigns,
        paid=document.paid,
        refining=document.refining,
        kinds=document.kinds,
        aliases=document.aliases,
        ad_ids=document.ad_ids,
        sites=[SiteList(sites=one.sites, terms=one.terms, charsets=one.charsets) for one in lists],
    )


def _faults(document: ChannelsDocument, lists: list[SitesDocument]) -> Iterator[Fault]:
    names = {fold_name(name) for one in lists for sites in one.sites.values() for name in sites}
    for one in lists:
        for kind in one.sites.keys() - set(KINDS):
            yield Fault(f"{one.name}.yaml: sites.{kind}", f"is none of {', '.join(KINDS)}")
        for name, charset in one.charsets.items():
            if not _is_charset(charset):
                yield Fault(f"{one.name}.yaml: charsets.{name}", "is no encoding that Python knows")
    for kind in document.kinds.keys() ^ set(KINDS):
        yield Fault(f"channels.yaml: kinds.{kind}", f"give each of {', '.join(KINDS)}, and no other")
    for name in document.aliases:
        if fold_name(name) not in names:
            yield Fault(f"channels.yaml: aliases.{name}", "is the name of no site in the folder referrers")
    for parameter, click in document.click_ids.items():
        if click.site and fold_name(click.site) not in names:
            yield Fault(f"channels.yaml: click_ids.{parameter}.site", "is the name of no site")


def _is_charset(name: str) -> bool:
    try:
        "".encode(name)
    except LookupError:
        return False
    return True
