"""LinkedIn's Lead Sync API as far as leads need it: leads, forms, an owner's leads by time."""

from __future__ import annotations

import re
from typing import Any

from shared.kernel.instants import MILLISECOND, Instant
from tests.services.ingest.hooks.vendor import Answer, Asked

TOKEN = "a token"
ACCOUNT = "urn:li:sponsoredAccount:522529623"
_ENCODED = "urn%3Ali%3AsponsoredAccount%3A522529623"


class FakeLeadSync:
    """Holds leads of one account, all of one form."""

    def __init__(self) -> None:
        self.leads: dict[str, dict[str, Any]] = {}
        self.has_form = True

    def add(self, lead_id: str, *, at: Instant, email: str) -> None:
        answer = {"questionId": 3, "answerDetails": {"textQuestionAnswer": {"answer": email}}}
        self.leads[lead_id] = {
            "id": lead_id,
            "leadType": "SPONSORED",
            "submittedAt": at // MILLISECOND,
            "versionedLeadGenFormUrn": "urn:li:versionedLeadGenForm:(urn:li:leadGenForm:3162,1)",
            "formResponse": {"answers": [answer]},
        }

    def __call__(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer(401, {"message": "expired"})
        if not asked.headers.get("linkedin-version") or not asked.headers.get("x-restli-protocol-version"):
            return Answer(400, {"message": "no version"})
        kind, _, last = asked.path.strip("/").partition("/")
        if kind == "leadForms":
            question = {"questionId": 3, "predefinedField": "EMAIL"}
            form = {"id": 3162, "content": {"questions": [question]}}
            return Answer(200, form) if self.has_form else Answer(404, {})
        if last:
            return Answer(200, self.leads[last]) if last in self.leads else Answer(404, {})
        return Answer(200, {"elements": self._listed(asked)})

    def _listed(self, asked: Asked) -> list[dict[str, Any]]:
        # what REST.li wants is not encoded: parentheses and colons stand as they are
        assert f"owner=(sponsoredAccount:{_ENCODED})" in asked.target, asked.target
        span = re.search(r"submittedAtTimeRange=\(start:(\d+),end:(\d+)\)", asked.target)
        assert span is not None, asked.target
        begins, ends = (int(part) for part in span.groups())
        first = int(asked.query["start"])
        rows = [lead for lead in self.leads.values() if begins <= lead["submittedAt"] < ends]
        return rows[first : first + int(asked.query["count"])]
