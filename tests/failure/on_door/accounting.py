"""Holds the sender's book against what ingest made of it, message by message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tests.failure.on_door.messages import Message
from tests.failure.oracle.comparison import Differences


@dataclass(frozen=True, kw_only=True)
class Made:
    """What ingest made of it, by the ids of raw records: whom it took up, put aside, and what it said.

    ``acts`` counts the acts on the topic ``behaviour``, and not what was judged of them later.
    """

    seen: Collection[str]
    quarantined: Collection[str]
    dead: Sequence[str]
    acts: Mapping[str, int]


def account(book: Sequence[Message], made: Made, differences: Differences) -> Counter[str]:
    """Name every message that was lost, doubled or invented; returns the counts."""
    counts: Counter[str] = Counter()
    dead = Counter(made.dead)
    for message in book:
        found = (message.record_id in made.seen) + (message.record_id in made.quarantined)
        found += dead[message.record_id]
        acts = made.acts.get(message.record_id, 0)
        is_acknowledged = message.acknowledged > 0
        counts["sent"] += 1
        counts["sent again"] += message.sent > 1
        counts["acknowledged" if is_acknowledged else "not acknowledged"] += 1
        if not is_acknowledged:
            counts["not acknowledged, and took effect once"] += found == 1
        name = f"{message.record_id} ({message.fate}, sent {message.sent} times)"
        if is_acknowledged and found == 0:
            differences.add("lost", f"{name} was acknowledged and is nowhere")
        if found > 1:
            differences.add("double", f"{name} ended in {found} places")
        if found == 0:
            continue
        wanted = 1 if message.fate == "act" else 0
        if acts != wanted:
            kind = "double" if acts > wanted else "lost"
            differences.add(kind, f"{name} made {acts} events on behaviour")
        if (message.record_id in made.quarantined) != (message.fate == "quarantined"):
            differences.add("different", f"{name} ended in the wrong place")
        counts["processed" if message.record_id in made.seen else "quarantined"] += 1
    known = {message.record_id for message in book}
    for stray in (set(made.seen) | set(made.quarantined) | set(made.dead) | set(made.acts)) - known:
        differences.add("invented", f"{stray} was sent by nobody")
    counts["events on behaviour"] = sum(made.acts.values())
    return counts
