"""``python -m tests.operations.erasure_grep``: a person comes in everywhere, is erased, and is looked for.

Runs a whole platform of its own on the embedded log, and with ``--kafka`` on a real Apache Kafka; looks
through every table of every schema, every topic after retention and compaction, every file of the data
folder, the pages of the database once they have been cleared, and all that was logged. Prints where the
person stood before and where after; exit code 1 if anything is left or anything else does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from leadmill.embedded import EmbeddedPostgres
from shared.testing.kafka_broker import find_kafka
from tests.operations.erasure_grep.ageing import KafkaAgeing, let_embedded_age
from tests.operations.erasure_grep.running import Told, run


async def run_on(url: str, folder: Path, *, embedded: bool, kafka: bool) -> list[tuple[str, Told]]:
    """Run on each of these logs, on a database of its own."""
    told = []
    if embedded:
        fresh = await _fresh(url, "grep_embedded")
        settings = {"LEADMILL_LOG": "embedded"}
        done = await run(fresh, folder / "embedded", settings, age=let_embedded_age, heap=True)
        told.append(("embedded", done))
    if kafka:
        with find_kafka(disposable=True) as broker:
            settings = {
                "LEADMILL_LOG": "kafka",
                "LEADMILL_KAFKA": broker.address,
                "LEADMILL_KAFKA_SESSION": "6s",
            }
            fresh = await _fresh(url, "grep_kafka")
            age = KafkaAgeing(broker)
            told.append(("kafka", await run(fresh, folder / "kafka", settings, age=age, heap=True)))
    return told


async def _fresh(url: str, name: str) -> str:
    connection = await asyncpg.connect(url)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def report(log: str, told: Told) -> bool:
    """Print what a run showed; return whether nothing is left."""
    print(f"\n{log}: before, the person stood in {len(told.before)} places: {', '.join(sorted(told.before))}")
    for place, found in sorted(told.after.items()):
        print(f"  LEFT in {place}: {', '.join(sorted(found))}")
    print(f"{log}: after, in {len(told.after)}")
    removed = told.certificate["removed"]
    assert isinstance(removed, list)
    for one in removed:
        print(f"  {one['service']:<10} {one['place']:<28} {one['count']:>5}")
    return not told.after


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.operations.erasure_grep", description=__doc__)
    parser.add_argument("--kafka", action="store_true", help="on a real Apache Kafka, too")
    parser.add_argument("--only-kafka", action="store_true", help="there, and not on the embedded log")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="erasure-"))
    folder.chmod(0o755)  # as root the database runs under another account
    try:
        with EmbeddedPostgres(folder / "server") as server:
            embedded, kafka = not options.only_kafka, options.kafka or options.only_kafka
            told = asyncio.run(run_on(server.url, folder, embedded=embedded, kafka=kafka))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    clean = [report(log, one) for log, one in told]
    return 0 if all(clean) else 1


if __name__ == "__main__":
    sys.exit(main())
