"""The verdict on a run: both journals replayed, everything compared, and the platform's own audit."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from leadmill.audit.comparing import audit_deployment
from leadmill.platform.composition import build_blueprints
from shared.kernel.redacted import Redacted
from shared.log.port import TopicPartition
from shared.postgres.database import Database
from shared.processor.loop import LoopSettings
from shared.runtime.blueprint import Resources
from shared.security.secrets import DeploymentSecrets
from tests.engine.tally import PARTITIONS
from tests.failure.on_services.oracle.commands import compare_commands, correction_id, load_corrections
from tests.failure.on_services.oracle.effects import check_effects
from tests.failure.on_services.oracle.imports import check_imports
from tests.failure.on_services.oracle.ingest import IngestReplay
from tests.failure.on_services.oracle.inputs import Expected, load_ordered
from tests.failure.on_services.oracle.promises import Promises, Ruling
from tests.failure.on_services.oracle.saying import compare_said
from tests.failure.on_services.oracle.scoring import RuledBy, ScoringReplay, compare_scoring
from tests.failure.on_services.oracle.tables import compare_ingest, compare_letters
from tests.failure.on_services.surroundings.topics import READ, SAID
from tests.failure.on_services.worker import CONFIG, IDENTITY_KEY
from tests.failure.oracle.comparison import Differences, compare_receipts
from tests.failure.oracle.replay import Buried
from tests.failure.surroundings.ground import Outcome

if TYPE_CHECKING:
    from tests.failure.on_services.surroundings.field import ServicesField


async def judge(
    field: ServicesField, *, ruled_by: RuledBy | None = None, ruling: Ruling | None = None
) -> Outcome:
    """Compare everything that a run left behind with what its raw records say.

    ``ruled_by`` and ``ruling`` tell which versions of scoring's models ruled, if not the documents.
    """
    log = await field.read()
    differences = Differences([*field.crew.faults])
    repeats_said = transactions = timers = 0
    orders = {front.service: await load_ordered(front.database) for front in field.fronts}
    callers = field.ingest.callers
    asked = callers.asked if callers else ()
    corrections = await load_corrections(field.ingest.database, asked)
    ingest = IngestReplay(log, corrections).run(orders["ingest"].entries)
    scoring = ScoringReplay(log, ruled_by).run(orders["scoring"].entries)
    replays: dict[str, Expected] = {"ingest": ingest, "scoring": scoring}
    await compare_ingest(field.ingest.database, ingest, differences)
    await compare_scoring(field.scoring.database, scoring, differences)
    for front in field.fronts:
        ordered, expected = orders[front.service], replays[front.service]
        differences.lines += [*ordered.faults, *expected.faults]
        transactions += len(ordered.entries)
        timers += sum(len(entry.rung) for entry in ordered.entries)
        repeats_said += compare_said(
            expected.said, log, service=front.service, topics=SAID[front.service], differences=differences
        )
        await _compare_letters(front.database, expected, differences)
    await compare_receipts(
        field.ingest.database,
        group="ingest",
        bounds=[(tp, 0, len(records)) for tp, records in sorted(log.items()) if tp.topic in READ["ingest"]],
        differences=differences,
    )
    await _compare_tallies(field.ingest.database, replays["ingest"], differences)
    for tp, offset in field.feeder.acknowledged:
        if offset >= len(log[tp]):
            differences.add("lost", f"{tp.topic}/{tp.partition} offset {offset} was acknowledged and is gone")
    check_effects(
        log,
        differences,
        corrections={*(correction_id(name) for name in corrections), *ingest.heard},
        suppressed=ingest.suppressed,
    )
    compare_commands(ingest.replies, asked, differences)
    said = await check_imports(field.ingest, log, ingest, differences)
    promises = Promises(log, differences, now=field.clock.now(), ruling=ruling)
    await promises.check(field.scoring.database, field.ingest.database)
    await _audit(field, differences)
    return Outcome(
        struck=field.crew.struck,
        said={
            "corrections": sum("corrected" in reply for reply in map(str, ingest.replies.values())),
            **said,
        },
        facts=sum(len(records) for tp, records in log.items() if tp.topic == READ["ingest"][0]),
        events=sum(expected.events for expected in replays.values()),
        transactions=transactions,
        commands=len(ingest.replies),
        timers=timers,
        repeats_read=sum(expected.repeats for expected in replays.values()),
        repeats_said=repeats_said,
        dead_letters=sum(len(expected.buried) for expected in replays.values()),
        merges=ingest.merges,
        activations=sum(map(len, scoring.activations.values())),
        seconds=time.monotonic() - field.began,
        differences=differences,
    )


async def _compare_letters(database: Database, expected: Expected, differences: Differences) -> None:
    async with database.connection() as connection:
        rows = await connection.fetch(
            'SELECT topic, partition, "offset", code, attempts, record_key, record_value FROM dead_letter'
        )
    compare_letters([Buried(*row) for row in rows], expected.buried, differences)


async def _compare_tallies(database: Database, expected: Expected, differences: Differences) -> None:
    """Receipts tell of each partition how many records ended how."""
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT topic, partition, sum(processed)::int AS processed, sum(duplicate)::int AS duplicate,"
            " sum(quarantined)::int AS quarantined, sum(dead)::int AS dead FROM receipt GROUP BY 1, 2"
        )
    for row in rows:
        tally = expected.tally_of(TopicPartition(row["topic"], row["partition"]))
        found = tuple(row[name] for name in ("processed", "duplicate", "quarantined", "dead"))
        wanted = (tally.processed, tally.duplicate, tally.quarantined, tally.dead)
        if found != wanted:
            differences.add(
                "receipt", f"{row['topic']}/{row['partition']} counts {found}, should be {wanted}"
            )


async def _audit(field: ServicesField, differences: Differences) -> None:
    """Ask the platform itself."""
    resources = Resources(
        log=field.ground.log,
        clock=field.clock,
        database_url=field.url,
        registry=CollectorRegistry(),
        secrets=DeploymentSecrets(identity_key=Redacted(IDENTITY_KEY), pepper=Redacted(IDENTITY_KEY)),
        config=CONFIG,
        data=field.crew.folder,
        member="audit",
        loop=LoopSettings(partitions=PARTITIONS),
    )
    blueprints = build_blueprints(resources, [front.service for front in field.everyone])
    try:
        for blueprint in blueprints:
            await blueprint.start()
        findings = await audit_deployment(
            blueprints, field.ground.log, full=True, patience=timedelta(seconds=5)
        )
    finally:
        for blueprint in blueprints:
            await blueprint.stop()
    for finding in findings:
        for breach in finding.breaches:
            differences.add("audit", f"{finding.check}: {breach}")
