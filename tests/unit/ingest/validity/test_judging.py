"""Verdicts about leads: found by rules, said by people, joined by merges, and taken back (I5)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.directory import Directory
from services.ingest.domain.evidence.bursts import BurstRules, RecentAct, find_burst
from services.ingest.domain.identifiers import IdentifierKind, IdentityRules, identifier_hasher
from services.ingest.domain.identity.merging import UnmergeLead, find_homecomers
from services.ingest.domain.intake import Intake
from services.ingest.domain.validity.judging import InvalidateLead, Judge, ValidateLead, is_invalid
from services.ingest.domain.validity.rules import StaffRules, ValidityRules
from services.ingest.handlers.judging import Judging
from services.ingest.handlers.resolution import IntakeHandler
from services.ingest.handlers.unmerging import Unmerging
from shared.contracts.events.behaviour import ActJudged, DemoRequested, FormSubmitted
from shared.contracts.events.leads import LeadCaptured, LeadInvalidated, LeadValidated
from shared.kernel.errors import Rejected
from shared.kernel.instants import SECOND
from tests.examples import tried
from tests.unit.ingest.requests import IDENTITY_KEY, RECEIVED, RULEBOOK
from tests.unit.ingest.test_identity import lead, message

HASH = identifier_hasher(IDENTITY_KEY)
RULES = msgspec.structs.replace(
    RULEBOOK.validity,
    staff=StaffRules(domains=frozenset({"ours.example"}), addresses=frozenset({"boss@gmail.com"})),
    blocked_domains=frozenset({"rival.example"}),
)
THROW_AWAY = "x@mailinator.com"


class House:
    """A directory under the first filter, and what was said last."""

    def __init__(self, rules: ValidityRules = RULES, identity: IdentityRules = RULEBOOK.identity) -> None:
        self.directory = Directory()
        self.judging = Judging(Judge(rules, identity, hash_identifier=HASH))
        taking_in = IntakeHandler(RULEBOOK.matching, hash_identifier=HASH, judge=self.judging.on_message)
        self.take_in = self.judging.with_bursts(taking_in.on_intake)
        self.kinds: dict[str, IdentifierKind] = {}
        self.number = 0

    def take(self, intake: Intake, *, dismissed: str = "") -> list[Any]:
        self.number += 1
        intake.dismissed = dismissed
        self.kinds |= {one.hash: one.kind for one in intake.identifiers}
        said = self.take_in(self.directory, intake, cause=f"{self.number:032x}")
        self.check()
        return [one.event for one in said]

    def say(self, lead_id: str, reason: str = "", *, pardons: bool = False) -> list[Any]:
        """Call a lead invalid for a reason, or valid without one."""
        self.number += 1
        command: InvalidateLead | ValidateLead = ValidateLead(lead=lead_id, by="anna", pardons=pardons)
        if reason:
            command = InvalidateLead(lead=lead_id, reason=reason, by="anna")
        home = self.directory.profiles[lead_id].lead
        cause = f"{self.number:032x}"
        emissions, story = self.judging.on_word(
            self.directory, home, command, at=RECEIVED + self.number * SECOND, cause=cause
        )
        assert len(story) == len(emissions)
        self.check()
        return [one.event for one in emissions]

    def unmerge(self, lead_id: str) -> list[Any]:
        home = self.directory.profiles[lead_id].lead
        theirs = {one.id for one in find_homecomers(self.directory, lead_id)}
        owners = self.directory.profiles_of_identifiers
        own = {one: self.kinds[one] for one, profile in owners.items() if profile in theirs}
        Unmerging(HASH).on_unmerge(self.directory, UnmergeLead(lead_id), own, at=RECEIVED, cause="c" * 32)
        emissions, _ = self.judging.rejudge(
            self.directory, [home, lead_id], at=RECEIVED, cause="c" * 32, first=4
        )
        self.check()
        return [one.event for one in emissions]

    def is_invalid(self, lead_id: str) -> bool:
        return is_invalid(self.directory.profiles[lead_id])

    def check(self) -> None:
        """Every profile of a lead carries the same verdict."""
        homes: dict[str, set[bool]] = {}
        for profile in self.directory.profiles.values():
            homes.setdefault(profile.lead, set()).add(is_invalid(profile))
        assert all(len(verdicts) == 1 for verdicts in homes.values()), homes


def verdicts(said: list[Any]) -> list[tuple[bool, str, int]]:
    return [
        (isinstance(one, LeadInvalidated), one.reason, one.verdict)
        for one in said
        if isinstance(one, LeadInvalidated | LeadValidated)
    ]


def form() -> Intake:
    """A form in which an address stands."""
    properties = {"form": "contact_us", "email": "a@acme.example"}
    return message("track", event="Form Submitted", browser="b-1", properties=properties, minutes=1)


def lead_of(said: list[Any]) -> str:
    return str(next(one.lead for one in said if isinstance(one, LeadCaptured)))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"email": THROW_AWAY}, "disposable"),
        ({"email": "eve@ours.example"}, "staff"),
        ({"email": "eve@mail.ours.example"}, "staff"),
        ({"email": "boss@gmail.com"}, "staff"),
        ({"email": "test12@acme.example"}, "test"),
        ({"email": "joe@rival.example", "name": "Joe"}, "blocked"),
        ({"email": "a@acme.example", "name": "asdfgh"}, "gibberish"),
        ({"email": "not an address", "external_id": "X-1"}, "undeliverable"),
    ],
)
def test_whoever_is_nobody_is_captured_kept_and_marked_with_the_reason(
    fields: dict[str, Any], reason: str
) -> None:
    said = House().take(lead(**fields))
    assert isinstance(said[0], LeadCaptured)
    assert verdicts(said) == [(True, reason, 1)]


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "ada@acme.example", "name": "Ada"},
        {"email": "ada@acme.example", "title": "student"},
        {"email": "intern@acme.example", "title": "实习生", "name": "王一一"},
        {"email": "info@acme.example"},
        {"email": THROW_AWAY, "phone": "13800138000"},
        {"email": "not an address", "phone": "13800138000"},
        {"phone": "13800138000", "name": "Ng"},
        {"email": "attest@acme.example"},
        {"external_id": "X-1"},
    ],
)
def test_students_and_whoever_can_be_reached_are_somebody(fields: dict[str, Any]) -> None:
    assert verdicts(House().take(lead(**fields))) == []


def test_the_lead_is_valid_again_when_its_reason_goes() -> None:
    house = House()
    house.take(lead(email="a@acme.example", name="asdf"))
    said = house.take(lead(email="a@acme.example", name="Ada Byron", minutes=1))
    assert verdicts(said) == [(False, "no_reason_left", 2)]


def test_a_verdict_is_said_once() -> None:
    house = House()
    house.take(lead(email=THROW_AWAY, name="Eve", external_id="X-1"))
    again = house.take(lead(email=THROW_AWAY, name="Eve Smith", external_id="X-1", minutes=1))
    assert verdicts(again) == []


class TestSenders:
    def test_a_bots_form_is_captured_marked_and_its_act_counts_for_nothing(self) -> None:
        house = House()
        said = house.take(form(), dismissed="bot")
        assert verdicts(said) == [(True, "bot", 1)]
        assert [one.dismissed for one in said if isinstance(one, FormSubmitted)] == ["bot"]

    def test_a_bot_speaks_against_no_lead_that_was_known(self) -> None:
        house = House()
        house.take(lead(email="a@acme.example"))
        said = house.take(form(), dismissed="bot")
        assert verdicts(said) == []
        assert [one.dismissed for one in said if isinstance(one, FormSubmitted)] == ["bot"]

    def test_a_form_of_a_person_saves_the_lead_that_a_bot_brought(self) -> None:
        house = House()
        house.take(lead(email="a@acme.example"), dismissed="bot")
        said = house.take(form())
        assert verdicts(said) == [(False, "no_reason_left", 2)]

    def test_what_a_system_reports_of_it_does_not(self) -> None:
        house = House()
        house.take(lead(email="a@acme.example"), dismissed="bot")
        assert verdicts(house.take(lead(email="a@acme.example", industry="retail", minutes=1))) == []

    def test_staff_are_staff_however_long_they_were_known(self) -> None:
        house = House()
        house.take(lead(email="a@acme.example"))
        said = house.take(lead(email="a@acme.example", minutes=1), dismissed="staff")
        assert verdicts(said) == [(True, "staff", 1)]

    def test_of_a_visitor_who_is_anonymous_nothing_is_said(self) -> None:
        said = House().take(message("page", browser="b-1", properties={"path": "/"}), dismissed="bot")
        assert verdicts(said) == []
        assert said[0].dismissed == "bot"


class TestBounces:
    def bounce(self, minutes: int, **properties: str) -> Intake:
        return message("track", event="Email Bounced", properties=properties, user="u-1", minutes=minutes)

    def test_a_mailbox_that_does_not_exist_makes_who_has_no_number_undeliverable(self) -> None:
        house = House()
        house.take(message(user="u-1", email="a@acme.example"))
        said = house.take(self.bounce(1))
        assert verdicts(said) == [(True, "undeliverable", 1)]

    def test_a_new_address_takes_it_back(self) -> None:
        house = House()
        house.take(message(user="u-1", email="a@acme.example"))
        house.take(self.bounce(1))
        said = house.take(message(user="u-1", email="ada@acme.example", minutes=2))
        assert verdicts(said) == [(False, "no_reason_left", 2)]

    @pytest.mark.parametrize("phone", ["13800138000", None])
    def test_a_soft_bounce_or_a_number_leaves_them_valid(self, phone: str | None) -> None:
        house = House()
        fields: dict[str, Any] = {"phone": phone} if phone else {}
        house.take(message(user="u-1", email="a@acme.example", **fields))
        kind = "hard" if phone else "soft"
        assert verdicts(house.take(self.bounce(1, kind=kind))) == []


class TestPeople:
    def test_a_person_calls_a_lead_invalid_and_valid_and_that_is_recorded_with_who(self) -> None:
        house = House()
        ada = lead_of(house.take(lead(email="a@acme.example")))
        (said,) = house.say(ada, "spam")
        assert (said.reason, said.rule, said.by, said.verdict) == ("spam", "by_hand", "anna", 1)
        (back,) = house.say(ada)
        assert (back.reason, back.by, back.verdict, back.pardons) == ("by_hand", "anna", 2, False)

    def test_what_a_person_said_last_counts_above_every_rule(self) -> None:
        house = House()
        eve = lead_of(house.take(lead(email=THROW_AWAY, name="Eve", external_id="X-1")))
        house.say(eve)
        assert verdicts(house.take(lead(external_id="X-1", name="asdf", minutes=1))) == []
        assert not house.is_invalid(eve)
        house.say(eve, "test")
        assert verdicts(house.take(lead(external_id="X-1", phone="13800138000", minutes=2))) == []
        assert house.is_invalid(eve)

    def test_only_a_listed_reason_will_do(self) -> None:
        house = House()
        ada = lead_of(house.take(lead(email="a@acme.example")))
        with pytest.raises(Rejected, match="wrong_contact_data") as caught:
            house.say(ada, "she is rude")
        assert caught.value.reason == "lead.reason_unknown"

    def test_said_again_changes_nothing(self) -> None:
        house = House()
        ada = lead_of(house.take(lead(email="a@acme.example")))
        assert len(house.say(ada, "spam")) == 1
        assert house.say(ada, "spam") == []

    def test_a_pardon_is_told(self) -> None:
        house = House()
        bot = lead_of(house.take(lead(email="a@acme.example"), dismissed="bot"))
        (said,) = house.say(bot, pardons=True)
        assert said.pardons


class TestMerges:
    def two(self, house: House, **second: str) -> tuple[str, str]:
        """Two leads, one of whom gave an address and the other a number."""
        first = lead_of(house.take(lead(email="a@acme.example")))
        return first, lead_of(house.take(lead(phone="13800138000", minutes=1, **second)))

    def test_all_profiles_of_a_lead_carry_one_verdict(self) -> None:
        house = House()
        first, second = self.two(house)
        house.say(second, "spam")
        said = house.take(lead(email="a@acme.example", phone="13800138000", minutes=5))
        assert [one.profile for one in said if isinstance(one, LeadInvalidated)] == [first]

    def test_a_merge_that_makes_somebody_reachable_validates(self) -> None:
        house = House()
        house.take(message(user="u-1", email=THROW_AWAY))
        said = house.take(message(user="u-1", phone="13800138000", minutes=1))
        assert verdicts(said) == [(False, "no_reason_left", 2)]

    def test_merge_and_unmerge_give_the_verdicts_from_before(self) -> None:
        house = House()
        first, second = self.two(house)
        house.say(second, "spam")
        house.take(lead(email="a@acme.example", phone="13800138000", minutes=5))
        stays, leaves = sorted((first, second))
        house.unmerge(leaves)
        assert (house.is_invalid(first), house.is_invalid(second)) == (False, True)
        assert {stays, leaves} == {first, second}


words = st.one_of(
    st.tuples(st.just("message"), st.sampled_from("abc"), st.sampled_from(["", "bot", "staff"])),
    st.tuples(st.just("named"), st.sampled_from("abc"), st.sampled_from(["Ada", "asdf"])),
    st.tuples(st.just("say"), st.sampled_from("abc"), st.sampled_from(["", "spam"])),
    st.tuples(st.just("joined"), st.sampled_from("abc"), st.sampled_from("abc")),
    st.tuples(st.just("parted"), st.sampled_from("abc"), st.just("")),
)


@settings(max_examples=tried(70), deadline=None)
@given(st.lists(words, max_size=14))
def test_whatever_happens_verdicts_take_turns_and_profiles_of_a_lead_agree(
    history: list[tuple[str, str, str]],
) -> None:
    house = House()
    heard: dict[str, list[Any]] = {}
    for minutes, (what, who, how) in enumerate(history, 1):
        owners = house.directory.profiles_of_identifiers
        own = HASH(IdentifierKind.EXTERNAL, f"crm\x1f{who}").hash
        said: list[Any] = []
        if what == "message":
            said = house.take(lead(external_id=who, minutes=minutes), dismissed=how)
        elif what == "named":
            said = house.take(lead(external_id=who, name=how, minutes=minutes))
        elif what == "joined":
            said = house.take(lead(external_id=who, email=f"{how}@acme.example", minutes=minutes))
        elif own in owners and what == "say":
            said = house.say(owners[own], how)
        elif own in owners and house.directory.profiles[owners[own]].lead != owners[own]:
            said = house.unmerge(owners[own])
        for one in said:
            if isinstance(one, LeadInvalidated | LeadValidated):
                heard.setdefault(one.profile, []).append(one)
    for profile, told in heard.items():
        assert [one.verdict for one in told] == list(range(1, len(told) + 1))
        assert [isinstance(one, LeadInvalidated) for one in told] == [n % 2 == 0 for n in range(len(told))]
        assert house.directory.profiles[profile].verdict == len(told)


class TestBursts:
    RULES = BurstRules(acts=frozenset({"Demo Requested"}), count=3, seconds=2)

    def test_several_clicks_of_one_profile_within_moments_are_a_machines(self) -> None:
        house = House(msgspec.structs.replace(RULES, burst=self.RULES))
        acts = []
        for second in (0, 1, 2, 60):
            intake = message("track", event="Demo Requested", browser="b-1")
            intake.occurred += second * SECOND
            said = house.take(intake)
            acts.append([one for one in said if isinstance(one, DemoRequested | ActJudged)])
        judged = [one for said in acts for one in said if isinstance(one, ActJudged)]
        assert [len(said) for said in acts] == [1, 1, 4, 1]
        assert {one.dismissed for one in judged} == {"burst"}
        assert [one.verdict for one in judged] == [1, 1, 1]

    def test_one_message_taken_in_again_and_again_makes_no_burst(self) -> None:
        house = House(msgspec.structs.replace(RULES, burst=self.RULES))
        for _ in range(self.RULES.count):
            house.number = 0
            said = house.take(message("track", event="Demo Requested", browser="b-1"))
            assert not any(isinstance(one, ActJudged) for one in said)
        assert [len(acts) for acts in house.directory.recent_acts.values()] == [1]

    def test_a_message_that_is_taken_back_leaves_no_act_behind(self) -> None:
        house = House(msgspec.structs.replace(RULES, burst=self.RULES))
        house.take(message("track", event="Demo Requested", browser="b-1"))
        before = {profile: list(acts) for profile, acts in house.directory.recent_acts.items()}
        for browser in ("b-1", "b-2"):
            house.take(message("track", event="Demo Requested", browser=browser))
            house.directory.undo_fact()
            assert house.directory.recent_acts == before

    @settings(max_examples=tried(50), deadline=None)
    @given(st.lists(st.integers(0, 12), max_size=10), st.randoms())
    def test_a_burst_is_the_same_in_whatever_order_its_acts_come(
        self, seconds: list[int], random: Any
    ) -> None:
        acts = [RecentAct("p", str(number), at * SECOND) for number, at in enumerate(seconds)]
        found = find_burst(self.RULES, acts)
        random.shuffle(acts)
        assert find_burst(self.RULES, acts) == found
        for act in found:
            near = [one for one in acts if abs(one.at - act.at) <= 2 * SECOND]
            assert len(near) >= 3
