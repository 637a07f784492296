"""Who sent a message: crawlers, headless browsers, networks without people, own staff (I-3, I5)."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.api.stamping import client_of
from services.ingest.domain.intake import Intake
from services.ingest.domain.validity.rules import TestRules, ValidityRules, network_faults
from services.ingest.domain.validity.senders import Networks, Senders
from shared.contracts.events.raw import ClientInfo, RawReceived
from tests.examples import tried
from tests.unit.ingest.requests import RECEIVED, ROOT, RULEBOOK, make_reader

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"
HEADLESS = CHROME.replace("Chrome/", "HeadlessChrome/")
CASES = msgspec.json.decode((ROOT / "tests/cases/rudderstack/machines.json").read_bytes())["cases"]


def dismissed(rules: ValidityRules = RULEBOOK.validity, **sender: Any) -> str:
    told: dict[str, Any] = {
        "source": "website",
        "agent": CHROME,
        "told_agent": "",
        "address": None,
        "is_staff": False,
    }
    return Senders(rules).dismiss(**{**told, **sender})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_user_agents_are_judged_as_rudderstack_does(case: dict[str, Any]) -> None:
    """I-3. Here, unlike for tracking links, an empty one counts: servers and SDKs send none."""
    assert (dismissed(agent=case["agent"]) == "bot") == case["peer"]["is_machine"]


@pytest.mark.parametrize(
    "agent",
    [
        HEADLESS,
        "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 PhantomJS/2.1.1 Safari/538.1",
        "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
        "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
        "Barracuda Sentinel (EE)",
        "facebookexternalhit/1.1",
    ],
)
def test_headless_browsers_crawlers_and_gateways_are_bots(agent: str) -> None:
    assert dismissed(agent=agent) == "bot"


@pytest.mark.parametrize(
    "agent",
    ["", "python-requests/2.32", "curl/8.5.0", "axios/1.7", "okhttp/4.12", "WordPress/6.5; https://a.b"],
)
def test_programs_that_pass_on_what_people_did_are_no_bots(agent: str) -> None:
    assert dismissed(agent=agent) == ""


def test_the_browser_that_a_server_tells_of_is_judged_too() -> None:
    assert dismissed(agent="python-requests/2.32", told_agent=HEADLESS) == "bot"


class TestNetworks:
    RULES = ValidityRules(networks=("192.0.2.0/24", "198.51.100.16/28", "2001:db8::/32"))

    @pytest.mark.parametrize("address", ["192.0.2.1", "198.51.100.31", "2001:db8::1", "::ffff:192.0.2.9"])
    def test_a_browser_in_a_data_centre_is_dismissed(self, address: str) -> None:
        assert dismissed(self.RULES, address=address) == "network"

    @pytest.mark.parametrize("address", ["192.0.3.1", "198.51.100.32", "2001:db9::1", "", "nobody", None])
    def test_a_browser_elsewhere_counts(self, address: str | None) -> None:
        assert dismissed(self.RULES, address=address) == ""

    def test_servers_live_in_data_centres_and_rightly_so(self) -> None:
        assert dismissed(self.RULES, agent="python-requests/2.32", address="192.0.2.1") == ""

    def test_what_is_no_range_is_a_fault_that_names_its_place(self) -> None:
        faults = network_faults(["192.0.2.0/24", "192.0.2.1/24", "here"])
        assert [fault.path for fault in faults] == ["ranges[1]", "ranges[2]"]

    @settings(max_examples=tried(50), deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, 255), st.integers(24, 32)), max_size=8),
        st.integers(0, 2**16 - 1),
    )
    def test_overlapping_ranges_hold_what_one_of_them_holds(
        self, given_ranges: list[tuple[int, int]], low: int
    ) -> None:
        ranges = [
            str(ip_network((0x0A000000 | (third << 8), bits), strict=False)) for third, bits in given_ranges
        ]
        address = ip_address(0x0A000000 | low)
        expected = any(address in ip_network(one) for one in ranges)
        assert Networks(ranges).hold(str(address)) == expected


def test_a_source_for_tests_sends_tests_and_staff_are_staff() -> None:
    rules = ValidityRules(tests=TestRules(sources=frozenset({"trying"})))
    assert dismissed(rules, source="trying") == "test"
    assert dismissed(rules, source="website") == ""
    assert dismissed(rules, source="trying", is_staff=True) == "staff"


def test_the_cookie_of_staff_is_read_at_the_edge_and_nothing_else_of_it() -> None:
    client = client_of({}, {b"cookie": "a=b; lm_staff=1; session=secret"})
    assert client.is_staff
    assert "secret" not in msgspec.json.encode(client).decode()
    assert not client_of({}, {b"cookie": "a=b"}).is_staff


def read(channel: Any, agent: str, **raw: Any) -> Intake:
    body = {"userId": "u-1", "event": "Demo Requested", "anonymousId": "a", **raw.pop("body", {})}
    content = "email=ada%40example.com&name=Ada" if channel == "form" else msgspec.json.encode(body).decode()
    kind = "application/x-www-form-urlencoded" if channel == "form" else "track"
    received = RawReceived(
        source="website", channel=channel, kind=kind, body=content, client=ClientInfo(user_agent=agent), **raw
    )
    intake = make_reader().on_raw_received(received, record_id="0" * 32, received=RECEIVED)
    assert isinstance(intake, Intake)
    return intake


def test_a_headless_browser_is_marked_and_refuses_nothing() -> None:
    for channel in ("sdk", "form"):
        assert read(channel, HEADLESS).dismissed == "bot"
        assert read(channel, CHROME).dismissed == ""
    told = {"context": {"userAgent": HEADLESS}}
    assert read("sdk", "python-requests/2.32", body=told).dismissed == "bot"


def test_what_our_own_services_tell_is_never_dismissed() -> None:
    assert read("sdk", HEADLESS, is_internal=True).dismissed == ""
