"""Answers that the platform ought to give, made of what was folded; in the shapes of its own API."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import Any, Final

import msgspec

from leadmill.demo.answers import END, Answers
from services.analytics.api.schemas import funnel_out, reps_out, returns_out
from services.analytics.domain.reports import Credited, FunnelRow, RepRow, returns
from services.analytics.queries.reports import Funnel
from services.ingest.domain.directory import Lead
from services.ingest.queries.leads import show
from services.nurture.api.schemas import sequence_out
from services.nurture.queries.messages import SequenceCounts
from services.nurture.store.documents import read_rulebook as read_sequences
from services.routing.api.schemas import rep_out
from services.routing.domain.rows import DecisionMade, StayBegan, StayEnded
from services.routing.queries.lists import RepStanding
from services.routing.store.documents import read_rulebook as read_routing
from services.scoring.api.schemas import crossing_out, model_out, why_out
from services.scoring.bootstrap import load_models
from services.scoring.domain.questions import explain_at, tier_history
from services.scoring.domain.scored_lead import counted_facts
from services.scoring.domain.scoring_models.compiled import ModelSet
from shared.contracts.events import assignments, behaviour, outcomes
from shared.kernel.instants import Instant, format_instant, parse_instant
from tests.failure.on_services.worker import CONFIG
from tests.journeys.fortnight.folding import Folded
from tests.unit.analytics.telling import Told

_CNY: Final = "CNY"
_ENGAGED: Final = {
    behaviour.EmailOpened: "open",
    behaviour.EmailLinkClicked: "click",
    behaviour.Unsubscribed: "unsubscribe",
}
_Query = Mapping[str, str]


class FoldedAnswers(Answers):
    """Answers what a manager would ask, without asking anybody."""

    def __init__(self, folded: Folded) -> None:
        super().__init__("http://nobody.invalid", token="")
        self._folded = folded
        self._models = load_models(CONFIG)
        self._routes: list[tuple[str, Callable[..., Any]]] = [
            (r"/v1/leads", self._find),
            (r"/scoring/v1/models", lambda _: [model_out(one).model_dump() for one in self._models.models]),
            (r"/scoring/v1/leads/(\w+)/why", self._why),
            (r"/scoring/v1/leads/(\w+)/history", self._history),
            (r"/analytics/v1/funnel", self._funnel),
            (r"/analytics/v1/roi", self._roi),
            (r"/analytics/v1/reps", self._responses),
            (r"/routing/v1/reps", self._reps),
            (r"/routing/v1/leads/(\w+)", self._trace),
            (r"/nurture/v1/sequences", self._sequences),
        ]

    async def _get(self, path: str, **query: str) -> Any:
        for pattern, answer in self._routes:
            found = re.fullmatch(pattern, path)
            if found is not None:
                return answer(query, *found.groups())
        raise AssertionError(f"nobody knows {path}")

    # --- ingest ----------------------------------------------------------------------------------------

    def _find(self, query: _Query) -> Any:
        directory = self._folded.ingest.directory
        standing = [
            lead
            for lead in directory.leads.values()
            if directory.profiles[lead.id].lead == lead.id and lead.erased is None and _is_meant(lead, query)
        ]
        return {"leads": [msgspec.to_builtins(show(lead)) for lead in sorted(standing, key=lambda x: x.id)]}

    # --- scoring ---------------------------------------------------------------------------------------

    def _known(self, lead: str) -> tuple[str, Any]:
        leads = self._folded.scoring.leads
        while leads[lead].lives_at:
            lead = leads[lead].lives_at
        return lead, counted_facts(lead, leads[lead], self._folded.scoring.facts.get(lead, []))

    def _why(self, query: _Query, lead: str) -> Any:
        home, facts = self._known(lead)
        name = query.get("model")
        models = self._models if name is None else ModelSet([self._models.by_name[name]])
        as_of = parse_instant(query["as_of"]) if "as_of" in query else END
        return why_out(home, explain_at(models, list(facts), as_of=as_of)).model_dump()

    def _history(self, _query: _Query, lead: str) -> Any:
        home, facts = self._known(lead)
        told = [row.change for row in self._folded.scoring.told.get(home, [])]
        crossings = tier_history(self._models, list(facts), until=END)
        return {
            "tiers": {name: [crossing_out(one) for one in found] for name, found in crossings.items()},
            "told": [{"model": one.model, "direction": one.direction} for one in told],
        }

    # --- routing ---------------------------------------------------------------------------------------

    def _trace(self, _query: _Query, lead: str) -> Any:
        home = self._folded.routing.desk.home_of(lead)
        rows = [row for row in self._folded.routing.desk.rows if getattr(row, "lead", "") == home]
        until = {row.number: row.at for row in rows if isinstance(row, StayEnded)}
        history = []
        for row in rows:
            if isinstance(row, StayBegan):
                spell = row.stay.spell
                history.append(
                    {
                        "place": row.stay.place,
                        "since": format_instant(row.stay.since),
                        "until": _text(until.get(row.stay.number)),
                        "reason": row.stay.reason,
                        "rep": None if spell is None else spell.rep,
                        "assignment": None if spell is None else spell.assignment,
                    }
                )
        trace = [
            {
                "assignment": row.assignment,
                "rule": row.decision.rule,
                "considered": [{"rep": one.rep, "skipped": one.skipped} for one in row.decision.considered],
            }
            for row in rows
            if isinstance(row, DecisionMade)
        ]
        return {"history": history, "trace": trace}

    def _reps(self, _query: _Query) -> Any:
        people = read_routing(CONFIG).people
        names = {one.rep: one.name for one in people.reps}
        return [
            rep_out(RepStanding(rep, names[rep.id], [], is_away=False, claims_today=0)).model_dump()
            for rep in self._folded.routing.desk.reps.values()
        ]

    # --- nurture ---------------------------------------------------------------------------------------

    def _sequences(self, _query: _Query) -> Any:
        desk = self._folded.nurture.desk
        steps = {message.id: (message.sequence, message.step) for message in desk.messages}
        acts = {
            (_ENGAGED[type(one.event)], one.event.message)
            for one in self._folded.told
            if isinstance(
                one.event, behaviour.EmailOpened | behaviour.EmailLinkClicked | behaviour.Unsubscribed
            )
        }
        counted = []
        for document in read_sequences(CONFIG, calendar="china").rules.sequences.live:
            states: dict[str, Counter[str]] = {}
            for message in desk.messages:
                if message.sequence == document.name:
                    states.setdefault(message.step, Counter())[message.state] += 1
            engaged: dict[str, Counter[str]] = {}
            for kind, message_id in acts:
                sequence, step = steps.get(message_id, ("", ""))
                if sequence == document.name:
                    engaged.setdefault(step, Counter())[kind] += 1
            runs: Counter[str] = Counter(
                run.state for run in desk.enrolments if run.sequence == document.name
            )
            counted.append(sequence_out(SequenceCounts(document, runs, states, engaged)).model_dump())
        return counted

    # --- analytics -------------------------------------------------------------------------------------

    def _funnel(self, query: _Query) -> Any:
        found = self._folded.analytics.funnel(query["by"]).items()
        rows = [FunnelRow(key, *counts) for key, counts in found]
        ordered = sorted(rows, key=lambda row: (row.key is None, row.key or ""))
        return funnel_out(Funnel(_CNY, ordered, None), by="source")

    def _roi(self, query: _Query) -> Any:
        sums = self._folded.analytics.attribution(query["model"], "campaign")
        credited = [Credited(key, currency, minor, 0) for (key, currency), minor in sums.items()]
        rows = returns(credited, costs_of(self._folded.told))
        return returns_out(rows, currency=_CNY, model=query["model"], by="campaign", contribution="won")

    def _responses(self, _query: _Query) -> Any:
        return reps_out(responses_of(self._folded.told))


def costs_of(told: Iterable[Told]) -> dict[tuple[str | None, str], int]:
    """Return what each campaign cost; what was said again for the same replaces."""
    standing = {
        (one.event.source, one.event.campaign, one.event.channel, one.event.kind, one.event.day): one.event
        for one in sorted(told, key=lambda one: (one.occurred, one.received, one.id))
        if isinstance(one.event, outcomes.CostRecorded)
    }
    sums: Counter[tuple[str | None, str]] = Counter()
    for cost in standing.values():
        sums[cost.campaign, cost.amount.currency] += cost.amount.minor
    return dict(sums)


def responses_of(told: Iterable[Told]) -> list[RepRow]:
    """Return what each rep was given and how soon they answered, spell by spell."""
    spells: dict[str, list[Told]] = {}
    for one in told:
        if isinstance(one.event, assignments.OwnedEvent):
            spells.setdefault(one.event.assignment, []).append(one)
    by_rep: dict[str, list[Counter[str]]] = {}
    waits: dict[str, list[Instant]] = {}
    for words in spells.values():
        rep = min(str(one.event.rep) for one in words if isinstance(one.event, assignments.OwnedEvent))
        marks: Counter[str] = Counter()
        begun = answered = None
        for one in words:
            match one.event:
                case assignments.LeadAssigned() | assignments.LeadClaimed() | assignments.LeadTransferred():
                    begun = one.occurred
                case assignments.LeadContacted(is_first=True, in_time=in_time):
                    answered = one.occurred
                    marks["kept" if in_time else "late"] += 1
                case assignments.ResponseWarned():
                    marks["warned"] = 1
                case assignments.LeadRecalled():
                    marks["recalled"] = marks["over"] = 1
                case assignments.LeadReturned() | assignments.OwnershipEnded():
                    marks["over"] = 1
        if answered is None:
            marks["waiting"] = int(not marks["over"])
        else:
            marks["recalled"] = 0
            if begun is not None:
                waits.setdefault(rep, []).append(answered - begun)
        by_rep.setdefault(rep, []).append(marks)
    return [
        RepRow(
            rep=rep,
            received=len(spells_of),
            kept=sum(marks["kept"] for marks in spells_of),
            late=sum(marks["late"] for marks in spells_of),
            recalled=sum(marks["recalled"] for marks in spells_of),
            waiting=sum(marks["waiting"] for marks in spells_of),
            warned=sum(marks["warned"] for marks in spells_of),
            median_seconds=median(waits[rep]) / 1_000_000 if rep in waits else None,
        )
        for rep, spells_of in sorted(by_rep.items())
    ]


def _is_meant(lead: Lead, query: _Query) -> bool:
    """Tell whether a lead is asked for by its address or its number, as people write them."""
    email, phone = lead.contact.text("email"), lead.contact.text("phone")
    number = query.get("phone", "").replace(" ", "")
    return (email is not None and email == query.get("email")) or (phone is not None and phone == number)


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else format_instant(instant)
