"""Outcomes and costs: what sales systems report, and whose it is (I8)."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.dialects.hooks import Errand
from services.ingest.domain.identifiers import identifier_hasher
from services.ingest.domain.intake import Intake, Refusal
from services.ingest.domain.outcomes import AmountUnreadable, read_amount
from services.ingest.handlers.reading import RawReader
from shared.contracts.attributes import Amount
from shared.contracts.events import leads, outcomes
from shared.contracts.events.raw import RawReceived
from shared.kernel.money import Money
from tests.unit.ingest.requests import IDENTITY_KEY, RECEIVED, RULEBOOK
from tests.unit.ingest.shelf import Shelf
from tests.unit.ingest.test_identity import lead, message

WON = {"kind": "won", "opportunity": "OP-1", "amount": 288000, "currency": "CNY", "external_id": "7"}
COST = {"day": "2026-03-02", "campaign": "spring", "kind": "ads", "amount": "1,200.50", "currency": "CNY"}


def read(
    body: Any, *, channel: Any = "outcome", source: str = "crm", currency: str = "", internal: bool = False
) -> Intake | Refusal:
    reader = RawReader(RULEBOOK, hash_identifier=identifier_hasher(IDENTITY_KEY), currency=currency)
    text = body if isinstance(body, str) else msgspec.json.encode(body).decode()
    raw = RawReceived(source=source, channel=channel, kind=channel, body=text, is_internal=internal)
    reading = reader.on_raw_received(raw, record_id="e" * 32, received=RECEIVED)
    assert not isinstance(reading, Errand)
    return reading


def outcome(**fields: Any) -> Intake:
    intake = read({**WON, **fields})
    assert isinstance(intake, Intake)
    return intake


def without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


def said(shelf: Shelf, intake: Intake) -> list[Any]:
    return [one.event for one in shelf.resolve([intake])[0] if one.event is not None]


class TestAnOutcome:
    def test_of_an_unknown_lead_opens_one_known_by_source_and_external_id(self) -> None:
        shelf = Shelf()
        captured, won = said(shelf, outcome())
        assert isinstance(captured, leads.LeadCaptured)
        assert [(one.source, one.id) for one in captured.external_ids] == [("crm", "7")]
        assert not captured.reachable
        assert won == outcomes.OpportunityWon(
            lead=captured.lead,
            profile=captured.profile,
            source="crm",
            opportunity="OP-1",
            amount=Amount(minor=28_800_000, currency="CNY"),
        )
        known = said(shelf, lead(external_id="7", email="ada@example.com"))
        assert known[0].lead == captured.lead

    @pytest.mark.parametrize(
        "named", [{"email": "Ada@Example.com"}, {"phone": "138 0013 8000"}, {"user_id": "u-1"}]
    )
    def test_finds_its_lead_as_any_message_does(self, named: dict[str, str]) -> None:
        shelf = Shelf()
        known = said(shelf, message(user="u-1", email="ada@example.com", phone="13800138000"))[0]
        for body in (
            {**without(WON, "external_id"), **named},
            {**without(WON, "external_id"), "lead": named},
        ):
            intake = read(body)
            assert isinstance(intake, Intake)
            assert said(shelf, intake)[-1].lead == known.lead

    def test_that_names_nobody_belongs_to_whom_the_opportunity_belonged(self) -> None:
        shelf = Shelf()
        owner = said(shelf, outcome())[-1].lead
        (lost,) = said(shelf, outcome(kind="lost", external_id=None, reason="price"))
        assert (lost.lead, lost.reason) == (owner, "price")

    def test_that_names_nobody_ever_heard_of_opens_a_stub_that_the_lead_takes_over(self) -> None:
        shelf = Shelf()
        (first,) = said(shelf, outcome(external_id=None))
        captured, paid = said(shelf, outcome(kind="paid"))
        assert isinstance(captured, leads.LeadCaptured)
        assert captured.lead == paid.lead == first.lead
        said(shelf, lead(email="ada@example.com"))
        (other,) = said(shelf, outcome(external_id=None, opportunity="OP-2"))
        merged = said(shelf, outcome(external_id=None, opportunity="OP-2", email="ada@example.com"))[0]
        assert (merged.reason, {merged.lead, merged.from_lead} >= {other.lead}) == ("opportunity", True)

    def test_does_not_bring_two_contacts_of_one_opportunity_together(self) -> None:
        shelf = Shelf()
        one = said(shelf, outcome(external_id="7"))[-1].lead
        other = said(shelf, outcome(external_id="8"))[-1].lead
        assert one != other

    @pytest.mark.parametrize(
        ("fields", "event"),
        [
            (
                {"kind": "opportunity_created", "stage": "Discovery"},
                outcomes.OpportunityCreated,
            ),
            ({"kind": "Deal stage changed", "stage": "谈判"}, outcomes.OpportunityStageChanged),
            ({"kind": "赢单"}, outcomes.OpportunityWon),
            ({"kind": "closed lost"}, outcomes.OpportunityLost),
            ({"kind": "payment", "payment": "PAY-9"}, outcomes.PaymentReceived),
        ],
    )
    def test_is_known_by_many_names(self, fields: dict[str, str], event: type[Any]) -> None:
        told: Any = said(Shelf(), outcome(**fields))[-1]
        assert type(told) is event
        if "stage" in fields:
            assert told.stage in {"first_talk", "negotiation"}

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ("{", "intake.malformed_json"),
            (without(WON, "currency"), "outcome.no_currency"),
            (without(WON, "amount"), "outcome.no_amount"),
            (without(WON, "opportunity"), "outcome.no_opportunity"),
            ({**WON, "kind": "dreamt"}, "outcome.unknown_kind"),
            ({**WON, "kind": "stage_changed"}, "outcome.no_stage"),
            ({**WON, "amount": -1}, "outcome.amount_malformed"),
            ({**WON, "amount": "12,50"}, "outcome.amount_malformed"),
            ({**WON, "amount": 10.001}, "outcome.amount_malformed"),
            ({**WON, "amount": [1]}, "outcome.amount_malformed"),
            ({**WON, "currency": "RMB yuan"}, "outcome.amount_malformed"),
        ],
    )
    def test_that_is_of_no_use_says_why(self, body: Any, code: str) -> None:
        assert read(body) == Refusal(code)

    def test_takes_the_organisations_currency_if_one_is_set(self) -> None:
        intake = read(without(WON, "currency"), currency="CNY")
        assert isinstance(intake, Intake)
        assert intake.outcome is not None
        assert intake.outcome.amount == Money(28_800_000, "CNY")

    def test_takes_no_day_of_its_own_from_the_future(self) -> None:
        assert outcome(timestamp="2030-01-01T00:00:00Z").occurred == RECEIVED
        assert outcome(timestamp="2026-11-01T00:00:00Z").occurred < RECEIVED

    def test_names_nobody(self) -> None:
        shelf = Shelf()
        intake = outcome(
            opportunity="ada@example.com",
            reason="ask ada@example.com or +86 138 0013 8000",
            stage="with ada@example.com",
            email="ada@example.com",
        )
        told = [one for one in shelf.resolve([intake])[0] if type(one.event).__name__ != "ContactUpdated"]
        assert "ada@" not in repr(told)
        assert "0013" not in repr(told)

    def test_may_name_the_lead_by_our_id_if_it_comes_from_the_platform_itself(self) -> None:
        shelf = Shelf()
        known = said(shelf, lead(email="ada@example.com"))[0].lead
        body = {**without(WON, "external_id"), "lead_id": known}
        intake = read(body, source="routing", internal=True)
        assert isinstance(intake, Intake)
        assert said(shelf, intake)[-1].lead == known
        stranger = read(body)
        assert isinstance(stranger, Intake)
        assert said(Shelf(), stranger)[-1].lead != known


class TestACost:
    def test_is_told_by_day_campaign_channel_and_kind(self) -> None:
        intake = read({**COST, "channel": "Paid Search", "message_id": "c-1"}, channel="cost")
        assert isinstance(intake, Intake)
        ((emission,),) = Shelf().resolve([intake])
        assert emission.event == outcomes.CostRecorded(
            source="crm",
            campaign="spring",
            channel="paid_search",
            kind="ads",
            day="2026-03-02",
            amount=Amount(minor=120_050, currency="CNY"),
            message_id="c-1",
        )
        assert emission.key == "spring"

    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"kind": "luck"}, "cost.unknown_kind"),
            ({"campaign": ""}, "cost.no_campaign"),
            ({"day": "02.03.2026"}, "cost.day_malformed"),
            ({"day": "2026-02-30"}, "cost.day_malformed"),
            ({"amount": None}, "cost.no_amount"),
            ({"amount": "much"}, "cost.amount_malformed"),
            ({"currency": None}, "cost.no_currency"),
        ],
    )
    def test_that_is_of_no_use_says_why(self, fields: dict[str, Any], code: str) -> None:
        assert read({**COST, **fields}, channel="cost") == Refusal(code)


class TestAnAmount:
    @given(st.integers(min_value=0, max_value=10**15))
    def test_is_read_to_the_cent_however_it_is_written(self, minor: int) -> None:
        for text in (f"{minor // 100}.{minor % 100:02}", f"{minor // 100:,}.{minor % 100:02}"):
            assert read_amount(text, "CNY", default="") == Money(minor, "CNY")
        assert read_amount(minor, "JPY", default="CNY") == Money(minor, "JPY")

    @given(st.floats(allow_nan=True, allow_infinity=True) | st.text(max_size=20) | st.none() | st.booleans())
    def test_is_exact_or_refused_or_not_there(self, value: object) -> None:
        with contextlib.suppress(AmountUnreadable):
            money = read_amount(value, "CNY", default="")
            assert money is None or money.minor >= 0

    def test_below_zero_is_for_money_that_went_back(self) -> None:
        assert read_amount("-5", "CNY", default="", signed=True) == Money(-500, "CNY")


class TestAnInternalSource:
    def test_may_say_what_a_lead_did_by_our_id(self) -> None:
        shelf = Shelf()
        known = said(shelf, lead(email="ada@example.com"))[0].lead
        body = {
            "event": "Email Opened",
            "leadId": known,
            "properties": {"message": "m-1"},
            "messageId": "n-1",
        }
        text = msgspec.json.encode(body).decode()
        reader = RawReader(RULEBOOK, hash_identifier=identifier_hasher(IDENTITY_KEY))
        raw = RawReceived(source="nurture", channel="sdk", kind="track", body=text, is_internal=True)
        intake = reader.on_raw_received(raw, record_id="0" * 32, received=RECEIVED)
        assert isinstance(intake, Intake)
        (opened,) = said(shelf, intake)
        assert (opened.lead, opened.message, opened.source) == (known, "m-1", "nurture")
        foreign = msgspec.structs.replace(raw, is_internal=False)
        refused = reader.on_raw_received(foreign, record_id="0" * 32, received=RECEIVED)
        assert refused == Refusal("intake.no_identity")

    def test_finds_the_lead_that_stayed_after_a_merge(self) -> None:
        shelf = Shelf()
        first = said(shelf, lead(email="a@example.com"))[0].lead
        second = said(shelf, lead(phone="13800138000"))[0].lead
        said(shelf, lead(email="a@example.com", phone="13800138000"))
        for known in (first, second):
            intake = read({**without(WON, "external_id"), "lead_id": known}, internal=True)
            assert isinstance(intake, Intake)
            assert said(shelf, intake)[-1].lead == min(first, second)


class TestUnsubscribing:
    def test_is_told_and_takes_the_consent_back(self) -> None:
        shelf = Shelf()
        said(shelf, message(user="u", email="ada@example.com", traits={"newsletter": "yes"}, minutes=0))
        told, contact = said(
            shelf,
            message("track", user="u", event="Unsubscribed", properties={"message": "m-1"}, minutes=5),
        )
        assert (told.message, told.delivery_channel) == ("m-1", "email")
        assert contact.consents == {"email": False}
        assert contact.email == "ada@example.com"
        (contact,) = said(shelf, message(user="u", traits={"consent_email": True}, minutes=9))
        assert contact.consents == {"email": True}

    def test_counts_by_when_it_was_said(self) -> None:
        shelf = Shelf()
        said(shelf, message("track", user="u", event="退订", minutes=5))
        assert said(shelf, message(user="u", traits={"newsletter": "yes"}, minutes=3)) == []

    def test_works_for_other_channels_and_for_somebody_unknown(self) -> None:
        told, contact = said(
            Shelf(),
            message("track", browser="b", event="opted out", properties={"channel": "SMS"}),
        )
        assert told.delivery_channel == "sms"
        assert contact.consents == {"sms": False}
