"""The event registry: which struct carries which type string, on which topics, and what reads it.

An event is declared once, with :meth:`EventRegistry.declare`. A version that others have replaced
stays declared with ``upcast``, a pure function to its successor: topics are kept for good, so what
was once said must stay readable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from shared.contracts.topics import Topic
from shared.kernel.errors import Rejected


class Malformed(Rejected):
    """The record does not keep its contract; see the event's schema in shared/contracts/schemas."""

    code = "contract.malformed"


class UnknownType(Rejected):
    """No event of this type and version is declared here; a newer producer may be ahead of this reader."""

    code = "contract.unknown_type"


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What every event is: frozen, built by keyword, blind to fields it does not know.

    A field at its default is left out of the record; the schema names the default.
    """


E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """How one event struct travels. ``upcast`` turns it into the version that replaced it."""

    name: str
    version: int
    topics: tuple[Topic, ...]
    struct: type[Event]
    upcast: Callable[[Any], Event] | None = None

    @property
    def type(self) -> str:
        """The CloudEvents type, for example ``leadmill.lead_captured.v1``."""
        return f"leadmill.{self.name}.v{self.version}"

    @property
    def file_stem(self) -> str:
        """The name of the generated files without their extension, for example ``lead_captured.v1``."""
        return f"{self.name}.v{self.version}"


UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a decoder raises for bytes that it cannot read."""


def malformed(error: Exception, *, what: str) -> Malformed:
    """Turn a decoder's complaint about ``what`` into a verdict, without the values it quotes."""
    match error:
        case UnicodeDecodeError():
            text, path = "Text is not UTF-8", ""
        case RecursionError():
            text, path = "Nested too deeply", ""
        case _:
            text, _, path = str(error).partition(" - at ")
    if text.startswith("Invalid enum value"):
        text = "Value outside the allowed set"
    field = path.strip("`") or None
    return Malformed(f"{what}: {text}{f' at {field}' if field else ''}; correct the producer", field=field)


class EventRegistry:
    """Declared events, found by struct and by type string; each type has its decoder at hand."""

    def __init__(self) -> None:
        self._by_type: dict[str, Declaration] = {}
        self._types: dict[type[Event], str] = {}
        self._decoders: dict[str, Callable[[msgspec.Raw | bytes], Event]] = {}
        self._upcasts: dict[type[Event], Callable[[Any], Event]] = {}

    def declare(
        self,
        *,
        name: str,
        version: int = 1,
        on: Topic | tuple[Topic, ...],
        upcast: Callable[[Any], Event] | None = None,
    ) -> Callable[[type[E]], type[E]]:
        """Declare the decorated struct as ``leadmill.<name>.v<version>`` on one or more topics.

        :raises ValueError: if the type or the struct has been declared already.
        """
        topics = on if isinstance(on, tuple) else (on,)

        def register(struct: type[E]) -> type[E]:
            declaration = Declaration(name=name, version=version, topics=topics, struct=struct, upcast=upcast)
            if declaration.type in self._by_type or struct in self._types:
                raise ValueError(
                    f"{declaration.type} or {struct.__name__} is declared twice; give it a new version"
                )
            self._by_type[declaration.type] = declaration
            self._types[struct] = declaration.type
            self._decoders[declaration.type] = msgspec.json.Decoder(struct).decode
            if upcast is not None:
                self._upcasts[struct] = upcast
            return struct

        return register

    def all(self) -> tuple[Declaration, ...]:
        """Return every declaration in the order of declaration."""
        return tuple(self._by_type.values())

    def of_type(self, event_type: str) -> Declaration:
        """Return what is declared for a type string. :raises UnknownType: if nothing is."""
        try:
            return self._by_type[event_type]
        except KeyError:
            raise UnknownType from None

    def of_struct(self, struct: type[Event]) -> Declaration:
        """Return how a struct was declared. :raises UnknownType: if it was not."""
        return self._by_type[self.type_of(struct)]

    def type_of(self, struct: type[Event]) -> str:
        """Return the type string of a struct. :raises UnknownType: if it was not declared."""
        try:
            return self._types[struct]
        except KeyError:
            raise UnknownType(f"{struct.__name__} is no declared event; declare it first") from None

    def decode(self, event_type: str, data: msgspec.Raw | bytes) -> Event:
        """Read ``data`` as an event of this type, brought up to the latest version.

        :raises UnknownType: if the type is not declared.
        :raises Malformed: if the data does not keep the contract.
        """
        try:
            event = self._decoders[event_type](data)
        except KeyError:
            raise UnknownType from None
        except UNREADABLE as error:
            raise malformed(error, what=event_type) from None
        while (upcast := self._upcasts.get(type(event))) is not None:
            event = upcast(event)
        return event


DECLARED: Final = EventRegistry()
"""The platform's events; importing any part of :mod:`shared.contracts` fills it."""
