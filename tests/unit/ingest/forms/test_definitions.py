"""Documents of forms: those that ship, and the faults that others have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.ingest.domain.acts import ActReader
from services.ingest.domain.forms.definitions import Forms, find_faults, origin_of
from services.ingest.domain.traits import FieldNames
from services.ingest.store.documents import read_rulebook
from shared.documents.faults import DocumentFaults
from tests.unit.ingest.forms.documents import FAIR, form
from tests.unit.ingest.requests import ROOT, RULEBOOK

NAMES = FieldNames(RULEBOOK.field_names)
ACTS = ActReader(names=RULEBOOK.act_names, page_kinds=())


def faults_of(**changes: Any) -> list[str]:
    found = find_faults(
        form(**changes), is_act=lambda name: ACTS.find(name) is not None, our_name_of=NAMES.find
    )
    return [fault.path for fault in found]


class TestTheShippedForms:
    def test_ask_for_what_is_required_at_entry_i2(self) -> None:
        for document in RULEBOOK.forms:
            required = {asked.field for asked in document.fields if asked.required}
            assert {"name", "company_name", "title"} <= required
            assert {frozenset(group) for group in document.one_of} == {frozenset({"phone", "email"})}

    def test_speak_chinese_and_english(self) -> None:
        assert {document.languages for document in RULEBOOK.forms} == {("zh", "en")}
        assert {document.name for document in RULEBOOK.forms} == {
            "contact_us",
            "trial_request",
            "white_paper",
        }

    def test_put_the_tags_of_a_trial_on_i6(self) -> None:
        trial = Forms(RULEBOOK.forms).newest["trial_request"]
        assert set(trial.tags) == {"high_intent", "website"}
        assert [one.act for one in trial.acts] == ["Trial Requested"]

    def test_offer_values_that_are_standard_i9(self) -> None:
        rules = {rule.attribute: rule for rule in RULEBOOK.choices}
        for document in RULEBOOK.forms:
            for asked in document.fields:
                if asked.field in rules and asked.choices:
                    offered = {option.value for option in asked.choices}
                    assert offered <= {*rules[asked.field].values, rules[asked.field].other}

    def test_ask_for_consent_by_a_text_with_a_version(self) -> None:
        for document in RULEBOOK.forms:
            assert document.terms_of("email") == f"{document.name}@1"
            assert not any(consent.required for consent in document.consents)


class TestADocument:
    def test_without_faults_has_none(self) -> None:
        assert faults_of() == []

    @pytest.mark.parametrize(
        ("changes", "path"),
        [
            ({"fields": [*FAIR["fields"], {"field": "website", "label": FAIR["title"]}]}, "fields[9].field"),
            ({"fields": [*FAIR["fields"], {"field": "mail", "label": FAIR["title"]}]}, "fields[9].field"),
            (
                {"fields": [*FAIR["fields"], {"field": "consent_sms", "label": FAIR["title"]}]},
                "fields[9].field",
            ),
            (
                {"fields": [{"field": "x", "kind": "choice", "label": FAIR["title"]}, *FAIR["fields"]]},
                "fields[0].choices",
            ),
            ({"fields": [*FAIR["fields"], {"field": "x", "label": {"zh": "问"}}]}, "fields[9].label"),
            ({"one_of": [["email", "fax"]]}, "one_of[0]"),
            ({"one_of": [["email"]]}, "one_of[0]"),
            ({"consents": [*FAIR["consents"], *FAIR["consents"]]}, "consents"),
            ({"acts": [{"act": "Danced"}]}, "acts[0].act"),
            ({"redirect": "/thanks"}, "redirect"),
            ({"redirect": "javascript:alert(1)"}, "redirect"),
            ({"allowed_origins": ["https://www.example.com/"]}, "allowed_origins[0]"),
            ({"allowed_origins": ["www.example.com"]}, "allowed_origins[0]"),
            ({"thanks": {"en": "Thanks"}}, "thanks"),
            ({"intro": {"en": "Hello"}}, "intro"),
            ({"languages": ["en", "en"]}, "languages"),
        ],
    )
    def test_with_a_fault_is_told_where(self, changes: dict[str, Any], path: str) -> None:
        assert path in faults_of(**changes)

    def test_that_cannot_be_used_is_found_when_documents_are_checked(self, tmp_path: Path) -> None:
        for path in (ROOT / "config" / "ingest").rglob("*.yaml"):
            copy = tmp_path / path.relative_to(ROOT / "config" / "ingest")
            copy.parent.mkdir(exist_ok=True)
            copy.write_text(path.read_text("utf-8"), "utf-8")
        read_rulebook(tmp_path, default_region="CN")
        (tmp_path / "forms" / "fair.yaml").write_text(
            yaml.safe_dump({**FAIR, "one_of": [["x", "y"]]}), "utf-8"
        )
        with pytest.raises(DocumentFaults, match=r"fair.yaml, version 2: one_of\[0\]"):
            read_rulebook(tmp_path, default_region="CN")


def test_of_several_versions_the_newest_is_shown_and_older_ones_are_remembered() -> None:
    forms = Forms([form(version=2), form(version=10), form(version=9)])
    assert forms.newest["fair"].version == 10
    newest, old = forms.find("fair"), forms.find("fair", 2)
    assert newest is not None
    assert old is not None
    assert (newest.version, old.version) == (10, 2)
    assert forms.find("fair", 3) is None
    assert forms.find("") is None


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://www.example.com/a?b#c", "https://www.example.com"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("https://a@b.test/", None),
        ("https://b.test:port/", None),
        ("null", None),
        ("", None),
    ],
)
def test_an_origin_is_scheme_host_and_port(address: str, origin: str | None) -> None:
    assert origin_of(address) == origin
