"""What names a person. Key: lead id. The one lasting topic with personal data; compacted."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, field

from shared.contracts.attributes import EXAMPLE_LEAD, LeadId
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.topics import CONTACTS


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
        Meta(description="By delivery channel: true given, false refused; absent: never said"),
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
        language="zh-CN",
        time_zone="Asia/Shanghai",
    ),
)
