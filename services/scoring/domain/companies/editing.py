"""The JSON Schema by which an editor knows a document of a model that is kept per company."""

from __future__ import annotations

from typing import Any

from services.scoring.domain.companies.document import CompanyModelDocument
from services.scoring.domain.scoring_models.editing import schema_for_editors


def company_editor_schema() -> dict[str, Any]:
    """Return the schema; what it cannot know, the compiler and `leadmill config check` tell."""
    return schema_for_editors(CompanyModelDocument, "A scoring model of Leadmill that is kept per company")
