"""How each kind of person goes through the fortnight. Everything is drawn from the person's own numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

from leadmill.demo.people import Kind, Person
from leadmill.demo.visits import (
    AD,
    DAYS,
    DEMO,
    FAIR,
    HOME,
    PARTNER,
    PRICES,
    SOLUTION,
    TRIAL,
    Call,
    Diary,
    Visit,
    act,
    article,
    demo_clicked,
    mail_opened,
    white_paper,
)

_LAST: Final = DAYS - 1


def plan_fortnight(people: Sequence[Person], *, seed: int) -> list[Visit]:
    """Return every visit of everybody, in order of time; the same seed gives the same fortnight."""
    visits: list[Visit] = []
    for person in people:
        diary = Diary(person, Random(seed * 1_000_003 + person.number))
        _HABITS[person.kind](diary)
        visits += diary.visits
    return sorted(visits, key=lambda visit: visit.at)


def _live_as_buyer(diary: Diary) -> None:
    """Looks around without a name, comes back, asks for a demo, and reads everything that is sent."""
    random = diary.random
    day, slot = random.randint(0, 8), random.randint(0, 3)
    diary.browse(day, slot, HOME, SOLUTION, article(random.randint(1, 9)), ad=_ad(random, 0.5))
    day = min(day + random.randint(0, 2), _LAST)
    diary.submit(day, slot + 1, "demo", start_within_months=random.choice(("1", "1", "3")))
    diary.sign_up(day, slot + 1, PRICES, DEMO, white_paper(1), repeated=random.random() < 0.1)
    for number, later in enumerate(_days_after(day, random, most=4)):
        diary.read_mail(later, random.randint(0, 4), mail_opened(number))
        if random.random() < 0.4:
            diary.read_mail(later, random.randint(0, 4), demo_clicked(number))
    if random.random() < 0.5:
        diary.browse(
            min(day + 3, _LAST), 2, PRICES, act("Proposal Opened", proposal=f"offer-{diary.person.number}")
        )
    _negotiate(diary, day + 1)


def _live_as_evaluator(diary: Diary) -> None:
    """Was met at a fair or by a partner, compares for a while; some decide in the second week."""
    random = diary.random
    day = random.randint(0, 6)
    is_twice = random.random() < 0.12
    diary.be_captured(
        day,
        random.randint(0, 2),
        random.choice((FAIR, PARTNER)),
        phone=None if is_twice else diary.person.phone,
    )
    if is_twice:  # rang up besides, and is two leads until the account tells otherwise
        person = diary.person
        diary.be_captured(
            day, 3, PARTNER, email=None, name=person.name, external_id=f"hotline-{person.number}"
        )
    if random.random() < 0.5:
        diary.read_mail(min(day + 1, _LAST), 1, act("Live Event Attended", live_event=FAIR, offline=True))
    visited = min(day + random.randint(1, 3), _LAST)
    diary.sign_up(visited, random.randint(0, 4), SOLUTION, white_paper(random.randint(1, 4)))
    for number, later in enumerate(_days_after(visited, random, most=3)):
        diary.read_mail(later, random.randint(0, 4), mail_opened(number))
    if random.random() < 0.35:
        day = min(visited + random.randint(3, 6), _LAST)
        diary.browse(day, random.randint(0, 3), PRICES, TRIAL)
        if random.random() < 0.5:
            diary.read_mail(day, 4, mail_opened(7), demo_clicked(7))


def _live_as_reader(diary: Diary) -> None:
    """Reads, first without a name, then for the newsletter."""
    random = diary.random
    day = random.randint(0, 7)
    ad = _ad(random, 0.3)
    for later in (day, *_days_after(day, random, most=3)):
        diary.browse(later, random.randint(0, 4), HOME, *_articles(random), ad=ad)
        ad = None
    signed = min(day + random.randint(1, 4), _LAST)
    diary.submit(signed, random.randint(0, 4), "newsletter")
    for number, later in enumerate(_days_after(signed, random, most=4)):
        diary.read_mail(later, random.randint(0, 4), mail_opened(number))


def _live_as_browser(diary: Diary) -> None:
    """Comes and goes without a name; one in two leaves one in the end."""
    random = diary.random
    day = random.randint(0, 9)
    for later in (day, *_days_after(day, random, most=2)):
        diary.browse(later, random.randint(0, 4), HOME, random.choice((PRICES, SOLUTION)), *_articles(random))
    if random.random() < 0.5:
        diary.submit(min(day + random.randint(2, 4), _LAST), 2, "white-paper")


def _live_as_student(diary: Diary) -> None:
    """Takes all there is to take in two days, and is gone."""
    random = diary.random
    day = random.randint(0, 3)
    diary.sign_up(day, random.randint(0, 4), PRICES, *(white_paper(number) for number in range(1, 5)))
    diary.browse(day + 1, random.randint(0, 4), DEMO, *_articles(random))


def _live_as_leader(diary: Diary) -> None:
    """Decides, asks for a trial on the first days, hears nothing, loses interest; some come back."""
    random = diary.random
    day = random.randint(0, 1)
    diary.browse(day, random.randint(0, 2), HOME, SOLUTION, ad=_ad(random, 0.4))
    diary.submit(day, 3, "trial")
    diary.sign_up(day, 4, TRIAL, white_paper(2), PRICES)
    if random.random() < 0.3:
        diary.browse(_LAST, random.randint(2, 4), PRICES, DEMO)


def _live_as_enthusiast(diary: Diary) -> None:
    """Does everything at once, then is busy with something else."""
    random = diary.random
    day = random.randint(0, 1)
    papers = [white_paper(number) for number in range(1, 4)]
    diary.sign_up(day, random.randint(0, 3), PRICES, DEMO, *papers, *_articles(random))
    diary.read_mail(day, 4, *(mail_opened(number) for number in range(4)))


_HABITS: Final[Mapping[Kind, Callable[[Diary], None]]] = {
    "buyer": _live_as_buyer,
    "evaluator": _live_as_evaluator,
    "reader": _live_as_reader,
    "browser": _live_as_browser,
    "student": _live_as_student,
    "leader": _live_as_leader,
    "enthusiast": _live_as_enthusiast,
}


def _negotiate(diary: Diary, day: int) -> None:
    """Seven in ten become an opportunity; some of these are won or lost within the fortnight."""
    random, deal = diary.random, f"OP-{diary.person.number}"
    amount = random.randint(8, 60) * 5_000
    if random.random() > 0.7:
        return
    diary.report_deal(min(day, _LAST), 3, "created", deal, stage="first_talk", amount=amount)
    if day + 2 < _LAST:
        diary.report_deal(day + 2, 1, "stage changed", deal, stage="proposal")
    if day + 4 < _LAST and random.random() < 0.75:
        if random.random() < 0.55:
            diary.report_deal(day + 4, 2, "won", deal, amount=amount)
        else:
            diary.report_deal(day + 4, 2, "lost", deal, reason="price")


def _ad(random: Random, share: float) -> Mapping[str, str] | None:
    """Return the ad that brought them, for this share of people."""
    return AD if random.random() < share else None


def _days_after(day: int, random: Random, *, most: int) -> list[int]:
    """Return up to ``most`` later days within the fortnight, in order."""
    count = random.randint(1, most)
    return sorted({min(day + random.randint(1, 5), _LAST) for _ in range(count)})


def _articles(random: Random) -> list[Call]:
    return [article(number) for number in random.sample(range(1, 15), random.randint(1, 3))]
