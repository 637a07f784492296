"""The stream of tier changes: whoever comes back goes on where it broke off, without gap or repeat."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import NamedTuple

import httpx
import pytest

from services.scoring.domain.activation.told import Activation, ActivationRow, SaidActivation
from services.scoring.domain.told_changes import TierChangeRow, ToldChange
from services.scoring.queries.telling import event_of
from services.scoring.queries.tier_stream import BEGINNING, TierStream
from services.scoring.store.leads import save_rows
from shared.kernel.instants import MINUTE
from tests.services.scoring.deeds import Deeds, lead_id
from tests.services.scoring.stand import Stand
from tests.services.surroundings.asking import app_of
from tests.unit.scoring.stories import START, day
from tests.unit.scoring.webhooks.examples import change

pytestmark = pytest.mark.lasts(20)

STREAM = "/scoring/v1/tier-changes/stream"


class Received(NamedTuple):
    """One event as a client got it: its id, the lead and the change in short."""

    id: str
    lead: str
    change: str


class Looks:
    """How often the stream has looked for more and found nothing."""

    def __init__(self) -> None:
        self.in_vain = 0
        self._look = TierStream.find_changes

    async def find_changes(self, stream: TierStream, after: str) -> Sequence[ToldChange | SaidActivation]:
        found = await self._look(stream, after)
        self.in_vain += not found
        return found

    async def await_more_than(self, count: int) -> None:
        async with asyncio.timeout(90):
            while self.in_vain <= count:
                await asyncio.sleep(0.01)


class Listener:
    """A client of the stream: listens until it has got so many changes, then breaks off."""

    def __init__(self, stand: Stand, looks: Looks) -> None:
        self.stopping = asyncio.Event()
        self.looks = looks
        self._app = app_of(
            "scoring",
            stand.blueprint.routers,
            clock=stand.clock,
            statuses=stand.blueprint.statuses,
            stopping=self.stopping,
        )

    async def listen(
        self, *, after: str | None = None, begin: str = "now", until: asyncio.Event | None = None
    ) -> tuple[str, list[Received]]:
        """Return the last id that was given and the changes; ends when ``until`` is set, else at once."""
        headers = {"authorization": "Bearer service"} | ({"last-event-id": after} if after else {})
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
            seen = self.looks.in_vain
            request = asyncio.create_task(client.get(STREAM, params={"begin": begin}))
            if until is not None:
                await until.wait()
                seen = self.looks.in_vain + 1  # the one that was on its way may have been too early
            await self.looks.await_more_than(seen)
            self.stopping.set()
            answer = await request
            self.stopping.clear()
        assert answer.status_code == 200, answer.text
        last, received = "", []
        for block in answer.text.split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if line and line[0] != ":")
            last = lines.get("id", last)
            if "data" in lines:
                data = json.loads(lines["data"])
                if lines["event"] == "tier_changed":
                    change = f"{data['model']} {data['from_tier']} > {data['to_tier']}"
                else:
                    change = f"{lines['event']} {data['model']} {data['cycle']}"
                received.append(Received(lines["id"], data["lead"], change))
        return last, received


@pytest.fixture
async def listener(small_stand: Stand, monkeypatch: pytest.MonkeyPatch) -> Listener:
    """A client of a scoring that runs."""
    looks = Looks()

    async def find_changes(stream: TierStream, after: str) -> Sequence[ToldChange | SaidActivation]:
        return await looks.find_changes(stream, after)

    monkeypatch.setattr(TierStream, "find_changes", find_changes)
    await small_stand.start_worker()
    return Listener(small_stand, looks)


async def becomes_warm(stand: Stand, deeds: Deeds, *people: str) -> None:
    await stand.learn(
        *(
            deeds.is_known_as(who, START, industry="pharma", title_level="director", size="500_plus")
            for who in people
        )
    )


async def all_told(stand: Stand) -> list[str]:
    async with stand.database.connection() as connection:
        rows = await connection.fetch("SELECT lead, model FROM tier_change ORDER BY written, number")
    return [f"{row['lead']} {row['model']}" for row in rows]


async def test_a_client_hears_what_is_told_while_it_listens(
    small_stand: Stand, listener: Listener, deeds: Deeds
) -> None:
    await becomes_warm(small_stand, deeds, "before")
    heard, seen = asyncio.Event(), listener.looks.in_vain
    listening = asyncio.create_task(listener.listen(until=heard))
    await listener.looks.await_more_than(seen)
    await becomes_warm(small_stand, deeds, "ada")
    heard.set()
    _, received = await listening
    assert {one.lead for one in received} == {lead_id("ada")}
    assert {one.change for one in received} == {"five_step cold > warm", "mql D > C"}


async def test_from_the_first_change_on_nothing_is_left_out(
    small_stand: Stand, listener: Listener, deeds: Deeds
) -> None:
    await becomes_warm(small_stand, deeds, *(f"person {number}" for number in range(120)))
    _, received = await listener.listen(begin="first")
    assert len(received) == 240  # more than one read of the stream
    assert sorted(f"{one.lead} {one.change.split()[0]}" for one in received) == sorted(
        await all_told(small_stand)
    )


async def test_coming_back_with_the_last_id_leaves_no_gap_and_repeats_nothing(
    small_stand: Stand, listener: Listener, deeds: Deeds
) -> None:
    await becomes_warm(small_stand, deeds, "ada", "ben", "cem")
    _, everything = await listener.listen(begin="first")
    for place, one in enumerate(everything):
        _, rest = await listener.listen(after=one.id)
        assert rest == everything[place + 1 :]


async def test_whoever_heard_nothing_yet_comes_back_to_where_it_first_listened(
    small_stand: Stand, listener: Listener, deeds: Deeds
) -> None:
    first, received = await listener.listen()
    assert received == []
    await becomes_warm(small_stand, deeds, "ada")
    _, received = await listener.listen(after=first)
    assert [one.lead for one in received] == [lead_id("ada")] * 2

    here, received = await listener.listen()
    assert received == []
    await small_stand.learn(deeds.asked_for_demo("ada", START + MINUTE), deeds.viewed("ada", day(1)))
    _, received = await listener.listen(after=here)
    assert {one.change for one in received} == {"five_step warm > hot", "mql C > B"}


async def test_a_change_is_shown_only_when_none_can_come_before_it(
    small_stand: Stand, listener: Listener, deeds: Deeds
) -> None:
    """Numbers are drawn before commit: an older transaction may commit later, and must not be skipped."""
    await becomes_warm(small_stand, deeds, "ada")
    place, _ = await listener.listen(begin="first")
    copy = (
        "INSERT INTO tier_change (lead, model, model_version, cause, told_at, at, direction, from_tier,"
        " to_tier, points, restated, details) SELECT $1, model, model_version, $1, told_at, at, direction,"
        " from_tier, to_tier, points, restated, details FROM tier_change ORDER BY number LIMIT 1"
    )
    database = small_stand.database
    async with database.transaction() as slow:
        await slow.execute(copy, "slow")
        async with database.transaction() as fast:
            await fast.execute(copy, "fast")
        _, received = await listener.listen(after=place)
        assert received == []
    _, received = await listener.listen(after=place)
    assert [one.lead for one in received] == ["slow", "fast"]


async def test_of_a_lead_the_stream_keeps_the_order_of_telling_also_within_one_transaction(
    small_stand: Stand,
) -> None:
    """The crash matrix: an activation by one fact was shown behind a change of tier by the next one."""

    def rose(lead: str, cause: str) -> TierChangeRow:
        return TierChangeRow(lead, cause, START, change().change, {}, f"{lead} {cause}")

    def activated(lead: str, cycle: int) -> ActivationRow:
        told = Activation("mql", 1, cycle, START, 95_000, ())
        return ActivationRow(lead, f"cycle {cycle}", START, told, {}, f"{lead} cycle {cycle}")

    rows: list[TierChangeRow | ActivationRow] = [
        *(activated("ada", 1), rose("ada", "one"), rose("ada", "two")),
        *(activated("ada", 2), rose("ada", "three")),
        *(rose("ben", "one"), activated("ben", 1), activated("cem", 1)),
    ]
    async with small_stand.database.transaction() as transaction:
        await save_rows(transaction, rows)
    said = await TierStream(small_stand.database).find_changes(BEGINNING)
    for lead in ("ada", "ben", "cem"):
        told = [event_of(one) for one in said if one.lead == lead]
        assert told == [row.event for row in rows if row.lead == lead]


async def test_activations_are_events_of_their_own_in_the_same_order(
    small_stand: Stand, listener: Listener, deeds: Deeds
) -> None:
    await small_stand.learn(
        deeds.is_known_as("ada", START, industry="pharma", title_level="cxo", size="500_plus", region="cn")
    )
    await small_stand.learn(deeds.asked_for_demo("ada", START + MINUTE), deeds.viewed("ada", day(1)))
    await small_stand.learn(deeds.lost("ada", day(2)))
    await small_stand.learn(deeds.viewed("ada", day(3)), deeds.asked_for_demo("ada", day(3)))
    _, everything = await listener.listen(begin="first")
    changes = [one.change for one in everything]
    assert changes[-3:] == ["mql B > A", "lead_activated mql 1", "lead_activated mql 2"]
    for place, one in enumerate(everything):
        _, rest = await listener.listen(after=one.id)
        assert rest == everything[place + 1 :]
    now, received = await listener.listen()
    assert (now, received) == (everything[-1].id, [])


@pytest.mark.parametrize("cursor", ["x", "1", "1.x", "-1.2", "1.2.3", "99999999999999999999999.1", "٣.٣"])
async def test_an_id_that_is_none_of_ours_is_refused_before_the_stream_begins(
    listener: Listener, cursor: str
) -> None:
    headers = {"authorization": "Bearer read", "last-event-id": cursor.encode()}
    transport = httpx.ASGITransport(listener._app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get(STREAM, headers=headers)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (400, "scoring.cursor_malformed")
