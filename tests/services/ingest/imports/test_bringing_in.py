"""A table is brought in: every row is accounted for, twice changes nothing, a kill loses nothing."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from services.ingest.domain.imports.options import ImportOptions
from services.ingest.jobs.imports import importing
from services.ingest.jobs.imports.desk import ImportDesk, ImportNotReady
from services.ingest.jobs.imports.reading import SLICE
from services.ingest.store.imports.imports import ImportLost, TableImport
from shared.contracts.envelope import Envelope, decode_event
from shared.contracts.events.leads import LeadCaptured
from shared.contracts.events.outcomes import CostRecorded
from shared.contracts.topics import LEADS, OUTCOMES, RAW
from shared.kernel.errors import Rejected
from shared.log.port import Log, LogUnavailable, Producer
from tests.services.ingest.imports.bringing import as_csv, begin, bring_in, desk_of, faults_of
from tests.services.ingest.running import RunningIngest

pytestmark = pytest.mark.postgres

PEOPLE = as_csv(
    "编号,姓名,邮箱,手机,备注",
    "1,张伟,zhang@example.com,13800138000,老客户",
    "2,李娜,li@example.com,1.38E+10,",
    ",,,,",
    "3,王芳,wang@example.com,13700137000.0,",
    ",无名,,,没有联系方式",
    "1,张伟,zhang@example.com,13800138000,老客户",
    '4,"没有结束,x@example.com,,',
)


def captured(ingest_said: Sequence[Envelope]) -> list[LeadCaptured]:
    events = [decode_event(envelope) for envelope in ingest_said]
    return [event for event in events if isinstance(event, LeadCaptured)]


async def test_i11_every_row_is_accounted_for_and_each_refusal_has_one_reason(ingest: RunningIngest) -> None:
    desk = desk_of(ingest)
    one, counts = await bring_in(desk, PEOPLE)
    assert (counts.taken, counts.repeated, counts.refused, counts.empty) == (3, 1, 2, 1)
    assert counts.rows == 7
    assert await faults_of(desk, one) == [(3, "手机", "number.rounded"), (6, "", "row.no_identity")]
    await ingest.settle(counts.taken)
    said = captured(await ingest.said(LEADS.name))
    assert {ref.id for event in said for ref in event.external_ids} == {"1", "3", "4"}
    assert {event.source for event in said} == {"crm"}
    (found,) = await ingest.find(source="crm", external_id="3")
    assert found["phone"] == "+8613700137000"
    (found,) = await ingest.find(email="zhang@example.com")
    assert found["free_text"] == {"备注": "老客户"}
    assert (await desk.find(one.id)).state == "done"
    assert await ingest.breaches() == {}


async def test_i11_the_same_table_again_changes_nothing_in_whatever_order_and_file(
    ingest: RunningIngest,
) -> None:
    desk = desk_of(ingest)
    _, first = await bring_in(desk, PEOPLE)
    await ingest.settle(first.taken)
    heading, *rows = PEOPLE.decode().split("\r\n")
    other = "\r\n".join([heading, *rows[:-1][::-1], rows[-1]]).encode("gb18030")
    for content in (PEOPLE, other):
        one = await desk.begin(
            "leads",
            source="crm",
            digest="again",
            file_name="again.csv",
            options=ImportOptions(),
            is_local=True,
        )
        preview = await desk.check(one, io.BytesIO(content))
        assert (preview.taken, preview.new, preview.repeated) == (0, 0, 4)
        await desk.start(one.id)
        counts = await desk.carry_out(one, io.BytesIO(content), claim="again")
        assert (counts.taken, counts.repeated, counts.rows) == (0, 4, 7)
    assert len(await ingest.records(RAW.name)) == first.taken


async def test_i8_a_corrected_row_replaces_what_it_said_before_and_back_again(ingest: RunningIngest) -> None:
    desk = desk_of(ingest)
    table = "Day,Campaign,Kind,Amount,Currency"
    amounts = ("1200", "1300", "1200", "1200")
    taken = []
    for amount in amounts:
        _, counts = await bring_in(
            desk, as_csv(table, f"2026-03-02,spring,ads,{amount},CNY"), kind="costs", source="ads"
        )
        taken.append(counts.taken)
    assert taken == [1, 1, 1, 0]
    await ingest.settle(3)
    costs = [decode_event(one) for one in await ingest.said(OUTCOMES.name)]
    assert [one.amount.minor for one in costs if isinstance(one, CostRecorded)] == [120000, 130000, 120000]


async def test_a_currency_that_is_only_ours_to_set_keeps_the_row_in_quarantine(ingest: RunningIngest) -> None:
    desk = desk_of(ingest)
    content = as_csv(
        "Kind,Opportunity,Amount,E-mail", "won,OP-1,5,a@example.com", "won,OP-2,¥ 6,b@example.com"
    )
    one, counts = await bring_in(desk, content, kind="outcomes")
    assert (counts.taken, counts.refused) == (1, 1)
    assert await faults_of(desk, one) == [(2, "", "currency.missing")]
    await ingest.settle(2)
    assert await ingest.value("SELECT code FROM quarantine") == "outcome.no_currency"


class DyingLog:
    """A log that takes what is appended, and then the process is gone before it has heard so."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def producer(self, *, name: str) -> DyingProducer:
        return DyingProducer(self._log.producer(name=name))


class DyingProducer:
    """Appends, and says that nothing answered."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    async def start(self) -> None:
        await self._producer.start()

    async def append(self, batches: Any) -> None:
        await self._producer.append(batches)
        raise LogUnavailable

    async def stop(self) -> None:
        await self._producer.stop()


async def test_i11_an_import_that_was_killed_goes_on_where_it_stood_and_takes_effect_once(
    ingest: RunningIngest,
) -> None:
    desk = desk_of(ingest)
    rows = [f"{number},n{number}@example.com" for number in range(SLICE + 200)]
    content = as_csv("ID,E-mail", *rows)
    one = await begin(desk, content)
    dying = ImportDesk(replace(desk.tools, log=cast(Log, DyingLog(desk.tools.log))))
    with pytest.raises(LogUnavailable):
        await dying.carry_out(one, io.BytesIO(content), claim="first")
    assert (await desk.find(one.id)).rows_done == 0
    found = await desk.find_unfinished("leads", source="crm", digest=one.digest)
    assert found is not None
    assert found.id == one.id
    counts = await desk.carry_out(found, io.BytesIO(content), claim="second")
    assert (counts.taken, counts.rows) == (SLICE + 200, SLICE + 200)
    await ingest.settle(2 * SLICE + 200)  # the first slice lies there twice
    assert len(captured(await ingest.said(LEADS.name))) == SLICE + 200
    assert await ingest.value("SELECT count(*) FROM lead WHERE is_captured") == SLICE + 200
    assert await ingest.breaches() == {}


async def test_a_table_is_accepted_without_a_look_only_if_it_can_be_read(ingest: RunningIngest) -> None:
    desk = desk_of(ingest)

    async def accepted(content: bytes) -> TableImport:
        one = await desk.begin(
            "leads",
            source="crm",
            digest=str(hash(content)),
            file_name="table.csv",
            options=ImportOptions(),
            is_local=True,
        )
        await desk.accept(one, io.BytesIO(content))
        return await desk.start(one.id)

    one = await accepted(PEOPLE)
    assert (one.state, one.preview) == ("started", None)
    counts = await desk.carry_out(one, io.BytesIO(PEOPLE), claim="tests")
    assert (counts.taken, counts.repeated, counts.refused, counts.empty) == (3, 1, 2, 1)
    for content, code in (
        (b"%PDF-1.7 and so on", "import.not_a_table"),
        (as_csv("E-mail,Date", "a@example.com,02/03/2026"), "import.dates_ambiguous"),
        (as_csv("Who,Where to write", "1,a@example.com"), "import.columns_missing"),
    ):
        with pytest.raises(Rejected) as raised:
            await accepted(content)
        assert raised.value.reason == code


async def test_an_import_that_another_process_took_over_writes_nothing_more(ingest: RunningIngest) -> None:
    desk = desk_of(ingest)
    content = as_csv("ID,E-mail", *(f"{number},n{number}@example.com" for number in range(600)))
    one = await begin(desk, content)

    def taken_over(_rows: int) -> None:
        raise AssertionError("the first slice must not have been noted")

    async with ingest.blueprint.database.transaction() as transaction:
        await transaction.execute("UPDATE table_import SET claim = 'another' WHERE id = $1", one.id)
    opened = desk._open(await desk.find(one.id), io.BytesIO(content))
    async with opened as table:
        with pytest.raises(ImportLost):
            await importing.bring_in(table, one, desk.tools, claim="first", progress=taken_over)
    assert (await desk.find(one.id)).rows_done == 0


async def test_columns_that_were_said_once_are_known_the_next_time(ingest: RunningIngest) -> None:
    desk = desk_of(ingest)
    content = as_csv("Who,Where to write", "1,a@example.com")
    with pytest.raises(Rejected) as raised:
        await begin(desk, content)
    assert raised.value.reason == "import.columns_missing"
    said = {"Who": "external_id", "Where to write": "email"}
    _, counts = await bring_in(desk, content, columns=said)
    assert counts.taken == 1
    _, counts = await bring_in(desk, as_csv("Who,Where to write", "2,b@example.com"))
    assert counts.taken == 1
    with pytest.raises(Rejected):
        await bring_in(desk, content, source="fair")


async def test_nothing_starts_while_dates_may_be_told_in_two_ways(ingest: RunningIngest) -> None:
    desk = desk_of(ingest)
    content = as_csv("E-mail,Date", "a@example.com,02/03/2026")
    with pytest.raises(Rejected) as raised:
        await begin(desk, content)
    assert raised.value.reason == "import.dates_ambiguous"
    one, counts = await bring_in(desk, content, dates="dmy")
    assert counts.taken == 1
    with pytest.raises(ImportNotReady):
        await desk.cancel(one.id)


async def test_i11_held_leads_are_released_in_portions_by_number_and_by_what_they_are(
    ingest: RunningIngest,
) -> None:
    desk = desk_of(ingest)
    industries = ("制造业", "互联网", "互联网")
    rows = [f"{number},n{number}@example.com,{industries[number % 3]}" for number in range(9)]
    one, counts = await bring_in(desk, as_csv("ID,E-mail,行业", *rows), mode="history")
    await ingest.settle(counts.taken)
    assert await desk.count_held(one.id) == 9
    told = await desk.release(one.id, count=2, where={"industry": "manufacturing"})
    assert told == 2
    await ingest.settle(counts.taken + 2)
    assert await desk.count_held(one.id) == 7
    assert await desk.release(one.id, where={"industry": "internet"}) == 6
    assert await desk.release(one.id) == 7  # those that were told already are told again, and start once
    await ingest.settle(counts.taken + 2 + 6 + 7)
    assert await desk.count_held(one.id) == 0
    released = [one for one in await ingest.said(LEADS.name) if one.type == "leadmill.lead_released.v1"]
    assert len(released) == 9
    assert await ingest.breaches() == {}
