"""The forms of a folder of documents, for whoever looks at them without a running service."""

from __future__ import annotations

from collections.abc import Mapping

from services.ingest.api.forms.hosting import hidden_fields
from services.ingest.api.forms.rendering import snippet
from services.ingest.domain.dialects.rulebook import Rulebook
from services.ingest.domain.forms.definitions import FormDocument, Forms, Language


class FormShelf:
    """Forms by name; ``public_url`` is where people reach us, empty if it is not set."""

    def __init__(self, rulebook: Rulebook, *, public_url: str) -> None:
        self._click_ids = frozenset(name.lower() for name in rulebook.channels.click_ids)
        self._forms = Forms(rulebook.forms)
        self.public_url = public_url.rstrip("/")

    @property
    def forms(self) -> Mapping[str, FormDocument]:
        """Each form in its newest version, by name."""
        return self._forms.newest

    def snippet(self, form: FormDocument, language: Language, *, key: str, base: str, beacon: bool) -> str:
        """Return a form as HTML to paste into a page; ``base`` is where people reach us."""
        hidden = hidden_fields(self._click_ids)
        return snippet(form, language, key=key, base=base, hidden=hidden, beacon=beacon)
