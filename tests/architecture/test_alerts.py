"""Alert rules speak of metrics that there are, and the runbook says in both languages what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

ROOT: Final = Path(__file__).parents[2]
RULES: Final[list[dict[str, Any]]] = [
    rule
    for file in sorted((ROOT / "deploy" / "alerts").glob("*.yaml"))
    for group in yaml.safe_load(file.read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
DECLARED: Final = {
    name
    for room in ("shared", "services")
    for file in (ROOT / room).rglob("*.py")
    for name in re.findall(r'"(leads_[a-z_]+)"', file.read_text("utf-8"))
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_speaks_of_metrics_that_there_are(rule: dict[str, Any]) -> None:
    named = set(re.findall(r"leads_[a-z_]+", rule["expr"]))
    assert named
    assert named <= DECLARED


@pytest.mark.parametrize("page", ["runbook.md", "runbook.zh.md"])
def test_the_runbook_has_a_section_for_every_alert_and_no_other(page: str) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == [rule["alert"] for rule in RULES]
    named = set(re.findall(r"leads_[a-z_]+", text))
    assert named <= DECLARED


def test_every_alert_leads_to_its_section() -> None:
    for rule in RULES:
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
