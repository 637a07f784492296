"""The people of the story: made up, from a seed, half of them Chinese and half of them from elsewhere.

Addresses are in domains, and numbers in ranges, that are reserved for stories, so that no real person
can be meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Literal, TypeVar

T = TypeVar("T")

Kind = Literal["buyer", "evaluator", "reader", "browser", "student", "leader", "enthusiast"]
"""How somebody behaves: see :mod:`leadmill.demo.visits`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who may become a lead. ``number`` tells people apart and orders them."""

    number: int
    kind: Kind
    name: str
    email: str
    phone: str
    title: str
    company: str
    industry: str
    employees: int
    region: str

    @property
    def device(self) -> str:
        """The anonymous id that the person's browser was given."""
        return f"browser-{self.number:05d}"

    @property
    def account(self) -> str:
        """The user id that the website's own accounts give."""
        return f"account-{self.number:05d}"

    @property
    def traits(self) -> dict[str, object]:
        """What the person tells of themselves, under the names of the SDK protocol."""
        return {
            "email": self.email,
            "phone": self.phone,
            "name": self.name,
            "title": self.title,
            "industry": self.industry,
            "region": self.region,
            "company": {"name": self.company, "employees": self.employees},
        }


_FAMILY: Final = (
    "王 Wang", "李 Li", "张 Zhang", "刘 Liu", "陈 Chen", "杨 Yang", "赵 Zhao", "黄 Huang", "周 Zhou", "吴 Wu",
    "徐 Xu", "孙 Sun", "胡 Hu", "朱 Zhu", "高 Gao", "林 Lin", "何 He", "郭 Guo", "马 Ma", "罗 Luo",
)  # fmt: skip
_GIVEN: Final = (
    "伟 Wei", "芳 Fang", "娜 Na", "敏 Min", "静 Jing", "磊 Lei", "洋 Yang", "艳 Yan", "勇 Yong", "杰 Jie",
    "雪梅 Xuemei", "志强 Zhiqiang", "晓明 Xiaoming", "思远 Siyuan", "佳怡 Jiayi", "子涵 Zihan",
    "建国 Jianguo", "丽华 Lihua", "文博 Wenbo", "雨桐 Yutong",
)  # fmt: skip
_FIRST: Final = (
    "Anna", "Ben", "Carla", "David", "Elena", "Felix", "Grace", "Hugo", "Ingrid", "Jonas", "Kate", "Luis",
    "Mara", "Noah", "Olga", "Paul", "Rosa", "Sam", "Tara", "Victor",
)  # fmt: skip
_LAST: Final = (
    "Berg", "Costa", "Dubois", "Evans", "Fischer", "Garcia", "Hansen", "Ivanova", "Jensen", "Keller", "Lopez",
    "Moreau", "Nowak", "Olsen", "Patel", "Rossi", "Schmidt", "Tanaka", "Weber", "Young",
)  # fmt: skip
_CHINESE_COMPANIES: Final = (
    "华星精密", "远航科技", "博雅医药", "蓝海互联", "天工智造", "云帆软件", "康宁生物", "金桥物流",
    "启明教育", "正泰能源",
)  # fmt: skip
_WESTERN_COMPANIES: Final = (
    "Northwind Tools", "Acme Robotics", "Helio Pharma", "Bluefin Software", "Kestrel Motors", "Fjord Systems",
    "Orchard Retail", "Summit Bank", "Lumen Energy", "Atlas Freight",
)  # fmt: skip
_INDUSTRIES: Final = (
    # as people write them: ingest makes one value of many spellings (I3)
    ("制造业", 3), ("Manufacturing", 3), ("互联网", 3), ("software", 3), ("医药", 2), ("biotech", 2),
    ("半导体", 2), ("high tech", 2), ("教育", 1), ("banking", 1), ("物流", 1), ("retail", 1), ("能源", 1),
)  # fmt: skip
_SIZES: Final = (20, 45, 80, 150, 240, 320, 480, 650, 1200, 5000)
_TITLES: Final = {
    "buyer": ("采购总监", "VP Sales", "首席信息官", "Director of Operations", "总经理", "Head of Marketing"),
    "evaluator": ("市场经理", "Product Manager", "IT主管", "信息部部长", "Marketing Director", "Team Lead"),
    "reader": ("Analyst", "工程师", "产品经理", "Specialist", "Consultant", "市场专员"),
    "browser": ("Manager", "工程师", "Specialist", "经理"),
    "student": ("Student", "实习生", "MBA student", "在读研究生"),
    "leader": ("Director", "运营总监", "VP Engineering", "市场总监"),
    "enthusiast": ("工程师", "Specialist", "Teacher", "Nurse", "Clerk"),
}
_REGIONS: Final = (
    ("上海", 4), ("北京", 4), ("深圳", 3), ("杭州", 2), ("成都", 2), ("Wuhan", 1), ("Singapore", 2),
    ("Bavaria", 1), ("California", 1),
)  # fmt: skip
_KINDS: Final[tuple[tuple[Kind, int], ...]] = (
    ("buyer", 12), ("evaluator", 25), ("reader", 27), ("browser", 16), ("student", 6), ("leader", 8),
    ("enthusiast", 6),
)  # fmt: skip
_OTHER_INDUSTRIES: Final = ("教育", "banking", "物流", "retail", "能源")
_AREA_CODES: Final = (202, 212, 303, 404, 415, 503, 617, 702, 808, 916)


def make_people(count: int, *, after: int = 0, random: Random) -> list[Person]:
    """Return ``count`` people with the numbers after one; the same random numbers give the same people."""
    return [_make_person(number, random) for number in range(after + 1, after + count + 1)]


def _make_person(number: int, random: Random) -> Person:
    kind = _choose(_KINDS, random)
    is_chinese = random.random() < 0.55
    if is_chinese:
        family, given = random.choice(_FAMILY).split(), random.choice(_GIVEN).split()
        name, mailbox = family[0] + given[0], f"{given[1]}.{family[1]}"
        company = random.choice(_CHINESE_COMPANIES)
    else:
        first, last = random.choice(_FIRST), random.choice(_LAST)
        name, mailbox = f"{first} {last}", f"{first}.{last}"
        company = random.choice(_WESTERN_COMPANIES)
    industry, employees, region = (
        _choose(_INDUSTRIES, random),
        random.choice(_SIZES),
        _choose(_REGIONS, random),
    )
    if kind == "leader":  # the right person in a company that is a little small
        industry, employees, region = random.choice(("制造业", "software", "医药")), 120, "上海"
    if kind == "enthusiast":  # much interest, from outside the industries that are wanted
        industry = random.choice(_OTHER_INDUSTRIES)
    return Person(
        number=number,
        kind=kind,
        name=name,
        email=f"{mailbox}{number}@{'example.cn' if is_chinese else 'example.com'}".lower(),
        phone=f"+1 {_AREA_CODES[number // 100 % 10]} 555 01{number % 100:02d}",
        title=random.choice(_TITLES[kind]),
        company=company,
        industry=industry,
        employees=employees,
        region=region,
    )


def _choose(weighted: Sequence[tuple[T, int]], random: Random) -> T:
    return random.choices([value for value, _ in weighted], [weight for _, weight in weighted])[0]
