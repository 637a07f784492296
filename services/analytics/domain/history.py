"""Reports folded from rows, as of any instant; what the tables say now is the same fold of everything.

*As of* an instant counts what occurred by then, *known at* an instant what was received by then. A merge
and a verdict are knowledge about who somebody is, not something that happens: they count by when they were
received.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from services.analytics.domain.credits import Credit, Crediting, credit_all
from services.analytics.domain.derivation import SentMessage
from services.analytics.domain.homes import Home, Move, homes_of, lead_of
from services.analytics.domain.milestones import Milestone, first_by_lead, latest_by_lead
from services.analytics.domain.outcomes import Contribution, Conversion, Word, opportunities_of
from services.analytics.domain.reports import Credited, FunnelRow
from services.analytics.domain.touch_points import Touch
from services.analytics.domain.verdicts import Verdict, Verdicts
from shared.kernel.instants import Instant

By = Literal["campaign", "channel", "source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Rows of any number of leads, in any order."""

    moves: Sequence[Move] = ()
    touches: Sequence[Touch] = ()
    words: Sequence[Word] = ()
    milestones: Sequence[Milestone] = ()
    messages: Sequence[SentMessage] = field(default=())
    verdicts: Sequence[Verdict] = ()

    def until(self, *, as_of: Instant | None = None, known_at: Instant | None = None) -> History:
        """Return what had occurred and what was known by these instants."""

        def counts(occurred: Instant, received: Instant) -> bool:
            return (as_of is None or occurred <= as_of) and (known_at is None or received <= known_at)

        return replace(
            self,
            moves=[row for row in self.moves if known_at is None or row.received <= known_at],
            messages=[row for row in self.messages if known_at is None or row.received <= known_at],
            verdicts=[row for row in self.verdicts if known_at is None or row.received <= known_at],
            touches=[row for row in self.touches if counts(row.occurred, row.received)],
            words=[row for row in self.words if counts(row.occurred, row.received)],
            milestones=[row for row in self.milestones if counts(row.at, row.received)],
        )

    def sharings(self, crediting: Crediting) -> list[tuple[Conversion, tuple[Credit, ...]]]:
        """Return every conversion with its credits."""
        verdicts = Verdicts(self.verdicts)
        return credit_all(
            crediting,
            homes=homes_of(self.moves),
            touches=[touch for touch in self.touches if verdicts.earns(touch)],
            opportunities=opportunities_of(self.words).values(),
        )

    def attribution(
        self, crediting: Crediting, *, model: str, by: By, contribution: Contribution
    ) -> list[Credited]:
        """Return what each campaign, channel or source is credited with, the unattributed part last."""
        key_of = self.key_of(by)
        touches = {touch.event: touch for touch in self.touches}
        minors: Counter[tuple[str | None, str]] = Counter()
        parts: dict[tuple[str | None, str], set[object]] = {}
        for conversion, credits_ in self.sharings(crediting):
            if conversion.key.contribution != contribution:
                continue
            for credit in credits_:
                if credit.model == model:
                    touch = touches.get(credit.touch)
                    row = (None if touch is None else key_of(touch), conversion.currency)
                    minors[row] += credit.minor
                    parts.setdefault(row, set()).add(conversion.key)
        rows = [
            Credited(key, currency, minors[key, currency], len(parts[key, currency]))
            for key, currency in parts
        ]
        return sorted(rows, key=lambda row: (row.key is None, row.key or "", row.currency))

    def funnel(self, *, by: By, with_invalid: bool = True) -> list[FunnelRow]:
        """Return how far leads came, by what first brought them; what is not known stands last.

        A lead is whoever was captured, reached a goal or has an opportunity. By source: the source of the
        first capture. By channel or campaign: the lead's first touch point, also of an invalid lead, so that
        it can be told where those come from. Without ``with_invalid`` leads are left out that a verdict
        calls so, or their latest status.
        """
        homes = homes_of(self.moves)
        verdicts = Verdicts(self.verdicts)
        origins = self._origins(homes, by, verdicts)
        reached = {
            kind: {lead_of(homes, row.profile) for row in self.milestones if row.kind == kind}
            for kind in ("captured", "mql", "sql")
        }
        opportunities = list(opportunities_of(self.words).values())
        owners = Counter(lead_of(homes, one.profile) for one in opportunities)
        customers = {lead_of(homes, one.profile) for one in opportunities if one.status == "won"}
        won: dict[str, Counter[str]] = {}
        for one in opportunities:
            for conversion in one.conversions:
                if conversion.key.contribution == "won":
                    lead = lead_of(homes, conversion.profile)
                    won.setdefault(lead, Counter())[conversion.currency] += conversion.minor
        everybody = reached["captured"] | reached["mql"] | reached["sql"] | owners.keys()
        if not with_invalid:
            statuses = ((lead_of(homes, row.profile), row) for row in self.milestones if row.kind == "status")
            latest = latest_by_lead(statuses)
            everybody -= {lead for lead, row in latest.items() if row.value == "invalid"}
            everybody -= {lead_of(homes, profile) for profile in verdicts.invalid}
        groups: dict[str | None, set[str]] = {}
        for lead in everybody:
            groups.setdefault(origins.get(lead), set()).add(lead)
        rows = [
            FunnelRow(
                key=key,
                leads=len(leads),
                mqls=len(leads & reached["mql"]),
                sqls=len(leads & (reached["sql"] | owners.keys())),
                opportunities=sum(owners[lead] for lead in leads),
                customers=len(leads & customers),
                won=_sum(won[lead] for lead in leads if lead in won),
            )
            for key, leads in groups.items()
        ]
        return sorted(rows, key=lambda row: (row.key is None, row.key or ""))

    def _origins(self, homes: Mapping[str, Home], by: By, verdicts: Verdicts) -> Mapping[str, str]:
        if by == "source":
            captured = [
                (lead_of(homes, row.profile), row) for row in self.milestones if row.kind == "captured"
            ]
            return {lead: row.value for lead, row in first_by_lead(captured).items()}
        key_of = self.key_of(by)
        first: dict[str, Touch] = {}
        for touch in filter(verdicts.is_act, self.touches):
            lead = lead_of(homes, touch.profile)
            if lead not in first or touch.place < first[lead].place:
                first[lead] = touch
        return {lead: key_of(touch) for lead, touch in first.items()}

    def key_of(self, by: By) -> Callable[[Touch], str]:
        """Return what groups touches: a mail's campaign is the sequence that sent it, once that is known."""
        if by == "channel":
            return lambda touch: touch.channel
        if by == "source":
            return lambda touch: touch.source
        sequences: dict[str, tuple[str, str]] = {}
        for sent in self.messages:
            found = (sent.event, sent.sequence)
            sequences[sent.message] = min(found, sequences.get(sent.message, found))
        return lambda touch: sequences.get(touch.message, ("", ""))[1] if touch.message else touch.campaign


def _sum(counters: Iterable[Counter[str]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for counter in counters:
        for currency, minor in counter.items():
            total[currency] = total.get(currency, 0) + minor
    return dict(sorted(total.items()))
