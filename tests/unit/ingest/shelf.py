"""The directory's tables as plain dicts: what the store does, without a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from services.ingest.domain.directory import Directory, Lead, Profile
from services.ingest.domain.intake import Intake
from shared.kernel.changes import Emission
from tests.unit.ingest.requests import on_intake


class Shelf:
    """Holds what batches leave behind, as bytes, so that nothing survives that would not be stored."""

    def __init__(self) -> None:
        self.owners: dict[str, str] = {}
        self.profiles: dict[str, bytes] = {}
        self.leads: dict[str, bytes] = {}

    def resolve(self, intakes: Sequence[Intake]) -> list[list[Emission]]:
        """Take one batch in and return what each message made us say."""
        directory = self.load(one.hash for intake in intakes for one in intake.identifiers)
        said = [list(on_intake(directory, intake)) for intake in intakes]
        self.save(directory)
        return said

    def load(self, hashes: Iterable[str]) -> Directory:
        owners = {one: self.owners[one] for one in hashes if one in self.owners}
        everybody = [msgspec.json.decode(row, type=Profile) for row in self.profiles.values()]
        wanted = {profile.lead for profile in everybody if profile.id in owners.values()}
        return Directory(
            profiles_of_identifiers=owners,
            profiles={profile.id: profile for profile in everybody if profile.lead in wanted},
            leads={one: msgspec.json.decode(self.leads[one], type=Lead) for one in wanted},
        )

    def save(self, directory: Directory) -> None:
        self.owners |= directory.profiles_of_identifiers
        for profile in directory.changed_profiles:
            self.profiles[profile] = msgspec.json.encode(directory.profiles[profile])
        for lead in directory.changed_leads:
            self.leads[lead] = msgspec.json.encode(directory.leads[lead])
