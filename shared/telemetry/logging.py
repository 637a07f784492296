"""Log lines: one JSON object a line, a static event name, identifiers as fields, no personal data.

Our own modules say ``get_logger(__name__).warning("partition_paused", topic=…, code=…)``. What
other packages log through the standard library comes out of the same door: its text stands in
``message``, without addresses and numbers, and what they pass as an exception shows its type only.
Who runs a service wraps it in :func:`log_context`, so that several services in one process can be
told apart.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar, Token
from types import MappingProxyType, TracebackType
from typing import Any, Final, Literal, TextIO

import structlog

from shared.kernel.errors import Rejected
from shared.telemetry.exceptions import describe_exception
from shared.telemetry.floods import FloodGate
from shared.telemetry.redaction import blot_out, safe_argument, safe_fields

LevelName = Literal["debug", "info", "warning", "error", "critical"]
Fields = MutableMapping[str, Any]
Logger = structlog.stdlib.BoundLogger

LEVELS: Final[tuple[LevelName, ...]] = ("debug", "info", "warning", "error", "critical")

_AT_MOST_WARNING: Final = (
    *("httpx", "httpcore", "aiokafka", "uvicorn", "multipart", "python_multipart"),
    "alembic.runtime.migration",
)
"""Packages whose cheerful lines carry addresses of requests, or say in hundreds what a metric says."""

_FIRST_FIELDS: Final = ("timestamp", "level", "service", "version", "event")


class UnknownLevel(Rejected):
    """A log level is one of debug, info, warning, error, critical."""

    code = "log.unknown_level"


def get_logger(name: str) -> Logger:
    """Return the logger of a module; may be called before logging is configured.

    It hands its fields to the standard library's logger of that name and depends on no global
    configuration of structlog, whose default would print the local variables of each frame.
    """
    logger: Logger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return logger


_context: Final[ContextVar[Mapping[str, str]]] = ContextVar("_context", default=MappingProxyType({}))


class log_context:  # noqa: N801 - it is used as a function
    """Add these identifiers to every line written inside, also by tasks that are started there.

    One variable holds all of them: structlog's own way, one for each, costs a request more than its
    JSON does.
    """

    __slots__ = ("_fields", "_token")

    def __init__(self, **fields: str) -> None:
        self._fields = fields
        self._token: Token[Mapping[str, str]] | None = None

    def __enter__(self) -> None:
        self._token = _context.set({**_context.get(), **self._fields})

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._token is not None
        _context.reset(self._token)


def set_level(level: str) -> None:
    """Change what is written from now on.

    :raises UnknownLevel: if there is no such level.
    """
    if level.lower() not in LEVELS:
        raise UnknownLevel
    logging.getLogger().setLevel(level.upper())


def current_level() -> str:
    """Return the name of the level in force."""
    return logging.getLevelName(logging.getLogger().getEffectiveLevel()).lower()


def configure_logging(
    *,
    service: str,
    version: str,
    level: str = "info",
    stream: TextIO | None = None,
    gate: FloodGate | None = None,
) -> None:
    """Send everything that this process logs to ``stream`` (standard error) as JSON lines.

    Replaces what was configured before. ``service`` and ``version`` stand on every line, unless
    :func:`log_context` names another service.

    :raises UnknownLevel: if there is no such level.
    """
    set_level(level)

    def stamp(_logger: object, _method: str, fields: Fields) -> Fields:
        fields.setdefault("service", service)
        fields.setdefault("version", version)
        return fields

    handler = _LineHandler(stream if stream is not None else sys.stderr)
    handler.addFilter(gate or FloodGate())
    handler.addFilter(_tame_arguments)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                _add_context,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                stamp,
                _name_foreign_event,
                _add_suppressed,
                _render_exception,
                _write_line,
            ],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        if isinstance(old, _LineHandler) or type(old) is logging.StreamHandler:
            root.removeHandler(old)
    root.addHandler(handler)
    for name in _AT_MOST_WARNING:
        logging.getLogger(name).setLevel(logging.WARNING)


class _LineHandler(logging.StreamHandler[TextIO]):
    """Writes lines; a line that cannot be written is named, never shown with its arguments."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the standard library's name
        error = sys.exc_info()[1]
        if isinstance(error, BrokenPipeError | ValueError) and getattr(self.stream, "closed", True):
            return
        line = {
            "level": "error",
            "event": "log_line_lost",
            "logger": record.name,
            "type": type(error).__name__,
        }
        try:
            self.stream.write(json.dumps(line) + "\n")
        except (OSError, ValueError):
            return


def _add_context(_logger: object, _method: str, fields: Fields) -> Fields:
    for name, value in _context.get().items():
        fields.setdefault(name, value)
    return fields


def _tame_arguments(record: logging.LogRecord) -> bool:
    if isinstance(record.msg, dict):
        return True
    if isinstance(record.args, dict):
        record.args = {key: safe_argument(value) for key, value in record.args.items()}
    elif record.args:
        record.args = tuple(safe_argument(value) for value in record.args)
    if isinstance(record.msg, BaseException):
        record.msg = safe_argument(record.msg)
    return True


def _name_foreign_event(_logger: object, _method: str, fields: Fields) -> Fields:
    if not fields.get("_from_structlog", False):
        # asyncio writes the repr of tasks and exceptions on further lines: only the first is a message
        first_line = str(fields["event"]).partition("\n")[0]
        fields["message"] = blot_out(first_line)
        fields["event"] = "library_message"
    return fields


def _add_suppressed(_logger: object, _method: str, fields: Fields) -> Fields:
    record = fields.get("_record")
    suppressed = getattr(record, "suppressed", None)
    if suppressed is not None:
        fields["suppressed"] = suppressed
    return fields


def _render_exception(_logger: object, _method: str, fields: Fields) -> Fields:
    fields.pop("stack_info", None)
    given = fields.pop("exc_info", None)
    error: object = given
    if isinstance(given, tuple):
        error = given[1]
    elif given is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        fields["exception"] = describe_exception(error)
        fields.setdefault("code", fields["exception"]["code"])
    return fields


def _write_line(_logger: object, _method: str, fields: Fields) -> str:
    for inner in ("_record", "_from_structlog"):
        fields.pop(inner, None)
    safe = safe_fields(fields)
    ordered = {key: safe.pop(key) for key in _FIRST_FIELDS if key in safe} | safe
    return json.dumps(ordered, ensure_ascii=False, separators=(",", ":"))
