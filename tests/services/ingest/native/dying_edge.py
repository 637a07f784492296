"""An edge in a process of its own that takes one named request and is killed in the middle of it.

``python -m tests.services.ingest.native.dying_edge <database url> <folder> <where>``; ``where`` is claimed,
appended or settled.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any, Final, NoReturn

import httpx
from prometheus_client import CollectorRegistry

from services.ingest.bootstrap import build
from services.ingest.settings import IngestSettings
from services.ingest.store.idempotency import NamedRequests
from services.ingest.store.raw_log import RawLog
from shared.http.app import build_app
from shared.kernel.redacted import Redacted
from shared.log.embedded.log import EmbeddedLog
from shared.postgres.database import Database
from shared.processor.loop import LoopSettings
from shared.runtime.blueprint import Resources
from shared.security.secrets import DeploymentSecrets
from tests.services.ingest.running import KEY, PARTITIONS, PATIENT, PEPPER, EverybodyMayRead, WallClock
from tests.unit.ingest.requests import IDENTITY_KEY, ROOT

DEAL: Final = {"kind": "won", "opportunity": "OP-1", "amount": 5, "currency": "CNY", "email": "a@b.cn"}
BODY: Final = {"batch": [DEAL, {**DEAL, "opportunity": "OP-2"}]}
HEADERS: Final = {"x-write-key": KEY, "idempotency-key": '"k-1"'}


def die(*_args: Any, **_named: Any) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still here")


def plant(where: str) -> None:
    """Let this process die at a step of a named request."""
    if where == "claimed":
        RawLog.append = die  # type: ignore[method-assign]
    elif where == "appended":
        NamedRequests.settle = die  # type: ignore[method-assign]
    elif where == "settled":
        settle = NamedRequests.settle

        async def settle_and_die(self: NamedRequests, name: str, answer: bytes) -> None:
            await settle(self, name, answer)
            die()

        NamedRequests.settle = settle_and_die  # type: ignore[method-assign]


async def take_one(database_url: str, data: Path) -> None:
    database = Database(database_url, schema="log", application="tests")
    await database.start()
    registry, clock = CollectorRegistry(), WallClock()
    resources = Resources(
        log=EmbeddedLog(database),
        clock=clock,
        database_url=database_url,
        registry=registry,
        secrets=DeploymentSecrets(identity_key=Redacted(IDENTITY_KEY), pepper=Redacted(PEPPER)),
        config=ROOT / "config",
        data=data,
        member="dying",
        loop=LoopSettings(partitions=PARTITIONS),
    )
    blueprint = build(resources, settings=IngestSettings(log_patience=PATIENT), authority=EverybodyMayRead())
    await blueprint.start()
    app = build_app(
        title="Ingest",
        service="ingest",
        version="0",
        registry=registry,
        clock=clock,
        stopping=asyncio.Event(),
        hot_routes=blueprint.hot_routes,
        statuses=blueprint.statuses,
    )
    running = [asyncio.create_task(activity.run()) for activity in blueprint.edge_activities]
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
    answer = await client.post("/v1/outcomes", json=BODY, headers=HEADERS)
    print(answer.status_code, answer.text, len(running))


if __name__ == "__main__":
    plant(sys.argv[3])
    asyncio.run(take_one(sys.argv[1], Path(sys.argv[2])))
