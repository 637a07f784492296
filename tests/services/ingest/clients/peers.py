"""Cases of other projects: what is sent, what they state of it, and what becomes of it here."""

from __future__ import annotations

import gzip
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from shared.contracts.envelope import Envelope
from shared.contracts.topics import BEHAVIOUR, LEADS, RAW
from shared.kernel.instants import format_instant
from tests.services.ingest.clients.door import Door, data_of
from tests.services.ingest.clients.wire import WireAnswer
from tests.services.ingest.running import KEY
from tests.unit.ingest.requests import ROOT

CASES: Final = ROOT / "tests" / "cases"


def read_cases(name: str) -> Sequence[Mapping[str, Any]]:
    """Return the cases of a document, by its name below ``tests/cases``."""
    found: Sequence[Mapping[str, Any]] = msgspec.json.decode((CASES / f"{name}.json").read_bytes())["cases"]
    return found


async def send(door: Door, sent: Mapping[str, Any]) -> WireAnswer:
    """Send what a case describes."""
    body = _body_of(sent)
    headers = dict(sent.get("headers", {}))
    key = sent.get("key", KEY)
    if key and "form" not in sent:
        headers["X-Write-Key"] = key
    return await door.ask(sent.get("method", "POST"), sent["path"], body=body, headers=list(headers.items()))


def _body_of(sent: Mapping[str, Any]) -> bytes:
    if "form" in sent:
        return urlencode(sent["form"]).encode()
    if "bytes" in sent:
        return b64decode(sent["bytes"])
    if "text" in sent:
        text: str = sent["text"] * sent.get("times", 1)
        return text.encode()
    if "body" not in sent:
        return b""
    body = msgspec.json.encode(sent["body"])
    if "long" in sent:
        body = body.replace(b"LONG", b"x" * sent["long"])
    if "big" in sent:  # the last object gets so many letters more
        end = body.rindex(b'"}') + 1
        body = body[:end] + b',"big":"' + b"a" * sent["big"] + b'"' + body[end:]
    return gzip.compress(body) if sent.get("gzip") else body


class Outcome:
    """What came of the requests of one case: how they were answered, what was said, what was put aside."""

    def __init__(
        self, answers: Sequence[WireAnswer], said: Sequence[Envelope], quarantined: Sequence[str]
    ) -> None:
        self._answers = answers
        self._said = said
        self._quarantined = quarantined
        self._acts = [one for one in said if one.type.split(".")[1] not in _OF_LEADS]

    def differences(self, ours: Mapping[str, Any]) -> list[str]:
        """Return where it is not as expected. :raises KeyError: for an expectation that nobody knows."""
        expected = {"acts": 0, "quarantined": []} | dict(ours)
        found = {name: getattr(self, f"_{name}_found")(wanted) for name, wanted in expected.items()}
        return [
            f"{name}: {found[name]!r} instead of {wanted!r}"
            for name, wanted in expected.items()
            if found[name] != wanted
        ]

    def _status_found(self, _wanted: object) -> int:
        return self._answers[-1].status

    def _statuses_found(self, _wanted: object) -> list[int]:
        return [one.status for one in self._answers]

    def _code_found(self, _wanted: object) -> object:
        return self._answers[-1].document.get("code")

    def _media_type_found(self, _wanted: object) -> str:
        return self._answers[-1].headers["content-type"]

    def _acts_found(self, _wanted: object) -> int:
        return len(self._acts)

    def _quarantined_found(self, _wanted: object) -> list[str]:
        return sorted(self._quarantined)

    def _people_found(self, _wanted: object) -> int:
        return len({one.subject for one in self._said})

    def _message_ids_found(self, _wanted: object) -> list[object]:
        return [data_of(one).get("message_id") for one in self._acts]

    def _in_order_found(self, _wanted: object) -> list[object]:
        return [data_of(one)["name"] for one in self._acts]

    def _source_found(self, _wanted: object) -> object:
        return data_of(self._acts[-1])["source"]

    def _occurred_found(self, _wanted: object) -> str:
        return format_instant(self._acts[-1].occurred)

    def _received_now_found(self, _wanted: object) -> bool:
        return all(one.received == one.occurred for one in self._acts)

    def _never_said_found(self, wanted: str) -> object:
        return None if any(wanted.encode() in bytes(one.data) for one in self._said) else wanted

    def _browsers_found(self, _wanted: object) -> int:
        return len({one.partitionkey for one in self._acts})


_OF_LEADS: Final = frozenset({"lead_captured", "lead_changed", "lead_merged", "tags_changed"})


class Bench:
    """Runs cases one after the other at one door, and tells apart what each of them caused."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._seen: set[str] = set()
        self._aside: set[str] = set()

    async def run(self, requests: Sequence[Mapping[str, Any]]) -> Outcome:
        """Send the requests of one case and return what came of them."""
        answers = [await send(self._door, one) for one in requests]
        return await self.outcome(answers)

    async def outcome(self, answers: Sequence[WireAnswer]) -> Outcome:
        """Return what came since the last case."""
        ingest = self._door.ingest
        await ingest.settle(await self._records_kept())
        said = [
            one for one in await self._door.events(BEHAVIOUR.name, LEADS.name) if one.id not in self._seen
        ]
        self._seen |= {one.id for one in said}
        aside: Sequence[str] = await ingest.value(
            "SELECT coalesce(array_agg(record_id || ' ' || code), '{}') FROM quarantine"
            " WHERE code LIKE 'intake.%'"  # of what was refused at once a sample follows when it likes
        )
        new = [one.partition(" ")[2] for one in aside if one not in self._aside]
        self._aside |= set(aside)
        return Outcome(answers, said, new)

    async def _records_kept(self) -> int:
        admin = await self._door.ingest.log.admin()
        bounds = await admin.bounds([RAW.name])
        await admin.stop()
        return sum(end for _, end in bounds.values())
