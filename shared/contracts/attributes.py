"""The field types that events share, and what each may hold.

Attributes are standardised and non-identifying (industry, size, title level, region, channel): what
names a person travels in ``contacts`` alone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta, field

Scalar = str | int | float | bool | None
"""One value of an attribute or a property."""

Moment = Annotated[datetime, Meta(tz=True)]
"""A point in time with its zone; written as RFC 3339 in UTC."""

LeadId = Annotated[str, Meta(description="The lead: the id of its surviving profile")]

RepId = Annotated[str, Meta(description="Opaque id of the rep")]
ProfileId = Annotated[str, Meta(description="The profile: keyed hash of the first identifier seen")]
SourceName = Annotated[str, Meta(description="The entrance with a write key through which it came")]
MessageId = Annotated[str | None, Meta(description="The client's own id of the message, if it sent one")]
Attributes = Annotated[
    dict[str, Scalar],
    Meta(description="Standardised, non-identifying attributes; null means known to be empty"),
]
CompanyId = Annotated[
    str | None,
    Meta(description="Where the person works: an opaque id that colleagues share; null if nobody told"),
]
DecidedBy = Annotated[
    str | None, Meta(description="Who decided, by the name of their token; null if the rules did")
]
Points = Annotated[int, Meta(description="Thousandths of a point")]


class ExternalId(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a source names the lead, so that an integrator can match."""

    source: SourceName
    id: str


class Amount(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An amount of money, exact."""

    minor: Annotated[int, Meta(description="In the smallest unit of the currency: cents, fen")]
    currency: Annotated[str, Meta(description="ISO 4217, for example CNY")]


class Acquisition(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What brought somebody here, as far as the request told; nothing in it names a person."""

    channel: Annotated[
        str, Meta(description="Acquisition channel: paid_search, paid_social, email, referral, direct, …")
    ]
    campaign: str = ""
    ad: str = ""
    keyword: str = ""
    medium: Annotated[str, Meta(description="utm_medium as it came")] = ""
    referrer: Annotated[str, Meta(description="Host of the referring page")] = ""
    source: Annotated[str, Meta(description="utm_source, or the name of the site that referred")] = ""
    click_id: Annotated[str, Meta(description="Kind of the click id that was there, for example gclid")] = ""
    landing_page: Annotated[str, Meta(description="Host and path of the page that they came to")] = ""
    ad_ids: Annotated[dict[str, str], Meta(description="A platform's ids of campaign, ad_group and ad")] = (
        field(default_factory=dict)
    )


EXAMPLE_LEAD: Final = "5f1c0d2e9a7b4c3d8e6f1a2b3c4d5e6f"
"""The lead that the examples are about; invented, as everything in them."""

EXAMPLE_OTHER_LEAD: Final = "c2a47d10b9e84f6390d1e2f3a4b5c6d7"
"""A second lead, for examples in which two meet."""

EXAMPLE_COMPANY: Final = "7b1e9c3a5d0f4826b4d6e8f0a2c4e6f8"
"""Where they work."""

EXAMPLE_MOMENT: Final = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
"""When the examples happen."""

EXAMPLE_ACQUISITION: Final = Acquisition(
    channel="paid_search", campaign="spring-2026", ad="factory-b", keyword="mes system", medium="cpc"
)
"""What brought the example lead."""
