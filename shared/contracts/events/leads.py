"""What the resolver says about leads. Key: profile id; subject: lead id."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, field

from shared.contracts.attributes import (
    EXAMPLE_ACQUISITION,
    EXAMPLE_LEAD,
    EXAMPLE_OTHER_LEAD,
    Acquisition,
    Attributes,
    CompanyId,
    DecidedBy,
    ExternalId,
    LeadId,
    MessageId,
    ProfileId,
    SourceName,
)
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.topics import LEADS

ImportId = Annotated[str, Meta(description="Names one import of a table")]


class Held(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """An import of history that a lead came with (I11): nothing starts with it until it is released.

    ``owner`` and ``status`` are what the table said; they count from the release on.
    """

    import_id: ImportId
    owner: Annotated[str, Meta(description="Opaque id of the rep who owned the lead; empty: nobody")] = ""
    status: Literal["", "new", "contacted", "interested", "activated", "invalid"] = ""


@DECLARED.declare(name="lead_captured", on=LEADS)
class LeadCaptured(Event, frozen=True, kw_only=True):
    """Ingest says: a profile that was unknown until now has become a lead.

    Said once per profile, when its first identifying fact is resolved. Does not imply that the lead
    can be reached or is valid, nor that its form was complete (``missing`` names what is not there).
    One that is ``held`` was imported as history: it is scored, and nothing else begins with it before
    :class:`LeadReleased`.
    """

    lead: LeadId
    profile: ProfileId
    source: SourceName
    external_ids: list[ExternalId] = field(default_factory=list)
    attributes: Attributes = field(default_factory=dict)
    reachable: bool
    missing: list[str] = field(default_factory=list)
    message_id: MessageId = None
    acquisition: Acquisition | None = None
    held: Held | None = None
    company: CompanyId = None


@DECLARED.declare(name="lead_changed", on=LEADS)
class LeadChanged(Event, frozen=True, kw_only=True):
    """Ingest says: something about a known lead became known or changed.

    ``attributes`` carries only what changed; ``reachable``, ``external_ids`` and ``company`` are as they
    stand now. A correction by hand says ``by`` whom, why, and what it ``corrected``, by name alone. Does not
    imply that the lead acted: a correction or an import changes leads too.
    """

    lead: LeadId
    profile: ProfileId
    source: SourceName
    attributes: Attributes = field(default_factory=dict)
    reachable: bool
    external_ids: list[ExternalId] = field(default_factory=list)
    message_id: MessageId = None
    by: Annotated[str | None, Meta(description="Who corrected it: a rep's id, else a token's name")] = None
    reason: Annotated[str, Meta(description="Why it was corrected, in their words; names nobody")] = ""
    corrected: Annotated[
        list[str], Meta(description="What was corrected: name, email, industry, note, … without values")
    ] = field(default_factory=list)
    company: CompanyId = None


@DECLARED.declare(name="lead_merged", on=LEADS)
class LeadMerged(Event, frozen=True, kw_only=True):
    """Ingest says: two leads turned out to be one; this profile has moved to the lead that stays.

    ``reason`` is the kind of identifier that both had, or what a person said who merged them (``by``). One
    event per profile that moves. ``version`` counts the moves of that profile, merges and
    un-merges together, and the highest wins whatever the order of arrival. Does not imply that the
    profile's earlier facts have arrived at the new lead.
    """

    profile: ProfileId
    lead: LeadId
    from_lead: LeadId
    version: int
    reason: str
    by: DecidedBy = None


@DECLARED.declare(name="lead_unmerged", on=LEADS)
class LeadUnmerged(Event, frozen=True, kw_only=True):
    """Ingest says: a merge was wrong; this profile has moved out of ``from_lead`` into ``lead``.

    One event per profile that moves, with the same versions as :class:`LeadMerged`. Does not take
    back what was sent or assigned meanwhile.
    """

    profile: ProfileId
    lead: LeadId
    from_lead: LeadId
    version: int
    reason: str
    by: DecidedBy = None


@DECLARED.declare(name="lead_released", on=LEADS)
class LeadReleased(Event, frozen=True, kw_only=True):
    """Ingest says: this profile, which an import held, is held no more (I11).

    One event per held profile of the lead. ``reason``: somebody released it, the person did something
    themselves, a table brought them as new, or they turned out to be somebody who is known already; in
    that case a :class:`LeadMerged` goes with it. Does not imply that anything starts now.
    """

    lead: LeadId
    profile: ProfileId
    import_id: ImportId
    reason: Literal["released", "own_act", "imported_as_new", "merged"]


@DECLARED.declare(name="lead_erased", on=LEADS)
class LeadErased(Event, frozen=True, kw_only=True):
    """Ingest says: this person asked to be forgotten, and everybody scrubs what names them.

    One event per profile of the lead. It marks for good: facts of the profile that arrive later are
    dropped. Sums, credits and opaque ids stay. Does not imply that copies outside are gone.
    """

    lead: LeadId
    profile: ProfileId


class VerdictEvent(Event, frozen=True, kw_only=True):
    """What both verdicts about a lead carry.

    One event per profile of the lead. ``verdict`` counts the verdicts about that profile, invalid and
    valid ones together, and the highest wins whatever the order of arrival.
    """

    lead: LeadId
    profile: ProfileId
    reason: Annotated[str, Meta(description="bot, test, staff, disposable, …; or as a person listed it")]
    rule: Annotated[str, Meta(description="The rule of the first filter that spoke; by_hand for a person")]
    verdict: int
    by: Annotated[str, Meta(description="Name of the token that asked for it; empty if a rule did")] = ""


@DECLARED.declare(name="lead_invalidated", on=LEADS)
class LeadInvalidated(VerdictEvent, frozen=True, kw_only=True):
    """Ingest says: this is nobody for sales (I5). The lead is kept, and what it did counts for nothing.

    Does not imply that anything was deleted, nor that it is for good; what was sent stays sent.
    """


@DECLARED.declare(name="lead_validated", on=LEADS)
class LeadValidated(VerdictEvent, frozen=True, kw_only=True):
    """Ingest says: this lead was called invalid, and is not; what it did counts again.

    ``reason`` is no_reason_left, or by_hand. Never said of a lead that was not called invalid before.
    """

    pardons: Annotated[
        bool, Meta(description="Acts received by now that had been dismissed one by one count, too")
    ] = False


class PutTag(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A tag that is on a lead, and what put it on: a rule, or somebody."""

    tag: Annotated[str, Meta(description="The tag's id; names may change, the id does not")]
    group: Annotated[str, Meta(description="industry, role, need, behaviour, source or state")]
    rule: Annotated[str, Meta(description="The rule that put it on; empty if a person did")] = ""
    who: Annotated[str, Meta(description="The person who put it on; empty if a rule did")] = ""


@DECLARED.declare(name="tags_changed", on=LEADS)
class TagsChanged(Event, frozen=True, kw_only=True):
    """Ingest says: tags went on a lead or came off it, by a rule, by hand, or because leads became one.

    ``tags`` is all that stands on the lead now; ``version`` counts, and the highest wins whatever the
    order of arrival. A lead that was merged away has none, and nothing is said of it. ``profile`` is the
    lead's own. Does not imply that a person acted.
    """

    lead: LeadId
    profile: ProfileId
    put: list[PutTag] = field(default_factory=list)
    taken: Annotated[list[str], Meta(description="Ids of the tags that came off")] = field(
        default_factory=list
    )
    tags: Annotated[list[str], Meta(description="Ids of all tags that are on now")] = field(
        default_factory=list
    )
    version: int
    rules: Annotated[int, Meta(description="Version of the document of tags")]
    by: Annotated[str, Meta(description="Who did it by hand; empty if rules did")] = ""
    reason: Annotated[str, Meta(description="What was said about why")] = ""


_VERDICT: Final[Any] = {"lead": EXAMPLE_OTHER_LEAD, "profile": EXAMPLE_OTHER_LEAD}

EXAMPLES: Final = (
    LeadCaptured(
        lead=EXAMPLE_LEAD,
        profile=EXAMPLE_LEAD,
        source="website",
        external_ids=[ExternalId(source="crm", id="LD-20417")],
        attributes={"industry": "manufacturing", "employees": 650, "title_level": "director", "tender": True},
        reachable=True,
        missing=["budget"],
        message_id="form-7f3a",
        acquisition=EXAMPLE_ACQUISITION,
    ),
    LeadChanged(
        lead=EXAMPLE_LEAD,
        profile=EXAMPLE_LEAD,
        source="crm",
        attributes={"budget": 300000, "stage": "approved"},
        reachable=True,
        external_ids=[ExternalId(source="crm", id="LD-20417")],
    ),
    LeadChanged(
        lead=EXAMPLE_LEAD,
        profile=EXAMPLE_LEAD,
        source="correction",
        attributes={"industry": "pharma", "budget": None},
        reachable=True,
        by="rep-7",
        reason="said so on the phone",
        corrected=["budget", "industry", "name"],
    ),
    LeadMerged(
        profile=EXAMPLE_OTHER_LEAD, lead=EXAMPLE_LEAD, from_lead=EXAMPLE_OTHER_LEAD, version=1, reason="email"
    ),
    LeadUnmerged(
        profile=EXAMPLE_OTHER_LEAD,
        lead=EXAMPLE_OTHER_LEAD,
        from_lead=EXAMPLE_LEAD,
        version=2,
        reason="corrected",
    ),
    LeadReleased(lead=EXAMPLE_LEAD, profile=EXAMPLE_LEAD, import_id="9f2c4e1a7b3d5f60", reason="released"),
    LeadErased(lead=EXAMPLE_OTHER_LEAD, profile=EXAMPLE_OTHER_LEAD),
    LeadInvalidated(**_VERDICT, reason="disposable", rule="disposable_domain", verdict=1),
    LeadValidated(**_VERDICT, reason="by_hand", rule="by_hand", verdict=2, by="anna"),
    TagsChanged(
        lead=EXAMPLE_LEAD,
        profile=EXAMPLE_LEAD,
        put=[PutTag(tag="high_intent", group="state", rule="trial_form")],
        taken=["still_comparing"],
        tags=["high_intent", "manufacturing", "website"],
        version=3,
        rules=1,
    ),
)
