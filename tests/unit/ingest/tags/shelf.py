"""Takes messages in with the tags and touches that they bring, and keeps what would be stored as bytes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.ingest.domain.acts import Act
from services.ingest.domain.directory import Directory, Lead, Profile
from services.ingest.domain.identifiers import IdentifierKind, identifier_hasher
from services.ingest.domain.identity.merging import UnmergeLead, find_homecomers
from services.ingest.domain.intake import Acquisition, Intake
from services.ingest.domain.tag_rules.rules import TagRules
from services.ingest.domain.tags.commands import TagLeads
from services.ingest.domain.tags.definitions import Tag
from services.ingest.domain.tags.trail import Card, Trail
from services.ingest.domain.traits import Traits
from services.ingest.handlers.resolution import IntakeHandler
from services.ingest.handlers.settling import Settling
from services.ingest.handlers.tags.tagging import Tagged, Tagging
from services.ingest.handlers.unmerging import Unmerging
from shared.contracts.events.leads import TagsChanged
from shared.kernel.instants import SECOND, Instant
from tests.unit.ingest.requests import IDENTITY_KEY, RECEIVED, RULEBOOK
from tests.unit.ingest.shelf import Shelf

HASH = identifier_hasher(IDENTITY_KEY)
RULES = TagRules(RULEBOOK.tags)
_TEXTS: tuple[str, ...] = ("title", "need", "competitor")


def at(seconds: int) -> Instant:
    return RECEIVED + seconds * SECOND


def message(
    seconds: int,
    *,
    email: str = "",
    phone: str = "",
    browser: str = "",
    act: Act | None = None,
    channel: str = "",
    medium: str = "",
    source: str = "website",
    **attributes: str,
) -> Intake:
    """Return a message as the readers understand it."""
    given = (("email", IdentifierKind.EMAIL, email), ("phone", IdentifierKind.PHONE, phone))
    texts = {name: attributes.pop(name) for name in _TEXTS if name in attributes}
    return Intake(
        source=source,
        occurred=at(seconds),
        anchors=[HASH(kind, value) for _, kind, value in given if value],
        anonymous=[HASH(IdentifierKind.ANONYMOUS, browser)] if browser else [],
        traits=Traits(
            attributes=dict(attributes),
            contact={name: value for name, _, value in given if value},
            free_text=texts,
            consents={},
            terms={},
        ),
        act=act,
        acquisition=Acquisition(channel, medium=medium) if channel else None,
    )


def form(name: str, *tags: str) -> Act:
    return Act("Form Submitted", {"form": name}, is_declared=True, tags=tags)


class TagShelf(Shelf):
    """The tables of the directory and of tags; every message is a batch of its own."""

    def __init__(self, rules: TagRules = RULES, own: dict[str, Tag] | None = None) -> None:
        super().__init__()
        self.tagging = Tagging(
            rules,
            taking_in=IntakeHandler(RULEBOOK.matching, hash_identifier=HASH),
            unmerging=Unmerging(HASH),
            settling=Settling(RULEBOOK.matching),
        )
        self.trails: dict[str, bytes] = {}
        self.cards: dict[str, bytes] = {}
        self.own = own or {}
        self.said: list[TagsChanged] = []
        self.kinds: dict[str, IdentifierKind] = {}

    def take(self, *messages: Intake) -> None:
        """Take messages in, one after the other."""
        for one in messages:
            self.kinds |= {identifier.hash: identifier.kind for identifier in one.identifiers}
            directory = self._opened(self.load(identifier.hash for identifier in one.identifiers))
            self._keep(directory, self.tagging.on_intake(directory, one))

    def tag(self, lead: str, *, put: Sequence[str] = (), take: Sequence[str] = (), seconds: int) -> Tagged:
        """Put tags on a lead and take others off by hand."""
        directory = self._opened(self.load([lead]))
        command = TagLeads(leads=(lead,), put=tuple(put), take=tuple(take), by="bo")
        done = self.tagging.on_tag_leads(
            directory, command, owners={}, at=at(seconds), cause=f"{seconds:032x}"
        )
        self._keep(directory, done.emissions)
        return done

    def unmerge(self, lead: str) -> None:
        """Take a merge back."""
        directory = self._opened(self.load([lead]))
        for profile in directory.profiles_of(directory.profiles[lead].lead):
            if profile.id in self.leads:
                directory.leads.setdefault(profile.id, self._lead(profile.id))
        homecomers = {one.id for one in find_homecomers(directory, lead)}
        kinds = {one: self.kinds[one] for one, owner in self.owners.items() if owner in homecomers}
        emissions, _ = self.tagging.on_unmerge(
            directory, UnmergeLead(lead), kinds, at=at(10_000), cause="f" * 32
        )
        self._keep(directory, emissions)

    def _lead(self, lead: str) -> Lead:
        return msgspec.json.decode(self.leads[lead], type=Lead)

    def _opened(self, directory: Directory) -> Directory:
        book = directory.book
        book.own = self.own
        book.trails = {one: msgspec.json.decode(row, type=Trail) for one, row in self.trails.items()}
        book.cards = {one: msgspec.json.decode(row, type=Card) for one, row in self.cards.items()}
        return directory

    def _keep(self, directory: Directory, emissions: Sequence[object]) -> None:
        self.save(directory)
        book = directory.book
        self.trails |= {one: msgspec.json.encode(book.trails[one]) for one in book.changed_trails}
        self.cards |= {one: msgspec.json.encode(book.cards[one]) for one in book.changed_cards}
        self.said += [
            event for one in emissions if isinstance(event := getattr(one, "event", None), TagsChanged)
        ]

    def card(self, lead: str) -> Card:
        """Return what stands on a lead."""
        return msgspec.json.decode(self.cards.get(lead, b"{}"), type=Card)

    def lead_of(self, kind: IdentifierKind, value: str) -> str:
        """Return the lead that an identifier leads to."""
        profile = self.owners[HASH(kind, value).hash]
        return msgspec.json.decode(self.profiles[profile], type=Profile).lead
