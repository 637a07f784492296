"""What nurture learns: from events, in its own words, and as commands of its own jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from services.nurture.domain.leads import Contact, Scalar
from services.nurture.domain.messages import State
from shared.kernel.instants import Instant


class _Learnt(msgspec.Struct, frozen=True, gc=False):
    """One thing learnt."""


class ProfileTold(_Learnt, frozen=True, gc=False):
    """What is known of a profile's person changed; ``is_held`` if an import of history brought it.

    ``is_invalid`` if the table says so.
    """

    profile: str
    lead: str
    attributes: Mapping[str, Scalar | None]
    occurred: Instant
    is_held: bool = False
    is_invalid: bool = False


class ProfileReleased(_Learnt, frozen=True, gc=False):
    """No import holds the profile any more."""

    profile: str
    lead: str


class ProfileMoved(_Learnt, frozen=True, gc=False):
    """A profile lives with another lead from this version on."""

    profile: str
    lead: str
    from_lead: str
    version: int


class ProfileErased(_Learnt, frozen=True, gc=False):
    """The person of a profile asked to be forgotten."""

    profile: str
    lead: str


class ContactTold(_Learnt, frozen=True, gc=False):
    """All that is known now about how to reach the person."""

    contact: Contact


class ContactGone(_Learnt, frozen=True, gc=False):
    """Nothing is to be known any more about how to reach the person."""

    lead: str


class TierTold(_Learnt, frozen=True, gc=False):
    """The lead came to a tier of a model."""

    lead: str
    model: str
    tier: str
    direction: str


class OwnerTold(_Learnt, frozen=True, gc=False):
    """The lead has an owner now; an empty ``rep``: none."""

    lead: str
    rep: str


class ValidityTold(_Learnt, frozen=True, gc=False):
    """The lead was found invalid, or not to be so."""

    lead: str
    is_invalid: bool


class VerdictTold(_Learnt, frozen=True, gc=False):
    """The front door calls the lead invalid or valid; the highest number wins."""

    lead: str
    number: int
    is_invalid: bool


class DealTold(_Learnt, frozen=True, gc=False):
    """A deal is open, won or lost."""

    profile: str
    lead: str
    opportunity: str
    standing: str
    occurred: Instant


class MailRefused(_Learnt, frozen=True, gc=False):
    """The person asked for no more mail."""

    profile: str
    lead: str


class Result(msgspec.Struct, frozen=True, gc=False):
    """How the sending of one message ended."""

    message: str
    lead: str
    state: State
    reason: str = ""


class RecordResults(_Learnt, frozen=True, gc=False):
    """The command of the sending job: what it knows of messages. What was recorded before changes nothing."""

    results: tuple[Result, ...]


Learnt = (
    ProfileTold
    | ProfileReleased
    | ProfileMoved
    | ProfileErased
    | ContactTold
    | ContactGone
    | TierTold
    | OwnerTold
    | ValidityTold
    | VerdictTold
    | DealTold
    | MailRefused
    | RecordResults
)


def leads_in(learnt: object) -> Iterator[str]:
    """Return the leads that a fact names."""
    match learnt:
        case ProfileMoved():
            yield learnt.lead
            yield learnt.from_lead
        case ContactTold():
            yield learnt.contact.lead
        case RecordResults():
            yield from sorted({result.lead for result in learnt.results})
        case (
            ProfileTold()
            | ProfileReleased()
            | ProfileErased()
            | ContactGone()
            | TierTold()
            | OwnerTold()
            | ValidityTold()
            | VerdictTold()
            | DealTold()
            | MailRefused()
        ):
            yield learnt.lead
        case _:
            return


def profile_in(learnt: object) -> str | None:
    """Return the profile that a fact is about, None if it is about a lead as a whole."""
    match learnt:
        case (
            ProfileTold() | ProfileReleased() | ProfileMoved() | ProfileErased() | DealTold() | MailRefused()
        ):
            return learnt.profile
        case _:
            return None
