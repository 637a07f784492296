"""Meta's Graph API as far as leads need it: one lead, a page's forms, a form's leads in pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from shared.kernel.instants import Instant, to_datetime
from tests.services.ingest.hooks.vendor import Answer, Asked

TOKEN = "a page token"
FORM = "1616801872291121"
PAGE = "134587"


class FakeGraph:
    """Holds leads by form; gives out ``at_once`` of a list at most."""

    def __init__(self) -> None:
        self.token = TOKEN
        self.at_once = 2
        self.leads: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, Answer] = {}
        """What the list of a form is answered instead."""

    def add(self, lead_id: str, *, at: Instant, email: str, form: str = FORM) -> None:
        self.leads[lead_id] = {
            "id": lead_id,
            "created_time": f"{to_datetime(at):%Y-%m-%dT%H:%M:%S+0000}",
            "form_id": form,
            "campaign_id": "120210000000000001",
            "field_data": [{"name": "email", "values": [email]}],
        }

    def __call__(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return Answer(400, {"error": {"message": "Session has expired", "code": 190}})
        *head, last = asked.path.strip("/").split("/")
        if last == "leadgen_forms":
            forms = sorted({lead["form_id"] for lead in self.leads.values()})
            return self._page([{"id": form} for form in forms] if head == [PAGE] else [], asked)
        if last == "leads" and head[0] in self.answers:
            return self.answers[head[0]]
        if last == "leads":
            return self._page(self._listed(head[0], msgspec.json.decode(asked.query["filtering"])), asked)
        lead = self.leads.get(last)
        if lead is None:
            error = {"message": "Unsupported get request", "code": 100, "error_subcode": 33}
            return Answer(400, {"error": error})
        return Answer(200, lead)

    def _listed(self, form: str, filtering: list[dict[str, Any]]) -> list[dict[str, Any]]:
        found = []
        for lead in self.leads.values():
            made = datetime.fromisoformat(lead["created_time"]).astimezone(UTC).timestamp()
            bounds = {one["operator"]: one["value"] for one in filtering}
            if lead["form_id"] == form and bounds["GREATER_THAN"] < made < bounds["LESS_THAN"]:
                found.append(lead)
        return found

    def _page(self, rows: list[dict[str, Any]], asked: Asked) -> Answer:
        begins = int(asked.query.get("after", "0"))
        ends = begins + self.at_once
        paging: dict[str, Any] = {"cursors": {"before": str(begins), "after": str(ends)}}
        if ends < len(rows):
            paging["next"] = "https://graph.example/the-same-again"
        return Answer(200, {"data": rows[begins:ends], "paging": paging})
