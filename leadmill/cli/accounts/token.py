"""``leadmill token``: access tokens."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from leadmill.cli.options import Data, Json
from leadmill.cli.running import console, print_json, read_settings, run_on_deployment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadmill.platform.deployed import Deployment
    from shared.security.tokens import Token

app = typer.Typer(help="Access tokens for the APIs of the services.", no_args_is_help=True)


class RoleName(StrEnum):
    """Roles."""

    ADMIN = "admin"
    MARKETER = "marketer"
    MANAGER = "manager"
    REP = "rep"
    SERVICE = "service"
    READ = "read"


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the token is for; one that works per name.")],
    role: Annotated[RoleName, typer.Option(help="How far it goes; a rep sees what a rep may see.")],
    subject: Annotated[
        str | None, typer.Option(metavar="ID", help="Whose token it is, where a role sees only its own.")
    ] = None,
    lasts: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="How long it works, for example 90d; else for good."),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make an access token and print it: Authorization: Bearer <token>. It can never be shown again."""
    from shared.runtime.settings.durations import parse_duration

    try:
        span = None if lasts is None else parse_duration(lasts)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--lasts") from None

    async def work(deployment: Deployment) -> str:
        return await deployment.access.add_token(name, role=role.value, subject=subject, lasts=span)

    token = run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        print_json({"name": name, "role": role.value, "token": token})
    else:
        print(token)


@app.command(name="list")
def list_tokens(data: Data = None, as_json: Json = False) -> None:
    """List every token there ever was; the tokens themselves are nowhere."""
    from shared.kernel.instants import format_instant

    async def work(deployment: Deployment) -> Sequence[Token]:
        return await deployment.access.list_tokens()

    tokens = run_on_deployment(read_settings(data_dir=data), work)
    rows = [
        {
            "name": token.principal.name,
            "id": token.principal.id,
            "role": token.principal.role,
            "subject": token.principal.subject,
            "created_at": format_instant(token.created_at),
            "expires_at": None
            if token.principal.expires_at is None
            else format_instant(token.principal.expires_at),
            "revoked_at": None if token.revoked_at is None else format_instant(token.revoked_at),
        }
        for token in tokens
    ]
    if as_json:
        print_json({"tokens": rows})
        return
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in ("name", "id", "role", "made", "expires", "revoked"):
        table.add_column(column)
    for row in rows:
        table.add_row(
            *(str(row[name] or "")[:16] for name in ("name", "id", "role", "created_at")),
            *(str(row[name] or "")[:16] for name in ("expires_at", "revoked_at")),
        )
    console().print(table)


@app.command()
def revoke(
    name_or_id: Annotated[str, typer.Argument(metavar="NAME|ID", help="The token's name or id.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Stop a token for good."""

    async def work(deployment: Deployment) -> None:
        await deployment.access.revoke_token(name_or_id)

    run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        print_json({"revoked": name_or_id})
    else:
        print(f"{name_or_id} is revoked")
