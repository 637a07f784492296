"""What tests of operations ask for by name."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def data() -> Iterator[Path]:
    """An empty data directory that every account can reach: as root the database runs under another."""
    folder = Path(tempfile.mkdtemp(prefix="leadmill-data-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
