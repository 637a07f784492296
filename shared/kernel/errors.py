"""Three verdicts, and nothing else.

::

    Verdict
    ├── Rejected      permanent: HTTP 4xx, or a dead letter
    ├── Unavailable   transient: HTTP 503 with Retry-After, or a pause and another try
    └── Duplicate     seen already: skipped, and answered as the first time

Every subclass carries one stable ``code``. That string is the problem type of the API, the reason
of the dead letter, the field in the log and the label of the metric. Anything that is not a
verdict is a bug: bounded retries, a dead letter with ``internal.bug``, an alert.

Messages say what to do and never carry a value that a person sent: they reach logs.
"""

from __future__ import annotations

from typing import ClassVar


class Verdict(Exception):
    """What became of something that was asked of us."""

    code: ClassVar[str] = "verdict"

    def __init__(self, message: str = "", *, code: str | None = None, field: str | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.reason: str = code or type(self).code
        self.field = field
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


class Rejected(Verdict):
    """This can never succeed as it is; correct it and send it again."""

    code = "rejected"


class Unavailable(Verdict):
    """Something this needs is away; nothing was lost, try again later."""

    code = "unavailable"

    def __init__(self, message: str = "", *, code: str | None = None, retry_after: float = 1.0) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class Duplicate(Verdict):
    """This was seen already and had its effect the first time."""

    code = "duplicate"


BUG_CODE = "internal.bug"
"""The code of everything that is no verdict."""


def code_of(error: BaseException) -> str:
    """Return the stable code of a verdict, or :data:`BUG_CODE` for anything else."""
    return error.reason if isinstance(error, Verdict) else BUG_CODE
