"""A crowd: who there is, what each is known by, and what they share with others.

Everything follows from the seed. Shares are told beside what they stand for; names, firms and domains are
made up, and names repeat as they do in life.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_FIRST: Final = (
    *("Ada", "Ben", "Carla", "David", "Elena", "Felix", "Grace", "Hugo", "Ines", "Jonas", "Karin", "Leo"),
    *("Maria", "Nils", "Olga", "Paul", "Rosa", "Sven", "Tina", "Uwe", "Vera", "Walter", "Xenia", "Yann"),
    *("Alice", "Boris", "Chloe", "Diego", "Emma", "Frank", "Gina", "Hans", "Ida", "John", "Kate", "Luca"),
    *("Mona", "Noah", "Otto", "Petra", "Quinn", "Ralf", "Sara", "Tom", "Ulla", "Victor", "Wendy", "Zoe"),
)
_LAST: Final = (
    *("Miller", "Smith", "Weber", "Rossi", "Garcia", "Novak", "Jensen", "Dubois", "Kowalski", "Larsen"),
    *("Fischer", "Moreau", "Silva", "Bauer", "Klein", "Horvath", "Nagy", "Berg", "Lind", "Costa"),
    *("Wolf", "Braun", "Keller", "Meier", "Lang", "Roth", "Vogel", "Winter", "Sommer", "Stone"),
    *("Baker", "Cook", "Mason", "Turner", "Walker", "Fisher", "Hunter", "Porter", "Potter", "Carter"),
)
_FAMILY_ZH: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高"
_GIVEN_ZH: Final = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英文华建国志红玉梅兰春燕辉鹏飞"
_FREE: Final = ("gmail.com", "qq.com", "163.com", "outlook.com", "yahoo.com", "126.com")


@dataclass(slots=True)
class Person:
    """One person of the crowd, with what they are known by."""

    number: int
    name: str
    company: str
    domain: str
    emails: list[str]
    phone: str
    user_id: str
    external_id: str
    browsers: list[str]
    gives_phone: float
    """How often a form of theirs has a number."""
    shares: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Crowd:
    """Everybody, and how many share what."""

    people: list[Person]
    bots: int
    families: int
    switchboards: int
    shared_browsers: int


def make_crowd(count: int, pick: random.Random, *, sharers: int = 3) -> Crowd:
    """Return ``count`` people.

    Seven in ten work at a firm of 4 to 60, whose domain is theirs; one in seven of those also use a private
    address. Four in a hundred share a telephone number with one other of their family, one in a hundred
    gives the switchboard of the firm, and of a thousand people so many as ``sharers`` says use one browser
    with somebody else. Three in ten have a user id, half are in the CRM.
    """
    people: list[Person] = []
    number = 0
    while number < count:
        is_firm = pick.random() < 0.7
        size = min(count - number, pick.randint(4, 60) if is_firm else 1)
        firm = f"{pick.choice(_LAST)} {pick.choice(('Works', 'Mills', 'Systems', 'Foods', 'Tools'))} {number}"
        taken: set[str] = set()
        for _ in range(size):
            people.append(_person(number, firm if is_firm else "", taken, pick))
            number += 1
    families = _share_numbers(people, pick)
    switchboards = _share_switchboards(people, pick)
    shared = _share_browsers(people, sharers / 2000, pick)
    return Crowd(people, max(1, count // 50), families, switchboards, shared)


def _person(number: int, firm: str, taken: set[str], pick: random.Random) -> Person:
    if pick.random() < 0.4:
        given = "".join(pick.choice(_GIVEN_ZH) for _ in range(pick.choice((1, 2, 2))))
        name, local = pick.choice(_FAMILY_ZH) + given, f"u{number}"
    else:
        first, last = pick.choice(_FIRST), pick.choice(_LAST)
        name, local = f"{first} {last}", f"{first}.{last}".lower()
    domain = f"firm{firm.rsplit(' ', 1)[1]}.example" if firm else ""
    emails = []
    if domain:
        while local in taken:
            local += str(pick.randrange(10))
        taken.add(local)
        emails.append(f"{local}@{domain}")
    if not domain or pick.random() < 0.15:
        emails.append(f"{local.replace('.', '')}{number}@{pick.choice(_FREE)}")
    return Person(
        number=number,
        name=name,
        company=firm,
        domain=domain,
        emails=emails,
        phone=f"1{pick.choice('35789')}{pick.choice('0356789')}{number:08d}",
        user_id=f"user-{number}" if pick.random() < 0.3 else "",
        external_id=f"CRM-{number}" if pick.random() < 0.5 else "",
        browsers=[f"browser-{number}-{n}" for n in range(pick.choice((1, 1, 2, 3)))],
        gives_phone=pick.choice((0.2, 0.6, 0.95)),
    )


def _share_numbers(people: Sequence[Person], pick: random.Random) -> int:
    """Let pairs of a family share a number; they have names of their own."""
    pairs = _pairs(people, 0.02, pick)
    for one, other in pairs:
        other.phone = one.phone
        for both in (one, other):
            both.shares.add("number")
    return len(pairs)


def _share_switchboards(people: Sequence[Person], pick: random.Random) -> int:
    firms: dict[str, str] = {}
    sharers = [one for one in people if one.company and pick.random() < 0.01 and not one.shares]
    for one in sharers:
        one.phone = firms.setdefault(one.company, f"02{pick.randint(1, 9)}{one.number:08d}"[:11])
        one.shares.add("switchboard")
    return len(sharers)


def _share_browsers(people: Sequence[Person], share: float, pick: random.Random) -> int:
    """Let pairs use one browser: a family's, or that of a desk at work."""
    pairs = _pairs(people, share, pick)
    for one, other in pairs:
        other.browsers[0] = one.browsers[0]
        for both in (one, other):
            both.shares.add("browser")
    return len(pairs)


def _pairs(people: Sequence[Person], share: float, pick: random.Random) -> list[tuple[Person, Person]]:
    chosen = pick.sample(list(people), int(len(people) * share) * 2)
    return [
        (one, other) for one, other in zip(chosen[::2], chosen[1::2], strict=True) if one.name != other.name
    ]
