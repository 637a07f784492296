"""Whatever happens to leads, in whatever order: one mail per step, one thing waited for, one sequence."""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from services.nurture.domain import learnt
from services.nurture.domain.messages import Message
from services.nurture.domain.sequences import SequenceDocument
from shared.contracts.events import nurture
from shared.kernel.instants import DAY, HOUR
from tests.examples import tried
from tests.unit.nurture.stories import ADA, BEN, World, rules

LEADS = st.sampled_from((ADA, BEN))
STATES = st.sampled_from(("sent", "failed", "unconfirmed"))


class Leads(RuleBasedStateMachine):
    """Two leads of one or two people, a sending job that may die at any point, and time."""

    taken = Bundle("taken")
    lost = Bundle("lost")

    @initialize()
    def begin(self) -> None:
        self.world = World()
        self.version = 0
        self.mailed: Counter[str] = Counter()

    @rule(lead=LEADS, tier=st.sampled_from("ABCD"), direction=st.sampled_from(("up", "down")))
    def comes_to_a_tier(self, lead: str, tier: str, direction: str) -> None:
        self.world.tier(tier, lead, direction=direction)

    @rule(lead=LEADS, email=st.booleans(), zone=st.sampled_from((None, "Europe/Berlin", "Nowhere")))
    def is_reached(self, lead: str, email: bool, zone: str | None) -> None:
        self.version += 1
        self.world.reaches(
            lead, version=self.version, time_zone=zone, email="a@example.com" if email else None
        )

    @rule(lead=LEADS, rep=st.sampled_from(("", "rep-1")))
    def gets_an_owner(self, lead: str, rep: str) -> None:
        self.world.owner(rep, lead)

    @rule(lead=LEADS, standing=st.sampled_from(("opportunity", "won", "lost")))
    def has_a_deal(self, lead: str, standing: str) -> None:
        self.world.deal(standing, lead)

    @rule(profile=LEADS, lead=LEADS, version=st.integers(1, 6))
    def moves(self, profile: str, lead: str, version: int) -> None:
        self.world.learn(learnt.ProfileMoved(profile, lead, ADA if lead == BEN else BEN, version))

    @rule(lead=LEADS)
    def refuses_mail(self, lead: str) -> None:
        self.world.learn(learnt.MailRefused(lead, lead))

    @rule(lead=LEADS)
    def loses_the_contact(self, lead: str) -> None:
        self.world.learn(learnt.ContactGone(lead))

    @rule(hours=st.integers(1, 24 * 20))
    def time_passes(self, hours: int) -> None:
        self.world.pass_to(self.world.now + hours * HOUR, sends=False)

    @rule(target=taken)
    def a_job_takes_a_message(self) -> Message | None:
        planned = self.world.planned()
        return self.world.take(planned[0]) if planned else None

    @rule(target=lost, message=consumes(taken))
    def it_sends_and_dies(self, message: Message | None) -> Message | None:
        if message is not None:
            self.mailed[message.id] += 1
            self.world.result(message, "unconfirmed")
        return message

    @rule(message=consumes(taken), state=STATES)
    def it_tells_how_that_ended(self, message: Message | None, state: str) -> None:
        if message is not None:
            self.mailed[message.id] += 1
            self.world.result(message, state)  # type: ignore[arg-type]

    @rule(message=consumes(lost), state=STATES)
    def a_lost_answer_is_found(self, message: Message | None, state: str) -> None:
        if message is not None:
            self.world.result(message, state)  # type: ignore[arg-type]

    @invariant()
    def everything_is_in_order(self) -> None:
        self.world.check()

    @invariant()
    def each_step_of_each_run_is_mailed_at_most_once(self) -> None:
        assert max(self.mailed.values(), default=0) <= 1

    @invariant()
    def no_person_has_a_step_twice(self) -> None:
        steps = {sequence.name for sequence in rules().sequences.live if _has_steps(sequence)}
        alone = {profile.id for profile in self.world.desk.profiles if profile.version == 0}
        got = Counter(
            (message.lead, message.sequence, message.step)
            for message in self.world.desk.messages
            if message.state in {"sent", "unconfirmed", "sending"} and message.sequence in steps
        )
        assert all(count == 1 for (lead, _, _), count in got.items() if lead in alone)

    @invariant()
    def what_was_said_agrees_with_the_ledger(self) -> None:
        told = {
            emission.event.message: type(emission.event)
            for emission in self.world.said
            if isinstance(emission.event, nurture.MessageEvent)
        }
        kinds = {
            "sent": nurture.MessageSent,
            "failed": nurture.MessageFailed,
            "unconfirmed": nurture.MessageUnconfirmed,
            "suppressed": nurture.MessageSuppressed,
        }
        settled = {one.id: kinds[one.state] for one in self.world.desk.messages if one.state in kinds}
        assert told == settled

    def teardown(self) -> None:
        for lead in (ADA, BEN):
            self.world.learn(learnt.ProfileErased(lead, lead))
        assert not self.world.timers
        assert not self.world.planned()
        self.world.pass_to(self.world.now + 100 * DAY)
        assert not self.world.planned()


def _has_steps(sequence: SequenceDocument) -> bool:
    return bool(sequence.steps)


TestLeads = Leads.TestCase
TestLeads.settings = settings(max_examples=tried(30), stateful_step_count=40, deadline=None)
