"""One lead's story: everything that was learnt, in order of time, and what its touches earned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from services.analytics.domain.credits import UNATTRIBUTED
from services.analytics.domain.desk import Sharing
from services.analytics.domain.facts import Fact
from services.analytics.domain.history import History
from services.analytics.domain.homes import homes_of, lead_of
from services.analytics.domain.touch_points import Touch
from services.analytics.domain.verdicts import Verdicts
from services.analytics.store.derived_rows import SENT_MESSAGES
from services.analytics.store.desk_rows import load_profiles
from services.analytics.store.facts import load_facts
from services.analytics.store.histories import load_lead_history
from services.analytics.store.sharings import load_sharings
from shared.contracts.declarations import DECLARED
from shared.contracts.topics import all_topics
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant
from shared.kernel.money import format_money
from shared.postgres.database import Database, Transaction
from shared.postgres.snapshots import snapshot

_TOPIC_ORDER: Final = {topic.name: number for number, topic in enumerate(all_topics())}
_STAGES: Final = {
    one.name: _TOPIC_ORDER[one.topics[0].name] for one in DECLARED.all() if one.topics[0].name in _TOPIC_ORDER
}
_AFTER_ALL: Final = len(_TOPIC_ORDER)


class LeadUnknown(Rejected):
    """Analytics has learnt nothing of such a lead; look its id up with GET /v1/leads."""

    code = "analytics.lead_unknown"


class CreditLine(NamedTuple):
    """What one touch earned of one conversion under one model; ``touch`` None: nobody earned it."""

    at: Instant
    cause: str
    contribution: str
    opportunity: str
    payment: str
    model: str
    minor: int
    currency: str
    touch: Touch | None
    campaign: str

    @property
    def text(self) -> str:
        """The line in words."""
        what = f"payment {self.payment} of {self.opportunity}" if self.payment else self.opportunity
        amount = f"{self.currency} {format_money(self.minor, self.currency)} of {what}"
        if self.touch is None:
            return f"{self.model}: {amount} to nobody, for no touch point led there"
        to = f"{self.touch.channel}/{self.campaign}" if self.campaign else self.touch.channel
        return f"{self.model}: {amount} to {to} (touch {self.touch.event})"


class Story(NamedTuple):
    """A lead's facts in order of time, its touches by event, and the credits of its conversions."""

    lead: str
    facts: Sequence[Fact]
    touches: dict[str, Touch]
    credits: Sequence[CreditLine]


async def find_story(database: Database, lead: str) -> Story:
    """Return the story of the lead, or of the one that it was merged into.

    What belongs to the lead is told whole, also from before its people were known to be one.

    :raises LeadUnknown: if nothing was learnt of it.
    """
    if "\0" in lead:  # PostgreSQL takes no such text, so no lead is called that
        raise LeadUnknown
    async with snapshot(database) as transaction:
        lead = lead_of((await load_profiles(transaction, [lead])).homes, lead)
        living = (await load_profiles(transaction, [lead], residents_of=[lead])).homes
        residents = {profile for profile, home in living.items() if home.lead == lead}
        if lead_of(living, lead) == lead:
            residents.add(lead)
        facts = await load_facts(transaction, residents)
        if not facts:
            raise LeadUnknown
        history = await load_lead_history(transaction, [lead])
        credits_ = await _find_credits(transaction, lead, history)
    acts = filter(Verdicts(history.verdicts).is_act, history.touches)
    touches = {touch.event: touch for touch in acts if touch.profile in residents}
    return Story(lead, sorted(facts, key=_in_story), touches, credits_)


async def _find_credits(transaction: Transaction, lead: str, history: History) -> list[CreditLine]:
    homes = homes_of(history.moves)
    sharings = await load_sharings(transaction, {word.opportunity for word in history.words})
    messages = sorted({touch.message for touch in history.touches if touch.message})
    sent = await SENT_MESSAGES.load(transaction, "message = ANY($1::text[])", messages) if messages else []
    campaign_of = History(messages=sent).key_of("campaign")
    touches = {touch.event: touch for touch in history.touches}
    ours = [one for one in sharings.values() if lead_of(homes, one.conversion.profile) == lead]
    lines = [line for sharing in ours for line in _lines_of(sharing, touches)]
    named = [line._replace(campaign=campaign_of(line.touch)) if line.touch else line for line in lines]
    return sorted(named, key=lambda line: (line.at, line.opportunity, line.payment, line.model, _place(line)))


def _place(line: CreditLine) -> tuple[Instant, str]:
    return (line.touch.occurred, line.touch.event) if line.touch else (0, "")


def _lines_of(sharing: Sharing, touches: dict[str, Touch]) -> Iterable[CreditLine]:
    conversion = sharing.conversion
    for credit in sharing.credits:
        yield CreditLine(
            at=conversion.at,
            cause=conversion.event,
            contribution=conversion.key.contribution,
            opportunity=conversion.key.opportunity,
            payment=conversion.key.payment,
            model=credit.model,
            minor=credit.minor,
            currency=conversion.currency,
            touch=None if credit.touch == UNATTRIBUTED else touches.get(credit.touch),
            campaign="",
        )


def _in_story(fact: Fact) -> tuple[Instant, Instant, int, str]:
    """By time; of what happened at once, first what came in, then what was made of it."""
    return fact.occurred, fact.received, _STAGES.get(fact.kind, _AFTER_ALL), fact.id


class StoryEntry(NamedTuple):
    """One line for people: when, what kind, in words, and the event behind it."""

    at: Instant
    kind: str
    text: str
    cause: str


async def tell_story(database: Database, lead: str) -> list[StoryEntry]:
    """Return a lead's touch points and what each earned, in order of time; nothing for a stranger."""
    try:
        story = await find_story(database, lead)
    except LeadUnknown:
        return []
    touched = [
        StoryEntry(touch.occurred, "touch", _words(touch), touch.event) for touch in story.touches.values()
    ]
    earned = [StoryEntry(line.at, "credit", line.text, line.cause) for line in story.credits]
    return sorted(touched, key=lambda entry: (entry.at, entry.cause)) + earned


def _words(touch: Touch) -> str:
    name = touch.campaign or (f"message {touch.message}" if touch.message else "no campaign")
    return f"{touch.channel}, {name}, through {touch.source}"
