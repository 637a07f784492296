"""Profiles: where each lives, and what it says of the lead that it lives with.

Attributes stay with the profile that brought them, so a merge and its undoing change nobody's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from shared.kernel.instants import Instant


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A value and when it was so, by the client's word."""

    value: Any
    at: Instant


class Held(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The import that holds a profile, and whose it was by the table; it counts once it is released (I11)."""

    import_id: str
    owner: str = ""
    status: str = ""


class Profile(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One profile. ``version`` counts its moves; the highest wins whatever the order of arrival.

    ``reachable`` is the newest word about the lead that it lived with then; ``captured`` is False while
    only moves or outcomes are known. ``verdict`` counts the verdicts about it, and the highest says whether
    the lead that is named after it is invalid.
    """

    id: str
    lead: str
    version: int = 0
    captured: bool = False
    reachable: Told | None = None
    attributes: dict[str, Told] = {}
    source: str = ""
    campaign: str = ""
    erased: bool = False
    held: Held | None = None
    verdict: int = 0
    invalid: bool = False
    invalid_reason: str = ""


def hear(
    profile: Profile,
    attributes: Mapping[str, object],
    *,
    reachable: bool,
    source: str,
    campaign: str,
    at: Instant,
) -> Profile:
    """Return the profile with what was said of it at ``at``, unless a later word is known already."""
    heard = dict(profile.attributes)
    for name, value in attributes.items():
        before = heard.get(name)
        if before is None or at >= before.at:
            heard[name] = Told(value, at)
    word = profile.reachable
    if word is None or at >= word.at:
        word = Told(reachable, at)
    return msgspec.structs.replace(
        profile,
        captured=True,
        reachable=word,
        attributes=heard,
        source=profile.source or source,
        campaign=profile.campaign or campaign,
    )


def scrub(profile: Profile) -> Profile:
    """Return the profile with nothing left but that it was erased."""
    return Profile(id=profile.id, lead=profile.lead, version=profile.version, erased=True)


def attributes_of(profiles: Iterable[Profile]) -> dict[str, object]:
    """Return what these profiles say together: the newest word of each name, of equals the smaller id's."""
    newest: dict[str, Told] = {}
    for profile in sorted(profiles, key=lambda one: one.id):
        for name, told in profile.attributes.items():
            if name not in newest or told.at > newest[name].at:
                newest[name] = told
    return {name: told.value for name, told in newest.items()}


def is_reachable(profiles: Iterable[Profile]) -> bool:
    """Return whether one of them has an address or a number (I2: who has none never reaches sales)."""
    return any(one.reachable is not None and one.reachable.value is True for one in profiles)


def is_held(profiles: Iterable[Profile]) -> bool:
    """Return whether an import holds the lead: nothing starts with it (I11)."""
    return any(one.held is not None for one in profiles)


def origin_of(profiles: Iterable[Profile]) -> tuple[str, str]:
    """Return source and campaign of the lead: of the first profile, by id, that names them."""
    ordered = sorted(profiles, key=lambda one: one.id)
    source = next((one.source for one in ordered if one.source), "")
    return source, next((one.campaign for one in ordered if one.campaign), "")
