"""From records on the topics to credits in the tables, on both logs."""

from __future__ import annotations

import asyncio
from random import Random

import msgspec
import pytest

from services.analytics.domain.history import By
from services.analytics.domain.outcomes import Contribution
from services.analytics.queries.reports import ReportQueries
from shared.contracts.topics import OUTCOMES
from shared.kernel.instants import HOUR, MINUTE
from shared.log.port import NewRecord, TopicPartition
from tests.services.analytics.stand import Stand
from tests.unit.analytics import telling
from tests.unit.analytics.histories import history
from tests.unit.analytics.oracle import Oracle
from tests.unit.analytics.telling import START, Told, day, rulebook, told

pytestmark = pytest.mark.lasts(20)

ADA = "ada-profile"
MODELS = ("first", "last", "linear", "u")
BYS: tuple[By, ...] = ("campaign", "channel", "source")
CONTRIBUTIONS: tuple[Contribution, ...] = ("won", "paid")


async def credits_in(stand: Stand) -> dict[tuple[str, str, str], dict[str, int]]:
    """What touches earned, by opportunity, payment and model."""
    found: dict[tuple[str, str, str], dict[str, int]] = {}
    for row in await stand.rows("SELECT opportunity, payment, model, touch, minor FROM credit"):
        found.setdefault((row[0], row[1], row[2]), {})[row["touch"]] = row["minor"]
    return found


def expected_credits(said: list[Told]) -> dict[tuple[str, str, str], dict[str, int]]:
    """The same, worked out by the oracle."""
    return {
        (one.opportunity, one.payment, model): earned
        for one in Oracle(said).outcomes()
        for model, earned in one.earned.items()
    }


async def test_a_won_deal_is_credited_to_what_brought_the_lead_and_a_loss_takes_it_back(
    stand: Stand,
) -> None:
    visit, fair = (
        told(telling.visited(ADA, "paid_search", "spring"), START),
        told(telling.attended(ADA, "spring-fair"), day(3)),
    )
    win = told(telling.won(ADA, "OP-1", 28_800_001), day(20))
    await stand.start_worker()
    await stand.take_in(visit, fair, win)
    assert await credits_in(stand) == {
        ("OP-1", "", "first"): {visit.id: 28_800_001},
        ("OP-1", "", "last"): {fair.id: 28_800_001},
        ("OP-1", "", "linear"): {visit.id: 14_400_001, fair.id: 14_400_000},
        ("OP-1", "", "u"): {visit.id: 14_400_001, fair.id: 14_400_000},
    }
    late = told(telling.visited(ADA, "email", "news"), day(10), received=day(21))
    await stand.take_in(late)
    assert (await credits_in(stand))["OP-1", "", "u"] == {
        visit.id: 11_520_001,
        fair.id: 5_760_000,
        late.id: 11_520_000,
    }
    await stand.take_in(told(telling.lost(ADA, "OP-1"), day(22)))
    assert await credits_in(stand) == {}


@pytest.mark.every_run
async def test_random_histories_of_several_workers_give_what_the_oracle_says(stand: Stand) -> None:
    random = Random(20)
    await stand.start_worker("one")
    await stand.start_worker("two")
    said: list[Told] = []
    for number in range(30):
        part = [renamed(one, f"{number}-") for one in history(random)]
        said += part
    random.shuffle(said)
    for start in range(0, len(said), 40):
        await stand.hear(*said[start : start + 40])
        await asyncio.sleep(0)
    await stand.settle()
    assert await credits_in(stand) == expected_credits(said)
    await assert_reports(stand, said)
    findings = await stand.blueprint.check(True)
    assert [breach for finding in findings for breach in finding.breaches] == []


def renamed(one: Told, prefix: str) -> Told:
    """The same event in a world of its own: other ids, profiles, leads, opportunities, messages."""
    names = ("profile", "lead", "from_lead", "opportunity", "message", "act")
    changed = {
        name: prefix + value
        for name in names
        if isinstance(value := getattr(one.event, name, None), str) and value
    }
    event = msgspec.structs.replace(one.event, **changed)
    key = one.key if not hasattr(event, "lead") else str(getattr(event, "profile", event.lead))
    return Told(prefix + one.id, event, one.occurred, one.received, key)


async def assert_reports(stand: Stand, said: list[Told]) -> None:
    """Every report is what the oracle makes of everything, by SQL and by a fold."""
    reports = ReportQueries(stand.database, rulebook())
    oracle = Oracle(said)
    end = day(10_000)
    for by in BYS:
        for contribution in CONTRIBUTIONS:
            for model in MODELS:
                expected = oracle.attribution(model, by, payments=contribution == "paid")
                for as_of in (None, end):
                    for currency in ("CNY", "USD"):
                        report = await reports.find_attribution(
                            model=model, by=by, contribution=contribution, currency=currency, as_of=as_of
                        )
                        found = {(row.key, row.currency): row.minor for row in report.rows}
                        assert found == {k: v for k, v in expected.items() if k[1] == currency}
        for with_invalid in (True, False):
            now = (await reports.find_funnel(by=by, with_invalid=with_invalid)).rows
            then = (await reports.find_funnel(by=by, with_invalid=with_invalid, as_of=end)).rows
            expected_funnel = oracle.funnel(by, with_invalid=with_invalid)
            for rows in (now, then):
                funnel = {
                    row.key: (row.leads, row.mqls, row.sqls, row.opportunities, row.customers, dict(row.won))
                    for row in rows
                    if row.leads
                }
                assert funnel == expected_funnel


async def test_an_outcome_for_a_lead_that_nobody_knows_is_unattributed_and_counts(small_stand: Stand) -> None:
    await small_stand.start_worker()
    await small_stand.take_in(told(telling.won("stranger", "OP-9", 500), START))
    assert (await credits_in(small_stand))["OP-9", "", "u"] == {"": 500}
    funnel = await ReportQueries(small_stand.database, rulebook()).find_funnel(by="source")
    (row,) = funnel.rows
    assert (row.key, row.leads, row.opportunities, row.customers, row.won) == (None, 1, 1, 1, {"CNY": 500})


async def test_a_record_that_cannot_be_used_hurts_only_itself(small_stand: Stand) -> None:
    await small_stand.start_worker()
    bad = told(telling.won(ADA, "O" * 201, 5), START)
    nul = told(telling.visited(ADA, "paid\0search"), START)
    huge = told(telling.won(ADA, "OP-2", 2**63), START)
    good = told(telling.won(ADA, "OP-1", 5), START + MINUTE)
    garbage = TopicPartition(OUTCOMES.name, 0)
    await small_stand.hear(bad, nul, huge)
    await small_stand.append([(garbage, [NewRecord(b"k", b"{", [], 0)])])
    await small_stand.take_in(good)
    assert {key[0] for key in await credits_in(small_stand)} == {"OP-1"}
    codes = {row["code"] for row in await small_stand.rows("SELECT code FROM dead_letter")}
    assert codes == {"analytics.unusable", "contract.malformed"}
    assert len(await small_stand.rows("SELECT FROM dead_letter")) == 4


async def test_merged_profiles_share_one_path_and_part_again(small_stand: Stand) -> None:
    await small_stand.start_worker()
    early, late = "profile-1", "profile-2"
    one = told(telling.visited(early, "referral", "partner"), START)
    two = told(telling.visited(late, "paid_social", "spring"), START + HOUR)
    await small_stand.take_in(one, two, told(telling.won(late, "OP-1", 100), day(5)))
    assert (await credits_in(small_stand))["OP-1", "", "first"] == {two.id: 100}
    await small_stand.take_in(told(telling.moved(late, early, 1), day(6)))
    assert (await credits_in(small_stand))["OP-1", "", "first"] == {one.id: 100}
    assert (await credits_in(small_stand))["OP-1", "", "linear"] == {one.id: 50, two.id: 50}
    await small_stand.take_in(told(telling.moved(late, late, 2), day(7)))
    assert (await credits_in(small_stand))["OP-1", "", "first"] == {two.id: 100}


async def test_an_erasure_scrubs_what_names_somebody_and_keeps_sums(small_stand: Stand) -> None:
    await small_stand.start_worker()
    visit = told(telling.visited(ADA, "paid_search", "spring"), START)
    await small_stand.take_in(
        told(telling.captured(ADA), START), visit, told(telling.won(ADA, "OP-1", 100), day(5))
    )
    await small_stand.take_in(told(telling.erased(ADA), day(6)))
    await small_stand.take_in(told(telling.visited(ADA, "paid_search", "spring"), day(7)))
    assert (await credits_in(small_stand))["OP-1", "", "first"] == {visit.id: 100}
    facts = await small_stand.rows("SELECT kind, message_id, fields::text FROM fact ORDER BY occurred, kind")
    assert [row["kind"] for row in facts] == [
        "lead_captured",
        "page_viewed",
        "opportunity_won",
        "lead_erased",
    ]
    assert not any(row["message_id"] or "pharma" in row["fields"] or "path" in row["fields"] for row in facts)
    assert len(await small_stand.rows("SELECT FROM touch")) == 1


@pytest.mark.parametrize("workers", [3])
async def test_two_who_speak_of_one_opportunity_at_once_leave_one_deal(
    small_stand: Stand, workers: int
) -> None:
    for number in range(workers):
        await small_stand.start_worker(f"worker-{number}")
    said = [
        told(telling.won(f"profile-{who}", f"OP-{number}", 100 + who), START + who * MINUTE)
        for number in range(40)
        for who in range(3)
    ]
    await small_stand.take_in(*said)
    rows = await small_stand.rows("SELECT opportunity, profile, minor FROM conversion ORDER BY 1")
    assert {(row["profile"], row["minor"]) for row in rows} == {("profile-2", 102)}
    assert len(rows) == 40


async def test_a9_tests_are_no_leads_unless_they_turn_out_to_be_none(small_stand: Stand) -> None:
    await small_stand.start_worker()
    reports = ReportQueries(small_stand.database, rulebook())
    await small_stand.take_in(
        told(telling.captured("ada", source="web"), START),
        told(telling.captured("eve", source="web"), START),
        told(telling.captured("bot", source="web"), START),
        told(telling.judged("eve", "test", 1), START + 1),
        told(telling.judged("bot", "bot", 1), START + 1),
    )
    assert (await reports.find_rates()).all_leads.leads == 2
    await small_stand.take_in(told(telling.judged("eve", "", 2), START + 2))
    assert (await reports.find_rates()).all_leads.leads == 3


async def test_a_lead_that_is_found_invalid_late_earns_nothing_and_has_its_credits_again_once_valid(
    stand: Stand,
) -> None:
    await stand.start_worker()
    reports = ReportQueries(stand.database, rulebook())
    visit = told(telling.visited("ada", "paid_search", "spring"), START)
    await stand.take_in(
        told(telling.captured("ada", source="web"), START),
        visit,
        told(telling.won("ada", "OP-1", 900), day(1)),
    )
    before = await credits_in(stand)
    assert before["OP-1", "", "linear"] == {visit.id: 900}
    await stand.take_in(told(telling.judged("ada", "spam", 1), day(2)))
    assert set(map(str, (await credits_in(stand)).values())) == {"{'': 900}"}
    assert (await reports.find_funnel(by="source", with_invalid=False)).rows == []
    (row,) = (await reports.find_funnel(by="channel")).rows
    assert (row.key, row.leads, row.won) == ("paid_search", 1, {"CNY": 900})
    await stand.take_in(told(telling.judged("ada", "", 2), day(3)))
    assert await credits_in(stand) == before
    await stand.take_in(told(telling.act_judged("ada", visit.id, "burst", 1), day(4)))
    assert (await credits_in(stand))["OP-1", "", "linear"] == {"": 900}
    findings = await stand.blueprint.check(True)
    assert [breach for finding in findings for breach in finding.breaches] == []
