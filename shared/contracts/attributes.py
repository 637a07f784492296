"""The field types that events share, and what each may hold.

Attributes are standardised and non-identifying (industry, size, title level, region, channel): what
names a person travels in ``contacts`` alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

Scalar = str | int | float | bool | None
"""One value of an attribute or a property."""

Moment = Annotated[datetime, Meta(tz=True)]
"""A point in time with its zone; written as RFC 3339 in UTC."""

LeadId = Annotated[str, Meta(description="The lead: the id of its surviving profile")]
ProfileId = Annotated[str, Meta(description="The profile: keyed hash of the first identifier seen")]
SourceName = Annotated[str, Meta(description="The entrance with a write key through which it came")]
MessageId = Annotated[str | None, Meta(description="The client's own id of the message, if it sent one")]
Attributes = Annotated[
    dict[str, Scalar],
    Meta(description="Standardised, non-identifying attributes; null means known to be empty"),
]
Points = Annotated[int, Meta(description="Thousandths of a point")]


class ExternalId(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a source names the lead, so that an integrator can match."""

    source: SourceName
    id: str
