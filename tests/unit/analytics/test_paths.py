"""Which touches lead to an outcome; the cases that others state, and our own ties."""

from __future__ import annotations

import msgspec

from services.analytics.domain.desk import Sharing
from services.analytics.domain.outcomes import ConversionKey
from services.analytics.domain.touch_points import TouchRule
from services.analytics.store.documents import Rulebook
from shared.contracts.declarations import Event
from shared.kernel.instants import DAY, MICROSECOND, MINUTE, Instant
from tests.unit.analytics import telling
from tests.unit.analytics.telling import START, Told, day, learn, rulebook, told
from tests.unit.analytics.world import World

RULES = rulebook()
WON = telling.won("p", "OP-1", 9_000)


def shared(*said: Told, rules: Rulebook = RULES) -> dict[ConversionKey, Sharing]:
    """Who is credited with what after all of this."""
    world = World(rules)
    world.learn([learn(one, rules) for one in said])
    return world.sharings


def earned(*said: Told, model: str = "linear", rules: Rulebook = RULES) -> dict[str, int]:
    """What touches, by name, earned of the deal OP-1."""
    sharing = shared(*said, rules=rules)[ConversionKey("won", "OP-1")]
    return {credit.touch: credit.minor for credit in sharing.credits if credit.model == model}


def visit(
    name: str, at: Instant, *, channel: str = "paid_search", campaign: str = "", late: Instant = 0
) -> Told:
    return told(telling.visited("p", channel, campaign), at, received=at + late, name=name)


def win(at: Instant, event: Event = WON) -> Told:
    return told(event, at)


class TestVisits:
    """Touches close to each other (PostHog: one session is one touch)."""

    def test_three_pages_of_one_visit_are_one_touch(self) -> None:
        pages = [visit(f"{n}", START + n * 10 * MINUTE) for n in range(3)]
        assert earned(*pages, win(day(1))) == {"0": 9_000}

    def test_a_visit_goes_on_as_long_as_no_pause_is_longer_than_half_an_hour(self) -> None:
        pages = [visit(f"{n}", START + n * 30 * MINUTE) for n in range(5)]
        pause = visit("later", START + 150 * MINUTE + MICROSECOND)
        assert earned(*pages, pause, win(day(1))) == {"0": 4_500, "later": 4_500}

    def test_another_campaign_is_another_touch_and_so_is_coming_back_to_the_first(self) -> None:
        pages = [
            visit("a", START, campaign="spring"),
            visit("b", START + MINUTE, campaign="autumn"),
            visit("c", START + 2 * MINUTE, campaign="spring"),
        ]
        assert earned(*pages, win(day(1))) == {"a": 3_000, "b": 3_000, "c": 3_000}

    def test_a_form_that_makes_a_lead_is_one_touch_though_two_events_tell_of_it(self) -> None:
        form = told(telling.captured("p", channel="paid_search"), START, name="a")
        assert earned(form, visit("b", START), win(day(1))) == {"a": 9_000}

    def test_what_a_machine_did_is_no_touch(self) -> None:
        """I5."""
        clean = telling.visited("p", "paid_search", "spring")
        bots = msgspec.structs.replace(clean, dismissed="bot")
        assert earned(told(bots, day(0), name="bot"), told(clean, day(1), name="person"), win(day(2))) == {
            "person": 9_000
        }

    def test_two_clicks_in_two_mails_are_two_touches(self) -> None:
        clicks = [told(telling.clicked("p", f"m-{n}"), START + n, name=f"{n}") for n in range(2)]
        assert earned(*clicks, win(day(1))) == {"0": 4_500, "1": 4_500}


class TestWindow:
    def test_a_touch_counts_for_365_days_and_not_a_microsecond_longer(self) -> None:
        inside, outside = visit("in", START), visit("out", START - MICROSECOND)
        assert earned(inside, outside, win(day(365))) == {"in": 9_000}

    def test_a_touch_of_the_very_instant_counts_and_one_after_it_does_not(self) -> None:
        assert earned(visit("at", day(3)), visit("after", day(3) + MICROSECOND), win(day(3))) == {"at": 9_000}

    def test_outside_the_window_is_unattributed(self) -> None:
        assert earned(visit("out", START), win(day(400))) == {"": 9_000}

    def test_a_time_from_the_future_counts_from_when_it_was_received(self) -> None:
        wrong_clock = visit("x", day(30), late=-29 * DAY)
        assert earned(wrong_clock, win(day(2))) == {"x": 9_000}


class TestTies:
    def test_touches_of_one_instant_stand_in_the_order_in_which_they_were_received(self) -> None:
        """PostHog shares 1/3 each when the first touch is tied; a stable order keeps 40, 20, 40."""
        said = [
            visit("b", START, channel="x"),
            visit("a", START, channel="y", late=MINUTE),
            visit("c", day(1), channel="z"),
        ]
        assert earned(*said, win(day(2)), model="u") == {"b": 3_600, "a": 1_800, "c": 3_600}

    def test_and_of_one_received_time_in_the_order_of_their_ids(self) -> None:
        said = [visit(name, START, channel=name) for name in "cab"]
        assert earned(*said, win(day(2)), model="u") == {"a": 3_600, "b": 1_800, "c": 3_600}


class TestOutcomes:
    def test_two_deals_of_the_same_second_stay_two(self) -> None:
        other = telling.won("p", "OP-2", 9_000)
        found = shared(visit("a", START), win(day(1)), win(day(1), other))
        assert sum(one.conversion.minor for one in found.values()) == 18_000

    def test_a_correction_of_the_same_instant_counts_for_it_is_received_later(self) -> None:
        wrong = told(telling.won("p", "OP-1", 1), day(1), name="z")
        right = told(telling.won("p", "OP-1", 2), day(1), received=day(2), name="a")
        assert earned(visit("v", START), right, wrong) == {"v": 2}

    def test_lost_takes_back_and_a_later_win_counts_again(self) -> None:
        key = ConversionKey("won", "OP-1")
        first, lost = win(day(1)), told(telling.lost("p", "OP-1"), day(2))
        assert key in shared(first)
        assert shared(lost, first) == {}
        again = told(telling.won("p", "OP-1", 7), day(3))
        assert shared(again, lost, first)[key].conversion.minor == 7

    def test_a_loss_that_happened_before_the_win_takes_nothing_back(self) -> None:
        assert shared(win(day(3)), told(telling.lost("p", "OP-1"), day(2), received=day(9)))

    def test_each_payment_is_shared_like_its_deal_though_it_comes_later(self) -> None:
        key = ConversionKey("paid", "OP-1", "PAY-1")
        payment = told(telling.paid("p", "OP-1", "PAY-1", 500), day(60))
        between = visit("between", day(30), channel="email")
        found = shared(visit("a", START), between, win(day(1)), payment)[key]
        assert {credit.touch for credit in found.credits} == {"a"}
        alone = shared(visit("a", START), between, payment)[key]
        assert {credit.touch for credit in alone.credits if credit.model == "last"} == {"between"}

    def test_a_payment_said_again_replaces(self) -> None:
        first = told(telling.paid("p", "OP-1", "PAY-1", 500), day(1))
        second = told(telling.paid("p", "OP-1", "PAY-1", 300), day(2))
        (found,) = shared(second, first).values()
        assert found.conversion.minor == 300


def test_a_channel_that_is_no_touch_leaves_its_share_to_the_others() -> None:
    """PostHog: excluding Direct shares the whole among the rest."""
    rules = RULES.crediting.touches
    changed = tuple(
        msgspec.structs.replace(rule, except_channels=frozenset({"direct"}))
        if rule.takes == "acquisition"
        else rule
        for rule in rules.rules
    )
    without: tuple[TouchRule, ...] = changed
    touches = msgspec.structs.replace(rules, rules=without)
    others = RULES._replace(crediting=RULES.crediting._replace(touches=touches))
    said = [visit("a", START), visit("d", day(1), channel="direct"), win(day(2))]
    assert earned(*said) == {"a": 4_500, "d": 4_500}
    assert earned(*said, rules=others) == {"a": 9_000}
