"""People and machines: who looked into a mail."""

from __future__ import annotations

import pytest

from services.nurture.domain.engagements import (
    Engagement,
    Kind,
    ScannerDocument,
    ScannerFaults,
    Scanners,
    engagement,
)
from shared.documents.versions import load_document
from shared.kernel.instants import HOUR, MINUTE, SECOND
from tests.unit.nurture.stories import CONFIG, START

MESSAGE = "c" * 32
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"


@pytest.fixture(scope="module")
def scanners() -> Scanners:
    text = (CONFIG / "nurture" / "scanners.yaml").read_text("utf-8")
    return Scanners(load_document(text, kind="scanners", shape=ScannerDocument).body)


@pytest.mark.parametrize(
    "agent",
    [
        "Barracuda Sentinel (EE)",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Microsoft Office SafeLinks",
        "python-requests/2.32",
        "curl/8.5.0",
        "Slackbot-LinkExpanding 1.0 preview",
        "",
    ],
)
def test_known_scanners_are_machines(scanners: Scanners, agent: str) -> None:
    assert scanners.recognise(method="GET", agent=agent) == "scanner"


def test_a_browser_may_be_a_person_and_its_head_is_none(scanners: Scanners) -> None:
    assert not scanners.recognise(method="GET", agent=BROWSER)
    assert scanners.recognise(method="HEAD", agent=BROWSER) == "head"


def judged(scanners: Scanners, act: Engagement, *clicked: tuple[int, int], links: int = 3) -> str:
    return scanners.judge(act, sent=START, links=links, clicked=clicked)


def click(seconds: float, number: int = 0) -> Engagement:
    return engagement(MESSAGE, "click", at=START + round(seconds * SECOND), number=number)


class TestJudging:
    def test_a_click_within_five_seconds_of_the_sending_is_a_machines(self, scanners: Scanners) -> None:
        assert judged(scanners, click(4.9)) == "too_quick"
        assert not judged(scanners, click(5))

    def test_whoever_clicks_every_link_in_two_seconds_is_a_machine(self, scanners: Scanners) -> None:
        at = START + HOUR
        everything = [(0, at), (1, at + SECOND), (2, at + SECOND)]
        assert judged(scanners, click(3600), *everything) == "every_link"
        assert not judged(scanners, click(3600), *everything[:2])
        assert not judged(scanners, click(3600), (0, at), links=1)

    def test_an_open_may_come_at_once(self, scanners: Scanners) -> None:
        assert not judged(scanners, engagement(MESSAGE, "open", at=START + 1))

    def test_whoever_unsubscribes_is_believed(self, scanners: Scanners) -> None:
        act = engagement(MESSAGE, "unsubscribe", at=START + 1, machine="scanner")
        assert not judged(scanners, act)


class TestTheSameAct:
    def test_a_repeat_within_half_an_hour_is_the_same_act(self) -> None:
        slot = START - START % (30 * MINUTE)
        ids = {engagement(MESSAGE, "open", at=slot + minutes * MINUTE).id for minutes in (0, 1, 29)}
        assert len(ids) == 1
        assert engagement(MESSAGE, "open", at=slot + 30 * MINUTE).id not in ids

    def test_other_links_and_kinds_are_other_acts_and_a_machines_hides_no_persons(self) -> None:
        kinds: tuple[Kind, ...] = ("open", "click")
        acts = [engagement(MESSAGE, kind, at=START, number=number) for kind in kinds for number in (0, 1)]
        acts.append(engagement(MESSAGE, "click", at=START, machine="scanner"))
        assert len({act.id for act in acts}) == 5

    def test_unsubscribing_is_one_act_for_good(self) -> None:
        first, second = (engagement(MESSAGE, "unsubscribe", at=at) for at in (START, START + HOUR))
        assert first.id == second.id


def test_a_pattern_that_is_none_is_a_fault() -> None:
    with pytest.raises(ScannerFaults, match=r"agents\[1\]"):
        Scanners(ScannerDocument(name="scanners", version=1, agents=("fine", "(open")))
