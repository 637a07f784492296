"""Which versions rule a lead follows from the register and the lead's id, and from nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.life.ruling import RuledModel, Ruling, is_in_share
from services.scoring.domain.scoring_models.editing import editor_schema
from services.scoring.store.scoring_models.shelf import Shelf
from shared.kernel.faults import Faults
from shared.kernel.ids import deterministic_id
from tests.examples import tried
from tests.unit.scoring.stories import CONFIG, shipped

MQL = shipped("mql")
NEXT = replace(MQL, version=2)
LEADS = [deterministic_id("share", str(number)) for number in range(2_000)]


def ruling(percent: int, *, tells_past: bool = False) -> Ruling:
    return Ruling(
        [RuledModel("mql", MQL, NEXT, percent, tells_past), RuledModel("five_step", shipped("five_step"))]
    )


def version_of(rules: Ruling, lead: str) -> int:
    return rules.ruled(lead).models.by_name["mql"].version


def test_about_as_many_of_a_hundred_leads_are_under_the_shared_version_as_was_said() -> None:
    rules = ruling(20)
    assert 340 < sum(version_of(rules, lead) == 2 for lead in LEADS) < 460


@given(st.integers(0, 99), st.integers(0, 99), st.text(max_size=40))
@settings(max_examples=tried(80), deadline=None)
def test_whoever_is_in_a_share_stays_in_it_while_it_grows(one: int, other: int, lead: str) -> None:
    small, large = sorted((one, other))
    assert is_in_share("mql", lead, small) <= is_in_share("mql", lead, large)
    assert version_of(ruling(small), lead) <= version_of(ruling(large), lead)


@pytest.mark.parametrize(("percent", "versions"), [(0, {1}), (100, {2})])
def test_nobody_is_in_no_share_and_everybody_in_a_whole_one(percent: int, versions: set[int]) -> None:
    rules = ruling(percent)
    assert {version_of(rules, lead) for lead in LEADS[:200]} == versions


def test_shares_of_two_models_fall_on_different_leads() -> None:
    both = [is_in_share("mql", lead, 50) and is_in_share("five_step", lead, 50) for lead in LEADS]
    assert 400 < sum(both) < 600


def test_leads_under_the_same_versions_are_handled_by_the_very_same_set() -> None:
    rules = ruling(50)
    assert len({id(rules.ruled(lead).models) for lead in LEADS[:200]}) == 2


def test_of_leads_in_a_share_no_past_is_told() -> None:
    rules = ruling(50, tells_past=True)
    for lead in LEADS[:50]:
        assert rules.ruled(lead).tells_past == (frozenset() if version_of(rules, lead) == 2 else {"mql"})


def test_a_model_without_a_live_version_rules_only_those_it_is_shared_out_to() -> None:
    rules = Ruling([RuledModel("mql", None, NEXT, 50), RuledModel("five_step", shipped("five_step"))])
    assert [model.name for model in rules.live.models] == ["five_step"]
    names = {tuple(rules.ruled(lead).models.by_name) for lead in LEADS[:50]}
    assert names == {("five_step",), ("five_step", "mql")}


def test_what_editors_know_of_a_model_is_up_to_date() -> None:
    import json

    written = json.loads((CONFIG / "schemas" / "scoring_model.json").read_text("utf-8"))
    assert written == json.loads(json.dumps(editor_schema())), "write it with `make contracts`"


def test_every_shipped_model_says_where_its_schema_is() -> None:
    for path in (CONFIG / "models").glob("*.yaml"):
        first = path.read_text("utf-8").splitlines()[0]
        assert first == "# yaml-language-server: $schema=../schemas/scoring_model.json", path.name


class TestTheShelf:
    def test_a_document_handed_in_as_json_is_the_same_as_its_yaml(self) -> None:
        import json

        import yaml

        shelf = Shelf(CONFIG)
        text = (CONFIG / "models" / "mql.yaml").read_text("utf-8")
        as_json = json.dumps(yaml.safe_load(text), ensure_ascii=False)
        assert shelf.read(as_json).digest == shelf.read(text).digest

    def test_the_lists_that_a_document_names_are_kept_with_it(self) -> None:
        paper = Shelf(CONFIG).paper_of("mql", 1)
        assert paper is not None
        assert set(paper.lists) == {"key_industries@1", "target_sizes@1", "covered_regions@1"}

    def test_a_document_is_read_by_the_lists_it_was_handed_in_with(self) -> None:
        shelf = Shelf(CONFIG)
        text = (CONFIG / "models" / "mql.yaml").read_text("utf-8").replace("key_industries@1", "gone@7")
        with pytest.raises(Faults):
            shelf.read(text)
        assert shelf.read(text, lists={"gone@7": ("pharma",)}).model.name == "mql"

    def test_a_shelf_knows_the_text_of_what_it_holds(self) -> None:
        shelf = Shelf(CONFIG)
        assert shelf.paper_of("mql", 9) is None
        assert shelf.find("mql", 9) is None
        assert {model.name for model in shelf.newest().models} == set(shelf.digests())
