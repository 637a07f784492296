"""The documents by which messages are read."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.ingest.domain.acts import ActNames, PageKind
from services.ingest.domain.channels.classifying import ChannelRules
from services.ingest.domain.choices import ChoiceRule
from services.ingest.domain.dialects.clicks import Machines
from services.ingest.domain.dialects.event_types import EventNames
from services.ingest.domain.forms.definitions import FormDocument
from services.ingest.domain.identifiers import IdentityRules
from services.ingest.domain.identity.companies import FreeMail
from services.ingest.domain.identity.rules import MatchRules
from services.ingest.domain.identity.target_accounts import TargetAccounts
from services.ingest.domain.outcomes import OutcomeNames
from services.ingest.domain.tag_rules.rules import TagDefinitions
from services.ingest.domain.validity.rules import ValidityRules


class Rulebook(msgspec.Struct, frozen=True, kw_only=True):
    """The documents by which messages are read."""

    choices: Sequence[ChoiceRule]
    field_names: dict[str, list[str]]
    act_names: ActNames
    page_kinds: Sequence[PageKind]
    identity: IdentityRules
    matching: MatchRules
    free_mail: FreeMail = FreeMail()
    target_accounts: TargetAccounts = TargetAccounts()
    outcome_names: OutcomeNames = OutcomeNames()
    channels: ChannelRules = ChannelRules()
    event_names: EventNames = EventNames()
    machines: Machines = Machines()
    validity: ValidityRules = ValidityRules()
    forms: Sequence[FormDocument] = ()
    tags: TagDefinitions = TagDefinitions()
