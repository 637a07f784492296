"""Which channel the clues amount to, and from which site somebody came.

Money first: a click id, a medium or a campaign that says "paid" makes a paid channel, and the site says
which one (a paid click on a video site is paid video). Then what the medium says, then the site that the
campaign names, then the referring page. A referring page of the same site is a step within the visit and
says nothing; one that a browser expressly leaves empty means that they came directly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from services.ingest.domain.channels.sites import Site, SiteList, SiteTable
from services.ingest.domain.traits import fold_name

DIRECT: Final = "direct"
REFERRAL: Final = "referral"
OTHER: Final = "other"
SOCIAL: Final = "social"
PAID_SOCIAL: Final = "paid_social"
PAID_SEARCH: Final = "paid_search"

_PREFIX: Final = "*"


class KindOfSite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a kind of site amounts to: by itself, and where the visit was paid for."""

    organic: str
    paid: str


class ClickId(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the click id of a platform amounts to, and the site that it stands for."""

    channel: str
    site: str = ""


class ChannelRules(msgspec.Struct, frozen=True, kw_only=True):
    """How clues become channels, as the documents give them.

    ``click_ids`` are the parameters of platforms, the strongest first; ``mediums`` and ``campaigns`` map
    a channel to the mediums, and names of campaigns, that stand for it (``paid*``: whatever begins so);
    ``paid`` are the channels of a medium that the site may make more precise, ``refining`` the kinds of
    sites that do so with a click id, too. ``ad_ids`` map our names for ids of ads to parameters.
    """

    click_ids: dict[str, ClickId] = {}
    mediums: dict[str, list[str]] = {}
    campaigns: dict[str, list[str]] = {}
    paid: list[str] = []
    refining: list[str] = []
    kinds: dict[str, KindOfSite] = {}
    aliases: dict[str, list[str]] = {}
    ad_ids: dict[str, list[str]] = {}
    sites: Sequence[SiteList] = ()


class Judgement(NamedTuple):
    """The channel, the site that is behind it if it is known, and the click id that was there."""

    channel: str
    site: Site | None = None
    click_id: str = ""


class Classifier:
    """Judges by the rules it was made with; ``said`` are parameters of an address under folded names."""

    def __init__(self, rules: ChannelRules) -> None:
        self.sites = SiteTable(rules.sites, aliases=rules.aliases)
        self._click_ids = [(fold_name(name), name, one) for name, one in rules.click_ids.items()]
        self._mediums = _Spellings(rules.mediums)
        self._campaigns = _Spellings(rules.campaigns)
        self._paid = frozenset(rules.paid)
        self._refining = frozenset(rules.refining)
        self._kinds = rules.kinds
        self.click_names = frozenset(name for name, _, _ in self._click_ids)

    def judge(self, said: Mapping[str, str], host: str) -> Judgement | None:
        """Return what the parameters amount to, None if they say nothing; ``host`` is the referrer's."""
        source = said.get("utmsource", "")
        clicked, click_id = self._click(said)
        site = self.sites.called(source) if source else None
        referring = self.sites.at(host) if host else None
        known = site or referring
        if known is None and clicked is not None and clicked.site:
            known = self.sites.called(clicked.site)
        medium = self._mediums.find(said.get("utmmedium", ""))
        if medium is None and site is None:
            medium = self._mediums.find(source)
        channel = self._channel(said, medium, clicked, site, known)
        return None if channel is None else Judgement(channel, known, click_id)

    def judge_referrer(self, host: str) -> Judgement:
        """Return what the host of a referring page amounts to by itself."""
        site = self.sites.at(host)
        return Judgement(REFERRAL if site is None else self._organic(site), site)

    def _channel(
        self,
        said: Mapping[str, str],
        medium: str | None,
        clicked: ClickId | None,
        site: Site | None,
        known: Site | None,
    ) -> str | None:
        campaign = self._campaigns.find(said.get("utmcampaign", ""))
        kind = None if known is None else self._kinds.get(known.kind)
        if campaign is not None and campaign not in self._paid:
            return campaign
        if clicked is not None and (medium is None or clicked.channel != SOCIAL):
            if clicked.channel == SOCIAL:
                return SOCIAL
            is_refined = known is not None and known.kind in self._refining
            return campaign or (kind.paid if kind is not None and is_refined else clicked.channel)
        if medium in self._paid:
            return campaign or (medium if kind is None else kind.paid)
        if medium is not None:
            return medium
        organic = OTHER if site is None else self._organic(site)
        return organic if any(said.get(name) for name in UTM) else None

    def _click(self, said: Mapping[str, str]) -> tuple[ClickId | None, str]:
        for folded, name, one in self._click_ids:
            if folded in said:
                return one, name
        return None, ""

    def _organic(self, site: Site) -> str:
        kind = self._kinds.get(site.kind)
        return REFERRAL if kind is None else kind.organic


UTM: Final = frozenset({"utmsource", "utmmedium", "utmcampaign", "utmterm", "utmcontent"})
"""The parameters that tell of a campaign, folded."""


class _Spellings:
    """Finds the channel that a spelling stands for; one that ends in ``*`` stands for all that begin so."""

    def __init__(self, given: Mapping[str, Sequence[str]]) -> None:
        pairs = [(one, channel) for channel, spellings in given.items() for one in spellings]
        self._whole = {fold_name(one): channel for one, channel in pairs if not one.endswith(_PREFIX)}
        self._begun = [(fold_name(one[:-1]), channel) for one, channel in pairs if one.endswith(_PREFIX)]

    def find(self, text: str) -> str | None:
        folded = fold_name(text)
        if not folded:
            return None
        whole = self._whole.get(folded)
        if whole is not None:
            return whole
        return next((channel for begun, channel in self._begun if folded.startswith(begun)), None)
