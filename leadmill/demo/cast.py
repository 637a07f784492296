"""A dozen people of the story by name, each with a fortnight that can be worked out by hand.

They come at minutes of their own, and before anybody else, so that it is known whose turn it is among
the reps. ``tests/journeys/fortnight/test_by_hand.py`` has the arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, Literal

from leadmill.demo.people import Person
from leadmill.demo.visits import (
    AD,
    AD_DESK,
    BEGIN,
    DAYS,
    DEMO,
    FAIR,
    PARTNER,
    PRICES,
    SOLUTION,
    TRIAL,
    Diary,
    Report,
    Visit,
    act,
    article,
    page,
    white_paper,
)
from shared.kernel.instants import DAY, MINUTE, Instant, to_datetime

DeedKind = Literal["leave", "contact", "handover", "return", "claim", "race", "unmerge", "erase"]
DAILY_AD: Final = 6_000
_FITTING: Final = {"industry": "制造业", "employees": 1200, "region": "上海", "title": "销售总监"}
"""Worth 40 points of fit in mql: key industry 10, director 15, size 10, region 5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What sales, or the office, does about somebody at ``at``. ``rep`` is set where it is not the owner."""

    at: Instant
    kind: DeedKind
    person: Person
    rep: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


class Script(Diary):
    """A diary whose slots are minutes of the day."""

    def instant(self, day: int, slot: int) -> Instant:
        """Return a minute of a day."""
        return BEGIN + day * DAY + slot * MINUTE


def _person(number: int, name: str, mailbox: str, company: str, **more: object) -> Person:
    told = {**_FITTING, **more}
    return Person(
        number=number,
        kind="buyer",
        name=name,
        email=f"{mailbox}@example.{'com' if name.isascii() else 'cn'}",
        phone=f"+1 202 555 01{number:02d}",
        title=str(told["title"]),
        company=company,
        industry=str(told["industry"]),
        employees=int(str(told["employees"])),
        region=str(told["region"]),
    )


LIN: Final = _person(1, "林晓", "lin.xiao", "华星精密")
CHEN: Final = _person(2, "陈墨", "chen.mo", "天工智造")
HU: Final = _person(3, "胡静", "hu.jing", "正泰能源")
ZHOU: Final = _person(4, "周敏", "zhou.min", "云帆软件")
WANG: Final = _person(5, "王磊", "wang.lei", "远航科技")
SUN: Final = _person(6, "孙丽", "sun.li", "博雅医药")
GAO: Final = _person(7, "高飞", "gao.fei", "蓝海互联")
EVA: Final = _person(8, "Eva Berg", "eva.berg", "Fjord Systems")
LIU: Final = _person(9, "刘洋", "liu.yang", "启明教育", title="实习生", industry="教育", region="北京")
ANNA: Final = _person(10, "Anna Keller", "anna.keller", "Bluefin Software", region="Singapore")
PAUL: Final = _person(
    11, "Paul Rossi", "paul.rossi", "Orchard Retail",
    title="Specialist", industry="retail", employees=80, region="California",
)  # fmt: skip
HE: Final = _person(12, "何平", "he.ping", "金桥物流", region="北京")

CAST: Final[Sequence[Person]] = (LIN, CHEN, HU, ZHOU, WANG, SUN, GAO, EVA, LIU, ANNA, PAUL, HE)

HANDOVER: Final[Mapping[str, str]] = {
    "pain_point": "leads wait for days", "current_solution": "a spreadsheet", "purchase_time": "3_months",
    "budget": "yes", "decision_maker": "yes",
}  # fmt: skip
SCRIPTED_MAIL: Final[Mapping[tuple[int, int], tuple[str, bool]]] = {
    (HE.number, 2): ("book-a-demo", False),
    (LIU.number, 1): ("", True),
}
"""Who clicks which link of their how-manieth mail, and unsubscribes; the dozen open every mail in an hour."""

AT_THE_FAIR: Final = act("Live Event Attended", live_event=FAIR, offline=True)


def clock(hour: int, minute: int = 0) -> int:
    """Return a time of the day as minutes of the day."""
    return hour * 60 + minute


def plan_cast() -> list[Visit]:
    """Return every visit of the dozen, and what the campaigns cost, in order of time."""
    scripts = [Script(person, Random(person.number)) for person in CAST]
    for script in scripts:
        _SCRIPTS[script.person.number](script)
    visits = [visit for script in scripts for visit in script.visits] + plan_costs()
    return sorted(visits, key=lambda visit: visit.at)


def plan_costs() -> list[Visit]:
    """Return what the ad cost each day, and what the fair cost."""
    costs: list[dict[str, object]] = [
        {
            "day": f"{to_datetime(BEGIN + day * DAY + DAY // 2):%Y-%m-%d}",
            "campaign": AD["name"],
            "channel": "paid_search",
            "kind": "ads",
            "amount": DAILY_AD,
            "currency": "CNY",
        }
        for day in range(DAYS)
    ]
    fair = {"day": "2026-09-16", "campaign": FAIR, "channel": "live_event", "currency": "CNY"}
    costs += [{**fair, "kind": "labour", "amount": 60_000}, {**fair, "kind": "content", "amount": 30_000}]
    at = BEGIN + 13 * DAY + clock(21) * MINUTE
    return [Report(at=at, person=LIN, what="costs", body={"batch": costs}, source=AD_DESK)]


def _lin(script: Script) -> None:
    """Clicks the ad, asks for a demo, is called within ninety minutes; attends the fair; 288,000."""
    script.browse(0, clock(9, 10), PRICES, ad=AD)
    script.sign_up(0, clock(9, 30), DEMO, white_paper(1))
    script.browse(2, clock(14), AT_THE_FAIR)
    script.report_deal(1, clock(10), "created", "OP-LIN", stage="first_talk", amount=288_000)
    script.report_deal(3, clock(10), "stage changed", "OP-LIN", stage="proposal")
    script.report_deal(8, clock(15), "won", "OP-LIN", amount=288_000)


def _chen(script: Script) -> None:
    """Fills in the form behind the ad, tries it out; three touches share 100,000.01."""
    utm = {f"utm_{'campaign' if name == 'name' else name}": value for name, value in AD.items()}
    script.submit(0, clock(9, 40), "trial", start_within_months="1", **utm)
    script.sign_up(0, clock(9, 50), TRIAL)
    script.browse(2, clock(14), AT_THE_FAIR)
    news = {"source": "newsletter", "medium": "email", "name": "september"}
    script.browse(4, clock(9, 30), article(1), ad=news)
    script.report_deal(2, clock(10), "created", "OP-CHEN", stage="first_talk", amount="100000.01")
    script.report_deal(8, clock(15), "won", "OP-CHEN", amount="100000.01")


def _hu(script: Script) -> None:
    """Comes when the rep whose turn it is is on leave."""
    script.sign_up(0, clock(10, 20), TRIAL, white_paper(1))


def _zhou(script: Script) -> None:
    """Is interesting but not hot: the pool, a claim, and no budget."""
    script.sign_up(0, clock(10), TRIAL)


def _wang(script: Script) -> None:
    """Is forgotten over a weekend whose Sunday is worked, taken back, fought for, and lost."""
    script.be_captured(4, clock(14), PARTNER)
    script.sign_up(4, clock(15), TRIAL, white_paper(1), SOLUTION)
    script.report_deal(8, clock(10), "created", "OP-WANG", stage="first_talk", amount=80_000)
    script.report_deal(10, clock(16), "lost", "OP-WANG", reason="price")


def _sun(script: Script) -> None:
    """Types the address herself: nobody is to be credited with her 50,000."""
    script.sign_up(7, clock(11), DEMO, white_paper(2), PRICES)
    script.report_deal(8, clock(10), "created", "OP-SUN", stage="first_talk", amount=50_000)
    script.report_deal(9, clock(11), "won", "OP-SUN", amount=50_000)


def _gao(script: Script) -> None:
    """Is written down at the fair and by a partner; becomes one lead by his account, and two again."""
    script.be_captured(1, clock(9, 30), FAIR, phone=None)
    script.be_captured(1, clock(9, 40), PARTNER, email=None)
    script.sign_up(2, clock(9, 30), page("/"))


def _eva(script: Script) -> None:
    """Wants to be forgotten."""
    script.submit(1, clock(10), "newsletter")


def _liu(script: Script) -> None:
    """Learns for an examination."""
    script.sign_up(0, clock(11, 10), PRICES, white_paper(1))


def _anna(script: Script) -> None:
    """Is the right person, from where nobody sells."""
    script.be_captured(1, clock(10, 30), FAIR)


def _paul(script: Script) -> None:
    """Looks at prices out of curiosity."""
    script.browse(1, clock(11), PRICES, ad=AD)
    script.submit(1, clock(11, 10), "newsletter")


def _he(script: Script) -> None:
    """Wants to start within a month, is warmed up by mail from the second day on, and buys for 60,000."""
    script.submit(1, clock(9, 15), "demo", start_within_months="1")
    script.report_deal(7, clock(16), "created", "OP-HE", stage="first_talk", amount=60_000)
    script.report_deal(9, clock(10), "won", "OP-HE", amount=60_000)


_SCRIPTS: Final = {
    person.number: script
    for person, script in zip(
        CAST,
        (_lin, _chen, _hu, _zhou, _wang, _sun, _gao, _eva, _liu, _anna, _paul, _he),
        strict=True,
    )
}


def plan_deeds() -> list[Deed]:
    """Return what sales and the office do about the dozen, in order of time."""

    def deed(day: int, minute: int, kind: DeedKind, person: Person, rep: str = "", **fields: str) -> Deed:
        return Deed(at=BEGIN + day * DAY + minute * MINUTE, kind=kind, person=person, rep=rep, fields=fields)

    return [
        deed(0, clock(9), "leave", LIN, "rep-3", first_day="2026-09-14", last_day="2026-09-16"),
        deed(0, clock(10, 30), "claim", ZHOU, "rep-5"),
        deed(0, clock(11), "contact", LIN),
        deed(0, clock(11), "contact", ZHOU),
        deed(0, clock(11), "contact", CHEN),
        deed(0, clock(14), "handover", LIN, **HANDOVER),
        deed(0, clock(15), "contact", HU),
        deed(1, clock(10), "return", ZHOU, reason="no_budget"),
        deed(3, clock(9, 30), "unmerge", GAO),
        deed(4, clock(10), "erase", EVA),
        deed(6, clock(10), "contact", HE),
        deed(7, clock(10), "race", WANG),
        deed(7, clock(10, 30), "contact", WANG),
        deed(7, clock(14), "contact", SUN),
        deed(7, clock(15), "handover", SUN, **HANDOVER),
    ]


def concerned(deeds: Sequence[Deed], kind: DeedKind) -> list[Person]:
    """Return whom deeds of a kind are about."""
    return [deed.person for deed in deeds if deed.kind == kind]
