"""A second opinion, written out by hand: slow, plain, from the events themselves.

It shares nothing with the product but the events. Shares are fractions until the very end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from shared.contracts.events import assignments, behaviour, leads, nurture, outcomes, tier_changes
from shared.kernel.instants import DAY, MINUTE, Instant, from_datetime
from tests.unit.analytics.telling import Told

YEAR = 365 * DAY
VISIT = 30 * MINUTE
VERDICTS = (leads.LeadInvalidated, leads.LeadValidated, behaviour.ActJudged)


class Outcome(NamedTuple):
    """A deal or a payment, and per model what each event earned; "" is nobody."""

    opportunity: str
    payment: str
    profile: str
    event: str
    minor: int
    currency: str
    earned: dict[str, dict[str, int]]


class Hit(NamedTuple):
    at: Instant
    received: Instant
    event: str
    profile: str
    channel: str
    campaign: str
    message: str
    source: str


class Oracle:
    """What everything comes to; by instants, what it came to then."""

    def __init__(
        self, said: Iterable[Told], *, as_of: Instant | None = None, known_at: Instant | None = None
    ) -> None:
        all_of_it = list({one.id: one for one in said}.values())
        gone: dict[str, Instant] = {}
        for one in all_of_it:
            if isinstance(one.event, leads.LeadErased):
                gone[one.key] = min(one.received, gone.get(one.key, one.received))
        self.said = [
            one
            for one in all_of_it
            if isinstance(one.event, leads.LeadMerged | leads.LeadUnmerged)
            or one.key not in gone
            or isinstance(one.event, outcomes.CostRecorded)
            or one.received <= gone[one.key]
        ]
        self.as_of, self.known_at = as_of, known_at
        self.verdicts: dict[str, Told] = {}
        self.pardons: dict[str, Instant] = {}
        for one in self.said:
            event = one.event
            if not isinstance(event, VERDICTS) or not self.knows(one):
                continue
            about = event.act if isinstance(event, behaviour.ActJudged) else f"lead {one.key}"
            known = self.verdicts.get(about)
            if known is None or event.verdict > known.event.verdict:  # type: ignore[attr-defined]
                self.verdicts[about] = one
            if isinstance(event, leads.LeadValidated) and event.pardons:
                self.pardons[one.key] = max(one.received, self.pardons.get(one.key, one.received))
        self.homes: dict[str, tuple[int, str]] = {}
        for one in self.said:
            if isinstance(one.event, leads.LeadMerged | leads.LeadUnmerged) and self.knows(one):
                best = self.homes.get(one.event.profile, (0, one.event.profile))
                self.homes[one.event.profile] = max(best, (one.event.version, one.event.lead))

    def knows(self, one: Told) -> bool:
        return self.known_at is None or one.received <= self.known_at

    def counted(self) -> list[Told]:
        """What had happened and was known, oldest first."""
        kept = [
            one
            for one in self.said
            if self.knows(one) and (self.as_of is None or min(one.occurred, one.received) <= self.as_of)
        ]
        return sorted(kept, key=lambda one: (min(one.occurred, one.received), one.received, one.id))

    def lead(self, profile: str) -> str:
        return self.homes.get(profile, (0, profile))[1]

    def is_act(self, one: Told) -> bool:
        """Somebody did it, and no machine, as far as is known."""
        if one.received <= self.pardons.get(one.key, one.received - 1):
            return True
        verdict = self.verdicts.get(one.id)
        return not getattr(one.event if verdict is None else verdict.event, "dismissed", "")

    def is_nobody(self, profile: str) -> bool:
        """It was found invalid, and not valid after that."""
        verdict = self.verdicts.get(f"lead {profile}")
        return verdict is not None and isinstance(verdict.event, leads.LeadInvalidated)

    def hits(self) -> list[Hit]:
        """Every touch, oldest first."""
        found = []
        for one in filter(self.is_act, self.counted()):
            event = one.event
            place = (min(one.occurred, one.received), one.received, one.id)
            if isinstance(event, behaviour.EmailLinkClicked):
                found.append(Hit(*place, event.profile, "nurture_mail", "", event.message, event.source))
            elif isinstance(event, behaviour.LiveEventAttended):
                found.append(Hit(*place, event.profile, "live_event", event.live_event, "", event.source))
            elif isinstance(event, behaviour.PageViewed | leads.LeadCaptured) and event.acquisition:
                brought = event.acquisition
                found.append(Hit(*place, event.profile, brought.channel, brought.campaign, "", event.source))
        return found

    def path(self, lead: str, end: Instant) -> list[Hit]:
        hits = [hit for hit in self.hits() if self.lead(hit.profile) == lead and end - YEAR <= hit.at <= end]
        hits = [hit for hit in hits if not self.is_nobody(hit.profile)]
        path = []
        for i, hit in enumerate(hits):
            if i:
                last = hits[i - 1]
                same = (last.channel, last.campaign, last.message) == (hit.channel, hit.campaign, hit.message)
                if same and hit.at - last.at <= VISIT:
                    continue
            path.append(hit)
        return path

    def outcomes(self) -> list[Outcome]:
        """Every deal that stands as won, and every payment."""
        names = {
            getattr(one.event, "opportunity", "")
            for one in self.counted()
            if hasattr(one.event, "opportunity")
        }
        found = []
        for name in sorted(names):
            words = [one for one in self.counted() if getattr(one.event, "opportunity", None) == name]
            ends = [
                w for w in words if isinstance(w.event, outcomes.OpportunityWon | outcomes.OpportunityLost)
            ]
            payments = {w.event.payment: w for w in words if isinstance(w.event, outcomes.PaymentReceived)}
            rest = [w for w in words if not isinstance(w.event, outcomes.PaymentReceived)]
            decides = (ends or rest or words)[-1]
            won = decides if isinstance(decides.event, outcomes.OpportunityWon) else None
            if won is not None:
                end = min(won.occurred, won.received)
                found.append(self.share(won, name, "", decides.key, end))
            for payment, word in payments.items():
                end = min(word.occurred, word.received)
                if won is not None:
                    end = min(end, won.occurred, won.received)
                found.append(self.share(word, name, payment, decides.key, end))
        return found

    def share(self, word: Told, name: str, payment: str, profile: str, end: Instant) -> Outcome:
        amount = word.event.amount  # type: ignore[attr-defined]
        path = [hit.event for hit in self.path(self.lead(profile), end)]
        n = len(path)
        earned: dict[str, dict[str, int]] = {}
        if n == 0:
            earned = {model: {"": amount.minor} for model in ("first", "last", "linear", "u")}
        else:
            if n == 1:
                u = [Fraction(1)]
            elif n == 2:
                u = [Fraction(1, 2), Fraction(1, 2)]
            else:
                u = [Fraction(2, 5), *[Fraction(1, 5) / (n - 2)] * (n - 2), Fraction(2, 5)]
            earned["first"] = {path[0]: amount.minor}
            earned["last"] = {path[-1]: amount.minor}
            earned["linear"] = dict(zip(path, whole(amount.minor, [Fraction(1, n)] * n), strict=True))
            earned["u"] = dict(zip(path, whole(amount.minor, u), strict=True))
        return Outcome(name, payment, profile, word.id, amount.minor, amount.currency, earned)

    def campaign_of(self, hit: Hit) -> str:
        """The campaign; of a mail the sequence, if nurture has told it."""
        if not hit.message:
            return hit.campaign
        sent = sorted(
            (one.id, one.event.sequence)
            for one in self.said
            if isinstance(one.event, nurture.MessageSent)
            and self.knows(one)
            and one.event.message == hit.message
        )
        return sent[0][1] if sent else ""

    def attribution(
        self, model: str, by: str, *, payments: bool = False
    ) -> dict[tuple[str | None, str], int]:
        """Amounts by campaign, channel or source, and currency; None is nobody."""
        hits = {hit.event: hit for hit in self.hits()}
        sums: dict[tuple[str | None, str], int] = {}
        for outcome in self.outcomes():
            if bool(outcome.payment) is payments:
                for event, minor in outcome.earned[model].items():
                    hit = hits.get(event)
                    key = (
                        None
                        if hit is None
                        else self.campaign_of(hit)
                        if by == "campaign"
                        else getattr(hit, by)
                    )
                    sums[key, outcome.currency] = sums.get((key, outcome.currency), 0) + minor
        return sums

    def nobodies(self) -> set[str]:
        """The leads that are invalid, by a verdict or by their latest status."""
        statuses = {
            self.lead(one.key): one.event.to_status
            for one in self.counted()
            if isinstance(one.event, assignments.LeadStatusChanged)
        }
        by_status = {lead for lead, status in statuses.items() if status == "invalid"}
        judged = {one.key for one in self.said if self.is_nobody(one.key)}
        return by_status | {self.lead(profile) for profile in judged}

    def funnel(
        self, by: str, *, with_invalid: bool = True
    ) -> dict[str | None, tuple[int, int, int, int, int, dict[str, int]]]:
        """Leads, MQLs, SQLs, opportunities, customers and won amounts by origin."""
        origins, captured = self.origins(by)
        mqls, hot = self.reached("mql", "A"), self.reached("five_step", "hot")
        owners = self.owners()
        wins = [outcome for outcome in self.outcomes() if not outcome.payment]
        result = {}
        everybody = captured | mqls | hot | set(owners.values())
        if not with_invalid:
            everybody -= self.nobodies()
        for key in {origins.get(lead) for lead in everybody}:
            group = {lead for lead in everybody if origins.get(lead) == key}
            sums: dict[str, int] = {}
            for win in wins:
                if self.lead(win.profile) in group:
                    sums[win.currency] = sums.get(win.currency, 0) + win.minor
            result[key] = (
                len(group),
                len(group & mqls),
                len(group & (hot | set(owners.values()))),
                sum(lead in group for lead in owners.values()),
                len({self.lead(win.profile) for win in wins} & group),
                sums,
            )
        return result

    def origins(self, by: str) -> tuple[dict[str, str], set[str]]:
        """What first brought each lead, and the leads that were captured."""
        origins: dict[str, str] = {}
        captured = set()
        for one in self.counted():
            if isinstance(one.event, leads.LeadCaptured):
                captured.add(self.lead(one.key))
                if by == "source":
                    origins.setdefault(self.lead(one.key), one.event.source)
        for hit in self.hits() if by != "source" else ():
            key = self.campaign_of(hit) if by == "campaign" else hit.channel
            origins.setdefault(self.lead(hit.profile), key)
        return origins, captured

    def reached(self, model: str, tier: str) -> set[str]:
        """The leads that a model ever put into a tier."""
        found = set()
        for one in self.said:
            if isinstance(one.event, tier_changes.TierChanged) and self.knows(one):
                at = min(from_datetime(one.event.at), one.received)
                if (one.event.model, one.event.to_tier) == (model, tier) and at <= (self.as_of or at):
                    found.add(self.lead(one.key))
        return found

    def owners(self) -> dict[str, str]:
        """The lead of every opportunity."""
        found: dict[str, tuple[int, str]] = {}
        for one in self.counted():
            event = one.event
            rank = {
                outcomes.PaymentReceived: 0,
                outcomes.OpportunityCreated: 1,
                outcomes.OpportunityStageChanged: 1,
                assignments.LeadConverted: 1,
                outcomes.OpportunityWon: 2,
                outcomes.OpportunityLost: 2,
            }.get(type(event))
            if rank is not None:
                name = event.opportunity  # type: ignore[attr-defined]
                if rank >= found.get(name, (0, ""))[0]:
                    found[name] = (rank, self.lead(one.key))
        return {name: lead for name, (_, lead) in found.items()}


def whole(amount: int, shares: Sequence[Fraction]) -> list[int]:
    """Round shares to whole units that sum to the amount: the largest rests first, ties to the earlier."""
    sign = -1 if amount < 0 else 1
    exact = [abs(amount) * share for share in shares]
    floors = [int(one) for one in exact]
    for _ in range(abs(amount) - sum(floors)):
        rests = [one - floor for one, floor in zip(exact, floors, strict=True)]
        floors[rests.index(max(rests))] += 1
    return [sign * one for one in floors]
