"""The clients of the story: they send over HTTP what websites, partners and forms really send."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from types import TracebackType
from typing import Final, Self

import httpx

from leadmill.demo.visits import Capture, Report, Session, Submission, Visit
from shared.kernel.errors import Unavailable
from shared.kernel.instants import format_instant

_AT_ONCE: Final = 16


class RequestFailed(Unavailable):
    """The platform refused a request of the demo that it should have taken."""

    code = "demo.request_failed"


@dataclass(slots=True)
class Sent:
    """What was sent so far: requests and messages by kind, and how long each answer took, in seconds."""

    requests: dict[str, int] = field(default_factory=dict)
    messages: int = 0
    seconds: list[float] = field(default_factory=list)

    def add(self, kind: str, *, messages: int, seconds: float) -> None:
        """Count one request."""
        self.requests[kind] = self.requests.get(kind, 0) + 1
        self.messages += messages
        self.seconds.append(seconds)

    def percentile(self, share: float) -> float:
        """Return how long at most this share of the requests took, in milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else 0.0


class Clients:
    """Sends visits; an asynchronous context manager."""

    def __init__(self, address: str, *, write_keys: Mapping[str, str]) -> None:
        """Prepare to send to ``address`` with one write key per source."""
        self.sent = Sent()
        self._keys = write_keys
        self._http = httpx.AsyncClient(
            base_url=address, timeout=30, limits=httpx.Limits(max_connections=_AT_ONCE), trust_env=False
        )
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def send_all(self, visits: Sequence[Visit]) -> None:
        """Send these visits: those of one person one after the other, those of different people together.

        :raises RequestFailed: if one is refused.
        """
        by_person: dict[int, list[Visit]] = {}
        for visit in visits:
            by_person.setdefault(visit.person.number, []).append(visit)
        async with asyncio.TaskGroup() as tasks:
            for own in by_person.values():
                tasks.create_task(self._send_in_order(own))

    async def _send_in_order(self, visits: Sequence[Visit]) -> None:
        async with self._room:
            for visit in visits:
                match visit:
                    case Session():
                        for _ in range(1 + visit.is_repeated):
                            await self._send_session(visit)
                    case Capture():
                        await self._send_capture(visit)
                    case Submission():
                        await self._send_submission(visit)
                    case Report():
                        await self._send_report(visit)

    async def _send_session(self, session: Session) -> None:
        await self.send_batch(session.calls, source=session.source, sent=format_instant(session.at))

    async def send_batch(
        self, calls: Sequence[Mapping[str, object]], *, source: str, sent: str | None = None
    ) -> None:
        """Send calls of the SDK protocol as one batch, with the key as SDKs send it.

        :raises RequestFailed: if it is refused.
        """
        batch: dict[str, object] = {"batch": calls}
        if sent is not None:
            batch["sentAt"] = sent
        credentials = b64encode(f"{self._keys[source]}:".encode()).decode()
        await self._post(
            "SDK batches",
            "/v1/batch",
            messages=len(calls),
            json=batch,
            headers={"authorization": f"Basic {credentials}"},
        )

    async def _send_capture(self, capture: Capture) -> None:
        headers = {"x-write-key": self._keys[capture.source]}
        await self._post("leads (JSON)", "/v1/leads", messages=1, json=capture.lead, headers=headers)

    async def _send_submission(self, submission: Submission) -> None:
        form = f"/f/{self._keys[submission.source]}"
        await self._post("HTML forms", form, messages=1, data=submission.fields)

    async def _send_report(self, report: Report) -> None:
        headers = {"x-write-key": self._keys[report.source]}
        await self._post(report.what, f"/v1/{report.what}", messages=1, json=report.body, headers=headers)

    async def _post(
        self,
        kind: str,
        path: str,
        *,
        messages: int,
        json: object = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        begun = perf_counter()
        response = await self._http.post(path, json=json, data=data, headers=headers)
        self.sent.add(kind, messages=messages, seconds=perf_counter() - begun)
        if response.status_code not in {200, 303}:
            raise RequestFailed(
                f"{kind}: {path.partition('/f/')[0] or '/f/…'} answered {response.status_code}"
            )
