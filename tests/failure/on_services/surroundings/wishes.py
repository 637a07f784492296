"""How people put leads right by hand: fields said anew, taken away, notes, now and then what cannot be."""

from __future__ import annotations

import random
from typing import Any, Final, NamedTuple

TOKEN: Final = "lmt_somebody"
"""Who corrects, imports and releases, if it is not a rep."""

_INDUSTRIES: Final = ("制造业", "互联网", "Retail", "knitting")
_TITLES: Final = ("CTO", "总监", "Head of Milling")
_REMOVABLE: Final = ("title", "industry", "phone", "name", "budget")


class Wish(NamedTuple):
    """One correction as it is asked for: whose lead, by whom, what is so.

    ``version`` is the lead's that whoever asks has seen, None for any; ``owner`` the rep who asks.
    """

    lead: str
    by: str
    fields: dict[str, Any]
    remove: tuple[str, ...] = ()
    note: str = ""
    put_tags: tuple[str, ...] = ()
    take_tags: tuple[str, ...] = ()
    invalid: str = ""
    valid: bool = False
    reason: str = ""
    version: int | None = None
    owner: str | None = None

    def body(self) -> dict[str, Any]:
        """Return what is sent."""
        return {
            "fields": self.fields,
            "remove": list(self.remove),
            "note": self.note,
            "put_tags": list(self.put_tags),
            "take_tags": list(self.take_tags),
            "invalid": self.invalid,
            "valid": self.valid,
            "reason": self.reason,
        }

    def headers(self) -> dict[str, str]:
        """Return what is sent beside it."""
        return {} if self.version is None else {"If-Match": f'"{self.version}"'}


def think_of(pick: random.Random, lead: str, *, version: int, number: int, rep: str | None = None) -> Wish:
    """Return what somebody wants of a lead; ``number`` makes what is new in it different from all else."""
    thought: tuple[tuple[str, Any, float], ...] = (
        ("industry", pick.choice(_INDUSTRIES), 0.4),
        ("title", pick.choice(_TITLES), 0.3),
        ("name", f"Miller No {number}", 0.2),
        ("email", _address(pick, number), 0.15),
        ("phone", f"+86139{number:08d}", 0.15),
        ("company_name", f"Mill {pick.randrange(40)}", 0.15),
        ("consent_email", pick.choice((True, False)), 0.2),
        ("student", pick.choice(("yes", "no")), 0.1),
    )
    fields = {name: value for name, value, share in thought if pick.random() < share}
    remove = tuple(name for name in _REMOVABLE if name not in fields and pick.random() < 0.1)
    note = f"note {number}" if pick.random() < 0.3 or not (fields or remove) else ""
    tags, word = pick.random(), pick.random()
    return Wish(
        lead=lead,
        by=rep or TOKEN,
        fields=fields,
        remove=remove,
        note=note,
        put_tags=("high_intent",) if tags < 0.1 else (),
        take_tags=("high_intent",) if tags > 0.9 else (),
        invalid="unreachable" if word < 0.04 else "",
        valid=word > 0.95,
        reason=pick.choice(("", "she said so")),
        version=version if pick.random() < 0.2 else None,
        owner=rep,
    )


def _address(pick: random.Random, number: int) -> str:
    """Return an address of the lead's own, now and then somebody else's."""
    other = pick.randrange(200) * 2 + 1
    return f"p{other}@mill-{other % 7}.com" if pick.random() < 0.2 else f"right-{number}@oats.org"
