"""Production: each service and role a process of its own, on real Kafka and an operator's PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from leadmill.platform.roster import ROSTER
from shared.testing.kafka_broker import KafkaBroker, find_kafka
from tests.operations.processes import Running, leadmill

pytestmark = [pytest.mark.postgres, pytest.mark.kafka, pytest.mark.slow, pytest.mark.lasts(60)]

ROLES = (
    ("ingest", "api"),
    ("ingest", "worker"),
    ("scoring", "worker"),
    ("scoring", "worker"),
    *((name, "worker") for name in ROSTER if name not in {"ingest", "scoring"}),
    ("scoring", "api"),
)


@pytest.fixture(scope="session")
def schemas() -> Mapping[str, Path]:
    """An operator's database has no tables before anybody migrates."""
    return {}


@pytest.fixture
def broker() -> Iterator[KafkaBroker]:
    """A fresh Kafka: its sequences begin with those of the fresh database."""
    with find_kafka() as found:
        yield found


@dataclass(frozen=True)
class Outside:
    """Somebody who sends to the edge and asks the services, with a write key and a token."""

    edge: str
    answers: str
    key: str
    token: str

    def send(self, number: int) -> None:
        who = {"userId": f"u-{number}", "type": "identify", "traits": {"email": f"u{number}@example.com"}}
        act = {"userId": f"u-{number}", "type": "track", "event": "Demo Requested"}
        batch = {"batch": [who, act], "writeKey": self.key}
        sent = httpx.post(self.edge + "/v1/batch", json=batch, timeout=60, trust_env=False, verify=False)
        assert sent.status_code == 200

    def points_of(self, number: int) -> float | None:
        found = self._ask(self.edge, "/v1/leads", email=f"u{number}@example.com")
        if not found or not found["leads"]:
            return None
        why = self._ask(self.answers, f"/scoring/v1/leads/{found['leads'][0]['id']}/why", model="mql")
        return float(why["points"]) if why else None

    def send_and_await(self, numbers: range) -> None:
        """Send these people, and wait until each has the points of a demo."""
        for number in numbers:
            self.send(number)
        deadline = time.monotonic() + 300
        waiting = set(numbers)
        while waiting and time.monotonic() < deadline:
            waiting = {number for number in waiting if self.points_of(number) != 30}
            time.sleep(0.1)
        assert not waiting

    def _ask(self, address: str, path: str, **query: str) -> Any:
        bearer = {"authorization": f"Bearer {self.token}"}
        answer = httpx.get(
            address + path, params=query, headers=bearer, timeout=60, trust_env=False, verify=False
        )
        return answer.json() if answer.status_code == 200 else None


def prepare(environment: Mapping[str, str]) -> tuple[str, str]:
    """Migrate, create topics, and return a write key and a token."""
    for command in (["migrate"], ["topics", "apply"]):
        assert leadmill(*command, environment=environment).code == 0
    key = leadmill("key", "add", "website", "--json", environment=environment)
    token = leadmill("token", "create", "reader", "--role", "read", "--json", environment=environment)
    return key.document["key"], token.document["token"]


@pytest.mark.every_run
def test_a_lead_goes_through_processes_that_stop_and_start(
    broker: KafkaBroker, database_url: str, tmp_path: Path
) -> None:
    environment = {
        "LEADMILL_POSTGRES": database_url,
        "LEADMILL_LOG": "kafka",
        "LEADMILL_KAFKA": broker.address,
        "LEADMILL_KAFKA_SESSION": "6s",
        "LEADMILL_PARTITIONS": "4",
        "LEADMILL_DATA_DIR": str(tmp_path),
    }
    key, token = prepare(environment)
    with ExitStack() as stack:
        crew = [
            stack.enter_context(
                Running(
                    ["run", service, "--role", role], environment, tmp_path / f"{number}.log", is_warm=True
                )
            )
            for number, (service, role) in enumerate(ROLES)
        ]
        for process in crew:
            process.until("/readyz", status=200)
        outside = Outside(crew[0].address, crew[-1].address, key, token)
        outside.send_and_await(range(8))

        # one of two workers goes, the other takes over, and nobody outside notices
        assert crew.pop(2).terminate() == 0
        outside.send_and_await(range(8, 16))

        audit = leadmill("audit", "--full", environment=environment)
        assert audit.code == 0, audit.out
        assert [process.terminate() for process in crew] == [0] * len(crew)
