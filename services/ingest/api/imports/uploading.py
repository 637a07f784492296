"""Uploads of tables: the body is kept piece by piece as it comes, and looked at afterwards.

``POST /v1/imports/<kind>`` takes the file itself, or a form with one file, from whoever has a write key for
what the rows tell, or a marketer's token and the name of a source. How the table is to be read stands in the
query.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from email.message import Message as Headers
from typing import Any, Final, Protocol

import msgspec
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from services.ingest.api.documentation.imports import upload_operation
from services.ingest.api.edge import Caller, Edge, caller_of
from services.ingest.domain.imports.definitions import KINDS, TableKind
from services.ingest.domain.imports.options import PIECE, ImportOptions
from shared.http.access import Authority, Forbidden
from shared.http.hot_routes import HotRoute
from shared.http.problems import send_json
from shared.kernel.errors import Rejected
from shared.security.tokens import PREFIX as TOKEN_PREFIX
from shared.security.write_keys import INTERNAL_SOURCES, Door

MOST_BYTES: Final = 200 * 1024 * 1024
"""Bytes of an uploaded file."""

_DOORS: Final[Mapping[TableKind, Door]] = {
    "leads": "leads",
    "suppressions": "leads",
    "events": "events",
    "outcomes": "reports",
    "costs": "reports",
}
_MAY_IMPORT: Final = frozenset({"admin", "marketer", "service"})
_OPTIONS: Final = ("mode", "encoding", "delimiter", "sheet", "dates", "decimal", "currency", "event")


class FileTooLarge(Rejected):
    """The file is larger than 200 MB; cut the table into several, or use `leadmill import`."""

    code = "import.too_large"


class FileMissing(Rejected):
    """No file came; send it as the body, or as the one file of a form."""

    code = "import.no_file"


class OptionUnknown(Rejected):
    """An option has a value that it does not take; see the documentation of this address."""

    code = "import.option"


class SourceUnnamed(Rejected):
    """With a token, name the source that the rows belong to: ?source=crm."""

    code = "import.source_unnamed"


class Desk(Protocol):
    """Begins imports; ``services.ingest.jobs.imports.desk`` does."""

    async def begin(
        self,
        kind: str,
        *,
        source: str,
        digest: str,
        file_name: str,
        options: ImportOptions,
        is_local: bool,
    ) -> Any:
        """Begin an import; without a digest nobody works on it yet."""
        ...

    async def save_piece(self, import_id: str, number: int, content: bytes) -> None:
        """Keep one piece of a file."""
        ...

    async def complete(self, import_id: str, *, digest: str, file_name: str) -> None:
        """Say that the whole file is there."""
        ...

    async def cancel(self, import_id: str) -> None:
        """End an import, and delete what was kept of its file."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploading:
    """What the routes of uploads share."""

    edge: Edge
    desk: Desk
    authority: Authority

    def route(self, kind: TableKind) -> Callable[[Scope, Receive, Send], Any]:
        """Return the route that takes one kind of table."""

        async def take(scope: Scope, receive: Receive, send: Send) -> None:
            caller = caller_of(scope)
            source = await self._source_of(caller, kind)
            options = read_query(caller.query)
            one = await self.desk.begin(
                kind, source=source, digest="", file_name="upload", options=options, is_local=False
            )
            try:
                name, digest = await self._keep(one.id, scope, receive)
            except BaseException:
                await self.desk.cancel(one.id)
                raise
            await self.desk.complete(one.id, digest=digest, file_name=name or "upload")
            answer = {"id": one.id, "kind": kind, "source": source, "state": one.state}
            await send_json(
                send, 202, msgspec.json.encode(answer), headers={"location": f"/v1/imports/{one.id}"}
            )

        return take

    async def _keep(self, import_id: str, scope: Scope, receive: Receive) -> tuple[str, str]:
        """Keep the file as it comes; return its name and its digest.

        :raises FileMissing: if there is none.
        :raises FileTooLarge: if it has no end.
        """
        name, digest = "", hashlib.blake2b(digest_size=16)
        number, pending = 0, bytearray()
        async for file_name, content in _parts(scope, receive):
            name = name or file_name
            pending += content
            digest.update(content)
            while len(pending) >= PIECE:
                await self.desk.save_piece(import_id, number, bytes(pending[:PIECE]))
                del pending[:PIECE]
                number += 1
        if pending:
            await self.desk.save_piece(import_id, number, bytes(pending))
        elif not number:
            raise FileMissing
        return name, digest.hexdigest()

    async def _source_of(self, caller: Caller, kind: TableKind) -> str:
        """Return whose rows they are: the key's source, or the one that a token's holder names.

        :raises Forbidden: if the token's role may not do that.
        :raises SourceUnnamed: if no source is named with a token.
        """
        scheme, _, token = caller.headers.get(b"authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.strip().startswith(f"{TOKEN_PREFIX}_"):
            principal = await self.authority.principal_of(token.strip(), now=self.edge.clock.now())
            if principal is not None:
                if principal.role not in _MAY_IMPORT:
                    raise Forbidden
                source = (caller.query.get("source") or [""])[-1].strip()
                if not _is_source(source):
                    raise SourceUnnamed(field="source")
                return source
        entrance = await self.edge.authenticate(caller, (), body=b"", door=_DOORS[kind])
        return entrance.source


def _is_source(name: str) -> bool:
    is_well_formed = name.replace("-", "a").replace("_", "a").isalnum() and name.isascii()
    return is_well_formed and name == name.lower() and len(name) <= 64 and name not in INTERNAL_SOURCES


def read_query(query: Mapping[str, list[str]]) -> ImportOptions:
    """Return how the table is to be read.

    :raises OptionUnknown: if an option has a value that it does not take.
    """
    given: dict[str, Any] = {name: query[name][-1] for name in _OPTIONS if query.get(name, [""])[-1]}
    columns = {}
    for one in query.get("map", ()):
        heading, sign, field = one.rpartition("=")
        if not sign or not heading or not field:
            raise OptionUnknown("a column is said as map=Heading=field", field="map")
        columns[heading.strip()] = field.strip()
    try:
        starts = (query.get("start") or [""])[-1].lower() in {"true", "1", "yes"}
        return msgspec.convert({**given, "columns": columns, "starts": starts}, ImportOptions)
    except msgspec.ValidationError as error:
        raise OptionUnknown(field=str(error).rpartition("$.")[2].rstrip("`") or None) from None


async def _parts(scope: Scope, receive: Receive) -> AsyncIterator[tuple[str, bytes]]:
    """Yield the file's name and bytes as they come; of a form those of its first file."""
    content_type, encoding, announced = "", "", 0
    for key, value in scope["headers"]:
        if key == b"content-type":
            content_type = value.decode("latin-1")
        elif key == b"content-encoding":
            encoding = value.decode("latin-1").strip().lower()
        elif key == b"content-length" and value.isdigit():
            announced = int(value)
    if announced > MOST_BYTES + PIECE:
        raise FileTooLarge
    unpack = zlib.decompressobj(31) if encoding in {"gzip", "x-gzip"} else None
    form = _Form(content_type) if content_type.lower().startswith("multipart/form-data") else None
    size = 0
    async for raw in _pieces(receive):
        try:
            content = raw if unpack is None else unpack.decompress(raw, MOST_BYTES + 1 - size)
        except zlib.error:
            raise FileMissing("the body claims to be gzip and cannot be unpacked") from None
        for name, part in [("", content)] if form is None else form.feed(content):
            size += len(part)
            if size > MOST_BYTES:
                raise FileTooLarge
            yield name, part


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        if content := message.get("body", b""):
            yield content
        if not message.get("more_body", False):
            return


class _Form:
    """Takes the first file out of a form as it comes."""

    def __init__(self, content_type: str) -> None:
        head = Headers()
        head["content-type"] = content_type
        boundary = head.get_param("boundary")
        if not isinstance(boundary, str) or not boundary:
            raise FileMissing("the form names no boundary")
        self._found: list[tuple[str, bytes]] = []
        self._field, self._value = b"", b""
        self._name: str | None = None
        self._is_done = False
        self._parser = MultipartParser(
            boundary.encode("latin-1"),
            {
                "on_part_begin": self._begin,
                "on_header_field": self._on_field,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header_end,
                "on_part_data": self._on_data,
                "on_part_end": self._end,
            },
        )

    def feed(self, content: bytes) -> list[tuple[str, bytes]]:
        """Return what came of the file. :raises FileMissing: if it is no form."""
        try:
            self._parser.write(content)
        except MultipartParseError:
            raise FileMissing("the form cannot be taken apart") from None
        found, self._found = self._found, []
        return found

    def _begin(self) -> None:
        self._name = None

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            head = Headers()
            head["content-disposition"] = self._value.decode("utf-8", "replace")
            self._name = head.get_filename()
        self._field = self._value = b""

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._name is not None and not self._is_done:
            self._found.append((self._name, data[start:end]))

    def _end(self) -> None:
        self._is_done = self._is_done or self._name is not None


def upload_routes(uploading: Uploading) -> list[HotRoute]:
    """Return the address of each kind of table."""
    return [
        HotRoute(path=f"/v1/imports/{kind}", app=uploading.route(kind), operation=upload_operation(kind))
        for kind in KINDS
    ]
