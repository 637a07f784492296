"""Hooks: what ad platforms and tools deliver, as their mappings put it.

Each vendor's mapping turns the verbatim bytes of one item into a :class:`HookLead`, or into an
:class:`Errand` where the item carries no more than an id, or says why it is of no use. This module
makes an intake of the lead, as of any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec

from services.ingest.domain.acts import FORM, Act, ActReader
from services.ingest.domain.channels.classifying import OTHER
from services.ingest.domain.dialects.acquisition import AcquisitionReader
from services.ingest.domain.identifiers import HashIdentifier, IdentityRules, clean_text
from services.ingest.domain.intake import (
    Acquisition,
    Claims,
    ExternalRef,
    Intake,
    Refusal,
    identify,
    show_message_id,
)
from services.ingest.domain.moments import correct_moment
from services.ingest.domain.scrubbing import Scalar
from services.ingest.domain.traits import TraitReader
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant

UNKNOWN_KIND: Final = Refusal("hook.unknown_kind")
"""No provider that there is reads items of this kind."""

UNEXPECTED: Final = Refusal("hook.unexpected_shape")
"""The item is not shaped as the vendor's mapping knows it; replay it once the mapping does."""

TEST_LEAD: Final = Refusal("intake.test_lead")
"""A lead that the vendor sent to try the connection: kept apart, and never anybody."""

NO_IDENTITY: Final = Refusal("intake.no_identity")

_LONGEST: Final = 200
_UNFIT: Final = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
    msgspec.MsgspecError,
    Rejected,
)


class HookLead(msgspec.Struct, frozen=True, kw_only=True):
    """One lead, or one thing that a lead did, in the words of a vendor's mapping.

    ``fields`` are traits under any spelling that ``fields.yaml`` knows, and what tells where somebody
    came from (``utm_*``, click ids); what nobody knows is kept beside the contact as free text.
    ``external_id`` is the vendor's id of the lead, never a person's name, address or account: it stands
    in events. ``personal_id`` is the id of a person's account with the vendor (an openid): it identifies
    as an external id does, and stands nowhere. ``message_id`` is the one the item was stamped with.
    ``form`` is the vendor's own id of a form and makes a submission of it; ``act`` is anything else that
    was done, with its properties. ``channel`` (with ``campaign`` and ``ad``, the vendor's ids) counts
    where the fields tell no other. ``region`` is the country of a telephone number that names none.
    """

    fields: Mapping[str, object] = {}
    external_id: str | None = None
    personal_id: str | None = None
    message_id: str | None = None
    occurred: Instant | None = None
    is_test: bool = False
    form: str | None = None
    act: tuple[str, Mapping[str, object]] | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    channel: str | None = None
    campaign: str | None = None
    ad: str | None = None
    region: str | None = None


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """What an item that carries only an id asks for: fetch the lead's content, or erase the person.

    ``external_id`` is the vendor's id of the lead, ``form`` and ``account`` (a page, an advertiser, a
    portal) the vendor's ids that fetching needs.
    """

    provider: str
    what: Literal["fetch_lead", "erase"]
    external_id: str
    message_id: str | None = None
    form: str = ""
    account: str = ""
    occurred: Instant | None = None


HookReader = Callable[[bytes], HookLead | Errand | Refusal]
"""Reads the verbatim bytes of one item; pure. It may stumble over a shape it does not know."""


class HookDialect:
    """Reads items of hooks; ``readers`` maps the kind of an item to its vendor's mapping."""

    def __init__(
        self,
        readers: Mapping[str, HookReader],
        *,
        traits: TraitReader,
        acts: ActReader,
        acquisition: AcquisitionReader,
        rules: IdentityRules,
        hash_identifier: HashIdentifier,
    ) -> None:
        self._readers = readers
        self._traits = traits
        self._acts = acts
        self._acquisition = acquisition
        self._rules = rules
        self._hash = hash_identifier

    def read(
        self, body: bytes, *, kind: str, source: str, record_id: str, received: Instant
    ) -> Intake | Errand | Refusal:
        """Return what one item says; ``kind`` is what the provider called it when it came in."""
        reader = self._readers.get(kind)
        if reader is None:
            return UNKNOWN_KIND
        try:
            found = reader(body)
        except _UNFIT:
            return UNEXPECTED
        if not isinstance(found, HookLead):
            return found
        if found.is_test:
            return TEST_LEAD
        return self._take(found, source=source, record_id=record_id, received=received)

    def _take(self, lead: HookLead, *, source: str, record_id: str, received: Instant) -> Intake | Refusal:
        fields = dict(lead.fields)
        acquisition = self._find_acquisition(lead, fields)
        traits = self._traits.read(fields, region=lead.region)
        anchors, anonymous, external = identify(
            Claims(lead.user_id, (lead.anonymous_id,), lead.external_id or lead.personal_id),
            traits,
            source=source,
            record_id=record_id,
            rules=self._rules,
            hash_identifier=self._hash,
        )
        if not anchors and not anonymous:
            return NO_IDENTITY
        own = clean_text(lead.external_id)
        if own is None:
            external = None
        elif external is None and "@" not in own:
            external = ExternalRef(source, own[:_LONGEST])  # many digits, and no telephone number
        return Intake(
            source=source,
            occurred=correct_moment(original=lead.occurred, sent=None, received=received),
            anchors=anchors,
            anonymous=anonymous,
            message_id=show_message_id(lead.message_id),
            external=external,
            traits=traits,
            act=self._find_act(lead, traits.start_within_months),
            acquisition=acquisition,
        )

    def _find_act(self, lead: HookLead, start_within_months: int | None) -> Act | None:
        if lead.act is not None:
            return self._acts.read(*lead.act)
        if lead.form is None:
            return None
        told: dict[str, Scalar] = {
            "form": lead.form[:_LONGEST],
            "start_within_months": start_within_months,
        }
        return Act(FORM, told, is_declared=True)

    def _find_acquisition(self, lead: HookLead, fields: dict[str, object]) -> Acquisition | None:
        told = self._acquisition.take_fields(fields)
        if told is None and lead.channel is None:
            return None
        told = told or Acquisition(lead.channel or "")
        if told.channel == OTHER and lead.channel is not None:
            told = told._replace(channel=lead.channel)
        return told._replace(
            campaign=told.campaign or (lead.campaign or "")[:_LONGEST],
            ad=told.ad or (lead.ad or "")[:_LONGEST],
        )
