"""From a spelling that a person added or took back to what everybody is told about leads known before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from services.ingest.domain.choices.standardising import Choices
from services.ingest.domain.directory import Directory, Lead
from services.ingest.domain.respelling.adding import AddSpelling, Spelling, TakeBackSpelling, add, take_back
from services.ingest.domain.respelling.anew import Lens, read_anew
from services.ingest.domain.scrubbing import Scalar
from services.ingest.domain.story import StoryRow
from shared.contracts.attributes import ExternalId
from shared.contracts.envelope import event_id, type_of
from shared.contracts.events.leads import LeadChanged
from shared.kernel.changes import Emission
from shared.kernel.instants import Instant

SOURCE: Final = "choices"
"""The source of what is said because a person added a spelling, or took one back."""


def on_spelling_command(
    words: Sequence[Spelling], choices: Choices, command: AddSpelling | TakeBackSpelling, *, at: Instant
) -> Spelling | None:
    """Return the next word about spellings, None if it is so already.

    :raises Rejected: with what is wrong and how to put it right.
    """
    if isinstance(command, AddSpelling):
        return add(words, choices, command, at=at)
    return take_back(words, command, at=at)


def on_read_anew(
    directory: Directory,
    homes: Collection[str],
    lens: Lens,
    *,
    version: int,
    by: str,
    at: Instant,
    cause: str,
) -> tuple[list[Emission], list[StoryRow]]:
    """Read anew what was said by the people of these leads, and say what is different.

    Each profile whose lead of its own kept the text says so, so that it goes where the profile goes. An
    event occurred when its text was said, ``version`` microseconds later: behind the word that it reads
    anew, before every newer one, and in the order of the versions.
    """
    directory.begin_fact()
    emissions: list[Emission] = []
    story: list[StoryRow] = []
    for home_id in sorted(homes):
        home = directory.leads[home_id]
        if home.erased is not None:
            continue
        members = [one.id for one in directory.profiles_of(home_id) if one.id in directory.leads]
        others = {
            (moment, name)
            for member in members
            if member != home_id
            for moment, told in read_anew(directory.leads[member], lens).changed.items()
            for name in told
        }
        for member in members:
            before = directory.leads[member]
            after, changed = read_anew(before, lens)
            if after is before:
                continue
            directory.save_lead(after)
            for moment, told in sorted(changed.items()):
                # what a lead that was merged in brought along goes back with it
                own = {
                    name: value
                    for name, value in told.items()
                    if member != home_id or (moment, name) not in others
                }
                if own:
                    event = _changed(directory.leads[home_id], member, own, by=by)
                    name = event_id(cause, type_of(event), len(emissions))
                    emissions.append(Emission(event, member, home_id, moment + version))
                    story.append(
                        StoryRow(member, home_id, at, "lead_changed", _words(own, by), None, cause, name)
                    )
    return emissions, story


def _changed(home: Lead, profile: str, told: dict[str, Scalar], *, by: str) -> LeadChanged:
    return LeadChanged(
        lead=home.id,
        profile=profile,
        source=SOURCE,
        attributes=told,
        reachable=home.is_reachable,
        external_ids=[ExternalId(source=ref.source, id=ref.id) for ref in home.external_ids],
        by=by,
        reason="a spelling was added or taken back",
        corrected=sorted(told),
        company=home.company or None,
    )


def _words(told: dict[str, Scalar], by: str) -> str:
    said = ", ".join(f"{name}={'nothing' if value is None else value}" for name, value in told.items())
    return f"{said}; a spelling was added or taken back by {by}"
