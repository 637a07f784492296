"""`docker-compose.yml` as data: what an operator relies on without running it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from leadmill.platform.roster import ROSTER

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = (ROOT / "docker-compose.yml").read_text()
COMPOSE: Final[Mapping[str, Any]] = yaml.safe_load(TEXT)
SERVICES: Final[Mapping[str, Mapping[str, Any]]] = COMPOSE["services"]
SERVERS: Final = ("postgres", "kafka")
ONCE: Final = ("migrate", "topics")
RUNNING: Final = tuple(name for name in SERVICES if name not in {*SERVERS, *ONCE})

_DEFAULT: Final = re.compile(r"^\$\{[A-Z_]+:-([^}]+)\}$")


def test_every_service_of_the_roster_runs_and_nothing_else_does() -> None:
    commands = {name: SERVICES[name]["command"] for name in RUNNING}
    assert {command[0] for command in commands.values()} == {"run"}
    assert {command[1] for command in commands.values()} == set(ROSTER)


def test_each_service_answers_requests_in_one_container_and_works_in_one() -> None:
    for name in ROSTER:
        commands = [SERVICES[box]["command"] for box in RUNNING]
        rest = sorted(command[2:] for command in commands if command[1] == name)
        assert rest in ([[]], [["--role", "api"], ["--role", "worker"]]), name


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_has_the_bounds_an_operator_expects(name: str) -> None:
    service = SERVICES[name]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service["logging"]["options"]["max-size"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["networks"] == ["mill"]
    assert "privileged" not in service
    assert service.get("read_only") or name == "kafka"  # its image writes its properties beside itself


def test_the_edge_keeps_what_comes_in_while_the_log_is_away_in_a_volume() -> None:
    edge = SERVICES["ingest"]
    assert edge["environment"]["LEADMILL_INGEST_SPILL"] == "true"
    assert set(SERVICES["scoring"]["environment"]) <= set(edge["environment"])
    (volume,) = edge["volumes"]
    assert volume.partition(":")[0] in COMPOSE["volumes"]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_to_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        assert re.fullmatch(r"127\.0\.0\.1:\$\{PORT_[A-Z]+:-\d+\}:8080", port)


def test_the_ports_of_this_machine_are_told_apart() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(ports) == len(set(re.findall(r":-(\d+)\}", " ".join(ports)))) == len(ROSTER)


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_can_be_another_and_its_default_is_one_version(name: str) -> None:
    default = _DEFAULT.fullmatch(SERVICES[name]["image"])
    assert default is not None
    _, colon, tag = default[1].rpartition(":")
    assert colon
    assert tag != "latest"


def test_the_dockerfile_names_a_version_and_takes_no_root() -> None:
    lines = (ROOT / "deploy" / "docker" / "Dockerfile").read_text().splitlines()
    bases = [line.partition("=")[2] for line in lines if line.startswith("ARG PYTHON_IMAGE=")]
    assert len(bases) == 1
    assert re.search(r":\d", bases[0])
    assert [line for line in lines if line.startswith("FROM ")] == [
        "FROM ${PYTHON_IMAGE} AS packages",
        "FROM ${PYTHON_IMAGE}",
    ]
    assert any(re.fullmatch(r"USER [1-9]\d*:[1-9]\d*", line) for line in lines)
    assert any(line.startswith("HEALTHCHECK ") for line in lines)
    assert any("--require-hashes" in line for line in lines)
    assert f"PYTHON_IMAGE: ${{PYTHON_IMAGE:-{bases[0]}}}" in TEXT


@pytest.mark.parametrize("name", [*SERVERS, *RUNNING])
def test_what_goes_on_says_how_it_is_and_has_time_to_stop(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"
    assert int(service["stop_grace_period"].removesuffix("s")) >= 40


def test_nothing_starts_before_what_it_needs() -> None:
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert SERVICES["topics"]["depends_on"]["kafka"] == {"condition": "service_healthy"}
    for name in RUNNING:
        assert SERVICES[name]["depends_on"] == {
            once: {"condition": "service_completed_successfully"} for once in ONCE
        }


@pytest.mark.parametrize("variable", ["POSTGRES_PASSWORD", "LEADMILL_IDENTITY_KEY", "LEADMILL_PEPPER"])
def test_a_secret_has_no_default_and_its_lack_is_told_by_name(variable: str) -> None:
    uses = re.findall(rf"\$\{{{variable}([^}}]*)\}}", TEXT)
    assert uses
    assert all(use.startswith(f":?{variable} is not set;") for use in uses)
    assert f"{variable}=\n" in (ROOT / ".env.example").read_text()


def test_data_lives_in_volumes_that_are_declared() -> None:
    used = {
        volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())
    }
    assert used == set(COMPOSE["volumes"])
    assert {"postgres", "kafka"} <= used


def test_the_deployment_speaks_to_this_machine_and_to_no_registry() -> None:
    hosts = {host for path in _files() for host in re.findall(r"https?://([\w.-]+)", path.read_text())}
    assert hosts <= {"127.0.0.1", "www.example.com", *SERVICES}


def _files() -> Iterator[Path]:
    yield ROOT / "docker-compose.yml"
    yield from (path for path in (ROOT / "deploy").rglob("*") if path.is_file() and path.suffix != ".pyc")
