"""The clients: which program stands for which, and what is particular about it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from tests.operations.real_clients.packages import NODE, PYTHON, Workshop, find_chromium

_PATIENCE: Final = 240
"""Seconds that a client may take to hand over what it has; some wait minutes between two tries."""


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """One client; ``given`` goes to its program besides what all are told."""

    name: str
    package: str
    program: str
    given: Mapping[str, Any] = {}

    @property
    def shown(self) -> str:
        version = (PYTHON if self.program.endswith(".py") else NODE).get(self.package, "")
        name = version.removeprefix("npm:").rpartition("@")[0] or self.package
        return f"{name} {version.rpartition('@')[2]}".strip()


class Report(msgspec.Struct, kw_only=True):
    """What a client says it sent, by the ids of its messages, and what it said went wrong."""

    people: Sequence[str]
    acts: Sequence[str]
    failed: Sequence[str] = ()


def _page(name: str, package: str, page: str, **given: Any) -> Client:
    return Client(
        name=name, package=package, program="browser.mjs", given={"page": page, "linger": 3, **given}
    )


_IN_BATCHES: Final = {"deliveryStrategy": {"strategy": "batching", "config": {"size": 5, "timeout": 500}}}
_BY_BEACON: Final = {"useBeacon": True, "beaconQueueOptions": {"flushQueueInterval": 500}}

CLIENTS: Final = (
    Client(name="segment-python", package="segment-analytics-python", program="segment_python.py"),
    Client(name="rudder-python", package="rudder-sdk-python", program="rudder_python.py"),
    Client(name="segment-node", package="@segment/analytics-node", program="segment_node.mjs"),
    Client(name="rudder-node", package="@rudderstack/rudder-sdk-node", program="rudder_node.mjs"),
    _page("analytics-js", "@segment/analytics-next", "ajs184"),
    _page("analytics-js-batches", "@segment/analytics-next", "ajs184", delivery=_IN_BATCHES),
    _page("analytics-js-170", "analytics-next-170", "ajs170"),
    _page("rudder-js", "@rudderstack/analytics-js", "rudder"),
    _page("rudder-js-beacon", "@rudderstack/analytics-js", "rudder", options=_BY_BEACON),
    _page("send-beacon", "Chromium", "beacon"),
    _page("html-form", "Chromium", "form"),
    Client(name="cloudevents-python", package="cloudevents", program="cloudevents_python.py"),
    Client(name="cloudevents-node", package="cloudevents", program="cloudevents_node.mjs"),
)


async def run_client(
    client: Client, workshop: Workshop, *, address: str, key: str, count: int, seconds: float
) -> Report:
    """Let a client send, and return what it says it sent.

    :raises AssertionError: if its program breaks.
    :raises TimeoutError: if it has not handed over everything in time.
    """
    told = {
        "address": address,
        "key": key,
        "name": client.name,
        "count": count,
        "seconds": seconds,
        "chromium": find_chromium() if client.program == "browser.mjs" else "",
        **client.given,
    }
    runner = workshop.python if client.program.endswith(".py") else "node"
    process = await asyncio.create_subprocess_exec(
        *(runner, client.program, json.dumps(told)),
        cwd=workshop.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(seconds + _PATIENCE):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, f"{client.name}: {err.decode()[-3000:]}"
    return msgspec.json.decode(out.splitlines()[-1], type=Report)
