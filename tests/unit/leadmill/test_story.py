"""The demo's story: the same seed tells the same one, and there is enough in it to be worth telling."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from leadmill.demo.cast import CAST
from leadmill.demo.habits import plan_fortnight
from leadmill.demo.people import Person, make_people
from leadmill.demo.tables import count_named
from leadmill.demo.visits import BEGIN, CRM, DAYS, SOURCES, Capture, Report, Session, Submission, Visit
from shared.kernel.instants import DAY, parse_instant


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return make_people(320, random=Random(1))


@pytest.fixture(scope="module")
def visits(people: list[Person]) -> list[Visit]:
    return plan_fortnight(people, seed=1)


class TestPeople:
    def test_the_same_seed_makes_the_same_people(self, people: list[Person]) -> None:
        assert make_people(320, random=Random(1)) == people
        assert make_people(320, random=Random(2)) != people

    def test_no_two_share_an_address_or_a_number(self) -> None:
        crowd = make_people(1000, random=Random(1))
        assert len({person.email for person in crowd}) == 1000
        assert len({person.phone for person in crowd}) == 1000

    def test_nobody_real_can_be_meant(self, people: list[Person]) -> None:
        assert {person.email.rpartition("@")[2] for person in people} == {"example.cn", "example.com"}
        assert all(" 555 01" in person.phone for person in people)

    def test_about_half_of_them_are_chinese(self, people: list[Person]) -> None:
        assert 100 < sum(not person.name.isascii() for person in people) < 220


class TestFortnight:
    def test_the_same_seed_tells_the_same_story(self, people: list[Person], visits: list[Visit]) -> None:
        assert plan_fortnight(people, seed=1) == visits

    def test_everything_happens_within_it_and_in_order(self, visits: list[Visit]) -> None:
        instants = [visit.at for visit in visits]
        assert instants == sorted(instants)
        assert instants[0] >= BEGIN
        assert instants[-1] < BEGIN + DAYS * DAY

    def test_a_client_tells_of_things_that_happened_before_it_sends(self, visits: list[Visit]) -> None:
        for visit in visits:
            if isinstance(visit, Session):
                told = [parse_instant(str(call["timestamp"])) for call in visit.calls]
                assert told == sorted(told)
                assert told[-1] < visit.at

    def test_all_four_kinds_of_requests_and_all_sources_are_used(self, visits: list[Visit]) -> None:
        assert {type(visit) for visit in visits} == {Session, Capture, Submission, Report}
        assert {visit.source for visit in visits} == {*SOURCES, CRM}

    def test_deals_are_won_and_lost_and_every_one_begins(self, visits: list[Visit]) -> None:
        told: dict[str, list[object]] = {}
        for visit in visits:
            if isinstance(visit, Report):
                told.setdefault(str(visit.body["opportunity"]), []).append(visit.body["kind"])
        assert {kinds[0] for kinds in told.values()} == {"created"}
        assert {kinds[-1] for kinds in told.values()} >= {"won", "lost"}

    def test_everybody_appears(self, people: list[Person], visits: list[Visit]) -> None:
        assert {visit.person for visit in visits} == set(people)

    def test_many_give_their_name_only_later(self, visits: list[Visit]) -> None:
        assert count_named(visits) > 100

    def test_no_message_id_is_used_twice(self, visits: list[Visit]) -> None:
        ids = Counter(
            str(call["messageId"]) for visit in visits if isinstance(visit, Session) for call in visit.calls
        )
        assert set(ids.values()) == {1}


class TestCast:
    def test_the_dozen_are_no_others(self, people: list[Person]) -> None:
        crowd = make_people(988, after=len(CAST), random=Random(1))
        everybody = [*CAST, *crowd]
        assert len({person.email for person in everybody}) == 1000
        assert len({person.phone for person in everybody}) == 1000
        assert people[0].number == 1
