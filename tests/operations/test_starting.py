"""Bad days at the start: one clear line and the right exit code, or the right pause."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.operations.processes import Running, free_port, leadmill

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(75)]


@pytest.fixture(scope="session")
def schemas() -> Mapping[str, Path]:
    """An operator's database has no tables before anybody migrates."""
    return {}


NOWHERE = "postgresql://leadmill@127.0.0.1:1/leadmill"


def external(database_url: str, tmp_path: Path, **more: str) -> dict[str, str]:
    """An operator's database, and a folder for the secrets."""
    return {"LEADMILL_POSTGRES": database_url, "LEADMILL_DATA_DIR": str(tmp_path), **more}


def _send(client: httpx.Client, key: str, number: int) -> int | None:
    """Send one person; return the number if it was acknowledged."""
    message = {"writeKey": key, "userId": f"u-{number}", "traits": {"email": f"u{number}@example.com"}}
    try:
        answer = client.post("/v1/identify", json=message)
    except httpx.TransportError:
        return None
    return number if answer.status_code == 200 else None


class TestWhatIsAwayAtTheStart:
    def test_a_port_that_is_taken_is_exit_code_3(self, tmp_path: Path) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            answer = leadmill("up", "--port", str(port), "--data", str(tmp_path))

        assert answer.code == 3
        assert answer.error_lines[-1] == (
            f"leadmill: port {port} is taken by another program; stop it, or choose another port"
        )
        assert not (tmp_path / "postgres").exists()

    @pytest.mark.parametrize("command", [["up"], ["run", "scoring"], ["key", "list"]])
    def test_a_database_that_does_not_answer_is_exit_code_3(self, command: list[str], tmp_path: Path) -> None:
        ports = (
            ["--port", str(free_port()), "--admin-port", str(free_port())]
            if command[0] in {"up", "run"}
            else []
        )
        answer = leadmill(*command, *ports, environment=external(NOWHERE, tmp_path))

        assert answer.code == 3
        assert "leadmill: the database does not answer" in answer.error_lines[-1]

    def test_a_directory_that_another_process_has_is_exit_code_3_and_can_be_had_after_it(
        self, data: Path, tmp_path: Path
    ) -> None:
        with Running(["up", "--data", str(data)], {}, tmp_path / "log") as first:
            first.until("/readyz", status=200)
            ports = ["--port", str(free_port()), "--admin-port", str(free_port())]
            answer = leadmill("up", "--data", str(data), *ports)
            assert answer.code == 3
            assert "is in use by process" in answer.error_lines[-1]
            assert first.terminate() == 0
        with Running(["up", "--data", str(data)], {}, tmp_path / "log") as again:
            again.until("/readyz", status=200)
            assert again.terminate() == 0


class TestWhatIsNotThereYet:
    def test_a_schema_that_is_too_old_is_waited_for(self, database_url: str, tmp_path: Path) -> None:
        environment = external(database_url, tmp_path)
        with Running(["run", "scoring"], environment, tmp_path / "log", is_warm=True) as scoring:
            answer = scoring.until("/readyz", status=503, code="database.schema")
            assert "run `leadmill migrate`" in str(answer)
            assert scoring.probe("/livez")[0] == 200
            assert leadmill("audit", environment=environment).code == 2
            assert leadmill("migrate", environment=environment).code == 0
            assert leadmill("topics", "apply", environment=environment).code == 0
            scoring.until("/readyz", status=200)
            assert scoring.terminate() == 0

    def test_topics_that_are_missing_are_waited_for(self, database_url: str, tmp_path: Path) -> None:
        environment = external(database_url, tmp_path)
        assert leadmill("migrate", environment=environment).code == 0
        with Running(["run", "ingest"], environment, tmp_path / "log", is_warm=True) as ingest:
            answer = ingest.until("/readyz", status=503, code="log.topics")
            assert answer["ready"] is False
            assert ingest.terminate() == 0

    def test_topics_with_another_count_are_never_read(self, database_url: str, tmp_path: Path) -> None:
        environment = external(database_url, tmp_path)
        fewer = {**environment, "LEADMILL_PARTITIONS": "4"}
        assert leadmill("migrate", environment=environment).code == 0
        assert leadmill("topics", "apply", environment=fewer).code == 0
        refused = leadmill("topics", "apply", environment=environment)
        assert refused.code == 2
        assert "counts are frozen" in refused.err
        assert leadmill("topics", "plan", environment=environment).code == 1
        with Running(
            ["run", "scoring", "--role", "worker"], environment, tmp_path / "log", is_warm=True
        ) as scoring:
            scoring.until("/readyz", status=503, code="log.topics")
            assert scoring.terminate() == 0

    def test_a_broker_that_does_not_answer_is_waited_for(self, database_url: str, tmp_path: Path) -> None:
        environment = external(
            database_url, tmp_path, LEADMILL_LOG="kafka", LEADMILL_KAFKA=f"127.0.0.1:{free_port()}"
        )
        assert leadmill("migrate", environment=environment).code == 0
        assert leadmill("topics", "apply", environment=environment).code == 3
        with Running(
            ["run", "scoring", "--role", "worker"], environment, tmp_path / "log", is_warm=True
        ) as scoring:
            scoring.until("/readyz", status=503, code="log.unavailable")
            assert scoring.probe("/livez")[0] == 200
            assert scoring.terminate() == 0


class TestStopping:
    def test_sigterm_during_the_start_is_exit_code_0(self, data: Path, tmp_path: Path) -> None:
        with Running(["up", "--data", str(data)], {}, tmp_path / "log") as platform:
            platform.until_said("migrated")
            assert platform.terminate() == 0
        assert not (data / "postgres" / "postmaster.pid").exists()

    def test_sigterm_under_load_loses_nothing_that_was_acknowledged(self, data: Path, tmp_path: Path) -> None:
        where = ["--data", str(data)]
        key = leadmill("key", "add", "website", "--json", *where).document["key"]
        token = leadmill("token", "create", "t", "--role", "read", "--json", *where).document["token"]
        with Running(["up", *where], {}, tmp_path / "log") as platform:
            platform.until("/readyz", status=200)
            client = httpx.Client(base_url=platform.address, timeout=10, trust_env=False)
            with client, ThreadPoolExecutor(8) as senders:
                sent = [senders.submit(_send, client, key, number) for number in range(1_500)]
                while sum(one.done() for one in sent) < 100:
                    time.sleep(0.005)
                assert platform.terminate() == 0
            acknowledged = {number for one in sent if (number := one.result()) is not None}
        assert 100 <= len(acknowledged) < 1_500

        with Running(["up", *where], {}, tmp_path / "log", is_warm=True) as again:
            again.until("/readyz", status=200)
            audit = leadmill("audit", "--full", *where)
            assert audit.code == 0, audit.out
            bearer = {"authorization": f"Bearer {token}"}
            with httpx.Client(base_url=again.address, headers=bearer, trust_env=False) as asking:
                lost = [
                    number
                    for number in acknowledged
                    if not asking.get("/v1/leads", params={"email": f"u{number}@example.com"}).json()["leads"]
                ]
            assert lost == []
            assert again.terminate() == 0

    def test_a_directory_keeps_the_log_and_the_count_it_was_started_with(self, data: Path) -> None:
        fewer = {"LEADMILL_PARTITIONS": "3", "LEADMILL_DATA_DIR": str(data)}
        assert leadmill("topics", "apply", environment=fewer).code == 0
        plain = leadmill("topics", "plan", "--json", "--data", str(data))
        assert {row["partitions"] for row in plain.document["topics"]} == {3}
        other = leadmill("topics", "plan", "--data", str(data), environment={"LEADMILL_PARTITIONS": "5"})
        assert other.code == 2
        assert "was started with partitions 3" in other.err
