"""Names as people have them, in a dozen tongues, the difficult ones above all."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tests.unit.ingest.requests import ROOT


def real_names() -> Iterator[str]:
    """Each surname with three given names, in the order that its tongue has."""
    told = msgspec.json.decode((ROOT / "tests/cases/names/people.json").read_bytes())
    for tongue in told["tongues"].values():
        givens = tongue["given"].split()
        for number, surname in enumerate(tongue["surnames"].split()):
            for step in (0, 7, 13):
                given = givens[(number + step) % len(givens)]
                yield f"{surname}{given}" if tongue["surname_first"] else f"{given} {surname}"
