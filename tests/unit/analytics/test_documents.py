"""The shipped documents say what was asked for; faults are told all at once, each with its path."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from services.analytics.store.documents import read_rulebook
from shared.documents.faults import DocumentFaults
from shared.kernel.instants import DAY, MINUTE
from tests.unit.analytics.telling import CONFIG, rulebook


def faults_after(folder: Path, file: str, before: str, after: str) -> dict[str, str]:
    """The faults of the shipped documents with one text replaced."""
    shutil.copytree(CONFIG, folder, dirs_exist_ok=True)
    text = (folder / file).read_text()
    assert before in text
    (folder / file).write_text(text.replace(before, after))
    with pytest.raises(DocumentFaults) as raised:
        read_rulebook(folder)
    return {fault.path: fault.text for fault in raised.value.faults}


def test_a3_a4_an_mql_is_grade_a_of_mql_and_an_sql_besides_an_opportunity_is_hot_in_five_step() -> None:
    goals = rulebook().goals
    assert (goals.mql.model, goals.mql.tiers) == ("mql", frozenset({"A"}))
    assert (goals.sql.model, goals.sql.tiers) == ("five_step", frozenset({"hot"}))


def test_a9_the_industry_converts_two_to_five_per_cent() -> None:
    assert rulebook().band == (2, 5)


def test_i9_the_organisation_counts_in_yuan() -> None:
    assert rulebook().currency == "CNY"


def test_ours_a_path_reaches_a_year_back_and_a_visit_lasts_half_an_hour() -> None:
    touches = rulebook().crediting.touches
    assert (touches.lookback, touches.visit) == (365 * DAY, 30 * MINUTE)


@pytest.mark.parametrize(
    ("file", "before", "after", "path"),
    [
        ("touch_points.yaml", "email_link_clicked", "mail_clicked", "rules[0].events"),
        ("touch_points.yaml", "channel: live_event", "description: x", "rules[1].description"),
        ("touch_points.yaml", "    channel: nurture_mail\n", "", "rules[0].channel"),
        ("touch_points.yaml", "lookback_days: 365", "lookback_days: 0", "lookback_days"),
        ("reports.yaml", "{low: 2, high: 5}", "{low: 6, high: 5}", "conversion_percent"),
        ("reports.yaml", "currency: CNY", "currency: yuan", "currency"),
        ("attribution_models/u.yaml", "first: 40", "first: 70", "u.yaml: shares"),
        ("attribution_models/u.yaml", "type: positions", "type: pentagon", "u.yaml: shares.type"),
    ],
)
def test_a_fault_is_told_with_its_path(tmp_path: Path, file: str, before: str, after: str, path: str) -> None:
    assert path in faults_after(tmp_path, file, before, after)


def test_without_any_model_there_is_nothing_to_share_by(tmp_path: Path) -> None:
    shutil.copytree(CONFIG, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "attribution_models")
    with pytest.raises(DocumentFaults, match="holds no model"):
        read_rulebook(tmp_path)


def test_of_several_versions_of_a_model_the_highest_counts(tmp_path: Path) -> None:
    shutil.copytree(CONFIG, tmp_path, dirs_exist_ok=True)
    text = (tmp_path / "attribution_models" / "u.yaml").read_text()
    newer = text.replace("version: 1", "version: 2").replace("first: 40", "first: 60")
    (tmp_path / "attribution_models" / "u.2.yaml").write_text(newer)
    assert list(read_rulebook(tmp_path).crediting.models["u"].weights(2)) == [60, 40]


def test_the_digest_tells_one_way_to_count_from_another_and_not_one_layout_from_another(
    tmp_path: Path,
) -> None:
    shutil.copytree(CONFIG, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "reports.yaml"
    file.write_text(file.read_text() + "# nothing\n")
    assert read_rulebook(tmp_path).digest == rulebook().digest
    file.write_text(file.read_text().replace("tiers: [A]", "tiers: [A, B]"))
    assert read_rulebook(tmp_path).digest != rulebook().digest
