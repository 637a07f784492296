"""What a batch needs besides the directory: companies, forms that came twice, and doubts to keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.ingest.domain.directory import Directory
from services.ingest.domain.evidence.doubts import Doubt, Likeness
from services.ingest.domain.identity.repeats import FormWindow
from services.ingest.domain.intake import CompanyKeys, Intake
from services.ingest.store.identity.companies import load_companies, save_companies
from services.ingest.store.identity.conflicts import Cause, compare_alike, save_doubts
from services.ingest.store.identity.forms import load_forms, save_forms
from shared.kernel.changes import Fact
from shared.postgres.database import Transaction


@dataclass(slots=True)
class Findings:
    """One batch's findings; written in its transaction, each table only if there is something to write."""

    forms: FormWindow
    _told: frozenset[CompanyKeys]
    _new_forms: frozenset[str]
    _new_keys: frozenset[str] = frozenset()
    _doubts: list[tuple[Cause, Doubt]] = field(default_factory=list)
    _alike: list[tuple[Cause, Likeness]] = field(default_factory=list)

    @classmethod
    async def begin(
        cls, transaction: Transaction, new: Sequence[tuple[Fact, Intake]], *, seconds: int
    ) -> Findings:
        """Lock the forms of the messages that were not seen before; see :func:`load_forms`."""
        came = {intake.form: fact.received for fact, intake in reversed(new) if intake.form}
        window, fresh = await load_forms(transaction, came, seconds=seconds)
        return cls(window, frozenset(one.company for _, one in new if one.company is not None), fresh)

    async def load_companies(self, transaction: Transaction, directory: Directory) -> None:
        """Load the companies that the messages tell of."""
        self._new_keys = await load_companies(transaction, directory, self._told)

    def note(self, directory: Directory, fact: Fact, intake: Intake) -> None:
        """Take over what a message that took effect left for people to look at."""
        if intake.form:
            self.forms.note(intake.form, fact.received)
        if directory.doubts or directory.alike:
            cause = Cause(fact.id, intake.message_id, fact.received)
            self._doubts += [(cause, doubt) for doubt in directory.doubts]
            self._alike += [(cause, alike) for alike in directory.alike]

    async def save(self, transaction: Transaction, directory: Directory) -> None:
        """Write everything, after the directory."""
        await save_companies(transaction, directory, fresh=self._new_keys)
        await save_forms(transaction, self.forms, fresh=self._new_forms)
        alike = await compare_alike(transaction, self._alike)
        await save_doubts(transaction, [*self._doubts, *alike])
