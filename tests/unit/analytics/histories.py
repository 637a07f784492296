"""Random histories: what happened, in no order, of a few profiles that come together and part again.

Made by hand from a seed: they are dense, and a thousand of them take no time.
"""

from __future__ import annotations

from random import Random

from shared.contracts.declarations import Event
from shared.contracts.events.behaviour import BehaviourEvent
from shared.contracts.events.leads import LeadCaptured
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import DAY, HOUR, MINUTE, Instant
from tests.unit.analytics import telling
from tests.unit.analytics.telling import START, Told, told

PROFILES = tuple(deterministic_id("profile", name) for name in "abc")
OPPORTUNITIES = ("OP-1", "OP-2")
MESSAGES = ("m-1", "m-2")

_CAMPAIGNS = ("", "spring", "autumn")
_AMOUNTS = (0, 1, 2, 7, 100, 10_000, -500, 28_800_000, 999_999_999)
_CURRENCIES = ("CNY", "CNY", "CNY", "USD")


def an_instant(random: Random) -> Instant:
    """Often the same few hours, so that instants coincide; now and then a year and more apart."""
    kind = random.random()
    if kind < 0.4:
        return START + random.randint(0, 12) * HOUR
    if kind < 0.7:
        return START + random.randint(0, 5) * 10 * MINUTE
    return START + random.randint(0, 800) * DAY


def _a_touch(random: Random, who: str) -> Event:
    kind, campaign = random.randrange(5), random.choice(_CAMPAIGNS)
    if kind == 0:
        return telling.clicked(who, random.choice(MESSAGES))
    if kind == 1:
        return telling.attended(who, random.choice(("spring-fair", "webinar")))
    if kind == 2:
        channel, source = (
            random.choice(("", "paid_search", "referral")),
            random.choice(("web", "fair", "ads")),
        )
        return telling.captured(who, source=source, channel=channel, campaign=campaign)
    channel, source = random.choice(("paid_search", "paid_social")), random.choice(("web", "fair"))
    dismissed = random.choice(("", "", "", "bot"))
    return telling.visited(who, channel, campaign, source=source, dismissed=dismissed)


def _a_word(random: Random, who: str) -> Event:
    opportunity, kind = random.choice(OPPORTUNITIES), random.randrange(7)
    minor, currency = random.choice(_AMOUNTS), random.choice(_CURRENCIES)
    if kind == 0:
        return telling.opened(who, opportunity)
    if kind == 1:
        return telling.converted(who, opportunity)
    if kind == 2:
        return telling.lost(who, opportunity)
    if kind == 3:
        return telling.paid(who, opportunity, random.choice("pq"), minor, currency)
    return telling.won(who, opportunity, minor, currency)


def _something_else(random: Random, who: str) -> Event:
    kind = random.randrange(4)
    if kind == 0:
        return telling.mailed(who, random.choice(MESSAGES), random.choice(("b_leads", "lost")))
    if kind == 1:
        return telling.status_changed(who, random.choice(("contacted", "invalid")))
    if kind == 2:
        return telling.cost(random.choice(("spring", "webinar", "nobody")), random.randint(0, 10**6))
    model, tier = random.choice((("mql", "A"), ("mql", "B"), ("five_step", "hot"), ("five_step", "warm")))
    return telling.reached(who, model, tier, an_instant(random))


def _verdicts(random: Random, said: list[Told]) -> list[Told]:
    """Verdicts about leads, which take turns, and about single acts; each has its number."""
    found = []
    for who in random.sample(PROFILES, random.choice((0, 0, 1, 2))):
        for number in range(1, random.randint(2, 4)):
            reason = random.choice(("bot", "test")) if number % 2 else ""
            event = telling.judged(who, reason, number, pardons=not reason and random.random() < 0.5)
            found.append(told(event, an_instant(random), name=deterministic_id("verdict", who, str(number))))
    acts = [one for one in said if isinstance(one.event, BehaviourEvent | LeadCaptured)]
    for act in random.sample(acts, min(len(acts), random.choice((0, 0, 1, 3)))):
        for number in range(1, random.randint(2, 3)):
            event = telling.act_judged(act.key, act.id, random.choice(("burst", "")), number)
            found.append(told(event, an_instant(random), name=deterministic_id(act.id, str(number))))
    return found


def history(random: Random, *, most: int = 28) -> list[Told]:
    """Events in no order; profiles move, are judged, and now and then one of them is erased."""
    said = []
    for number in range(random.randint(1, most)):
        who = random.choice(PROFILES)
        make = random.choice((_a_touch, _a_touch, _a_word, _something_else))
        at = an_instant(random)
        late = random.choice((0, 0, random.randint(-DAY, 40 * DAY)))
        name = deterministic_id("event", str(number))
        said.append(told(make(random, who), at, received=at + late, name=name))
    said += _verdicts(random, said)
    versions = dict.fromkeys(PROFILES, 0)
    for _ in range(random.choice((0, 0, 1, 2, 4))):
        who = random.choice(PROFILES)
        versions[who] += 1
        move = telling.moved(who, random.choice(PROFILES), versions[who])
        said.append(told(move, an_instant(random), name=deterministic_id("move", who, str(versions[who]))))
    for number in range(random.choice((0, 0, 1, 2))):
        who = random.choice(PROFILES)
        name = deterministic_id("erased", str(number))
        said.append(told(telling.erased(who), an_instant(random), name=name))
    return said
