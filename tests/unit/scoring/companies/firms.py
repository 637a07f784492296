"""What tests of companies share: the shipped models, and a firm's story told in days."""

from __future__ import annotations

from functools import cache

from services.scoring.domain.companies.compiler import CompanyModel, compile_company_model
from services.scoring.domain.companies.document import CompanyModelDocument
from services.scoring.domain.companies.hearing import COMPANY
from services.scoring.domain.companies.reading import Heard, in_order_heard, read_at
from services.scoring.domain.companies.standing import CompanyScore, score_at, tier_history
from services.scoring.domain.facts import ATTRIBUTES, Fact
from services.scoring.domain.tiers import Crossing
from shared.documents.files import read_documents
from shared.documents.versions import load_document
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant
from tests.unit.scoring.stories import CONFIG, START, vocabulary

FIRM = deterministic_id("a firm of scoring's tests")
OTHER_FIRM = deterministic_id("another firm of scoring's tests")


@cache
def shipped(name: str) -> CompanyModel:
    """One of the shipped models."""
    found = read_documents(CONFIG / "models" / "companies", kind="company_model", shape=CompanyModelDocument)
    body = next(loaded.body for loaded in found.values() if loaded.key.name == name)
    return compile_company_model(body, vocabulary())


def model_from(text: str) -> CompanyModel:
    """A model from the text of its document."""
    loaded = load_document(text, kind="company_model", shape=CompanyModelDocument)
    return compile_company_model(loaded.body, vocabulary())


class Firm:
    """One firm's facts, told by its leads."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []

    def _learn(self, who: str, at: Instant, name: str, fields: dict[str, object]) -> Firm:
        identity = deterministic_id("a fact of a firm", str(len(self.heard)))
        self.heard.append(Heard(who, Fact(identity, who, at, at, name, fields)))
        return self

    def employs(self, who: str, at: Instant = START, *, company: str | None = FIRM, **known: object) -> Firm:
        """Somebody works there, and is known to be so."""
        return self._learn(who, at, ATTRIBUTES, {COMPANY: company, **known})

    def is_known_as(self, who: str, at: Instant, **known: object) -> Firm:
        """Something is learnt of somebody, and nothing about where they work."""
        return self._learn(who, at, ATTRIBUTES, dict(known))

    def opened(self, deal: str, at: Instant, *, stage: str = "", who: str = "ada") -> Firm:
        """An opportunity was opened."""
        return self._learn(who, at, "opportunity_created", {"opportunity": deal, "stage": stage})

    def moved_on(self, deal: str, at: Instant, *, stage: str, who: str = "ada") -> Firm:
        """An opportunity is in another stage."""
        return self._learn(who, at, "opportunity_stage_changed", {"opportunity": deal, "stage": stage})

    def won(self, deal: str, at: Instant, units: float, *, who: str = "ada", currency: str = "CNY") -> Firm:
        """A deal was won for so much."""
        fields: dict[str, object] = {"opportunity": deal, "amount": round(units * 100), "currency": currency}
        return self._learn(who, at, "opportunity_won", fields)

    def lost(self, deal: str, at: Instant, *, who: str = "ada") -> Firm:
        """A deal was lost."""
        return self._learn(who, at, "opportunity_lost", {"opportunity": deal})

    def asked(self, at: Instant, *, what: str = "demo_requested", who: str = "ada") -> Firm:
        """Somebody asked for a demo or a trial."""
        return self._learn(who, at, what, {})

    def score(self, model: str, at: Instant, *, company: str = FIRM) -> CompanyScore:
        """The score in a shipped model."""
        return score_at(shipped(model), read_at(company, in_order_heard(self.heard), at))

    def tier(self, model: str, at: Instant, *, company: str = FIRM) -> str:
        """The tier in a shipped model."""
        return self.score(model, at, company=company).tier_name

    def points(self, model: str, at: Instant) -> float:
        """The points in a shipped model, as people read them."""
        return self.score(model, at).points / 1000

    def rules(self, model: str, at: Instant) -> set[str]:
        """The rules that give a line."""
        return {line.rule for line in self.score(model, at).lines}

    def history(self, model: str, until: Instant) -> list[Crossing]:
        """Every change of tier."""
        return tier_history(shipped(model), FIRM, in_order_heard(self.heard), until=until)
