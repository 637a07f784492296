"""Quarantine: messages of no use, which of them somebody means, and what became of those sent again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from services.ingest.domain.admission.samples import Sample, decode_sample
from shared.kernel.instants import Instant


class Quarantined(NamedTuple):
    """One message as it lay in the raw topic, and the code that says why it is of no use.

    One without a ``key`` was turned away before it got there, and is a sample of the request.
    """

    record_id: str
    source: str
    code: str
    received: Instant
    key: bytes | None
    record: bytes


class Waiting(NamedTuple):
    """A message in quarantine that was not replayed, and how often it has been tried."""

    message: Quarantined
    tries: int

    @property
    def sample(self) -> Sample | None:
        """The request, if this is one that was turned away before it became a record of the raw topic."""
        return None if self.message.key is not None else decode_sample(self.message.record)

    @property
    def can_go_round(self) -> bool:
        """Say whether it can be sent again; what nobody is the source of needs one to be named."""
        if self.message.key is not None:
            return True
        sample = self.sample
        return sample is not None and not sample.is_cut


class Choice(NamedTuple):
    """Which messages are meant; None stands for all. The source ``""`` is that of what nobody sent."""

    code: str | None = None
    source: str | None = None
    ids: frozenset[str] | None = None


class Replayed(NamedTuple):
    """How many messages went round again, how many stayed because they cannot, and what was refused anew."""

    went: int = 0
    stayed: int = 0
    refused: Mapping[str, int] = {}
