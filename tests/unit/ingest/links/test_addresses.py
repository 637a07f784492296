"""Where links may lead, and what they add."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.links.addresses import (
    CLICK,
    CLICK_COUNTS,
    TargetRefused,
    check_target,
    click_that_counts,
    find_click,
    lead_on,
    new_click_id,
    passed_on,
)
from shared.kernel.instants import MINUTE, SECOND
from tests.unit.ingest.requests import RECEIVED

LOT = "0123456789abcdef0123456789abcdef"
ID = new_click_id(RECEIVED, LOT)
UTM = {"utm_source": "wechat", "utm_medium": "social", "utm_campaign": "spring", "utm_term": ""}


class TestATarget:
    @pytest.mark.parametrize(
        ("given_", "stored"),
        [
            ("https://www.example.com", "https://www.example.com/"),
            (" http://example.com:8080/a?b=c#d ", "http://example.com:8080/a?b=c#d"),
            (
                "https://例子.测试/产品?名=值#节",
                "https://xn--fsqu00a.xn--0zwm56d/%E4%BA%A7%E5%93%81?%E5%90%8D=%E5%80%BC#%E8%8A%82",
            ),
            ("https://example.com/a%20b?c=%26", "https://example.com/a%20b?c=%26"),
            ("https://[2001:db8::1]/x", "https://[2001:db8::1]/x"),
        ],
    )
    def test_is_stored_as_it_may_stand_in_a_header(self, given_: str, stored: str) -> None:
        assert check_target(given_) == stored
        assert check_target(stored) == stored

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "www.example.com",
            "//evil.test/",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://example.com/",
            "https://",
            "https:///path",
            "https://user:secret@example.com/",
            "https://good.example@evil.test/",
            "https://example.com\\@evil.test/",
            "https://example.com/\r\nset-cookie: a=b",
            "https://example.com/a b",
            "https://exa mple.com/",
            "https://example.com:port/",
            "https://example.com:99999/",
            "https://[::1/",
            "https://" + "a" * 2_000 + ".com/",
            "https://-/",
        ],
    )
    def test_is_an_address_of_the_web_or_refused(self, text: str) -> None:
        with pytest.raises(TargetRefused):
            check_target(text)

    @given(st.text(max_size=80), st.sampled_from(["", "https://", "http://", "https://example.com/"]))
    def test_is_never_anything_that_could_break_a_header(self, text: str, start: str) -> None:
        try:
            stored = check_target(start + text)
        except TargetRefused:
            return
        assert stored.isascii()
        assert stored.isprintable()
        assert " " not in stored
        assert urlsplit(stored).scheme in {"http", "https"}
        assert check_target(stored) == stored


class TestAClicksId:
    def test_counts_within_half_an_hour_and_then_no_more(self) -> None:
        assert click_that_counts(ID, occurred=RECEIVED + 5 * SECOND) == ID
        assert click_that_counts(ID, occurred=RECEIVED + CLICK_COUNTS) == ID
        assert click_that_counts(ID, occurred=RECEIVED + CLICK_COUNTS + SECOND) is None
        assert click_that_counts(ID, occurred=RECEIVED - MINUTE) == ID

    @pytest.mark.parametrize(
        "value", [None, "", 5, "x" * 32, ID[:31], ID.upper() if ID.upper() != ID else "", ID + "0"]
    )
    def test_is_none_if_it_is_written_otherwise(self, value: object) -> None:
        assert click_that_counts(value, occurred=RECEIVED) is None

    def test_needs_enough_that_nobody_can_guess(self) -> None:
        with pytest.raises(ValueError, match="20 hexadecimal"):
            new_click_id(RECEIVED, "abc")

    def test_is_found_in_an_address_and_in_a_query(self) -> None:
        assert find_click(f"https://example.com/?a=b&{CLICK}={ID}#c") == ID
        assert find_click(f"?{CLICK}={ID}") == ID
        assert find_click(f"{CLICK}={ID}&x") == ID
        assert find_click(f"https://example.com/#{CLICK}={ID}") is None
        assert find_click("https://example.com/") is None
        assert find_click(5) is None


class TestTheWayOn:
    def test_keeps_what_the_target_says_and_adds_the_campaign_and_the_click(self) -> None:
        target = "https://example.com/a?x=1&x=2&empty=#part"
        led = lead_on(target, click=ID, utm=UTM, passed={"gclid": "g 1"})
        assert led == (
            "https://example.com/a?x=1&x=2&empty="
            f"&utm_source=wechat&utm_medium=social&utm_campaign=spring&gclid=g+1&{CLICK}={ID}#part"
        )

    def test_leaves_the_targets_own_campaign_alone(self) -> None:
        led = lead_on("https://example.com/?UTM_Campaign=own", click=ID, utm=UTM, passed={})
        assert led == f"https://example.com/?UTM_Campaign=own&{CLICK}={ID}"

    def test_carries_one_click_only(self) -> None:
        led = lead_on(f"https://example.com/?{CLICK}=old&a=b", click=ID, utm={}, passed={"a": "c"})
        assert led == f"https://example.com/?a=b&{CLICK}={ID}"

    def test_passes_on_what_ad_platforms_add_and_nothing_else(self) -> None:
        query = {
            "gclid": ["x", "y"],
            "utm_term": ["mes"],
            "next": ["https://evil.test"],
            "fbclid": ["z" * 300],
        }
        assert passed_on(query, frozenset({"gclid", "fbclid"})) == {"gclid": "y", "utm_term": "mes"}

    @given(
        st.lists(st.tuples(st.text(max_size=8), st.text(max_size=20)), max_size=5),
        st.dictionaries(st.sampled_from(sorted(UTM)), st.text(max_size=20)),
        st.dictionaries(st.sampled_from(["gclid", "bd_vid"]), st.text(min_size=1, max_size=40)),
    )
    def test_leads_to_the_stored_host_and_path_whatever_is_added(
        self, own: list[tuple[str, str]], utm: dict[str, str], passed: dict[str, str]
    ) -> None:
        from urllib.parse import urlencode

        target = check_target(f"https://example.com/landing?{urlencode(own)}#here")
        led = urlsplit(lead_on(target, click=ID, utm=utm, passed=passed))
        assert (led.scheme, led.netloc, led.path, led.fragment) == (
            "https",
            "example.com",
            "/landing",
            "here",
        )
        assert lead_on(target, click=ID, utm=utm, passed=passed).isascii()
        said = parse_qsl(led.query, keep_blank_values=True)
        assert said[-1] == (CLICK, ID)
        before = [
            pair for pair in parse_qsl(urlsplit(target).query, keep_blank_values=True) if pair[0] != CLICK
        ]
        assert said[: len(before)] == before
