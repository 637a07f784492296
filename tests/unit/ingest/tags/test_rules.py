"""The rules of tags that ship (I6), and documents that are refused."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from services.ingest.domain.acts import Act
from services.ingest.domain.identifiers import IdentifierKind
from services.ingest.domain.outcomes import Outcome, OutcomeKind
from services.ingest.domain.tag_rules.rules import HAPPENINGS, TagDefinitions, TagRules, find_faults
from services.ingest.domain.tags.definitions import GROUPS, Tag, TagRule
from services.ingest.handlers.resolution import ACTS
from services.ingest.store.documents import read_rulebook
from shared.contracts.declarations import DECLARED
from shared.documents.faults import DocumentFaults
from tests.unit.ingest.requests import ROOT, RULEBOOK
from tests.unit.ingest.tags.shelf import TagShelf, form, message

MAIL = "ada@example.com"

PAGE = Act("Page", {"path": "/pricing", "kind": "price"}, is_declared=True)
PRICE_LINK = Act("Email Link Clicked", {"message": "m", "link": "/pricing", "purpose": ""}, is_declared=True)
EVENT = Act("Live Event Attended", {"live_event": "2026 春季展会", "offline": True}, is_declared=True)
FEATURE = Act("Feature Used", {"advanced": True}, is_declared=False)

SHIPPED = {
    "industry": {"manufacturing", "internet", "education", "health", "government"},
    "role": {"decision_maker", "influencer", "user", "finance_head", "it_head"},
    "need": {"lower_cost", "efficiency", "compliance", "data_insight"},
    "behaviour": {"attended_offline_event", "clicked_product_mail", "tried_advanced_feature", "live_event"},
    "source": {"website", "fair", "partner", "advertising", "referral"},
    "state": {"high_intent", "price_sensitive", "uses_competitor", "still_comparing"},
}


def tags(*messages: Any) -> set[str]:
    shelf = TagShelf()
    shelf.take(*messages)
    return set(shelf.card(shelf.lead_of(IdentifierKind.EMAIL, MAIL)).tags)


class TestTheShippedDocument:
    def test_holds_the_six_groups_with_their_values(self) -> None:
        assert set(GROUPS) == set(SHIPPED)
        assert {
            group: {tag.tag for tag in RULEBOOK.tags.tags if tag.group == group} for group in GROUPS
        } == SHIPPED

    def test_has_a_way_to_put_on_every_tag(self) -> None:
        put = {one for rule in RULEBOOK.tags.rules for one in (*rule.put, *rule.put_each)}
        assert put == {tag.tag for tag in RULEBOOK.tags.tags}

    def test_knows_everything_that_can_happen_by_the_name_of_its_event(self) -> None:
        names = {DECLARED.of_struct(struct).name for struct in ACTS.values()}
        assert names | {"touch", "act_recorded"} | {str(kind) for kind in OutcomeKind} == set(HAPPENINGS)

    @pytest.mark.parametrize(
        ("given", "wanted"),
        [
            ({"act": form("trial_request")}, {"high_intent", "website"}),
            ({"act": form("contact_us", "high_intent")}, {"high_intent"}),
            ({"act": Act("Trial Requested", {}, is_declared=True)}, {"high_intent"}),
            ({"act": PAGE}, {"price_sensitive"}),
            ({"act": PRICE_LINK}, {"price_sensitive", "clicked_product_mail"}),
            ({"act": EVENT}, {"attended_offline_event", "live_event.2026_春季展会"}),
            ({"act": FEATURE}, {"tried_advanced_feature"}),
            ({"channel": "paid_social"}, {"advertising"}),
            ({"channel": "organic_search"}, {"website"}),
            ({"channel": "live_event"}, {"fair"}),
            ({"channel": "referral", "medium": "Partner"}, {"partner"}),
            ({"channel": "referral", "medium": "转介绍"}, {"referral"}),
            ({"channel": "referral"}, set()),
            ({"industry": "manufacturing", "stage": "evaluating"}, {"manufacturing", "still_comparing"}),
            ({"title_level": "cxo", "title": "CFO"}, {"decision_maker", "finance_head"}),
            ({"title": "信息总监兼工程师"}, {"it_head", "user"}),
            ({"title": "Fiscofficer"}, set()),
            ({"need": "我们想降本增效"}, {"lower_cost", "efficiency"}),
            ({"need": "audit reports"}, {"compliance"}),
            ({"need": "costume"}, set()),
            ({"competitor": "Acme"}, {"uses_competitor"}),
        ],
    )
    def test_puts_on_what_was_asked_for(self, given: dict[str, Any], wanted: set[str]) -> None:
        assert tags(message(1, email=MAIL, **given)) == wanted

    def test_takes_off_what_no_longer_holds_and_what_another_rule_ends(self) -> None:
        assert tags(
            message(1, email=MAIL, stage="evaluating", industry="internet"),
            message(2, email=MAIL, stage="purchasing", industry="health"),
        ) == {"health"}
        lost = message(3, email=MAIL)
        lost.outcome = Outcome(OutcomeKind.LOST, "op-1", reason="chose a competitor")
        trial = message(2, email=MAIL, act=form("trial_request"))
        assert tags(trial, lost) == {"website", "uses_competitor"}
        assert tags(lost, trial) == {"website", "uses_competitor"}
        assert "high_intent" in tags(trial, lost, message(4, email=MAIL, act=form("trial_request")))


class TestADocument:
    def test_with_faults_is_refused_with_all_of_them(self) -> None:
        definitions = TagDefinitions(
            tags=[
                Tag(tag="one", group="state", zh="一", en="One"),
                Tag(tag="one", group="state", zh="一", en="One"),
                Tag(tag="two", group="state", zh="二", en="Two", state="merged", into="three"),
            ],
            rules=[
                TagRule(rule="a", on=["nothing"], put=["four"]),
                TagRule(rule="b", when={"field": "shoes", "operator": "is", "value": "x"}, put=["one"]),
                TagRule(rule="c", on=["touch"], put_each={"one": "channel"}),
                TagRule(rule="d", put=["one"]),
                TagRule(rule="e", on=["touch"]),
            ],
        )
        assert [fault.path for fault in find_faults(definitions)] == [
            *("tags.one", "tags.two.into", "rules[0].on", "rules[0].put", "rules[1].when.field"),
            *("rules[2].put_each.one", "rules[3]", "rules[4]"),
        ]
        with pytest.raises(ValueError, match="is there twice"):
            TagRules(definitions)

    def test_has_to_hold_the_tags_that_forms_put_on(self, tmp_path: Path) -> None:
        folder = tmp_path / "ingest"
        copytree(ROOT / "config" / "ingest", folder)
        path = folder / "forms" / "trial_request.yaml"
        path.write_text(path.read_text().replace("tags: [high_intent,", "tags: [hihg_intent,"))
        with pytest.raises(DocumentFaults, match="hihg_intent is no tag"):
            read_rulebook(folder, default_region="CN")
