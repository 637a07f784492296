"""Who owns a lead, as far as ingest needs to know: a rep reads and corrects the leads that they own."""

from __future__ import annotations

import msgspec

from shared.kernel.instants import Instant


class OwnerHeard(msgspec.Struct, frozen=True, gc=False):
    """Routing says that a rep owns a lead from now on, or with None that nobody does any more."""

    lead: str
    rep: str | None
    since: Instant
