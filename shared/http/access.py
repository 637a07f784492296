"""Who is asking, and whether that role may: a dependency of routes.

``Authorization: Bearer lmt_…``. An administrator may do everything; every other role only what a
route names. With the store of tokens away a token that is known works on, and one that is not
known is *unavailable*, never refused.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Protocol

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.kernel.clock import Clock
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant
from shared.security.tokens import Principal, Role

_BEARER: Final = HTTPBearer(auto_error=False, description="A token of `leadmill token create`")


class Unauthenticated(Rejected):
    """Send an access token that works: Authorization: Bearer lmt_…; `leadmill token create` makes one."""

    code = "access.unauthenticated"


class Forbidden(Rejected):
    """This token's role may not do that; ask for a token with a role that may."""

    code = "access.forbidden"


class Authority(Protocol):
    """Knows tokens; ``shared.security.tokens.Tokens`` does."""

    async def principal_of(self, token: str, *, now: Instant) -> Principal | None:
        """Return whose token it is, None if it does not work.

        :raises Unavailable: if it cannot be told now.
        """
        ...


def require(*roles: Role) -> Any:
    """Return a dependency that gives the ``Principal`` if its role is one of ``roles`` or admin.

    :raises Unauthenticated: (on a request) without a token that works.
    :raises Forbidden: (on a request) if the role is another.
    """

    async def find_principal(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
    ) -> Principal:
        authority: Authority | None = request.app.state.authority
        clock: Clock = request.app.state.clock
        if credentials is None or authority is None:
            raise Unauthenticated
        principal = await authority.principal_of(credentials.credentials, now=clock.now())
        if principal is None:
            raise Unauthenticated
        if principal.role != "admin" and principal.role not in roles:
            raise Forbidden
        return principal

    return Depends(find_principal)
