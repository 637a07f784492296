"""A place for data that any account can reach, as pytest's own temporary folders cannot be under root."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def data_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="leadmill-embedded-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
