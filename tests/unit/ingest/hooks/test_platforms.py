"""Moments, places and answers as Chinese platforms write them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.providers.answers import read_answers, read_list
from services.ingest.providers.moments import beijing_day, read_platform_moment
from services.ingest.providers.places import province_of
from shared.kernel.instants import MILLISECOND, SECOND, format_instant


class TestMoments:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("1795294800", "2026-11-21T21:00:00Z"),
            (1795294800, "2026-11-21T21:00:00Z"),
            ("1795294800123", "2026-11-21T21:00:00.123Z"),
            ("2026-11-22 05:00:00", "2026-11-21T21:00:00Z"),
            ("2026-11-22 05:00", "2026-11-21T21:00:00Z"),
            ("2026/11/22 5:00:00", "2026-11-21T21:00:00Z"),
            ("2026-11-22T05:00:00.250", "2026-11-21T21:00:00Z"),
            ("2026-11-22", "2026-11-21T16:00:00Z"),
            ("2026-11-21T21:00:00Z", "2026-11-21T21:00:00Z"),
            ("2026-11-22T05:00:00+08:00", "2026-11-21T21:00:00Z"),
        ],
    )
    def test_are_read_however_they_are_written(self, written: object, meant: str) -> None:
        moment = read_platform_moment(written)
        assert moment is not None
        assert format_instant(moment) == meant

    @pytest.mark.parametrize(
        "written", ["", None, "0", "yesterday", "2026-13-01", "2026-02-30", True, [], {}]
    )
    def test_that_are_none_are_none(self, written: object) -> None:
        assert read_platform_moment(written) is None

    @given(st.text(max_size=30))
    @settings(deadline=None)
    def test_never_raise(self, text: str) -> None:
        read_platform_moment(text)

    @given(st.integers(1_000_000_000, 9_999_999_999))
    @settings(deadline=None)
    def test_mean_the_same_in_seconds_and_milliseconds(self, seconds: int) -> None:
        assert read_platform_moment(str(seconds)) == seconds * SECOND
        assert read_platform_moment(seconds * 1000) == seconds * 1000 * MILLISECOND

    def test_lie_on_a_day_of_beijing(self) -> None:
        assert beijing_day("2026-11-22 00:00:00") == "2026-11-22"
        assert beijing_day(1795294800) == "2026-11-22"


class TestPlaces:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("广东省深圳市", "广东"),
            ("广东-深圳", "广东"),
            ("广东 深圳", "广东"),
            ("广东省", "广东"),
            ("北京市", "北京"),
            ("北京", "北京"),
            ("内蒙古自治区呼和浩特市", "内蒙古"),
            ("广西壮族自治区", "广西"),
            ("香港特别行政区", "香港"),
            ("黑龙江省/哈尔滨市", "黑龙江"),
            ("Berlin", "Berlin"),
        ],
    )
    def test_are_known_by_their_beginning(self, written: str, meant: str) -> None:
        assert province_of(None, "", written) == meant

    def test_that_are_none_are_none(self) -> None:
        assert province_of(None, "", " ") is None


class TestAnswers:
    @pytest.mark.parametrize(
        "written",
        [
            {"公司": "示例", "预算": 30},
            '{"公司":"示例","预算":30}',
            [{"name": "公司", "value": "示例"}, {"question": "预算", "answer": 30}],
            '[{"label":"公司","value":"示例"},{"key":"预算","content":30}]',
        ],
    )
    def test_are_read_however_they_are_written(self, written: object) -> None:
        assert read_answers(written) == {"公司": "示例", "预算": 30}

    @pytest.mark.parametrize("written", [None, "", "no json", "[", 7, [7], [{"name": ""}], {"a": ""}])
    def test_that_are_none_are_none(self, written: object) -> None:
        assert read_answers(written) == {}

    def test_of_several_choices_stand_together(self) -> None:
        assert read_answers({"需求": ["排产", "质检"]}) == {"需求": "排产, 质检"}

    def test_of_a_list_are_its_objects(self) -> None:
        assert read_list('[{"a":1}, 2]') == [{"a": 1}]
        assert read_list("no json") == []
