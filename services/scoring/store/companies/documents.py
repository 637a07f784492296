"""The documents of models that are kept per company, as they lie in the configuration folder."""

from __future__ import annotations

from pathlib import Path

from services.scoring.domain.companies.compiler import CompanyModel, compile_company_model
from services.scoring.domain.companies.document import CompanyModelDocument
from services.scoring.domain.scoring_models.compiler import ModelFaults, value_lists
from services.scoring.domain.scoring_models.document import ValueListDocument
from services.scoring.domain.vocabulary import Vocabulary
from shared.documents.files import read_documents
from shared.kernel.faults import Fault


def read_company_models(folder: Path) -> tuple[CompanyModel, ...]:
    """Read and compile the newest version of each model in ``models/companies``, in order of their names.

    :raises DocumentFaults: with every fault of their shape and its path.
    :raises ModelFaults: with every fault of their meaning, each led by the model's name and version.
    """
    lists = read_documents(folder / "lists", kind="value_list", shape=ValueListDocument)
    vocabulary = Vocabulary(lists=value_lists(loaded.body for loaded in lists.values()))
    found = read_documents(folder / "models" / "companies", kind="company_model", shape=CompanyModelDocument)
    faults: list[Fault] = []
    models: dict[str, CompanyModel] = {}
    for key, loaded in found.items():
        try:
            model = compile_company_model(loaded.body, vocabulary)
        except ModelFaults as error:
            about = f"{key.name}@{key.version}"
            faults += [Fault(f"{about}: {fault.path}", fault.text) for fault in error.faults]
            continue
        known = models.get(model.name)
        if known is None or known.version < model.version:
            models[model.name] = model
    if faults:
        raise ModelFaults(faults, about="scoring models kept per company")
    return tuple(models[name] for name in sorted(models))
