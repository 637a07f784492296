"""What names a person. Key: lead id. The one lasting topic with personal data; compacted."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta, field

from shared.contracts.attributes import EXAMPLE_LEAD, EXAMPLE_MOMENT, LeadId, Moment
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.topics import CONTACTS


class ConsentTerms(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The text that somebody agreed to, and when. Whether the consent still holds, ``consents`` says."""

    text: Annotated[str, Meta(description="The form and the version of its text, for example contact@2")]
    at: Moment


@DECLARED.declare(name="contact_updated", on=CONTACTS)
class ContactUpdated(Event, frozen=True, kw_only=True):
    """Ingest says: this is all that is known now about how to name and reach the person.

    Whole, not a difference: the record with the highest ``version`` of a lead replaces all others. A
    record without a value erases. Does not imply consent to anything that ``consents`` does not grant.
    """

    lead: LeadId
    version: int
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    company_name: str | None = None
    free_text: dict[str, str] = field(default_factory=dict)
    consents: Annotated[
        dict[str, bool],
        Meta(
            description="By delivery channel, or channel.purpose: true given, false refused; absent: never"
            " said. A refusal of the channel is one of every purpose"
        ),
    ] = field(default_factory=dict)
    consent_terms: Annotated[
        dict[str, ConsentTerms],
        Meta(description="By the same names: the text that was agreed to last, where a form showed one"),
    ] = field(default_factory=dict)
    language: Annotated[str | None, Meta(description="BCP 47, for example zh-CN")] = None
    time_zone: Annotated[str | None, Meta(description="IANA name, for example Asia/Shanghai")] = None


EXAMPLES: Final = (
    ContactUpdated(
        lead=EXAMPLE_LEAD,
        version=2,
        name="Example Person",
        email="person@example.com",
        phone="+8613000000000",
        company_name="Example Works",
        free_text={"message": "Please call after ten."},
        consents={"email": True},
        consent_terms={"email": ConsentTerms(text="contact@1", at=EXAMPLE_MOMENT)},
        language="zh-CN",
        time_zone="Asia/Shanghai",
    ),
)
