"""Each wall of ``.importlinter`` stands: a violation planted in a skeleton of the house is caught by it."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
WALLS: Final = ROOT / ".importlinter"

SERVICE_ROOMS: Final = ("api", "jobs", "queries", "handlers", "store", "providers", "domain")
SERVICE_FILES: Final = ("__main__", "bootstrap", "settings", "metrics")
SHARED_ROOMS: Final = (
    "conditions", "contracts", "delivery", "documents", "http", "kernel", "log", "postgres", "processor",
    "runtime", "security", "telemetry", "testing", "working_time",
)  # fmt: skip
PRODUCT_ROOMS: Final = ("audit", "cli", "demo", "embedded")

# wall → the violations that must break it: the module that imports, and what it imports
VIOLATIONS: Final[Mapping[str, list[tuple[str, str]]]] = {
    "floors": [
        ("shared.http.leads", "services.ingest.metrics"),
        ("services.scoring.bootstrap", "leadmill.platform"),
        ("shared.runtime.leads", "leadmill.embedded"),
    ],
    "strangers": [("services.scoring.handlers.leads", "services.ingest.domain.leads")],
    "front-doors": [
        ("leadmill.audit.leads", "services.ingest.store.leads"),
        ("leadmill.cli.leads", "services.scoring.settings"),
    ],
    "rooms": [
        ("services.scoring.handlers.leads", "services.scoring.store.leads"),
        ("services.scoring.domain.leads", "services.scoring.handlers.leads"),
        ("services.scoring.store.leads", "services.scoring.queries.leads"),
        ("services.scoring.api.leads", "services.scoring.settings"),
        ("services.scoring.jobs.leads", "services.scoring.bootstrap"),
        ("services.scoring.utils", "json"),
    ],
    "routes": [("services.ingest.api.leads", "services.ingest.store.leads")],
    "ground": [
        ("shared.kernel.leads", "shared.contracts.leads"),
        ("shared.log.leads", "shared.security.leads"),
        ("shared.processor.leads", "shared.http.leads"),
        ("shared.telemetry.leads", "shared.postgres.leads"),
        ("shared.documents.leads", "shared.runtime.leads"),
        ("shared.helpers", "json"),
    ],
    "product": [
        ("leadmill.embedded.leads", "leadmill.platform"),
        ("leadmill.audit.leads", "leadmill.demo.leads"),
        ("leadmill.core", "json"),
    ],
    "pure": [
        ("services.scoring.domain.leads", "time"),
        ("services.scoring.handlers.leads", "asyncio"),
        ("services.scoring.handlers.leads", "sqlalchemy"),
        ("shared.kernel.leads", "random"),
        ("shared.conditions.leads", "os"),
        ("shared.working_time.leads", "logging"),
        ("shared.contracts.leads", "pydantic"),
    ],
    "domain": [
        ("services.scoring.domain.leads", "shared.contracts.leads"),
        ("services.scoring.domain.leads", "shared.processor.leads"),
    ],
    "handlers": [
        ("services.scoring.handlers.leads", "shared.processor.leads"),
        ("services.scoring.handlers.leads", "shared.telemetry.leads"),
    ],
    "kafka": [
        ("services.ingest.jobs.leads", "aiokafka"),
        ("shared.processor.leads", "aiokafka"),
        ("shared.testing.leads", "aiokafka"),
        ("leadmill.cli.leads", "aiokafka"),
    ],
    "driver": [
        ("services.ingest.store.leads", "asyncpg"),
        ("shared.processor.leads", "asyncpg"),
        ("leadmill.embedded.leads", "asyncpg"),
    ],
    "tables": [
        ("services.ingest.queries.leads", "sqlalchemy"),
        ("services.ingest.bootstrap", "alembic"),
        ("shared.log.leads", "sqlalchemy"),
    ],
    "test-kit": [
        ("services.ingest.jobs.leads", "shared.testing.leads"),
        ("leadmill.demo.leads", "shared.testing.leads"),
    ],
    "cycles": [("shared.kernel.leads", "shared.kernel.circle")],
}

ALLOWED: Final = [
    ("leadmill.platform", "services.ingest.bootstrap"),
    ("leadmill.cli.leads", "leadmill.demo.leads"),
    ("services.ingest.bootstrap", "services.ingest.api.leads"),
    ("services.ingest.api.leads", "services.ingest.queries.leads"),
    ("services.ingest.api.leads", "shared.processor.leads"),
    ("services.ingest.queries.leads", "services.ingest.store.leads"),
    ("services.ingest.store.leads", "sqlalchemy"),
    ("services.ingest.store.leads", "services.ingest.domain.leads"),
    ("services.ingest.handlers.leads", "services.ingest.domain.leads"),
    ("services.ingest.handlers.leads", "shared.contracts.leads"),
    ("services.ingest.domain.leads", "shared.kernel.leads"),
    ("services.ingest.domain.leads", "shared.working_time.leads"),
    ("services.ingest.domain.leads", "msgspec"),
    ("shared.kernel.circle", "shared.kernel.leads"),
    ("shared.log.leads", "aiokafka"),
    ("shared.postgres.leads", "asyncpg"),
    ("shared.contracts.generation", "pathlib"),
    ("shared.testing.leads", "shared.runtime.leads"),
]


def _path(house: Path, module: str) -> Path:
    return house.joinpath(*module.split(".")).with_suffix(".py")


def _put(house: Path, module: str, line: str = "") -> None:
    """Write a module; every package on the way gets its ``__init__``."""
    file = _path(house, module)
    file.parent.mkdir(parents=True, exist_ok=True)
    for folder in file.relative_to(house).parents[:-1]:
        (house / folder / "__init__.py").touch()
    with file.open("a") as out:
        out.write(f"{line}\n")


def _plant(house: Path, importer: str, imported: str) -> None:
    if imported.startswith(("leadmill.", "services.", "shared.")) and not (
        _path(house, imported).exists() or _path(house, imported).with_suffix("").is_dir()
    ):
        _put(house, imported)
    _put(house, importer, f"import {imported}")


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Every room of the design with one empty module each, and the imports that the design wants."""
    for service in ("ingest", "scoring"):
        for name in (*SERVICE_FILES, *(f"{room}.leads" for room in SERVICE_ROOMS)):
            _put(tmp_path, f"services.{service}.{name}")
    for room in SHARED_ROOMS:
        _put(tmp_path, f"shared.{room}.leads")
    for name in ("platform", *(f"{room}.leads" for room in PRODUCT_ROOMS)):
        _put(tmp_path, f"leadmill.{name}")
    for importer, imported in ALLOWED:
        _plant(tmp_path, importer, imported)
    return tmp_path


def _broken_walls(house: Path) -> set[str]:
    """Run the linter as ``make check`` does, and return the walls it calls broken."""
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()",
         "--config", str(WALLS), "--no-cache"],
        cwd=house, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(house), "PYTHONSAFEPATH": "1", "COLUMNS": "400"},
    )  # fmt: skip
    verdicts = dict(re.findall(r"^(.+?)\s+(KEPT|BROKEN)(?: \(.*\))?\s*$", done.stdout, flags=re.MULTILINE))
    names = _names()
    assert {names[wall] for wall in names} == set(verdicts), done.stdout + done.stderr
    broken = {wall for wall, name in names.items() if verdicts[name] == "BROKEN"}
    assert (done.returncode != 0) == bool(broken)
    return broken


def _names() -> dict[str, str]:
    walls = configparser.ConfigParser()
    walls.read(WALLS)
    prefix = "importlinter:contract:"
    return {s.removeprefix(prefix): walls[s]["name"] for s in walls.sections() if s.startswith(prefix)}


def test_the_house_as_designed_breaks_no_wall(house: Path) -> None:
    assert _broken_walls(house) == set()


def test_a_house_with_hardly_a_room_breaks_no_wall(tmp_path: Path) -> None:
    for module in ("leadmill.platform", "services.ingest.domain.leads", "shared.kernel.leads"):
        _put(tmp_path, module)
    for room in ("conditions", "contracts", "testing"):
        _put(tmp_path, f"shared.{room}.leads")
    assert _broken_walls(tmp_path) == set()


def test_every_wall_has_a_violation_here() -> None:
    assert set(VIOLATIONS) == set(_names())


@pytest.mark.parametrize(
    ("wall", "importer", "imported"),
    [(wall, *violation) for wall, violations in VIOLATIONS.items() for violation in violations],
)
def test_a_planted_violation_is_caught(house: Path, wall: str, importer: str, imported: str) -> None:
    _plant(house, importer, imported)
    assert wall in _broken_walls(house)
