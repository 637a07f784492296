"""The documents of scoring models that a release brings, and how any document becomes a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from services.scoring.domain.life.steps import Paper
from services.scoring.domain.scoring_models.beside import faults_beside
from services.scoring.domain.scoring_models.combining import key_of
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from services.scoring.domain.scoring_models.compiler import compile_model, compile_models, value_lists
from services.scoring.domain.scoring_models.document import ScoringModelDocument, ValueListDocument
from services.scoring.domain.vocabulary import Vocabulary
from shared.conditions.catalogue import ValueLists
from shared.documents.faults import DocumentFaults
from shared.documents.files import read_documents
from shared.documents.versions import DocumentKey, Loaded, load_document
from shared.documents.yaml_text import parse_yaml
from shared.kernel.faults import Fault

_KIND: Final = "scoring_model"


class Draft(NamedTuple):
    """A document that has been read, checked and compiled; ``paper`` is what is kept of it."""

    model: CompiledModel
    digest: str
    paper: Paper


class Shelf:
    """Reads ``lists`` and ``models`` of a configuration folder.

    :raises DocumentFaults: with every fault and its path.
    """

    def __init__(self, folder: Path) -> None:
        lists = read_documents(folder / "lists", kind="value_list", shape=ValueListDocument)
        self._lists: ValueLists = value_lists(loaded.body for loaded in lists.values())
        self._folder = folder / "models"
        found = self._read_models()
        vocabulary = Vocabulary(lists=self._lists)
        compiled = compile_models([loaded.body for loaded in found.values()], vocabulary)
        self._models = {
            (key.name, key.version): (model, loaded.digest)
            for (key, loaded), model in zip(found.items(), compiled, strict=True)
        }

    def _read_models(self) -> Mapping[DocumentKey, Loaded[ScoringModelDocument]]:
        try:
            return read_documents(self._folder, kind=_KIND, shape=ScoringModelDocument)
        except DocumentFaults as error:
            faults = [*error.faults]
            for path in sorted(self._folder.glob("*.yaml")):
                of_file = [fault for fault in error.faults if fault.path.startswith(f"{path.name}: ")]
                shape = [Fault(fault.path.removeprefix(f"{path.name}: "), fault.text) for fault in of_file]
                if shape:
                    beside = self._faults_beside(path.read_text("utf-8"), shape, self._lists)
                    faults += [Fault(f"{path.name}: {fault.path}", fault.text) for fault in beside]
            raise DocumentFaults(faults, about="scoring models") from error

    def _load(self, text: str, lists: ValueLists) -> Loaded[ScoringModelDocument]:
        """Read a document; where its shape has faults, those of meaning beside them are told, too."""
        try:
            return load_document(text, kind=_KIND, shape=ScoringModelDocument)
        except DocumentFaults as error:
            beside = self._faults_beside(text, error.faults, lists)
            raise DocumentFaults([*error.faults, *beside], about=_KIND) from error

    def _faults_beside(self, text: str, shape: Sequence[Fault], lists: ValueLists) -> list[Fault]:
        try:
            data = parse_yaml(text, about=_KIND)
        except DocumentFaults:
            return []
        return faults_beside(data, shape, Vocabulary(lists=lists))

    def digests(self) -> Mapping[str, Mapping[int, str]]:
        """Return the digests of the documents by name and version."""
        found: dict[str, dict[int, str]] = {}
        for (name, version), (_, digest) in self._models.items():
            found.setdefault(name, {})[version] = digest
        return found

    def newest(self) -> ModelSet:
        """Return the newest version of each model."""
        return ModelSet(self._models[name, max(versions)][0] for name, versions in self.digests().items())

    def find(self, name: str, version: int) -> CompiledModel | None:
        """Return a version that the documents hold."""
        found = self._models.get((name, version))
        return found[0] if found is not None else None

    def paper_of(self, name: str, version: int) -> Paper | None:
        """Return the text of a version that the documents hold."""
        for path in sorted(self._folder.glob(f"{name}*.yaml")):
            text = path.read_text("utf-8")
            key = load_document(text, kind=_KIND, shape=ScoringModelDocument).key
            if (key.name, key.version) == (name, version):
                return Paper(text=text, lists=self._lists_in(text))
        return None

    def sources_in(self, text: str) -> Sequence[tuple[str, int]]:
        """Return the names and versions that a document combines and that are not on the shelf.

        :raises DocumentFaults: with every fault, each with its path.
        """
        body = self._load(text, self._lists).body
        named = [source.model.rpartition("@") for source in body.combines]
        keys = [(name, int(version)) for name, _, version in named if version.isascii() and version.isdigit()]
        return [key for key in keys if key not in self._models]

    def read(
        self,
        text: str,
        *,
        lists: ValueLists | None = None,
        sources: Mapping[str, CompiledModel] | None = None,
    ) -> Draft:
        """Read and compile a document that somebody handed in; ``lists`` are those it was handed in with.

        ``sources`` are models that it may combine besides those on the shelf, by name@version.

        :raises Faults: with every fault, each with its path.
        """
        known = {**self._lists, **(lists or {})}
        loaded = self._load(text, known)
        combinable = {key_of(*key): model for key, (model, _) in self._models.items()}
        vocabulary = Vocabulary(lists=known)
        model = compile_model(loaded.body, vocabulary, sources={**combinable, **(sources or {})})
        return Draft(model, loaded.digest, Paper(text=text, lists=self._lists_in(text)))

    def _lists_in(self, text: str) -> dict[str, tuple[str, ...]]:
        named = set(_lists_named(parse_yaml(text, about=_KIND)))
        return {name: tuple(self._lists[name]) for name in sorted(named) if name in self._lists}


def _lists_named(data: object) -> Iterator[str]:
    if isinstance(data, dict):
        name = data.get("list")
        if isinstance(name, str):
            yield name
        for part in data.values():
            yield from _lists_named(part)
    elif isinstance(data, list):
        for part in data:
            yield from _lists_named(part)
