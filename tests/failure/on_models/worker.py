"""A worker with everything beside it: ``python -m tests.failure.on_models.worker '<plan>'``.

Ingest's is the one of ``on_services``. Scoring's goes by the register, and runs the jobs of its process.
"""

from __future__ import annotations

import asyncio
import sys

import msgspec

from services.scoring.bootstrap import build_ruled_stage, load_attention, load_company_models
from shared.telemetry.logging import configure_logging
from tests.engine.tally import PARTITIONS
from tests.failure.on_models.jobs import jobs_of, rulings_of
from tests.failure.on_models.plants import plant
from tests.failure.on_services.importing import hurry
from tests.failure.on_services.worker import CONFIG, Bench, ServicePlan, Staff, staff_of, work
from tests.failure.worker import die_with


def staff_with_jobs(bench: Bench) -> Staff:
    """Return what a service's process does, scoring's under the register."""
    if bench.plan.service != "scoring":
        return staff_of(bench)
    rulings = rulings_of(CONFIG)
    stage = build_ruled_stage(
        rulings,
        partitions=PARTITIONS,
        companies=load_company_models(CONFIG),
        attention=load_attention(CONFIG),
    )
    return Staff(stage, jobs_of(bench, rulings))


def main() -> None:
    """Read the plan and work."""
    plan = msgspec.json.decode(sys.argv[1], type=ServicePlan)
    die_with(plan.parent)
    configure_logging(service=plan.service, version="test")
    hurry()
    plant(plan.plant)
    asyncio.run(work(plan, staff_with_jobs))


if __name__ == "__main__":
    main()
