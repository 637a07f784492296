"""Who gets it, over real HTTP: two hundred claims of one lead, and contact in the instant of the recall.

Rows of docs/requirements.md: R4 R6.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
import pytest

from shared.contracts.topics import ASSIGNMENTS
from shared.kernel.instants import format_instant, parse_instant
from tests.journeys.inside.house import House
from tests.journeys.site import Site

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(25)]

CLAIMS = 200
REPS = [f"rep-{number}" for number in range(1, 7)]
A_LEAD = {
    "title": "Director",
    "industry": "manufacturing",
    "company": {"name": "Northwind", "employees": 650},
}


async def hot_leads(site: Site, count: int) -> list[str]:
    """So many people at once who are hot enough for sales."""
    for number in range(count):
        who = f"u-{number}"
        await site.call("identify", userId=who, traits={**A_LEAD, "email": f"{who}@example.com"})
        await site.track("Demo Requested", userId=who)
        await site.page("/pricing", userId=who)
        await site.track("Document Downloaded", {"kind": "white_paper", "document": "w"}, userId=who)
    return [await site.lead_of(email=f"u-{number}@example.com") for number in range(count)]


async def said_of(house: House, lead: str) -> list[str]:
    """The kinds of what routing said of a lead, in order."""
    events = [one for one in await house.said(ASSIGNMENTS.name) if one.subject == lead]
    return [one.type.split(".")[1] for one in events]


async def test_of_two_hundred_claims_at_once_one_wins_and_the_others_are_told_why(
    site_on_each_log: Site,
) -> None:
    site = site_on_each_log
    house = House(site)
    (lead,) = await hot_leads(site, 1)
    owner = (await house.routed(lead))["owner"]
    await site.pass_time(days=3)  # nobody calls; the clock takes it away
    assert (await house.routed(lead))["place"] == "pool"
    claimants = [rep for rep in REPS if rep != owner]
    for rep in claimants:  # everybody has a token before the race
        await house.get("/routing/v1/pool", by=rep)

    path = f"/routing/v1/leads/{lead}/claim"

    async def claim(number: int) -> httpx.Response:
        answer = await house.post(path, by=claimants[number % 5], key=f"claim-{number}")
        for _ in range(20):
            if answer.status_code != 503:
                break
            # the machine is busy: asked again under the same key
            answer = await house.post(path, by=claimants[number % 5], key=f"claim-{number}")
        return answer

    answers = await asyncio.gather(*(claim(number) for number in range(CLAIMS)))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: CLAIMS - 1}
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    refusals = [answer.json() for answer in answers if answer.status_code == 409]
    assert {refusal["code"] for refusal in refusals} == {"routing.already_owned"}
    assert all(refusal["detail"] for refusal in refusals)
    routed = await house.routed(lead)
    assert (routed["owner"], routed["place"]) == (won["owner"], "owned")
    assert [clock["name"] for clock in routed["clocks"]][-1] == "recall"
    assert (await said_of(house, lead)).count("lead_claimed") == 1
    # asked again, each hears what it heard
    again = await asyncio.gather(
        *(house.post(path, by=claimants[n % 5], key=f"claim-{n}") for n in range(20))
    )
    assert [one.status_code for one in again] == [one.status_code for one in answers[:20]]
    assert await house.audit() == {}


async def test_of_recall_and_contact_in_the_same_instant_one_wins_and_the_other_says_why(
    site_on_each_log: Site,
) -> None:
    site = site_on_each_log
    house = House(site)
    leads = await hot_leads(site, 24)
    standing = {lead: await house.routed(lead) for lead in leads}
    (due,) = {one["due"] for one in standing.values()}
    recall = parse_instant(due)
    for one in standing.values():
        await house.get("/routing/v1/pool", by=one["owner"])
    await site.platform.advance_to(recall - 1)

    # the clock and the reps, each at the very instant: half of them at once, half when it has rung
    contact = {"way": "phone", "result": "reached", "note": "wants to see it run"}
    early, late = leads[:12], leads[12:]
    site.platform.clock.advance_to(recall)
    answers = dict(
        zip(
            early,
            await asyncio.gather(
                *(
                    house.post(f"/routing/v1/leads/{lead}/follow-ups", contact, by=standing[lead]["owner"])
                    for lead in early
                )
            ),
            strict=True,
        )
    )
    await site.platform.drained()
    assert format_instant(site.now) == due
    for lead in late:
        owner = standing[lead]["owner"]
        answers[lead] = await house.post(f"/routing/v1/leads/{lead}/follow-ups", contact, by=owner)

    for lead, answer in answers.items():
        said, routed = await said_of(house, lead), await house.routed(lead)
        if answer.status_code == 200:
            assert lead in early
            assert (said.count("lead_contacted"), said.count("lead_recalled")) == (1, 0)
            assert routed["owner"] == standing[lead]["owner"]
        else:
            assert (answer.status_code, answer.json()["code"]) == (409, "routing.recalled")
            assert due in answer.json()["detail"]
            assert (said.count("lead_contacted"), said.count("lead_recalled")) == (0, 1)
            assert (routed["owner"], routed["place"]) == (None, "pool")
    assert {answers[lead].status_code for lead in late} == {409}
    assert await house.audit() == {}
