"""Analytics' oracle: all it read, in the order of its commits, folded by hand into outcomes and credits.

The fold is the one of ``tests.unit.analytics.oracle``, which shares nothing with the product but the
events. Σ is asked of the tables themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property

from prometheus_client import CollectorRegistry

from services.analytics.bootstrap import build_stage
from services.analytics.metrics import AnalyticsMetrics
from services.analytics.store.documents import read_rulebook
from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.events.erasures import PersonalDataRemoved
from shared.contracts.events.leads import LeadErased
from shared.kernel.changes import Emission
from shared.kernel.errors import Verdict
from shared.log.port import Record, TopicPartition
from shared.postgres.database import Database
from tests.engine.tally import PARTITIONS
from tests.failure.on_services.oracle.inputs import Expected, Reader, bury
from tests.failure.on_services.oracle.saying import Saying
from tests.failure.on_services.oracle.tables import compare_maps
from tests.failure.on_services.worker import CONFIG
from tests.failure.oracle.comparison import Differences
from tests.failure.oracle.journal import Entry
from tests.unit.analytics.oracle import Hit, Oracle
from tests.unit.analytics.telling import Told


class AllOfIt(Oracle):
    """The fold of everything, which remembers what it has put into order."""

    @cached_property
    def _counted(self) -> list[Told]:
        return super().counted()

    @cached_property
    def _hits(self) -> list[Hit]:
        return super().hits()

    def counted(self) -> list[Told]:
        """What had happened, oldest first."""
        return self._counted

    def hits(self) -> list[Hit]:
        """Every touch, oldest first."""
        return self._hits


class AnalyticsReplay:
    """Replays analytics' journal; call :meth:`run` once."""

    def __init__(self, log: Mapping[TopicPartition, Sequence[Record]]) -> None:
        self.expected = Expected()
        self._reader = Reader(log)
        metrics = AnalyticsMetrics(CollectorRegistry())
        self._stage = build_stage(read_rulebook(CONFIG / "analytics"), partitions=PARTITIONS, metrics=metrics)
        self._said: list[Told] = []

    def run(self, entries: Sequence[Entry]) -> AllOfIt:
        """Read what every transaction read, in this order, and fold it."""
        for entry in entries:
            saying = Saying(self._stage.name)
            for _, record, is_repeat in self._reader.records(entry):
                self.expected.repeats += is_repeat
                if is_repeat:
                    continue
                try:
                    fact = self._stage.read(record)
                except Verdict as error:
                    saying.bury(bury(record, error))
                else:
                    if fact is not None:
                        envelope = decode_envelope(record.value or b"")
                        event = decode_event(envelope)
                        if isinstance(event, LeadErased):
                            told = PersonalDataRemoved(
                                lead=event.lead, profile=event.profile, service="analytics", removed={}
                            )
                            saying.add([Emission(told, event.profile, event.lead, fact.received)], fact)
                        self._said.append(
                            Told(fact.id, event, envelope.occurred, envelope.received, fact.key)
                        )
            self.expected.close(entry, saying)
        return AllOfIt(self._said)


async def compare_credits(database: Database, oracle: AllOfIt, differences: Differences) -> Counter[str]:
    """Compare facts, outcomes and credits with the fold; returns how many there are of each."""
    async with database.connection() as connection:
        facts = [row["id"] for row in await connection.fetch("SELECT id FROM fact")]
        conversions = await connection.fetch(
            "SELECT opportunity, payment, profile, event, minor, currency FROM conversion"
        )
        shares = await connection.fetch(
            "SELECT opportunity, payment, model, coalesce(touch, '') AS touch, minor FROM credit"
        )
        crooked = await connection.fetch(
            "SELECT model, c.opportunity, c.minor, coalesce(sum(s.minor), 0)::bigint AS credited"
            " FROM conversion c LEFT JOIN credit s USING (opportunity, contribution, payment)"
            " GROUP BY model, c.opportunity, c.contribution, c.payment, c.minor"
            " HAVING coalesce(sum(s.minor), 0) <> c.minor"
        )
    wanted = Counter(one.id for one in oracle.said)
    for fact in wanted - Counter(facts):
        differences.add("lost", f"event {fact} is no fact of analytics")
    for fact in Counter(facts) - wanted:
        differences.add("unexplained", f"analytics holds {fact}, which nobody said or which was forgotten")
    outcomes = oracle.outcomes()
    compare_maps(
        "outcome",
        {f"{row['opportunity']} {row['payment']}": tuple(row)[2:] for row in conversions},
        {
            f"{one.opportunity} {one.payment}": (one.profile, one.event, one.minor, one.currency)
            for one in outcomes
        },
        differences,
    )
    credited: dict[str, list[tuple[str, int]]] = {}
    for row in shares:
        where = f"{row['opportunity']} {row['payment']} {row['model']}"
        credited.setdefault(where, []).append((row["touch"], row["minor"]))
    compare_maps(
        "credit",
        {where: sorted(rows) for where, rows in credited.items()},
        {
            f"{one.opportunity} {one.payment} {model}": sorted(earned.items())
            for one in outcomes
            for model, earned in one.earned.items()
        },
        differences,
    )
    for row in crooked:
        differences.add("sum", f"{row['model']} credits {row['credited']} of {row['minor']}: {tuple(row)}")
    return Counter({"facts of analytics": len(facts), "outcomes": len(outcomes), "credits": len(shares)})
