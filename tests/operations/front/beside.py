"""Commands beside a platform that runs in this process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.journeys.site import environment_of
from tests.operations.processes import Answer, leadmill


class Beside:
    """Runs `leadmill` beside a platform; the front door is reached at ``public_url``."""

    def __init__(self, database_url: str, folder: Path, *, public_url: str) -> None:
        self._environment = {
            **environment_of(database_url, folder),
            "LEADMILL_INGEST_PUBLIC_URL": public_url,
        }

    async def __call__(self, *arguments: str) -> Answer:
        return await asyncio.to_thread(leadmill, *arguments, environment=self._environment)

    async def document(self, *arguments: str) -> Any:
        answer = await self(*arguments, "--json")
        assert answer.code == 0, answer.err
        return answer.document
