"""Consent: what somebody said about being written to, by delivery channel and purpose.

A word about a channel (``email``) is about every purpose; one about a purpose of it
(``email.newsletter``) about that alone. A refusal of either is enough. When two leads become one the
stricter of two words holds, whichever is newer: somebody who said no under one name said no.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from services.ingest.domain.scrubbing import Scalar
from services.ingest.domain.traits import CONSENT, TERMS
from shared.kernel.instants import Instant

PURPOSE: Final = "."
"""Stands between a delivery channel and a purpose."""


class ConsentWord(NamedTuple):
    """One word, kept for as long as the person is known.

    ``purpose`` is empty for all purposes; ``text`` names the text that was agreed to and its version,
    empty where none was shown; ``by`` is who put it down by hand, empty if the person said it.
    """

    profile: str
    lead: str
    channel: str
    purpose: str
    given: bool | None
    text: str
    source: str
    at: Instant
    by: str = ""


def divide(name: str) -> tuple[str, str]:
    """Return delivery channel and purpose of a consent's name, the purpose empty if it names none."""
    channel, _, purpose = name.partition(PURPOSE)
    return channel, purpose


def words_of(
    said: Mapping[str, Scalar], profile: str, lead: str, *, source: str, at: Instant, by: str = ""
) -> Iterator[ConsentWord]:
    """Return the words about consent among what was said, in order of their names."""
    for name in sorted(said):
        if name.startswith(CONSENT):
            channel, purpose = divide(name.removeprefix(CONSENT))
            value, text = said[name], said.get(f"{TERMS}{name.removeprefix(CONSENT)}")
            given = None if value is None else bool(value)
            yield ConsentWord(profile, lead, channel, purpose, given, str(text or ""), source, at, by)
