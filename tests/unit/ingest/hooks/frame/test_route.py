"""The route of hooks, whatever the vendor: whose key counts, what is refused, and how."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.log.port import LogUnavailable
from tests.unit.ingest.edge.house import BASIC, KEY, House

LEAD = {"lead_id": "1", "google_key": "k"}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    made.hook_secrets["website", "google-ads"] = {"google_key": "k"}
    yield made
    await made.client.aclose()


async def test_only_the_key_in_the_path_counts(house: House) -> None:
    answer = await house.client.post(
        f"/hooks/google-ads/nobody?writeKey={KEY}", json=LEAD, headers={"authorization": BASIC}
    )
    assert answer.status_code == 401
    assert not house.raws


async def test_too_fast_is_never_a_final_answer(house: House) -> None:
    house.hook_secrets["partner", "google-ads"] = {"google_key": "k"}
    answers = [await house.client.post("/hooks/google-ads/slow_key", json=LEAD) for _ in range(4)]
    assert {answer.status_code for answer in answers[:-1]} == {200}
    assert answers[-1].status_code == 503
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert set(answers[-1].json()) == {"message", "code"}


async def test_a_log_that_is_away_is_told_in_the_vendors_words(house: House) -> None:
    house.sink.trouble = LogUnavailable()
    answer = await house.client.post(f"/hooks/google-ads/{KEY}", json=LEAD)
    assert answer.status_code == 503
    assert set(answer.json()) == {"message", "code"}


async def test_another_method_is_told_so(house: House) -> None:
    assert (await house.client.get(f"/hooks/google-ads/{KEY}")).status_code == 405
    assert (await house.client.put(f"/hooks/google-ads/{KEY}", json=LEAD)).status_code == 405


async def test_what_is_too_large_is_kept_for_quarantine_with_its_beginning(house: House) -> None:
    answer = await house.client.post(f"/hooks/google-ads/{KEY}", json={**LEAD, "lead_stage": "x" * 40_000})
    assert answer.status_code == 200
    (raw,) = house.raws
    assert (raw.kind, len(raw.content)) == ("oversize", 8 * 1024)
