"""The directory's tables as plain dicts: what the store does, without a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from services.ingest.domain.directory import Directory, Lead, Profile
from services.ingest.domain.evidence.doubts import Doubt
from services.ingest.domain.intake import Intake
from services.ingest.handlers.judging import OnIntake
from shared.kernel.changes import Emission
from tests.unit.ingest.requests import on_intake


class Shelf:
    """Holds what batches leave behind, as bytes, so that nothing survives that would not be stored."""

    def __init__(self, take_in: OnIntake = on_intake) -> None:
        self._take_in = take_in
        self.owners: dict[str, str] = {}
        self.profiles: dict[str, bytes] = {}
        self.leads: dict[str, bytes] = {}
        self.companies: dict[str, str] = {}
        self.companies_with_domain: set[str] = set()
        self.likenesses: dict[str, str] = {}
        self.doubts: dict[str, Doubt] = {}

    def resolve(self, intakes: Sequence[Intake]) -> list[list[Emission]]:
        """Take one batch in and return what each message made us say."""
        directory = self.load(one.hash for intake in intakes for one in intake.identifiers)
        said = []
        for intake in intakes:
            said.append(list(self._take_in(directory, intake)))
            self._note(directory)
        self.save(directory)
        return said

    def reasons(self) -> list[str]:
        """Return why people are asked, once for each doubt, in order."""
        return sorted(doubt.reason.value for doubt in self.doubts.values())

    def people(self) -> set[frozenset[str]]:
        """Return the identifiers of each lead, as hashes."""
        homes = {key: msgspec.json.decode(row, type=Profile).lead for key, row in self.profiles.items()}
        groups: dict[str, set[str]] = {}
        for hash_, profile in self.owners.items():
            groups.setdefault(homes[profile], set()).add(hash_)
        return {frozenset(one) for one in groups.values()}

    def _note(self, directory: Directory) -> None:
        found = list(directory.doubts)
        for alike in directory.alike:
            first = self.likenesses.setdefault(alike.key, alike.profile)
            if first != alike.profile:
                found.append(Doubt(alike.reason, "likeness", alike.key, alike.profile, first))
        for doubt in found:
            self.doubts.setdefault(doubt.id, doubt)

    def load(self, hashes: Iterable[str]) -> Directory:
        owners = {one: self.owners[one] for one in hashes if one in self.owners}
        everybody = [msgspec.json.decode(row, type=Profile) for row in self.profiles.values()]
        wanted = {profile.lead for profile in everybody if profile.id in owners.values()}
        return Directory(
            profiles_of_identifiers=owners,
            profiles={profile.id: profile for profile in everybody if profile.lead in wanted},
            leads={one: msgspec.json.decode(self.leads[one], type=Lead) for one in wanted},
            companies=dict(self.companies),
            companies_with_domain=set(self.companies_with_domain),
        )

    def save(self, directory: Directory) -> None:
        self.companies |= directory.companies
        self.companies_with_domain |= directory.companies_with_domain
        self.owners |= directory.profiles_of_identifiers
        for profile in directory.changed_profiles:
            self.profiles[profile] = msgspec.json.encode(directory.profiles[profile])
        for lead in directory.changed_leads:
            self.leads[lead] = msgspec.json.encode(directory.leads[lead])
