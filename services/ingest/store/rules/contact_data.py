"""Lists by which contact data is read: what countries are called, and where addresses are thrown away."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from services.ingest.domain.identifiers import fold_country
from shared.documents.faults import Fault, raise_if_any
from shared.documents.versions import Document

_DOMAIN: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_CODE: Final = re.compile("[A-Z]{2}")


class CountriesDocument(Document, frozen=True, kw_only=True):
    """Names of countries, by their ISO 3166 code."""

    countries: dict[str, list[str]]


def codes_of(document: CountriesDocument) -> dict[str, str]:
    """Return the code of each name, as it is compared.

    :raises DocumentFaults: if a code is none, or two countries bear one name.
    """
    codes: dict[str, str] = {}
    faults = [
        Fault(f"countries.yaml: countries.{code}", "is no code of two capital letters")
        for code in document.countries
        if _CODE.fullmatch(code) is None
    ]
    for code, names in document.countries.items():
        for name in names:
            other = codes.setdefault(fold_country(name), code)
            if other != code:
                faults.append(Fault(f"countries.yaml: countries.{code}", f"{name!r} is {other}, too"))
    raise_if_any(faults, about="documents of kind countries")
    return codes


def read_domains(path: Path) -> frozenset[str]:
    """Return the domains of a text file, one a line; what follows # is a remark. None if there is no file.

    :raises DocumentFaults: if it cannot be read, or a line is no domain.
    """
    if not path.exists():
        return frozenset()
    try:
        lines: Mapping[int, str] = dict(enumerate(path.read_text("utf-8").splitlines(), start=1))
    except (OSError, UnicodeDecodeError):
        raise_if_any([Fault(path.name, "cannot be read, or is not UTF-8")], about="lists of domains")
        raise
    domains = {number: line.partition("#")[0].strip().lower() for number, line in lines.items()}
    raise_if_any(
        [
            Fault(f"{path.name}: line {number}", f"{domain!r} is no domain")
            for number, domain in domains.items()
            if domain and _DOMAIN.fullmatch(domain) is None
        ],
        about="lists of domains",
    )
    return frozenset(filter(None, domains.values()))
