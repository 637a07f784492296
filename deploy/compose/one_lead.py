"""One lead from HTTP to credit, told as it happens: what `deploy/compose/smoke.sh` sends and waits for.

Reads ``KEY`` (a write key), ``TOKEN`` (an administrator's) and the ports ``PORT_INGEST``, ``PORT_ROUTING``
and ``PORT_ANALYTICS`` from the environment; speaks to loopback only. Ends with code 1 if an answer
does not come within two minutes.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, Final

PATIENCE: Final = 120.0
CAMPAIGN: Final = "spring-smoke"
DEVICE: Final = "smoke-browser-1"
EMAIL: Final = "lin.wei@example.com"

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class StepFailed(Exception):
    """What was waited for did not come."""


def call(
    service: str,
    path: str,
    *,
    body: object = None,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """Ask a service on loopback and return its JSON. :raises urllib.error.HTTPError: if it refuses."""
    url = f"http://127.0.0.1:{os.environ[f'PORT_{service.upper()}']}{path}"
    given = dict(headers or {})
    data: bytes | None = None
    if form is not None:
        data = urllib.parse.urlencode(form).encode()
    elif body is not None:
        data = json.dumps(body).encode()
        given["content-type"] = "application/json"
    request = urllib.request.Request(url, data=data, headers=given)
    with _opener.open(request, timeout=10) as answer:
        return json.loads(answer.read())


def say(text: str) -> None:
    """Tell one step."""
    sys.stdout.write(f"  {text}\n")
    sys.stdout.flush()


def await_answer(what: str, ask: Callable[[], Any]) -> Any:
    """Return the first answer of ``ask`` that is not empty. :raises StepFailed: if none comes in time."""
    begun = time.monotonic()
    last = "nothing was found"
    while time.monotonic() - begun < PATIENCE:
        try:
            if found := ask():
                return found
        except (urllib.error.URLError, TimeoutError) as error:
            last = str(error)
        time.sleep(0.5)
    raise StepFailed(f"{what}: not within {PATIENCE:.0f} s ({last})")


def main() -> None:
    """Send the lead in and follow it. :raises StepFailed: at the first step that does not come."""
    key = {"x-write-key": os.environ["KEY"]}
    token = {"authorization": f"Bearer {os.environ['TOKEN']}"}
    who = {"anonymousId": DEVICE}
    page = {
        **who,
        "name": "Pricing",
        "properties": {
            "url": f"https://www.example.com/pricing?utm_source=google&utm_medium=cpc&utm_campaign={CAMPAIGN}",
            "path": "/pricing",
            "title": "Pricing",
        },
        "context": {"campaign": {"name": CAMPAIGN, "source": "google", "medium": "cpc"}},
    }
    call("ingest", "/v1/page", body=page, headers=key)
    say(f"page view of /pricing, campaign {CAMPAIGN}: accepted")
    call("ingest", "/v1/track", body={**who, "event": "Demo Requested", "properties": {}}, headers=key)
    fields = {
        "_form": "contact",
        "_anonymous_id": DEVICE,
        "Full name": "Lin Wei",
        "email": EMAIL,
        "company": "Example Works",
        "Job title": "Director of IT",
        "industry": "制造业",
        "employees": "120",
        "region": "上海",
        "start_within_months": "1",
    }
    call("ingest", f"/f/{os.environ['KEY']}", form=fields)
    say("form with an e-mail address: accepted")

    search = f"/v1/leads?email={urllib.parse.quote(EMAIL)}"
    lead = await_answer("the lead", lambda: call("ingest", search, headers=token)["leads"])[0]["id"]
    say(f"ingest made lead {lead} of both")

    routed = await_answer(
        "an owner", lambda: _owned(call("routing", f"/routing/v1/leads/{lead}", headers=token))
    )
    say(f"scoring says {routed['tiers']}; routing gave it to {routed['owner']} ({routed['reason']})")

    won = {"kind": "won", "opportunity": "OP-1", "amount": 288000, "currency": "CNY", "email": EMAIL}
    call("ingest", "/v1/outcomes", body=won, headers=key)
    say("outcome won, CNY 288000: accepted")
    report = "/analytics/v1/attribution?model=u&by=campaign&currency=CNY"
    row = await_answer("credit", lambda: _credited(call("analytics", report, headers=token)))
    say(f"analytics credits {row['amount']} {row['currency']} to campaign {row['campaign']}")


def _owned(answer: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return answer if answer.get("owner") else None


def _credited(answer: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((row for row in answer["rows"] if row["campaign"] == CAMPAIGN and row["minor"] > 0), None)


if __name__ == "__main__":
    try:
        main()
    except (StepFailed, urllib.error.HTTPError) as error:
        sys.stderr.write(f"one lead: {error}\n")
        raise SystemExit(1) from None
