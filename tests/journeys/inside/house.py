"""The inside of the house: reps, managers and officers, what they ask and do, and what the audit says."""

from __future__ import annotations

from typing import Any

import httpx

from leadmill.audit.comparing import audit_deployment
from shared.contracts.envelope import Envelope, decode_envelope
from shared.kernel.instants import format_instant
from shared.runtime.blueprint import StoryLine
from tests.journeys.site import Site

HANDOVER = {
    "pain_point": "slow changeovers",
    "current_solution": "spreadsheets",
    "purchase_time": "3_months",
    "budget": "yes",
    "decision_maker": "yes",
}
"""A hand-over list that lacks nothing (R8)."""


class House:
    """Everybody with a token, each by the name of a role or of a rep."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._tokens: dict[str, str] = {}

    async def _headers(self, by: str) -> dict[str, str]:
        if by not in self._tokens:
            is_rep = by.startswith("rep-")
            self._tokens[by] = await self.site.deployment.access.add_token(
                by, role="rep" if is_rep else by, subject=by if is_rep else None
            )
        return {"authorization": f"Bearer {self._tokens[by]}"}

    async def get(self, path: str, *, by: str = "manager", **query: str) -> Any:
        """Ask, once everything has taken effect."""
        await self.site.platform.drained()
        answer = await self.site.clients.get(path, params=query, headers=await self._headers(by))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(
        self, path: str, body: Any = None, *, by: str = "manager", key: str = ""
    ) -> httpx.Response:
        """Act, at once; whatever the answer is."""
        headers = {**await self._headers(by), **({"idempotency-key": key} if key else {})}
        return await self.site.clients.post(path, json=body or {}, headers=headers)

    async def do(self, path: str, body: Any = None, *, by: str = "manager", key: str = "") -> Any:
        """Act, and expect to be allowed to."""
        answer = await self.post(path, body, by=by, key=key)
        assert answer.status_code in {200, 202}, answer.text
        return answer.json()

    async def report(self, path: str, *, source: str, **fields: Any) -> None:
        """Let a sales system or an ad platform report an outcome or a cost."""
        site = self.site
        if source not in site.keys:
            site.keys[source] = await site.deployment.access.add_key(source)
        body = {"occurred_at": format_instant(site.now), **fields}
        answer = await site.clients.post(path, json=body, headers={"x-write-key": site.keys[source]})
        assert answer.status_code == 200, answer.text

    async def routed(self, lead: str) -> Any:
        """What routing tells of a lead."""
        return await self.get(f"/routing/v1/leads/{lead}")

    async def nurtured(self, lead: str) -> Any:
        """What nurture tells of a lead."""
        return await self.get(f"/nurture/v1/leads/{lead}")

    async def credited(self, model: str, **query: str) -> dict[str | None, str]:
        """Who is credited with what, by campaign."""
        body = await self.get("/analytics/v1/attribution", model=model, **query)
        return {row["campaign"]: row["amount"] for row in body["rows"]}

    async def explain(self, lead: str) -> list[StoryLine]:
        """The lines that ``leadmill explain`` prints."""
        await self.site.platform.drained()
        lines = [line for one in self.site.platform.blueprints for line in await one.tell(lead)]
        return sorted(lines, key=lambda line: line.at)

    async def audit(self) -> dict[str, list[str]]:
        """What the whole audit complains about, by check."""
        await self.site.platform.drained()
        platform = self.site.platform
        findings = await audit_deployment(platform.blueprints, platform.ground.log, full=True)
        return {finding.check: list(finding.breaches) for finding in findings if not finding.holds}

    async def rows(self, service: str, sql: str, *arguments: object) -> list[Any]:
        """Rows of a service's own tables."""
        blueprint = next(one for one in self.site.platform.blueprints if one.name == service)
        async with blueprint.database.connection() as connection:
            return list(await connection.fetch(sql, *arguments))

    async def said(self, topic: str) -> list[Envelope]:
        """Every event that lies on a topic, each once, as whoever reads it takes it.

        Where the log's answer is late on a busy machine, a batch lies there twice, under the same ids.
        """
        said = [
            decode_envelope(record.value)
            for record in await self.site.records(topic)
            if record.value is not None
        ]
        return list({one.id: one for one in said}.values())
