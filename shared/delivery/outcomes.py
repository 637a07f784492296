"""How an attempt to hand a message over ended. There are four ways, and only one may be tried again.

``code`` is stable and says no word of the message: ``mail.550``, ``mail.unreachable``.
"""

from __future__ import annotations

from typing import NamedTuple


class Accepted(NamedTuple):
    """The next system has the message, and answers for it from here on."""


class Deferred(NamedTuple):
    """The next system does not have the message and may take it later; it can be tried again."""

    code: str


class Refused(NamedTuple):
    """The next system will never take this message for this recipient."""

    code: str


class Unknown(NamedTuple):
    """The message was handed over and the answer was lost: nobody can tell, so it is not tried again."""

    code: str


Outcome = Accepted | Deferred | Refused | Unknown
