"""Links as they are made and changed."""

from __future__ import annotations

import pytest

from services.ingest.domain.links.addresses import TargetRefused
from services.ingest.domain.links.definitions import (
    AddLink,
    CampaignMissing,
    ChangeLink,
    LinkMalformed,
    LinkTaken,
    LinkUnknown,
    invent_name,
)
from services.ingest.handlers.linking import on_link_command
from shared.kernel.errors import Rejected
from tests.unit.ingest.requests import RECEIVED

ADD = AddLink(
    name="spring-a",
    target="https://example.com/spring",
    texts={"campaign": "spring", "ad": "a", "utm_medium": "cpc", "rep": "r-7"},
    by="Mei",
)
LATER = RECEIVED + 1


def test_a_link_remembers_who_made_it_and_when() -> None:
    link = on_link_command(None, ADD, at=RECEIVED)
    assert (link.created, link.created_by, link.changed_by) == (RECEIVED, "Mei", "Mei")
    assert link.utm["utm_campaign"] == "spring"
    assert link.utm["utm_content"] == "a"
    assert link.retired is None


def test_a_link_added_again_as_it_is_stays_as_it_is() -> None:
    link = on_link_command(None, ADD, at=RECEIVED)
    assert on_link_command(link, ADD, at=LATER) is link


def test_another_link_of_the_same_name_is_refused() -> None:
    link = on_link_command(None, ADD, at=RECEIVED)
    other = AddLink(name="spring-a", target="https://example.com/other", texts={"campaign": "spring"})
    with pytest.raises(LinkTaken):
        on_link_command(link, other, at=LATER)


@pytest.mark.parametrize(
    ("command", "verdict"),
    [
        (AddLink(name="Spring", target="https://example.com", texts={"campaign": "x"}), LinkMalformed),
        (AddLink(name="a/b", target="https://example.com", texts={"campaign": "x"}), LinkMalformed),
        (
            AddLink(name="a", target="https://example.com", source="A b", texts={"campaign": "x"}),
            LinkMalformed,
        ),
        (AddLink(name="a", target="https://example.com", texts={"campaign": "x" * 101}), LinkMalformed),
        (
            AddLink(name="a", target="https://example.com", texts={"campaign": "x", "rep": "mei@b.cn"}),
            LinkMalformed,
        ),
        (
            AddLink(name="a", target="https://example.com", texts={"campaign": "x", "retired": "1"}),
            LinkMalformed,
        ),
        (AddLink(name="a", target="https://example.com"), CampaignMissing),
        (AddLink(name="a", target="javascript:alert(1)", texts={"campaign": "x"}), TargetRefused),
        (ChangeLink(name="a", is_retired=True), LinkUnknown),
    ],
)
def test_what_is_of_no_use_is_refused_naming_what(
    command: AddLink | ChangeLink, verdict: type[Rejected]
) -> None:
    with pytest.raises(verdict):
        on_link_command(None, command, at=RECEIVED)


def test_a_link_is_retired_once_and_comes_back() -> None:
    link = on_link_command(None, ADD, at=RECEIVED)
    retired = on_link_command(link, ChangeLink(name=link.name, is_retired=True, by="Bo"), at=LATER)
    assert (retired.retired, retired.changed_by) == (LATER, "Bo")
    assert on_link_command(retired, ChangeLink(name=link.name, is_retired=True), at=LATER + 1) is retired
    back = on_link_command(retired, ChangeLink(name=link.name, is_retired=False), at=LATER + 2)
    assert back.retired is None


def test_a_change_changes_what_it_names_and_nothing_else() -> None:
    link = on_link_command(None, ADD, at=RECEIVED)
    changed = on_link_command(
        link, ChangeLink(name=link.name, target="https://example.com/new", texts={"ad": "b"}), at=LATER
    )
    assert (changed.target, changed.ad, changed.campaign) == ("https://example.com/new", "b", "spring")
    assert (changed.created, changed.changed) == (RECEIVED, LATER)
    with pytest.raises(CampaignMissing):
        on_link_command(link, ChangeLink(name=link.name, texts={"campaign": " "}), at=LATER)


def test_invented_names_follow_from_the_request_and_are_easily_read() -> None:
    names = {invent_name(str(number)) for number in range(500)}
    assert len(names) == 500
    assert invent_name("1") == invent_name("1")
    assert all(len(name) == 7 and not set(name) & set("01lio") for name in names)
