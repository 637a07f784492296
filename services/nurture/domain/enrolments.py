"""One run of one lead through one sequence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

import msgspec

from services.nurture.domain.schedule import History
from services.nurture.domain.sequences import SequenceDocument
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant

RUNNING: Final = "running"
ENDED: Final = "ended"


class Enrolment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A run. While it runs it waits for exactly one thing: its clock, or its message under way.

    ``step`` is what it waits for and ``due`` when the clock rings; ``message`` is the message under
    way. ``settled`` are the steps behind it, ``mailed`` those that were sent, with when. ``why`` is
    what fulfilled the entry, ``reason`` why it ended; ``cause`` and ``end_cause`` are the
    facts. ``traceparent`` is the trace in which it began; what comes of its mails is told in it.
    """

    id: str
    lead: str
    sequence: str
    version: int
    run: int
    entered: Instant
    why: str
    cause: str
    traceparent: str | None = None
    state: Literal["running", "ended"] = "running"
    step: str = ""
    due: Instant | None = None
    message: str = ""
    settled: tuple[str, ...] = ()
    mailed: Mapping[str, Instant] = {}
    ended: Instant | None = None
    reason: str = ""
    end_cause: str = ""

    @property
    def is_running(self) -> bool:
        """True until it ends."""
        return self.state == RUNNING


def enrolment_id(lead: str, sequence: str, run: int) -> str:
    """Return the id of a lead's n-th run through a sequence, from 1."""
    return deterministic_id("nurture_enrolment", lead, sequence, str(run))


def next_run(enrolments: Iterable[Enrolment], *, lead: str, sequence: str) -> int:
    """Return the number of the next run of a lead through a sequence."""
    runs = (one.run for one in enrolments if one.lead == lead and one.sequence == sequence)
    return max(runs, default=0) + 1


def history_of(enrolments: Iterable[Enrolment], sequence: SequenceDocument) -> History:
    """Return what these runs leave behind them in a sequence."""
    runs = [one for one in enrolments if one.sequence == sequence.name]
    behind = {step for run in runs for step in (*run.settled, *run.mailed)}
    return History(frozenset(behind), tuple(sorted(at for run in runs for at in run.mailed.values())))
