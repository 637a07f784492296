"""The directory: which identifier belongs to which profile, and which profile to which lead.

An identifier belongs to one profile for good. A profile is named after the identifier that it began
with and lives with one lead; merges and un-merges move it and count its moves. A lead is named after
the profile that it began with and stands as long as that profile lives with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from services.ingest.domain.desk.consent import ConsentWord
from services.ingest.domain.evidence.bursts import RecentAct
from services.ingest.domain.evidence.doubts import Doubt, Likeness
from services.ingest.domain.evidence.marks import Marks
from services.ingest.domain.identifiers import Identifier
from services.ingest.domain.intake import ExternalRef
from services.ingest.domain.scrubbing import Scalar
from services.ingest.domain.tags.trail import TagBook
from services.ingest.domain.traits import CONSENT
from shared.kernel.instants import Instant


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A value and when the client said it, so that the newest word counts and not the latest arrival.

    A value of None was taken away: a word like any other, which an older one does not bring back.
    ``source`` is where it came from, empty for what was kept before that was noted.
    """

    value: Any
    at: Instant
    source: str = ""


class Contact(msgspec.Struct, frozen=True, gc=False):
    """How to name and reach a person; ``version`` rises with every change.

    ``known`` holds name, email, phone, company_name, language, time_zone, consent_<delivery channel> and
    terms_<delivery channel>, where a channel may be followed by ``.<purpose>``; ``free_text`` whatever
    else was said.
    """

    version: int = 0
    known: dict[str, Told] = {}
    free_text: dict[str, Told] = {}

    def text(self, name: str) -> str | None:
        """Return one of the known texts."""
        told = self.known.get(name)
        return None if told is None or told.value is None else str(told.value)

    def texts(self) -> dict[str, str]:
        """Return the free texts that stand, by name and in its order."""
        return {name: str(told.value) for name, told in sorted(self.free_text.items()) if is_there(told)}


class Lead(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What ingest knows about a lead.

    ``identifiers`` are those of its people by kind (hashes, anonymous ones left out);
    ``is_captured`` is False for a visitor who is still anonymous; ``erased`` is when the person asked
    to be forgotten, for good. ``holds`` names for each profile that an import holds which import that is.
    ``company`` is the opaque id of where they work, told by a ``domain`` or by a ``name`` (``company_by``).
    ``marks`` are what was found out about its validity.
    """

    id: str
    version: int = 0
    is_captured: bool = False
    created: Instant = 0
    attributes: dict[str, Told] = {}
    identifiers: dict[str, tuple[str, ...]] = {}
    external_ids: tuple[ExternalRef, ...] = ()
    contact: Contact = Contact()
    erased: Instant | None = None
    holds: dict[str, str] = {}
    company: str = ""
    company_by: str = ""
    marks: Marks = ()

    @property
    def is_reachable(self) -> bool:
        """True if there is an address or a number."""
        return is_there(self.contact.known.get("email")) or is_there(self.contact.known.get("phone"))

    @property
    def missing(self) -> list[str]:
        """What is wanted of everybody (I2) and not known yet; the source always is."""
        known, texts = self.contact.known, self.contact.free_text
        wanted = {
            "name": is_there(known.get("name")),
            "contact": self.is_reachable,
            "company": is_there(known.get("company_name")),
            "title": is_there(texts.get("title")) or is_there(self.attributes.get("title_level")),
        }
        return [name for name, has_it in wanted.items() if not has_it]

    def held(self, kind: str) -> tuple[str, ...]:
        """Return the identifiers of one kind."""
        return self.identifiers.get(kind, ())

    def attribute_values(self) -> dict[str, Scalar]:
        """Return the attributes without when they were said; None for what was taken away."""
        return {name: told.value for name, told in sorted(self.attributes.items())}


class Profile(msgspec.Struct, frozen=True, gc=False):
    """Where a profile lives, how often it has moved, and with whom it lived before it moved last.

    ``verdict`` counts what was said of its validity; an odd number stands for invalid.
    """

    id: str
    lead: str
    version: int = 0
    came_from: str = ""
    verdict: int = 0


@dataclass(slots=True)
class Directory:
    """The rows that one batch works on; it tells afterwards what changed.

    ``profiles_of_identifiers`` maps the hash of an identifier to a profile; what is not in it is
    unknown to everybody. ``leads`` and ``profiles`` hold everything that the identifiers lead to,
    and all profiles of those leads. ``before`` remembers how the leads that changed stood when the
    fact in hand began. ``consents`` is what was said about being written to, to be appended.
    ``companies`` maps keys to companies, of which some are known by a domain. ``doubts`` and ``alike`` are
    what the fact in hand leaves for people to look at. ``recent_acts`` are those of profiles whose acts are
    watched for bursts.
    ``book`` holds what profiles bring along and what stands on leads; ``profile_in_hand`` is the profile
    that the fact in hand carries, empty if it is about nobody.
    """

    profiles_of_identifiers: dict[str, str] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)
    leads: dict[str, Lead] = field(default_factory=dict)
    changed_profiles: set[str] = field(default_factory=set)
    changed_leads: set[str] = field(default_factory=set)
    changed_contacts: set[str] = field(default_factory=set)
    before: dict[str, Lead | None] = field(default_factory=dict)
    consents: list[ConsentWord] = field(default_factory=list)
    companies: dict[str, str] = field(default_factory=dict)
    companies_with_domain: set[str] = field(default_factory=set)
    doubts: list[Doubt] = field(default_factory=list)
    alike: list[Likeness] = field(default_factory=list)
    recent_acts: dict[str, list[RecentAct]] = field(default_factory=dict)
    book: TagBook = field(default_factory=TagBook)
    profile_in_hand: str = ""
    _of_lead: dict[str, set[str]] = field(default_factory=dict)
    _moved_from: dict[str, Profile | None] = field(default_factory=dict)
    _newly_attached: list[str] = field(default_factory=list)
    _consents_before: int = 0
    _newly_named: list[tuple[str, bool]] = field(default_factory=list)
    _acts_before: dict[str, list[RecentAct] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for profile in self.profiles.values():
            self._of_lead.setdefault(profile.lead, set()).add(profile.id)

    def begin_fact(self) -> None:
        """From here on :meth:`undo_fact` comes back to here."""
        self.before.clear()
        self._moved_from.clear()
        self._newly_attached.clear()
        self._consents_before = len(self.consents)
        self._newly_named.clear()
        self._acts_before.clear()
        self.doubts = []
        self.alike = []
        self.book.begin_fact()
        self.profile_in_hand = ""

    def undo_fact(self) -> None:
        """Make everything as it was when the fact in hand began."""
        del self.consents[self._consents_before :]
        self.book.undo_fact()
        for hash_ in self._newly_attached:
            del self.profiles_of_identifiers[hash_]
        for key, has_domain in self._newly_named:
            company = self.companies.pop(key)
            if has_domain:
                self.companies_with_domain.discard(company)
        for profile_id, acts in self._acts_before.items():
            if acts is None:
                del self.recent_acts[profile_id]
            else:
                self.recent_acts[profile_id] = acts
        for profile_id, profile in self._moved_from.items():
            self._of_lead[self.profiles[profile_id].lead].discard(profile_id)
            if profile is None:
                del self.profiles[profile_id]
                self.changed_profiles.discard(profile_id)
            else:
                self.profiles[profile_id] = profile
                self._of_lead[profile.lead].add(profile_id)
        for lead_id, lead in self.before.items():
            if lead is None:
                del self.leads[lead_id]
                self.changed_leads.discard(lead_id)
                self.changed_contacts.discard(lead_id)
            else:
                self.leads[lead_id] = lead
        self.begin_fact()

    @property
    def has_moved(self) -> bool:
        """True if the fact in hand moved a profile, or opened one."""
        return bool(self._moved_from)

    @property
    def left_behind(self) -> Collection[str]:
        """The leads that profiles left in the fact in hand."""
        return {profile.lead for profile in self._moved_from.values() if profile is not None}

    @property
    def newly_attached(self) -> Collection[str]:
        """The hashes that began to belong to somebody in the fact in hand."""
        return self._newly_attached

    def lead_of(self, identifier: Identifier) -> Lead | None:
        """Return the lead that an identifier leads to, or None if it is unknown."""
        profile = self.profiles_of_identifiers.get(identifier.hash)
        return None if profile is None else self.leads[self.profiles[profile].lead]

    def profiles_of(self, lead_id: str) -> list[Profile]:
        """Return the profiles that live with a lead, in order of their ids."""
        return [self.profiles[profile] for profile in sorted(self._of_lead.get(lead_id, ()))]

    def attach(self, identifier: Identifier, profile: str) -> None:
        """Let an unknown identifier belong to ``profile``."""
        self.profiles_of_identifiers[identifier.hash] = profile
        self._newly_attached.append(identifier.hash)

    def open_lead(self, identifier: Identifier, *, created: Instant) -> Lead:
        """Begin a profile and a lead with an unknown identifier."""
        self.attach(identifier, identifier.hash)
        self.save_profile(Profile(identifier.hash, identifier.hash))
        lead = Lead(id=identifier.hash, created=created)
        self.save_lead(lead)
        return lead

    def name_company(self, key: str, company: str, *, has_domain: bool = False) -> str:
        """Let a key that nobody knew stand for a company; returns the company."""
        if key not in self.companies:
            self.companies[key] = company
            self._newly_named.append((key, has_domain))
            if has_domain:
                self.companies_with_domain.add(company)
        return company

    def note_acts(self, profile: str, acts: list[RecentAct]) -> None:
        """Keep what a profile did lately, the act in hand included."""
        self._acts_before.setdefault(profile, self.recent_acts.get(profile))
        self.recent_acts[profile] = acts

    def save_profile(self, profile: Profile) -> None:
        """Store a profile that is new or has moved."""
        before = self.profiles.get(profile.id)
        self._moved_from.setdefault(profile.id, before)
        if before is not None:
            self._of_lead[before.lead].discard(profile.id)
        self.profiles[profile.id] = profile
        self._of_lead.setdefault(profile.lead, set()).add(profile.id)
        self.changed_profiles.add(profile.id)

    def save_lead(self, lead: Lead) -> None:
        """Store a lead that is new or has changed."""
        before = self.leads.get(lead.id)
        self.before.setdefault(lead.id, before)
        self.leads[lead.id] = lead
        self.changed_leads.add(lead.id)
        if before is None or before.contact is not lead.contact:
            self.changed_contacts.add(lead.id)


def is_there(told: Told | None) -> bool:
    """Return whether a word stands: it was said, and not taken away since."""
    return told is not None and told.value is not None


def hear(
    known: dict[str, Told], said: Mapping[str, Scalar], at: Instant, *, source: str = ""
) -> dict[str, Told]:
    """Return ``known`` with what ``source`` said at ``at``, unless a later word is known already.

    Returns the very same object if nothing changes; a value said again is as new as it was said last.
    """
    heard = known
    for name, value in said.items():
        before = known.get(name)
        if before is None or at > before.at or (at == before.at and value != before.value):
            if heard is known:
                heard = dict(known)
            heard[name] = Told(value, at, source)
    return heard


def newest(first: dict[str, Told], second: dict[str, Told]) -> dict[str, Told]:
    """Return both together, the later word for each name; of equally old ones the first.

    Returns the first object itself if the second adds nothing.
    """
    both = first
    for name, told in second.items():
        before = first.get(name)
        if before is None or told.at > before.at:
            if both is first:
                both = dict(first)
            both[name] = told
    return both


def strictest(first: dict[str, Told], second: dict[str, Told]) -> dict[str, Told]:
    """Return both together as :func:`newest` does, but where one refused consent with the refusal.

    Somebody who said no under one name said no. The refusal is as new as the newer of the two words:
    only what is said later still undoes it.
    """
    both = newest(first, second)
    for name, told in both.items():
        if name.startswith(CONSENT) and told.value is not False:
            words = [one for one in (first.get(name), second.get(name)) if one is not None]
            refusal = next((one for one in words if one.value is False), None)
            if refusal is not None:
                both = {**both, name: Told(False, max(one.at for one in words), refusal.source)}
    return both


def says_the_same(first: Mapping[str, Told], second: Mapping[str, Told]) -> bool:
    """Return whether both hold the same values, whenever they were said; what was taken away is no value."""
    return first is second or _values(first) == _values(second)


def _values(known: Mapping[str, Told]) -> dict[str, Any]:
    return {name: told.value for name, told in known.items() if told.value is not None}
