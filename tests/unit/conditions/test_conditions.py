"""Conditions: structured, checked against a catalogue, compiled once, never code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.conditions.catalogue import Catalogue, Choice, Day, Flag, Labels, Number, Text
from shared.conditions.compiler import ConditionFaults, compile_condition
from shared.conditions.operators import OPERATORS

CATALOGUE: Catalogue = {
    "industry": Text(),
    "region": Text(),
    "level": Choice(("manager", "director", "vp"), ordered=True),
    "scope": Choice(("department", "group")),
    "employees": Number(),
    "student": Flag(),
    "go_live_on": Day(),
    "tags": Labels(),
}
LISTS = {"ours@1": ("pharma", "internet")}


def holds(source: object, **values: object) -> bool | None:
    return compile_condition(source, catalogue=CATALOGUE, lists=LISTS).test(values)


def compare(field: str, operator: str, *value: object) -> dict[str, object]:
    return {"field": field, "operator": operator, **({"value": value[0]} if value else {})}


def faults_of(source: object) -> dict[str, str]:
    with pytest.raises(ConditionFaults) as raised:
        compile_condition(source, catalogue=CATALOGUE, lists=LISTS)
    return {fault.path: fault.text for fault in raised.value.faults}


class TestComparisons:
    @pytest.mark.parametrize(
        ("condition", "yes", "no"),
        [
            (compare("industry", "is", "pharma"), "pharma", "retail"),
            (compare("industry", "is_not", "pharma"), "retail", "pharma"),
            (compare("industry", "in", ["pharma", "internet"]), "internet", "retail"),
            (compare("industry", "not_in", ["pharma", "internet"]), "retail", "pharma"),
            (compare("industry", "in", {"list": "ours@1"}), "internet", "retail"),
            (compare("region", "within", ["cn"]), "cn-sh", "cnx"),
            (compare("region", "within", ["cn"]), "cn", "c"),
            (compare("level", "at_least", "director"), "vp", "manager"),
            (compare("level", "at_least", "director"), "director", "manager"),
            (compare("level", "at_most", "director"), "manager", "vp"),
            (compare("level", "more_than", "director"), "vp", "director"),
            (compare("level", "less_than", "director"), "manager", "director"),
            (compare("scope", "is", "group"), "group", "department"),
            (compare("employees", "at_least", 200), 200, 199.5),
            (compare("employees", "less_than", 200), 199, 200),
            (compare("employees", "in", [1, 2]), 2, 3),
            (compare("student", "is", True), True, False),
            (compare("go_live_on", "at_most", "2026-05-01"), "2026-05-01", "2026-05-02"),
            (compare("tags", "includes_any", ["a", "b"]), ["b", "c"], ["c"]),
            (compare("tags", "includes_all", ["a", "b"]), ["b", "a", "c"], ["a"]),
            (compare("tags", "includes_none", ["a", "b"]), ["c"], ["b"]),
        ],
    )
    def test_hold_or_fail(self, condition: dict[str, object], yes: object, no: object) -> None:
        field = str(condition["field"])
        assert holds(condition, **{field: yes}) is True
        assert holds(condition, **{field: no}) is False

    def test_every_operator_has_an_example_above(self) -> None:
        (parameters,) = [mark for mark in self.test_hold_or_fail.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
        shown = {case[0]["operator"] for case in parameters.args[1]}
        assert shown | {"known", "unknown"} == set(OPERATORS)


class TestWhatIsNotKnown:
    @pytest.mark.parametrize("operator", ["is", "is_not", "in", "not_in"])
    @pytest.mark.parametrize("value", [None, 3, ["pharma"], True])
    def test_neither_holds_nor_fails(self, operator: str, value: object) -> None:
        wanted: object = ["pharma"] if operator.endswith("in") else "pharma"
        assert holds(compare("industry", operator, wanted), industry=value) is None
        assert holds(compare("industry", operator, wanted)) is None

    def test_stays_unknown_when_it_is_negated(self) -> None:
        assert holds({"not": compare("industry", "in", ["pharma"])}) is None

    def test_can_be_asked_for(self) -> None:
        assert holds(compare("industry", "unknown")) is True
        assert holds(compare("industry", "known"), industry="x") is True
        assert holds(compare("industry", "known"), industry=None) is False

    def test_true_is_no_number_and_one_is_no_flag(self) -> None:
        assert holds(compare("employees", "at_least", 1), employees=True) is None
        assert holds(compare("student", "is", True), student=1) is None

    def test_no_labels_are_an_empty_set(self) -> None:
        assert holds(compare("tags", "includes_none", ["a"])) is True
        assert holds(compare("tags", "unknown")) is True
        assert holds(compare("tags", "known"), tags=["a"]) is True


UNKNOWN = compare("industry", "is", "pharma")
TRUE = compare("employees", "is", 1)
FALSE = compare("employees", "is", 2)


class TestJoints:
    @pytest.mark.parametrize(
        ("joint", "parts", "result"),
        [
            ("all", [TRUE, TRUE], True),
            ("all", [TRUE, FALSE, UNKNOWN], False),
            ("all", [TRUE, UNKNOWN], None),
            ("any", [FALSE, TRUE, UNKNOWN], True),
            ("any", [FALSE, UNKNOWN], None),
            ("any", [FALSE, FALSE], False),
        ],
    )
    def test_join_what_holds_fails_or_is_unknown(
        self, joint: str, parts: list[object], result: bool | None
    ) -> None:
        assert holds({joint: parts}, employees=1) is result

    def test_not_turns_round(self) -> None:
        assert holds({"not": {"any": [FALSE, {"not": TRUE}]}}, employees=1) is True

    def test_a_condition_names_all_it_reads(self) -> None:
        condition = compile_condition({"all": [TRUE, {"not": UNKNOWN}]}, catalogue=CATALOGUE)
        assert condition.fields == {"employees", "industry"}


class TestFaults:
    def test_all_are_listed_with_path_value_and_what_is_allowed(self) -> None:
        faults = faults_of(
            {
                "all": [
                    compare("industri", "is", "x"),
                    compare("scope", "at_least", "group"),
                    {"any": []},
                    {"not": compare("level", "is", "boss")},
                    compare("employees", "is", "many"),
                    compare("industry", "in", "pharma"),
                    compare("industry", "in", ["pharma", 3]),
                    compare("go_live_on", "at_most", "May"),
                    compare("industry", "known", "x"),
                    compare("student", "is"),
                    "employees > 3",
                ]
            }
        )
        assert set(faults) == {
            "when.all[0].field",
            "when.all[1].operator",
            "when.all[2].any",
            "when.all[3].not.value",
            "when.all[4].value",
            "when.all[5].value",
            "when.all[6].value[1]",
            "when.all[7].value",
            "when.all[8].value",
            "when.all[9].value",
            "when.all[10]",
        }
        assert faults["when.all[0].field"].startswith("'industri' is unknown; did you mean industry?")
        assert "allowed: in, is, is_not, known, not_in, unknown" in faults["when.all[1].operator"]
        assert "allowed: director, manager, vp" in faults["when.all[3].not.value"]

    def test_a_joint_stands_alone(self) -> None:
        assert "stands alone" in faults_of({"all": [TRUE], "field": "industry"})["when"]

    def test_keys_that_have_no_place_are_named(self) -> None:
        assert "did you mean value?" in faults_of({**TRUE, "valeu": 3})["when.valeu"]

    def test_conditions_do_not_nest_without_end(self) -> None:
        source: object = TRUE
        for _ in range(30):
            source = {"not": source}
        assert any("deep" in text for text in faults_of(source).values())

    @given(
        st.recursive(
            st.one_of(
                st.none(), st.booleans(), st.integers(), st.text(max_size=9), st.sampled_from(list(CATALOGUE))
            ),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(
                    st.sampled_from(["all", "any", "not", "field", "operator", "value", "list"]),
                    inner,
                    max_size=3,
                ),
            ),
            max_leaves=12,
        )
    )
    def test_whatever_is_written_is_compiled_or_refused_with_faults(self, source: object) -> None:
        try:
            condition = compile_condition(source, catalogue=CATALOGUE)
        except ConditionFaults:
            return
        assert condition.test({"employees": 3}) in {True, False, None}
