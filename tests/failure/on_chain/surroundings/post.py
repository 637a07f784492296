"""The mail server of a run: it takes most mails, puts some off, refuses some, and loses some answers."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from leadmill.demo.mail_sink import MailSink, Treatment

_TREATMENTS: Final = (
    *[Treatment.TAKE] * 14,
    Treatment.DEFER_RECIPIENT,
    Treatment.DEFER_DATA,
    Treatment.HANG_UP_EARLY,
    Treatment.LOSE_ANSWER,
    Treatment.NEVER_ANSWER,
    Treatment.REFUSE_DATA,
)


class Post(MailSink):
    """A sink with its own dice; :meth:`mute` has it take mails and stay silent."""

    def __init__(self, *, seed: int) -> None:
        super().__init__(treat=self._treat)
        self._pick = random.Random(f"{seed}-post")
        self._is_mute = False

    def mute(self, *, is_mute: bool) -> None:
        """Answer no mail from now on, or answer again."""
        self._is_mute = is_mute

    async def another(self, *, within: float) -> bool:
        """Wait until one more mail was taken."""
        before, loop = len(self.received), asyncio.get_running_loop()
        end = loop.time() + within
        while len(self.received) == before and loop.time() < end:
            await asyncio.sleep(0.005)
        return len(self.received) > before

    def _treat(self, _recipient: str) -> Treatment:
        return Treatment.NEVER_ANSWER if self._is_mute else self._pick.choice(_TREATMENTS)
