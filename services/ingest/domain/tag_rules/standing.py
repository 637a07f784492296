"""What stands on a lead: worked out of its trails, how it stands, and what people said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.ingest.domain.channels.touches import first_of, last_of
from services.ingest.domain.directory import Lead
from services.ingest.domain.tag_rules.rules import TagRules
from services.ingest.domain.tags.definitions import Catalogue
from services.ingest.domain.tags.trail import Card, Drawn, HandWord, RuleWords, Trail

BY_HAND: Final = "by:"
"""Before who it was, where a person put a tag on."""


def draw_card(
    rules: TagRules,
    catalogue: Catalogue,
    lead: Lead,
    trails: Sequence[Trail],
    *,
    before: Card,
    drawn: dict[str, Drawn],
) -> Card:
    """Return what stands on a lead now; the same object if that is what stood on it before.

    The last word by hand counts, whatever rules say. A retired tag stays where it is and goes on
    nobody; the words about a merged tag are words about the one it was merged into.

    ``drawn`` remembers tags under one catalogue: most messages of a batch bring a touch and no tag.
    """
    drawn_from = (lead.attributes, lead.contact.free_text, [(one.words, one.by_hand) for one in trails])
    was_drawn_from, tags = drawn.get(lead.id, (None, {}))
    if was_drawn_from != drawn_from:
        tags = _tags(rules, catalogue, lead, trails, before)
        drawn[lead.id] = drawn_from, tags
    if len(trails) == 1:
        sources, first, last = trails[0].sources, trails[0].first, trails[0].last
    else:
        sources = tuple(sorted({source for trail in trails for source in trail.sources}))
        first = first_of(trail.first for trail in trails)
        last = last_of(trail.last for trail in trails)
    if (tags, sources, first, last) == (before.tags, before.sources, before.first, before.last):
        return before
    version = before.version + (tags.keys() != before.tags.keys())
    return Card(version, tags, sources, first, last)


def _tags(
    rules: TagRules, catalogue: Catalogue, lead: Lead, trails: Sequence[Trail], before: Card
) -> dict[str, str]:
    standing = rules.stand(lead)
    joined = _joined(catalogue, trails)
    found = {tag: words.on.rule for tag, words in joined.items() if words.stands and words.on is not None}
    for tag, rule in standing.put.items():
        if (now := _now(catalogue, tag)) is not None:
            found.setdefault(now, rule)
    for tag in standing.taken:
        found.pop(_now(catalogue, tag) or "", None)
    for tag, word in _by_hand(catalogue, trails).items():
        if word.is_on:
            found[tag] = f"{BY_HAND}{word.who}"
        else:
            found.pop(tag, None)
    stood = {_now(catalogue, tag) for tag in before.tags}
    return {tag: found[tag] for tag in sorted(found) if _may_stand(catalogue, tag, stood=tag in stood)}


def _now(catalogue: Catalogue, tag: str) -> str | None:
    found = catalogue.follow(tag)
    return None if found is None else found.tag


def _may_stand(catalogue: Catalogue, tag: str, *, stood: bool) -> bool:
    found = catalogue.find(tag)
    return found is not None and (found.state == "active" or (found.state == "retired" and stood))


def _joined(catalogue: Catalogue, trails: Sequence[Trail]) -> dict[str, RuleWords]:
    joined: dict[str, RuleWords] = {}
    for trail in trails:
        for tag, words in trail.words.items():
            now = _now(catalogue, tag)
            if now is not None:
                joined[now] = _join(joined[now], words) if now in joined else words
    return joined


def _join(one: RuleWords, other: RuleWords) -> RuleWords:
    ons = [mark for mark in (one.on, other.on) if mark is not None]
    offs = [mark for mark in (one.off, other.off) if mark is not None]
    return RuleWords(max(ons, default=None), max(offs, default=None))


def _by_hand(catalogue: Catalogue, trails: Sequence[Trail]) -> dict[str, HandWord]:
    latest: dict[str, HandWord] = {}
    for trail in trails:
        for tag, word in trail.by_hand.items():
            now = _now(catalogue, tag)
            if now is not None and (now not in latest or word > latest[now]):
                latest[now] = word
    return latest
