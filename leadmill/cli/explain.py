"""``leadmill explain``: one lead's whole story, or where something is that was sent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from leadmill.cli.options import Data, Json, Lang
from leadmill.cli.running import console, print_json, read_settings, run_on_deployment, tell_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leadmill.platform.deployed import Deployment
    from shared.runtime.blueprint import StoryLine


_MOST_LEADS: Final = 5
_SAYS: Final[Mapping[str, tuple[str, str]]] = {
    "scoring": ("score", "评分"),
    "routing": ("owner", "负责人"),
    "nurture": ("mails", "邮件"),
    "analytics": ("credit", "归因"),
}
_NOT_YET: Final = ("nothing yet", "暂无")


def explain(
    lead: Annotated[
        str, typer.Argument(help="The lead's id; `leadmill leads find` tells it. Without: --at.")
    ] = "",
    at: Annotated[
        str | None,
        typer.Option(
            help="Where is what was sent at 10:02 (today, by this machine's clock) or 2026-03-02T10:02?",
            show_default=False,
        ),
    ] = None,
    within: Annotated[
        int, typer.Option(min=1, max=24 * 60, help="With --at: minutes before and after that count.")
    ] = 10,
    email: Annotated[str | None, typer.Option(help="With --at: whose it was.", show_default=False)] = None,
    phone: Annotated[str | None, typer.Option(help="With --at: whose it was.", show_default=False)] = None,
    form: Annotated[str | None, typer.Option(help="With --at: by which form.", show_default=False)] = None,
    source: Annotated[str | None, typer.Option(help="With --at: from where.", show_default=False)] = None,
    language: Annotated[Lang, typer.Option("--lang", help="With --at: the answer's.")] = Lang.EN,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Tell a lead's story in order of time: what was learnt, what it brought, what was said, and why.

    With --at instead of a lead it tells what came in then and what became of it, in plain words: "I
    submitted the form at 10:02, where is my lead?" Exit code 2 if no service knows such a lead, 1 if
    nothing came in that fits.
    """
    if bool(lead) == (at is not None):
        raise typer.BadParameter("say a lead, or --at")
    if at is not None:
        where = {"form": form, "source": source, "email": email, "phone": phone}
        _tell_where(_moment(at), within, where, language, data=data, as_json=as_json)
        return
    lines = run_on_deployment(read_settings(data_dir=data), lambda deployment: _story(deployment, lead))
    if as_json:
        print_json({"lead": lead, "events": [_as_row(line) for line in lines]})
    elif lines:
        _print_story(lines)
    if not lines:
        tell_error(f"no service knows a lead {lead}; `leadmill leads find` tells ids")
        raise typer.Exit(2)


async def _story(deployment: Deployment, lead: str) -> Sequence[StoryLine]:
    lines: list[StoryLine] = []
    for blueprint in deployment.blueprints:
        lines += await blueprint.tell(lead)
    return sorted(lines, key=lambda line: line.at)


def _as_row(line: StoryLine) -> dict[str, Any]:
    from shared.kernel.instants import format_instant

    return {
        "at": format_instant(line.at),
        "service": line.service,
        "kind": line.kind,
        "text": line.text,
        "cause": line.cause,
        "event": line.event,
        "message_id": line.message_id,
    }


def _print_story(lines: Sequence[StoryLine]) -> None:
    from rich.table import Table

    from shared.kernel.instants import format_instant

    table = Table(box=None, header_style="dim")
    for column in ("at", "service", "", "", "event", "cause"):
        table.add_column(column, overflow="fold")
    for line in lines:
        at = format_instant(line.at)[:19].replace("T", " ") if line.at else ""
        table.add_row(at, line.service, line.kind, line.text, line.event[:8], line.cause[:8])
    console().print(table)


def _tell_where(
    at: datetime,
    within: int,
    where: Mapping[str, str | None],
    language: Lang,
    *,
    data: Any,
    as_json: bool,
) -> None:
    async def work(deployment: Deployment) -> tuple[dict[str, Any], dict[str, Sequence[StoryLine]]]:
        from leadmill.platform.roster import ARRIVALS_ASKED, KEYS_OWNER, LEADS, SHOW_ARRIVALS
        from shared.kernel.instants import MINUTE, from_datetime

        tools = LEADS(deployment.resources, database=deployment.service(KEYS_OWNER).database)
        span = timedelta(minutes=within)
        asked = ARRIVALS_ASKED(start=from_datetime(at - span), end=from_datetime(at + span) + MINUTE, **where)
        answer = SHOW_ARRIVALS(asked, await tools.arrivals.find(asked)).model_dump(mode="json")
        taken_in = (one["lead"] for one in answer["found"] if one["verdict"] == "taken_in")
        leads = list(dict.fromkeys(taken_in))[:_MOST_LEADS]
        return answer, {lead: await _story(deployment, lead) for lead in leads}

    answer, stories = run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        told = {lead: {name: _last(lines, name) for name in _SAYS} for lead, lines in stories.items()}
        print_json({**answer, "leads": told})
    else:
        print(answer[language])
        for one in answer["found"]:
            moment = datetime.fromisoformat(one["at"]).astimezone()
            print(f"\n{moment:%Y-%m-%d %H:%M:%S}  {one['source']}\n  {one[language]}")
            details = " · ".join(filter(None, (one["code"], one["text"], one["verdict"])))
            print(f"  ({details})")
        for lead, lines in stories.items():
            print(f"\n{lead}")
            for service, (en, zh) in _SAYS.items():
                label, nothing = (zh, _NOT_YET[1]) if language is Lang.ZH else (en, _NOT_YET[0])
                print(f"  {label}: {_last(lines, service) or nothing}")
    if not answer["found"]:
        raise typer.Exit(1)


def _last(lines: Sequence[StoryLine], service: str) -> str:
    """Return what a service told of a lead last."""
    said = [line for line in lines if line.service == service]
    return f"{said[-1].kind}: {said[-1].text}" if said else ""


def _moment(text: str) -> datetime:
    """Return the moment that a person means: a time of today, or a day and a time."""
    try:
        if len(text) <= 8:
            time = datetime.strptime(text, "%H:%M:%S" if text.count(":") == 2 else "%H:%M").time()  # noqa: DTZ007 - becomes local below
            return datetime.combine(datetime.now().astimezone().date(), time).astimezone()
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise typer.BadParameter(f"{text}: write 10:02, or 2026-03-02T10:02") from None
