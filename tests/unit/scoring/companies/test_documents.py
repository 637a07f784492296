"""Documents of models kept per company: what editors know of them, and every fault at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.scoring.domain.companies.editing import company_editor_schema
from services.scoring.domain.scoring_models.compiler import ModelFaults
from shared.documents.faults import DocumentFaults
from tests.unit.scoring.companies.firms import model_from
from tests.unit.scoring.stories import CONFIG

WRONG = """
name: wrong
version: 1
rules:
  - {rule: one, type: amount, points: 0, currency: CNY}
  - {rule: one, type: amount, points: 5, currency: CNY, at_least: 100, less_than: 50, within_months: 12}
  - {rule: two, type: person, points: 5, when: {field: title_levl, operator: known}}
  - {rule: three, type: amount, points: 5, currency: CNY, at_least: 1.001, within_months: 2, zone: Mars/Base}
tiers:
  - {tier: A, at_least: 10}
  - {tier: B, at_least: 20}
  - {tier: C}
"""


def _faults(text: str) -> dict[str, str]:
    try:
        model_from(text)
    except (DocumentFaults, ModelFaults) as error:
        return {fault.path: fault.text for fault in error.faults}
    return {}


def test_what_editors_know_is_up_to_date_and_named_in_every_document() -> None:
    written = json.loads((CONFIG / "schemas" / "company_model.json").read_text("utf-8"))
    assert written == json.loads(json.dumps(company_editor_schema())), "write it with `make contracts`"
    documents = sorted((CONFIG / "models" / "companies").glob("*.yaml"))
    assert [path.stem for path in documents] == ["customer_grade", "customer_value"]
    for path in documents:
        named = path.read_text("utf-8").splitlines()[0].rpartition("$schema=")[2]
        assert (path.parent / Path(named)).resolve() == CONFIG / "schemas" / "company_model.json"


def test_all_faults_are_told_at_once_with_their_paths() -> None:
    faults = _faults(WRONG)
    assert set(faults) == {
        "rules[0].points",
        "rules[0].at_least",
        "rules[1].rule",
        "rules[3].at_least",
        "rules[1].less_than",
        "rules[1].zone",
        "rules[2].when.field",
        "rules[3].zone",
        "tiers[1]",
    }
    assert "title_level" in faults["rules[2].when.field"]


@pytest.mark.parametrize("text", ["type: amuont", "type: request, acts: [page_viewed], within_days: 1"])
def test_what_there_is_not_is_refused_with_what_is_allowed(text: str) -> None:
    document = f"{{name: m, version: 1, rules: [{{rule: r, points: 1, {text}}}], tiers: [{{tier: A}}]}}"
    (fault,) = _faults(document).values()
    assert "allowed" in fault


def test_a_tier_that_all_rules_together_do_not_reach_is_refused() -> None:
    rule = "{rule: r, type: open_opportunity, points: 5}"
    faults = _faults(
        f"{{name: m, version: 1, rules: [{rule}], tiers: [{{tier: A, at_least: 5.001}}, {{tier: B}}]}}"
    )
    assert faults == {"tiers[0]": "is out of reach; all rules together give 5"}
