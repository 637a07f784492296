"""Target accounts by domain or name: who works there is one, unless somebody says otherwise (C3, I9)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.ingest.domain.directory import Directory
from services.ingest.domain.identity.target_accounts import TargetAccounts, target_accounts
from services.ingest.domain.intake import Intake
from shared.contracts.events.raw import RawReceived
from shared.kernel.instants import SECOND, parse_instant
from tests.unit.ingest.requests import RULEBOOK, make_reader, on_intake

LISTED = target_accounts(
    ["Example-Mills.cn", "mills.co.uk"], ["示例磨坊（上海）有限公司", "Grinder Works Ltd."]
)
READER = make_reader(msgspec.structs.replace(RULEBOOK, target_accounts=LISTED))
NOW = parse_instant("2026-03-03T02:00:00Z")


def attribute_after(*bodies: dict[str, Any]) -> object:
    """What is known after these messages, each a second after the one before."""
    directory = Directory()
    for number, body in enumerate(bodies):
        text = msgspec.json.encode(body).decode()
        raw = RawReceived(source="crm", channel="lead", kind="lead", body=text)
        intake = READER.on_raw_received(raw, record_id=f"{number:032}", received=NOW + number * SECOND)
        assert isinstance(intake, Intake)
        on_intake(directory, intake)
    (lead,) = directory.leads.values()
    return lead.attribute_values().get("target_account")


@pytest.mark.parametrize(
    "told",
    [
        {"email": "ada@example-mills.cn"},
        {"email": "ada@post.example-mills.cn"},
        {"email": "ada@sales.mills.co.uk"},
        {"email": "ada@gmail.com", "company": {"name": "示例磨坊有限公司"}},
        {"email": "ada@elsewhere.cn", "company": {"name": "GRINDER WORKS GmbH"}},
    ],
)
def test_whoever_works_there_is_one(told: dict[str, Any]) -> None:
    assert attribute_after(told) is True


@pytest.mark.parametrize(
    "told",
    [
        {"email": "ada@mills.cn"},
        {"email": "ada@elsewhere.cn", "company": {"name": "Grinder"}},
        {"phone": "+86 138 0013 8000"},
    ],
)
def test_of_others_nothing_is_said(told: dict[str, Any]) -> None:
    assert attribute_after(told) is None


ADA = {"email": "ada@example-mills.cn"}
NO = {**ADA, "target_account": "no"}


@pytest.mark.parametrize("told", [[NO], [NO, ADA], [ADA, NO], [ADA, NO, ADA]])
def test_what_anybody_says_goes_before_the_list_whatever_comes_first(told: list[dict[str, Any]]) -> None:
    assert attribute_after(*told) is False


def test_nobody_is_listed_in_what_ships() -> None:
    assert RULEBOOK.target_accounts == TargetAccounts()
