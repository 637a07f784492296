"""From an intake to events: who it is, what became known, what was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, cast

import msgspec

from services.ingest.domain.acts import UNSUBSCRIBED, Act
from services.ingest.domain.desk.consent import words_of
from services.ingest.domain.directory import Directory, Lead, is_there
from services.ingest.domain.evidence.doubts import Likeness, Reason
from services.ingest.domain.evidence.likeness import mailbox_key, name_key
from services.ingest.domain.identifiers import HashIdentifier, IdentifierKind
from services.ingest.domain.identity.companies import place
from services.ingest.domain.identity.merging import Move
from services.ingest.domain.identity.resolving import Resolution, consents_in, learn, resolve
from services.ingest.domain.identity.rules import MatchRules
from services.ingest.domain.imports.holding import ReleaseReason, Standing, why_released
from services.ingest.domain.intake import ERASED, Intake
from services.ingest.domain.outcomes import Cost, Outcome, OutcomeKind
from services.ingest.domain.traits import CONSENT, TERMS
from shared.contracts import topics
from shared.contracts.attributes import Acquisition, Amount, ExternalId
from shared.contracts.declarations import Event
from shared.contracts.events import behaviour, contacts, leads, outcomes
from shared.kernel.changes import Emission
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant, to_datetime
from shared.kernel.money import Money

ACTS: Final[Mapping[str, type[Event]]] = {
    "Page": behaviour.PageViewed,
    "Form Submitted": behaviour.FormSubmitted,
    "Demo Requested": behaviour.DemoRequested,
    "Trial Requested": behaviour.TrialRequested,
    "Document Downloaded": behaviour.DocumentDownloaded,
    "Proposal Opened": behaviour.ProposalOpened,
    "Email Opened": behaviour.EmailOpened,
    "Email Link Clicked": behaviour.EmailLinkClicked,
    "Live Event Attended": behaviour.LiveEventAttended,
    "Chat Started": behaviour.ChatStarted,
    "Unsubscribed": behaviour.Unsubscribed,
}
"""Declared acts and their events."""


class JudgeIntake(Protocol):
    """Finds out what a message tells about whether its lead is valid; pure."""

    def __call__(
        self, directory: Directory, intake: Intake, resolution: Resolution, lead: Lead
    ) -> tuple[Lead, list[Emission]]:
        """Return the lead, and the verdicts that are to be said."""
        ...


def _judge_nobody(
    directory: Directory,  # noqa: ARG001 - the shape of a judge
    intake: Intake,  # noqa: ARG001
    resolution: Resolution,  # noqa: ARG001
    lead: Lead,
) -> tuple[Lead, list[Emission]]:
    return lead, []


class IntakeHandler:
    """Takes messages in by the rules of identity."""

    def __init__(
        self,
        rules: MatchRules,
        *,
        hash_identifier: HashIdentifier,
        judge: JudgeIntake = _judge_nobody,
    ) -> None:
        self.rules = rules
        self._hash = hash_identifier
        self._judge = judge

    def on_intake(self, directory: Directory, intake: Intake) -> list[Emission]:
        """Take one message into the directory and return what it makes us say, in order.

        Moves come first, then what became known about the lead, then that it is released, then the verdict
        about it if that changed, then the act, the outcome, and the contact. What is left for people to look
        at stands in the directory.

        :raises LeadUnknown: if it names a lead by an id that is none of ours.
        :raises PersonErased: if it is about somebody who asked to be forgotten.
        """
        directory.begin_fact()
        if intake.cost is not None:
            return [_cost(intake.cost, intake)]
        resolution = resolve(directory, intake, self.rules)
        if resolution.lead.erased is not None:
            raise PersonErased
        directory.profile_in_hand = resolution.profile
        lead = learn(resolution.lead, intake, resolution.demoted)
        if intake.traits is not None:
            lead = place(directory, lead, intake.company, intake.traits.contact)
        lead, released = _hold_or_release(directory, intake, resolution, lead)
        lead, verdicts = self._judge(directory, intake, resolution, lead)
        if said := consents_in(intake):
            whose = (resolution.profile, lead.id)
            directory.consents += words_of(said, *whose, source=intake.source, at=intake.occurred)
        if lead is not resolution.lead:
            directory.save_lead(lead)
            self._compare(directory, lead, resolution.profile)
        emissions = [_merged(move, intake.occurred) for move in resolution.moves]
        known = _tell_lead(directory, intake, resolution, lead)
        if known is not None:
            emissions.append(Emission(known, resolution.profile, lead.id, intake.occurred))
        emissions += [Emission(one, one.profile, lead.id, intake.occurred) for one in released]
        emissions += verdicts
        for act in (intake.act, *intake.further_acts):
            if act is None:
                continue
            event = _act(act, intake, lead=lead.id, profile=resolution.profile)
            emissions.append(Emission(event, resolution.profile, lead.id, intake.occurred))
        if intake.outcome is not None:
            outcome = _outcome(intake.outcome, intake, lead=lead.id, profile=resolution.profile)
            emissions.append(Emission(outcome, resolution.profile, lead.id, intake.occurred))
        if lead.id in directory.before or resolution.moves:
            emissions += _tell_contacts(directory, resolution, lead, intake.occurred)
        return emissions

    def _compare(self, directory: Directory, lead: Lead, profile: str) -> None:
        """Note by what a lead may turn out to be the same as another, whenever its contact has changed."""
        before = directory.before.get(lead.id)
        if before is not None and before.contact.version == lead.contact.version:
            return
        email, name = lead.contact.text("email"), lead.contact.text("name")
        if email is not None and (mailbox := mailbox_key(email)) is not None:
            key = self._hash(IdentifierKind.LIKENESS, f"mailbox\x1f{mailbox}").hash
            directory.alike.append(Likeness(key, Reason.SAME_MAILBOX, profile))
        if name is not None and lead.company:
            key = self._hash(IdentifierKind.LIKENESS, f"{name_key(name)}\x1f{lead.company}").hash
            directory.alike.append(Likeness(key, Reason.SAME_NAME_AND_COMPANY, profile))


class PersonErased(Rejected):
    """This person asked to be forgotten; what comes later about them is dropped."""

    code = ERASED


def retell_contact(lead: Lead, *, lives_with: str, at: Instant) -> Emission:
    """Return the latest word about a lead's contact, for a record that came late.

    A lead that has been merged into another (``lives_with``) has no contact of its own any more, and one
    that was erased none at all.
    """
    if lives_with != lead.id or not lead.contact.version or lead.erased is not None:
        return tombstone(lead.id, at)
    return contact_updated(lead, at)


def _merged(move: Move, occurred: Instant) -> Emission:
    event = leads.LeadMerged(
        profile=move.profile,
        lead=move.lead,
        from_lead=move.from_lead,
        version=move.version,
        reason=move.reason,
    )
    return Emission(event, move.profile, move.lead, occurred)


def _stood(directory: Directory, lead_id: str) -> Standing:
    lead = directory.before.get(lead_id, directory.leads.get(lead_id))
    return Standing(lead is not None and lead.is_captured, lead is not None and bool(lead.holds))


def _hold_or_release(
    directory: Directory, intake: Intake, resolution: Resolution, lead: Lead
) -> tuple[Lead, list[leads.LeadReleased]]:
    """Return the lead held if an import of history brings it, or with what holds it no longer (I11)."""
    imported = intake.imported
    if imported is None and not lead.holds:
        return lead, []
    gone = {move.from_lead for move in resolution.moves}
    before = [_stood(directory, one) for one in (lead.id, *sorted(gone))]
    is_new = lead.is_captured and not any(one.is_captured for one in before)
    if imported is not None and imported.is_history and is_new:
        holds = {**lead.holds, resolution.profile: imported.import_id}
        return msgspec.structs.replace(lead, holds=holds, version=lead.version + 1), []
    if not lead.holds:
        return lead, []
    is_own_act = any(
        act is not None and act.name != UNSUBSCRIBED for act in (intake.act, *intake.further_acts)
    )
    reason = why_released(imported=imported, release=intake.release, is_own_act=is_own_act, before=before)
    if reason is None:
        return lead, []
    ended = {
        profile: held_by
        for profile, held_by in lead.holds.items()
        if reason != "released" or held_by == intake.release
    }
    if not ended:
        return lead, []
    left = {profile: held_by for profile, held_by in lead.holds.items() if profile not in ended}
    return msgspec.structs.replace(lead, holds=left, version=lead.version + 1), [
        _released(profile, lead.id, held_by, reason) for profile, held_by in sorted(ended.items())
    ]


def _released(profile: str, lead: str, import_id: str, reason: ReleaseReason) -> leads.LeadReleased:
    return leads.LeadReleased(lead=lead, profile=profile, import_id=import_id, reason=reason)


def _held(intake: Intake, lead: Lead) -> leads.Held | None:
    imported = intake.imported
    if imported is None or not lead.holds:
        return None
    return leads.Held(import_id=imported.import_id, owner=imported.owner, status=cast("Any", imported.status))


def _tell_lead(directory: Directory, intake: Intake, resolution: Resolution, lead: Lead) -> Event | None:
    """Return the event that says what became known, if anything did."""
    if lead.id not in directory.before and not resolution.moves:
        return None
    before = directory.before.get(lead.id, lead)
    was_captured = before is not None and before.is_captured
    if not was_captured and resolution.moves:
        gone = {move.from_lead for move in resolution.moves}
        was_captured = any(directory.leads[lead_id].is_captured for lead_id in gone)
    external_ids = [ExternalId(source=ref.source, id=ref.id) for ref in lead.external_ids]
    if lead.is_captured and not was_captured:
        return leads.LeadCaptured(
            lead=lead.id,
            profile=resolution.profile,
            source=intake.source,
            external_ids=external_ids,
            attributes=lead.attribute_values(),
            reachable=lead.is_reachable,
            missing=lead.missing,
            acquisition=_acquisition(intake),
            message_id=intake.message_id,
            held=_held(intake, lead),
            company=lead.company or None,
        )
    old = resolution.lead.attributes
    changed = {
        name: told.value
        for name, told in sorted(lead.attributes.items())
        if name not in old or old[name].value != told.value
    }
    was_reachable = before is not None and before.is_reachable
    had = before.external_ids if before is not None else ()
    worked = before.company if before is not None else ""
    is_same = was_reachable == lead.is_reachable and had == lead.external_ids and worked == lead.company
    if not changed and is_same:
        return None
    return leads.LeadChanged(
        lead=lead.id,
        profile=resolution.profile,
        source=intake.source,
        attributes=changed,
        reachable=lead.is_reachable,
        external_ids=external_ids,
        message_id=intake.message_id,
        company=lead.company or None,
    )


def _act(act: Act, intake: Intake, *, lead: str, profile: str) -> Event:
    common: dict[str, Any] = {
        "lead": lead,
        "profile": profile,
        "source": intake.source,
        "message_id": intake.message_id,
        "acquisition": _acquisition(intake),
        "dismissed": intake.dismissed,
    }
    if act.tags:
        common["tags"] = list(act.tags)
    if act.is_declared:
        declared: Callable[..., Event] = ACTS[act.name]
        return declared(**common, **act.fields)
    return behaviour.ActRecorded(**common, name=act.name, properties=act.fields)


def _acquisition(intake: Intake) -> Acquisition | None:
    told = intake.acquisition
    if told is None:
        return None
    return Acquisition(
        channel=told.channel,
        campaign=told.campaign,
        ad=told.ad,
        keyword=told.keyword,
        medium=told.medium,
        referrer=told.referrer,
        source=told.source,
        click_id=told.click_id,
        landing_page=told.landing_page,
        ad_ids=dict(told.ad_ids),
    )


def _outcome(outcome: Outcome, intake: Intake, *, lead: str, profile: str) -> Event:
    common: dict[str, Any] = {
        "lead": lead,
        "profile": profile,
        "source": intake.source,
        "message_id": intake.message_id,
        "opportunity": outcome.opportunity,
    }
    amount = None if outcome.amount is None else _amount(outcome.amount)
    match outcome.kind:
        case OutcomeKind.CREATED:
            return outcomes.OpportunityCreated(**common, stage=outcome.stage, expected=amount)
        case OutcomeKind.STAGE_CHANGED:
            return outcomes.OpportunityStageChanged(**common, stage=outcome.stage)
        case OutcomeKind.WON:
            assert amount is not None  # the reader lets none by without one
            return outcomes.OpportunityWon(**common, amount=amount)
        case OutcomeKind.LOST:
            return outcomes.OpportunityLost(**common, reason=outcome.reason, amount=amount)
        case OutcomeKind.PAID:
            assert amount is not None
            return outcomes.PaymentReceived(**common, payment=outcome.payment, amount=amount)


def _cost(cost: Cost, intake: Intake) -> Emission:
    event = outcomes.CostRecorded(
        source=intake.source,
        campaign=cost.campaign,
        channel=cost.channel,
        kind=cost.kind,
        day=cost.day,
        amount=_amount(cost.amount),
        message_id=intake.message_id,
    )
    return Emission(event, cost.campaign, cost.campaign, intake.occurred)


def _amount(money: Money) -> Amount:
    return Amount(minor=money.minor, currency=money.currency)


def _tell_contacts(
    directory: Directory, resolution: Resolution, lead: Lead, occurred: Instant
) -> list[Emission]:
    gone = dict.fromkeys(move.from_lead for move in resolution.moves)
    said = [tombstone(lead_id, occurred) for lead_id in gone if directory.leads[lead_id].contact.version]
    before = directory.before.get(lead.id, lead)
    # a merge and the message behind it may change it there and back: that is two versions, too
    if lead.contact.version != (before.contact.version if before is not None else 0):
        said.append(contact_updated(lead, occurred))
    return said


def tombstone(lead_id: str, occurred: Instant) -> Emission:
    """Return the record that takes a lead's contact off the topic."""
    return Emission(None, lead_id, lead_id, occurred, latest_only=True, topic=topics.CONTACTS.name)


def contact_updated(lead: Lead, occurred: Instant) -> Emission:
    """Return the record that says how to name and reach a lead now."""
    contact = lead.contact
    event = contacts.ContactUpdated(
        lead=lead.id,
        version=contact.version,
        name=contact.text("name"),
        email=contact.text("email"),
        phone=contact.text("phone"),
        company_name=contact.text("company_name"),
        free_text=contact.texts(),
        consents={
            name.removeprefix(CONSENT): bool(told.value)
            for name, told in sorted(contact.known.items())
            if name.startswith(CONSENT) and is_there(told)
        },
        consent_terms={
            name.removeprefix(TERMS): contacts.ConsentTerms(text=str(told.value), at=to_datetime(told.at))
            for name, told in sorted(contact.known.items())
            if name.startswith(TERMS) and is_there(told)
        },
        language=contact.text("language"),
        time_zone=contact.text("time_zone"),
    )
    return Emission(event, lead.id, lead.id, occurred, latest_only=True)
