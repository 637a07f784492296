"""Faults of shape and of meaning are told together, so that a document is mended once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from services.scoring.store.scoring_models.shelf import Shelf
from shared.documents.faults import DocumentFaults
from tests.unit.scoring.stories import CONFIG

WRONG = """
name: wrong
version: one
groups:
  - group: fit
    of: fit
    rules:
      - {rule: a, type: attribute, points: many, when: {field: industri, operator: known}}
      - {rule: b, type: attribute, points: 5, when: {field: industri, operator: known}}
  - group: interest
    of: behaviour
    cooling: {full_hours: -1, half_life_days: 30}
    rules:
      - {rule: c, type: act, points: 5, acts: [demo_request], counts: once_per_objekt}
      - {rule: d, type: act, points: 5, acts: [email_opened], counts: once_per_object}
      - {rule: e, type: act, points: 5, acts: [demo_request]}
      - {rule: f, type: window, points: 5, acts: [demo_requested], counting: acts, within_hours: 0}
  - group: nobody_knows
    of: behavior
    rules: [{rule: g, type: act, points: 0, acts: [nothing]}]
tiers: [{tier: A, at_least: 3}, {tier: B, at_least: 4}, {tier: C}]
activation:
  at_least: -1
  acts_needed: 2
  within_hours: 168
  once_within_minutes: 30
  high_value_acts: [{kind: demo, acts: [demo_request]}]
  rearmed_by: [opportunity_lost]
"""

FAULTS = {
    "version",
    "groups[0].rules[0].points",
    "groups[0].rules[1].when.field",
    "groups[1].cooling.full_hours",
    "groups[1].rules[0].counts",
    "groups[1].rules[2].acts[0]",
    "groups[1].rules[3].within_hours",
    "groups[2].of",
    "tiers[1]",
    "activation.at_least",
    "activation.high_value_acts[0].acts[0]",
}


def test_a_draft_has_all_its_faults_told() -> None:
    with pytest.raises(DocumentFaults) as raised:
        Shelf(CONFIG).read(WRONG)
    assert {fault.path for fault in raised.value.faults} == FAULTS
    assert len(raised.value.faults) == len(FAULTS)


def test_so_has_a_file(tmp_path: Path) -> None:
    shutil.copytree(CONFIG, tmp_path / "scoring")
    (tmp_path / "scoring" / "models" / "wrong.yaml").write_text(WRONG, "utf-8")
    with pytest.raises(DocumentFaults) as raised:
        Shelf(tmp_path / "scoring")
    assert {fault.path for fault in raised.value.faults} == {f"wrong.yaml: {path}" for path in FAULTS}


def test_what_is_no_yaml_or_no_mapping_has_one() -> None:
    for text in ("a: [", "- a"):
        with pytest.raises(DocumentFaults) as raised:
            Shelf(CONFIG).read(text)
        assert len(raised.value.faults) == 1
