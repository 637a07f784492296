"""Contents: what mails say, by industry and role and in which language, with fallbacks (N2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from services.nurture.domain.leads import Scalar
from services.nurture.domain.sequences import Name
from shared.conditions.catalogue import Catalogue, Choice, Flag, Number, Text
from shared.conditions.compiler import Condition, ConditionFaults, compile_condition
from shared.kernel.faults import Fault, Faults

_PLAIN: Final = re.compile("[!-~]+")

Language = Annotated[str, Meta(pattern="^[a-z]{2}$")]
Line = Annotated[str, Meta(min_length=1, max_length=2000)]

CATALOGUE: Final[Catalogue] = {
    "industry": Text(),
    "region": Text(),
    "title_level": Choice(("manager", "director", "vp", "cxo"), ordered=True),
    "employees": Number(),
    "size": Choice(("under_50", "50_to_199", "200_to_499", "500_plus"), ordered=True),
    "stage": Choice(("learning", "evaluating", "approved", "purchasing"), ordered=True),
    "tender": Flag(),
    "product_lines": Number(),
}
"""The attributes by which words may be chosen, standardised by ingest (I9)."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys that no part knows are faults."""


class LinkDocument(_Part, frozen=True, kw_only=True):
    """A place that a mail leads to; ``purpose`` is what scoring hears of a click (``book_demo``)."""

    link: Name
    url: Annotated[str, Meta(max_length=1000)]
    label: Mapping[Language, Line]
    purpose: Annotated[str, Meta(max_length=63)] = ""


class WordsDocument(_Part, frozen=True, kw_only=True):
    """What is said in one language. Merge tags: ``{{ name }}``, ``{{ company }}``; both may be empty."""

    subject: Annotated[str, Meta(min_length=1, max_length=200)]
    paragraphs: Annotated[tuple[Line, ...], Meta(min_length=1)]


class VariantDocument(_Part, frozen=True, kw_only=True):
    """Words for those of whom ``when`` holds; without it, for everybody."""

    variant: Name
    when: Any = None
    words: Annotated[Mapping[Language, WordsDocument], Meta(min_length=1)]


class ContentDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One content: the first variant that fits speaks. The last is for everybody, in every language.

    ``languages`` stand in the order in which they are fallen back to.
    """

    name: Name
    version: Annotated[int, Meta(ge=1)]
    description: str = ""
    languages: Annotated[tuple[Language, ...], Meta(min_length=1)]
    links: tuple[LinkDocument, ...] = ()
    variants: Annotated[tuple[VariantDocument, ...], Meta(min_length=1)]


class ContentFaults(Faults):
    """A content has faults; all of them are listed, each with its path."""

    code = "nurture.content_faults"


class Words(NamedTuple):
    """What is to be said: the words chosen, where they come from, and the links in their language."""

    content: str
    version: int
    variant: str
    language: str
    subject: str
    paragraphs: tuple[str, ...]
    links: tuple[Link, ...]


class Link(NamedTuple):
    """One link of a mail."""

    name: str
    url: str
    label: str
    purpose: str


class Content:
    """A content that can choose its words. :raises ContentFaults: with every fault in it."""

    def __init__(self, document: ContentDocument) -> None:
        faults = list(_find_faults(document))
        self._conditions: list[Condition | None] = []
        for place, variant in enumerate(document.variants):
            try:
                self._conditions.append(
                    None
                    if variant.when is None
                    else compile_condition(variant.when, catalogue=CATALOGUE, path=f"variants[{place}].when")
                )
            except ConditionFaults as error:
                faults += error.faults
        if faults:
            raise ContentFaults(faults, about=f"content {document.name}, version {document.version}")
        self.document = document

    def choose(self, attributes: Mapping[str, Scalar], *, language: str | None) -> Words:
        """Return the words of the first variant that fits and speaks the language (N2).

        The language is the person's if the content has it, else the first that the content has.
        """
        spoken = (language or "").partition("-")[0].lower()
        if spoken not in self.document.languages:
            spoken = self.document.languages[0]
        for variant, condition in zip(self.document.variants, self._conditions, strict=True):
            if spoken in variant.words and (condition is None or condition.test(attributes) is True):
                return self._words(variant, spoken)
        raise AssertionError("unreachable: the last variant is for everybody, in every language")

    def find(self, variant: str, language: str) -> Words:
        """Return words that were chosen earlier; where they are gone, those for everybody."""
        for one in self.document.variants:
            if one.variant == variant and language in one.words:
                return self._words(one, language)
        return self.choose({}, language=language)

    def every_words(self) -> Iterable[Words]:
        """Return all words in all languages, for whoever checks them."""
        for variant in self.document.variants:
            for language in variant.words:
                yield self._words(variant, language)

    def _words(self, variant: VariantDocument, language: str) -> Words:
        words = variant.words[language]
        links = tuple(
            Link(link.link, link.url, link.label[language], link.purpose) for link in self.document.links
        )
        return Words(
            *(self.document.name, self.document.version, variant.variant, language),
            *(words.subject, words.paragraphs, links),
        )


class ContentSet:
    """All contents in all their versions; of each name the highest version is live."""

    def __init__(self, documents: Iterable[ContentDocument]) -> None:
        self._all = {(one.name, one.version): Content(one) for one in documents}
        self._live: dict[str, Content] = {}
        for (name, version), content in self._all.items():
            if name not in self._live or self._live[name].document.version < version:
                self._live[name] = content

    @property
    def names(self) -> Iterable[str]:
        """The names there are."""
        return self._live

    def __iter__(self) -> Iterator[Content]:
        return iter(self._all.values())

    def live(self, name: str) -> Content:
        """Return the live version; sequences were checked to name only contents that there are."""
        return self._live[name]

    def find(self, name: str, version: int) -> Content | None:
        """Return a version; where it is gone, the live one; None if the whole content is gone."""
        return self._all.get((name, version)) or self._live.get(name)


def _find_faults(document: ContentDocument) -> Iterable[Fault]:
    last = len(document.variants) - 1
    for number, variant in enumerate(document.variants):
        path = f"variants[{number}]"
        if number == last and variant.when is not None:
            yield Fault(f"{path}.when", "the last variant is for everybody; leave it out")
        if number < last and variant.when is None:
            yield Fault(f"{path}.when", "is missing: what follows would never be chosen")
        for language in variant.words:
            if language not in document.languages:
                yield Fault(f"{path}.words.{language}", "is none of this content's languages")
    for language in document.languages:
        if language not in document.variants[last].words:
            yield Fault(f"variants[{last}].words.{language}", "is missing; the last variant speaks all")
    if len({variant.variant for variant in document.variants}) <= last:
        yield Fault("variants", "has two variants of one name")
    yield from _find_link_faults(document)


def _find_link_faults(document: ContentDocument) -> Iterable[Fault]:
    if len({link.link for link in document.links}) < len(document.links):
        yield Fault("links", "has two links of one name")
    for number, link in enumerate(document.links):
        parts = urlsplit(link.url)
        if parts.scheme != "https" or not parts.netloc or not _PLAIN.fullmatch(link.url):
            yield Fault(f"links[{number}].url", "is a whole address, https://…, in visible ASCII characters")
        for language in document.languages:
            if language not in link.label:
                yield Fault(f"links[{number}].label.{language}", "is missing")
