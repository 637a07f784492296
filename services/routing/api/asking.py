"""Who is asking: a rep acts for themselves, managers and services for whom they name."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from fastapi import Depends

from shared.http.access import Forbidden, require
from shared.security.tokens import Principal, Role

READERS: Final[tuple[Role, ...]] = ("marketer", "manager", "rep", "service", "read")
ACTORS: Final[tuple[Role, ...]] = ("manager", "rep", "service")
MANAGERS: Final[tuple[Role, ...]] = ("manager",)
_SEES_TEXTS: Final = frozenset({"admin", "manager"})


class Asker(NamedTuple):
    """Whoever sent the request. ``rep`` is set for a rep, who sees and does what is theirs.

    ``sees_texts``: what people wrote about a lead, of any lead; an owner sees it of their own.
    """

    name: str
    rep: str | None
    sees_texts: bool

    @property
    def is_manager(self) -> bool:
        """True if they may act for others."""
        return self.rep is None

    def for_rep(self, named: str | None) -> str:
        """Return the rep for whom they act: themselves, or who was named.

        :raises Forbidden: if a rep names another.
        """
        if self.rep is not None and named not in {None, self.rep}:
            raise Forbidden("a rep's token acts for that rep only")
        return self.rep or named or ""

    def limited_to(self, named: str | None) -> str | None:
        """Return the rep to whose leads a list is limited, None for all.

        :raises Forbidden: if a rep asks for another's.
        """
        return self.for_rep(named) or None


def ask(*roles: Role) -> Any:
    """Return a dependency that gives the :class:`Asker` if the role is one of these or admin.

    :raises Forbidden: (on a request) for a rep's token that names no rep.
    """

    async def find_asker(principal: Principal = require(*roles)) -> Asker:  # noqa: B008 - FastAPI's way
        if principal.role != "rep":
            return Asker(principal.name, None, principal.role in _SEES_TEXTS)
        if principal.subject is None:
            raise Forbidden("this token names no rep; make one with `--subject`")
        return Asker(principal.subject, principal.subject, sees_texts=False)

    return Depends(find_asker)
