"""``python -m tests.operations.real_clients.first_minutes``: the README's first minutes in Chromium.

Runs the README's commands against a platform of its own, puts the form and the Segment snippet on a page
as the README shows them, fills the form in, sends Google's test lead, and takes pictures of what a person
sees. Prints what arrived; exit code 1 if something did not.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from tests.operations.front.pages import README, blocks_of, run_blocks
from tests.operations.real_clients.ground import Ground, run_platform
from tests.operations.real_clients.packages import Workshop, find_chromium

_PERSON: Final = {
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "company_name": "Analytical Ltd",
    "title": "CTO",
    "message": "How do we begin?",
}
_ANOTHER: Final = {"name": "王伟", "phone": "13800138000", "company_name": "精工制造", "title": "总经理"}
_ANALYTICS: Final = "node_modules/@segment/analytics-next/dist/umd/standalone.js"


def run(ground: Ground, workshop: Workshop, pictures: Path) -> Sequence[tuple[str, bool]]:
    """Do what the README says; return what must hold and whether it does."""
    folder = Path(tempfile.mkdtemp(prefix="leadmill-first-minutes-"))
    prepare, test_lead, look = blocks_of(README)
    told = 'printf "%s\\n%s\\n%s\\n" "$KEY" "$TOKEN" "$HOOK"'
    port = ground.platform.port
    done = run_blocks([prepare, told], port=port, environment=ground.environment, folder=folder)
    key, token, hook = done.stdout.split()
    (snippet,) = blocks_of(README, "html")
    snippet = snippet.replace("localhost:8080", f"127.0.0.1:{port}").replace('"KEY"', json.dumps(key))
    style = (
        "<style>body { font: 16px/1.5 sans-serif; margin: 2rem } input, textarea { font: inherit }</style>"
    )
    form = (folder / "contact.html").read_text()
    page = folder / "index.html"
    page.write_text(
        f"<!doctype html><meta charset=utf-8><title>Pricing</title>{style}{snippet}<h1>Talk to us</h1>{form}"
    )
    sent = run_blocks([f"HOOK={hook}", test_lead], port=port, environment=ground.environment, folder=folder)
    seen = _browse(
        ground, workshop, {"page": str(page), "key": key, "token": token, "pictures": str(pictures)}
    )
    looked = run_blocks([look], port=port, environment=ground.environment, folder=folder)
    print(looked.stdout)
    bearer = {"authorization": f"Bearer {token}"}
    ada = _find(ground, bearer, email=_PERSON["email"])
    story = ground.command("explain", ada[0]["id"]).out if ada else ""
    wei = _find(ground, bearer, phone=_ANOTHER["phone"])
    sources = {one["source"]: one for one in json.loads(ground.command("sources", "--json").out)["sources"]}
    return [
        ("the snippet's page view is answered with success", seen["view"] == {"success": True}),
        ("the form leads to a page of thanks, in English", "Thank you" in seen["thanks"]),
        ("the form's own page leads to one in Chinese", "感谢" in seen["thanksInChinese"]),
        ("Ada is a lead, and so is 王伟", len(ada) == len(wei) == 1 and ada[0]["id"] != wei[0]["id"]),
        ("the visit to the page is in Ada's story", "page_viewed" in story),
        ("Google's test lead is answered as Google wants it", sent.stdout.strip() == "{}"),
        ("the test lead lies apart", sources["ads"]["test_leads"] == 1 and not sources["ads"]["processed"]),
        ("two forms and a page view were worked off", sources["website"]["processed"] == 3),
        ("nothing of the site is in quarantine", sources["website"]["quarantined"] == {}),
        ("the sources' page names both", "website" in seen["sources"] and "ads" in seen["sources"]),
        (f"the browser had nothing to complain of {seen['problems']}", not seen["problems"]),
    ]


def _browse(ground: Ground, workshop: Workshop, given: dict[str, str]) -> Any:
    told = {
        **given,
        "address": ground.platform.address,
        "analytics": str(workshop.folder / _ANALYTICS),
        "chromium": find_chromium(),
        "person": _PERSON,
        "another": _ANOTHER,
        "settling": 4,
    }
    done = subprocess.run(
        ["node", "first_minutes.mjs", json.dumps(told)],
        cwd=workshop.folder,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def _find(ground: Ground, bearer: dict[str, str], **asked: str) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 30
    while True:
        answer = httpx.get(
            f"{ground.platform.address}/v1/leads", params=asked, headers=bearer, trust_env=False
        )
        found: list[dict[str, Any]] = answer.json()["leads"]
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, help="where the pictures go (default: a temporary folder)")
    options = parser.parse_args()
    pictures = options.pictures or Path(tempfile.mkdtemp(prefix="leadmill-pictures-"))
    workshop = Workshop()
    workshop.install()
    with run_platform("embedded") as ground:
        held = run(ground, workshop, pictures)
    for what, holds in held:
        print(f"{'ok  ' if holds else 'NOT '} {what}")
    print(f"pictures: {pictures}")
    return 0 if all(holds for _, holds in held) else 1


if __name__ == "__main__":
    sys.exit(main())
