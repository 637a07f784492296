"""The handlers: a fact, a move, an arrival, a departure, a timer, an erasure; each answers with changes.

Only a lead's own partition changes its score. Facts of a profile that lives elsewhere are stored at
home and sent on; moving tells nothing for the lead that loses them. Of somebody who was forgotten
nothing is learnt any more.
"""

from __future__ import annotations

import msgspec

from services.scoring.domain.checkpoints.checkpoint import EVERY
from services.scoring.domain.facts import Fact, in_order
from services.scoring.domain.life.ruling import RENEWAL
from services.scoring.domain.scored_lead import (
    FirstContact,
    KeptFact,
    Lodging,
    OwnedBy,
    ScoredLead,
    Scrub,
    Working,
    forget,
    recount,
    take_in,
)
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.domain.vocabulary import LEAD_RETURNED
from services.scoring.handlers.interpreting import (
    CopiesForgotten,
    FactsArrived,
    PersonForgotten,
    ProfileDeparted,
    ProfileMoved,
)
from services.scoring.handlers.moving import Parcel, forget_copies
from services.scoring.handlers.sharing import share
from services.scoring.handlers.telling import COOLING, Teller
from shared.contracts.events.erasures import PersonalDataRemoved
from shared.kernel.changes import Changes, Emission, TimerFired
from shared.kernel.changes import Fact as Learned
from shared.kernel.instants import Instant

_STRANGER = Lodging(0, is_here=False)
_LAST_VERSION = 2**63 - 1


class SayAgain(msgspec.Struct, frozen=True):
    """A stopped worker has published an old score late; the latest is to be said again."""


class ScoringHandlers:
    """Handles what is learnt under one set of models; of those in ``tells_past`` the past is told."""

    def __init__(
        self, models: ModelSet, *, tells_past: frozenset[str] = frozenset(), checkpoint_every: int = EVERY
    ) -> None:
        self.models = models
        self._every = checkpoint_every
        self._teller = Teller(models, tells_past=tells_past)

    def begin(self, key: str) -> Working:
        """Return a lead of which nothing is known."""
        return Working(key, ScoredLead(), ())

    def handle(self, stored: Working, learned: Learned) -> Changes[Working]:
        """Answer one thing learnt, and tell companies what they hear of it."""
        if stored.kept.erased is not None:
            return self._on_forgotten(stored, learned)
        return share(stored, self._answer(stored, learned), learned.received)

    def _answer(self, stored: Working, learned: Learned) -> Changes[Working]:
        working = self._teller.renew(stored, learned.received)
        match learned.event:
            case Fact() as fact:
                return self._on_fact(stored, working, learned, fact)
            case TimerFired(name=name):
                return self._on_timer(stored, working, learned, name)
            case ProfileMoved() as moved:
                return self._on_profile_moved(stored, working, learned, moved)
            case FactsArrived() as arrived:
                return self._on_facts_arrived(stored, working, learned, arrived)
            case ProfileDeparted() as departed:
                return self._on_profile_departed(stored, working, learned, departed)
            case PersonForgotten() | CopiesForgotten() as erasure:
                return self._on_erasure(stored, learned, erasure)
            case FirstContact():
                return Changes()  # what to ask for then follows from what is known, and no score does
            case SayAgain() | OwnedBy():
                return self._on_word(stored, working, learned)
            case other:
                raise TypeError(f"scoring does not know {type(other).__name__}")

    def _on_word(self, stored: Working, working: Working, learned: Learned) -> Changes[Working]:
        """Say the latest again, or note who has the lead; no score follows from either."""
        if not isinstance(learned.event, OwnedBy):
            return Changes(emissions=[self._teller.scores(working.lead, working.kept)])
        kept = msgspec.structs.replace(stored.kept, owner=learned.event.rep)
        return (
            Changes()
            if stored.kept.owner == kept.owner
            else Changes(Working(stored.lead, kept, stored.history))
        )

    def _on_fact(self, stored: Working, working: Working, learned: Learned, fact: Fact) -> Changes[Working]:
        """A fact of this lead's own profile: it counts here, or is sent to where the profile lives."""
        taken = take_in(self.models, working, [fact], every=self._every)
        if not taken.new:
            return Changes()
        after = taken.working
        if fact.name == LEAD_RETURNED and after.kept.owner:
            after = Working(after.lead, msgspec.structs.replace(after.kept, owner=""), after.history)
        rows = (KeptFact(working.lead, fact), *taken.checkpoints)
        if working.kept.lives_at:
            return Changes(after, _parcel(after).pack([fact], learned.received), rows=rows)
        return self._teller.tell(stored, after, learned, rows=rows, is_restated=taken.is_restated)

    def _on_timer(self, stored: Working, working: Working, learned: Learned, name: str) -> Changes[Working]:
        """Time alone may have changed a tier; the clock that rang is set no longer.

        For a renewal there is only something to do if other versions rule than the lead was scored under.
        """
        if name == RENEWAL and working is stored:
            return Changes()
        return self._teller.tell(stored, working, learned)

    def _on_profile_moved(
        self, stored: Working, working: Working, learned: Learned, moved: ProfileMoved
    ) -> Changes[Working]:
        """This profile has moved: take its facts out of where they counted, send them to where it lives."""
        kept = working.kept
        if moved.version <= kept.profile_version:
            return Changes()
        before = kept.lives_at
        now_at = "" if moved.lead == working.lead else moved.lead
        been_at = kept.been_at if not now_at or now_at in kept.been_at else (*kept.been_at, now_at)
        kept = msgspec.structs.replace(kept, lives_at=now_at, profile_version=moved.version, been_at=been_at)
        after = Working(working.lead, kept, working.history)
        parcel = Parcel(profile=working.lead, lead=moved.lead, version=moved.version)
        emissions: list[Emission] = []
        if before and before != now_at:
            emissions.append(parcel.call_back(before, learned.received))
        if now_at:
            own = in_order(fact for fact in working.all_facts if fact.profile == working.lead)
            emissions += parcel.pack(own, learned.received)
        if before == now_at:
            return Changes(after, emissions)
        after = recount(self.models, after)
        return self._teller.tell(stored, after, learned, emissions=emissions, is_restated=True)

    def _on_facts_arrived(
        self, stored: Working, working: Working, learned: Learned, arrived: FactsArrived
    ) -> Changes[Working]:
        """Facts of a profile that lives here now: joined by their ids, as often as they come."""
        kept = working.kept
        lodging = kept.lodgers.get(arrived.profile, _STRANGER)
        if arrived.version < lodging.version or (arrived.version == lodging.version and not lodging.is_here):
            return Changes()
        lodgers = {**kept.lodgers, arrived.profile: Lodging(arrived.version, is_here=True)}
        moved_in = Working(working.lead, msgspec.structs.replace(kept, lodgers=lodgers), working.history)
        taken = take_in(self.models, moved_in, arrived.facts, every=self._every)
        after, is_restated = taken.working, taken.is_restated
        rows: list[object] = [KeptFact(working.lead, fact) for fact in taken.new]
        if lodging.is_here:
            rows += taken.checkpoints
        else:
            after, is_restated = recount(self.models, after), True
        return self._teller.tell(stored, after, learned, rows=rows, is_restated=is_restated)

    def _on_profile_departed(
        self, stored: Working, working: Working, learned: Learned, departed: ProfileDeparted
    ) -> Changes[Working]:
        """A profile has left: its facts no longer count here, and nothing is told of it."""
        lodging = working.kept.lodgers.get(departed.profile, _STRANGER)
        if departed.version <= lodging.version:
            return Changes()
        lodgers = {**working.kept.lodgers, departed.profile: Lodging(departed.version, is_here=False)}
        kept = msgspec.structs.replace(working.kept, lodgers=lodgers)
        after = recount(self.models, Working(working.lead, kept, working.history))
        return self._teller.tell(stored, after, learned, is_silent=True)

    def _on_erasure(
        self, stored: Working, learned: Learned, erasure: PersonForgotten | CopiesForgotten
    ) -> Changes[Working]:
        """Keep the score and forget the rest; wherever facts of this profile were sent, too.

        A profile that lives here is this person; of one that has left, copies may have stayed.
        """
        if isinstance(erasure, CopiesForgotten):
            lodging = stored.kept.lodgers.get(erasure.profile, _STRANGER)
            if not lodging.is_here:
                return _forget_copies(stored, erasure.profile)
        now, kept = learned.received, stored.kept
        emissions = [forget_copies(stored.lead, lead, now) for lead in kept.been_at]
        if isinstance(erasure, PersonForgotten):
            emissions.append(_removed(stored.lead, erasure, facts=kept.facts, at=now))
        forgotten = forget(kept, at=now)
        if kept.revision:
            emissions.append(self._teller.scores(stored.lead, forgotten))
        return Changes(
            Working(stored.lead, forgotten, stored.history),
            emissions,
            {} if kept.wake is None else {COOLING: None},
            (Scrub(stored.lead),),
        )

    def _on_forgotten(self, stored: Working, learned: Learned) -> Changes[Working]:
        """Whoever was forgotten stays so; only a late record of a stopped worker is answered."""
        if isinstance(learned.event, SayAgain):
            return Changes(emissions=[self._teller.scores(stored.lead, stored.kept)])
        if isinstance(learned.event, PersonForgotten):  # they were forgotten with whom they lived
            return Changes(
                emissions=[_removed(stored.lead, learned.event, facts=stored.kept.facts, at=learned.received)]
            )
        return Changes()


def _removed(profile: str, erasure: PersonForgotten, *, facts: int, at: Instant) -> Emission:
    """Say what was scrubbed; free properties of every fact are."""
    lead = erasure.lead or profile
    told = PersonalDataRemoved(lead=lead, profile=profile, service="scoring", removed={"fact.fields": facts})
    return Emission(told, profile, lead, at)


def _forget_copies(stored: Working, profile: str) -> Changes[Working]:
    """Scrub what is kept of a profile that does not live here, and let no version bring it back."""
    lodgers = {**stored.kept.lodgers, profile: Lodging(_LAST_VERSION, is_here=False)}
    kept = msgspec.structs.replace(stored.kept, lodgers=lodgers)
    return Changes(Working(stored.lead, kept, stored.history), rows=(Scrub(stored.lead, profile),))


def _parcel(working: Working) -> Parcel:
    kept = working.kept
    return Parcel(profile=working.lead, lead=kept.lives_at, version=kept.profile_version)
