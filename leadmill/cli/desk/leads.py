"""``leadmill leads``: find a lead, read it, put it right."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from leadmill.cli.desk import points, validity
from leadmill.cli.options import Data, Json
from leadmill.cli.running import console, print_json, progress, read_settings, run_on_deployment, tell_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leadmill.platform.deployed import Deployment

app = typer.Typer(help="Leads: find them, read them, put them right.", no_args_is_help=True)
for said in (validity.invalidate, validity.validate, validity.reasons, points.why, points.take):
    app.command()(said)

Email = Annotated[str | None, typer.Option(help="By their address.", show_default=False)]
Phone = Annotated[str | None, typer.Option(help="By their number.", show_default=False)]
Source = Annotated[str | None, typer.Option(help="With --external-id: whose id it is.", show_default=False)]
ExternalId = Annotated[str | None, typer.Option(help="By a source's own id for them.", show_default=False)]
LeadId = Annotated[str, typer.Argument(metavar="LEAD", help="The lead's id, from `leadmill leads find`.")]

_YES: Final = frozenset({"yes", "true", "1", "是"})


@app.command()
def find(
    email: Email = None,
    phone: Phone = None,
    source: Source = None,
    external_id: ExternalId = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Find leads by what you know of them. Exit code 1 if there is none."""
    if not (email or phone or (source and external_id)):
        raise typer.BadParameter("say --email, --phone, or --source with --external-id")

    async def work(deployment: Deployment) -> Sequence[Any]:
        found: Sequence[Any] = await _tools(deployment).desk.search.find(
            email=email, phone=phone, source=source, external_id=external_id
        )
        return found

    import msgspec

    leads = [msgspec.to_builtins(one) for one in run_on_deployment(read_settings(data_dir=data), work)]
    if as_json:
        print_json({"leads": leads})
    for lead in () if as_json else leads:
        print("  ".join(str(lead[name] or "-") for name in ("id", "name", "email", "phone", "company_name")))
    if not leads:
        tell_error("nobody is known by that")
        raise typer.Exit(1)


@app.command()
def show(lead: LeadId, data: Data = None, as_json: Json = False) -> None:
    """Show one lead: what is known, since when, from where, who wrote what beside it."""

    async def work(deployment: Deployment) -> dict[str, Any]:
        from leadmill.platform.roster import SHOW_LEAD

        file = await _tools(deployment).files.find_file(lead)
        return SHOW_LEAD(file, with_contact=True).model_dump(mode="json")

    shown = run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        print_json(shown)
        return
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in ("", "value", "since", "from"):
        table.add_column(column, overflow="fold")
    contact = shown["contact"]
    for group in (contact["known"], shown["attributes"], contact["free_text"]):
        for name, told in group.items():
            value = "(taken away)" if told["value"] is None else str(told["value"])
            table.add_row(name, value, _moment(told["at"]), told["source"])
    for word in shown["consent_history"]:
        name = f"consent {'.'.join(filter(None, (word['channel'], word['purpose'])))}"
        given = {True: "given", False: "refused", None: "taken back"}[word["given"]]
        text = f"{given} ({word['text']})" if word["text"] else given
        table.add_row(name, text, _moment(word["at"]), word["by"] or word["source"])
    for note in contact["notes"]:
        table.add_row("note", note["text"], _moment(note["at"]), note["by"])
    print(f"lead {shown['id']}, version {shown['version']}, owner {shown['owner'] or 'nobody'}")
    console().print(table)


@app.command()
def change(
    lead: Annotated[
        str | None, typer.Argument(metavar="LEAD", help="The lead's id; not with --file.")
    ] = None,
    put: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="FIELD=VALUE", help="What is so: industry=制造, email=ada@example.com."
        ),
    ] = None,
    remove: Annotated[list[str] | None, typer.Option(metavar="FIELD", help="A field to take away.")] = None,
    handover: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=VALUE", help="A field of the hand-over list: purchase_time=3_months."),
    ] = None,
    note: Annotated[str, typer.Option(help="Written beside the lead.")] = "",
    put_tags: Annotated[
        list[str] | None, typer.Option("--put-tag", metavar="TAG", help="A tag to put on.")
    ] = None,
    take_tags: Annotated[
        list[str] | None, typer.Option("--take-tag", metavar="TAG", help="A tag to take off.")
    ] = None,
    invalid: Annotated[
        str, typer.Option(metavar="REASON", help="Nobody for sales; `leadmill leads reasons` lists reasons.")
    ] = "",
    valid: Annotated[bool, typer.Option("--valid", help="Somebody, whatever the rules say.")] = False,
    reason: Annotated[str, typer.Option(help="Why; stands in events, so it names nobody.")] = "",
    file: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Many at once: a CSV file in UTF-8. Columns lead, email_of, phone_of or source and"
            " external_id say whose; note, reason, invalid (a reason), valid (yes); remove, put_tags,"
            " take_tags (by blanks); every other column is a field.",
        ),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Put leads right by hand; the latest word counts. Exit code 1 if something was refused."""
    if (lead is None) == (file is None):
        raise typer.BadParameter("say a lead, or --file")
    said = {
        "fields": dict(_pair(text) for text in put or ()),
        "remove": remove or [],
        "note": note,
        "put_tags": put_tags or [],
        "take_tags": take_tags or [],
        "invalid": invalid,
        "valid": valid,
    }
    list_fields = dict(_pair(text) for text in handover or ())
    if file is not None and (any(said.values()) or list_fields):
        raise typer.BadParameter("what is to be changed stands in the file")
    if file is None and not (any(said.values()) or list_fields):
        raise typer.BadParameter(
            "say what is so: --set, --remove, --note, --put-tag, --take-tag, --invalid, --valid or --handover"
        )
    if file is not None:
        asked = list(_rows_of(file))
    else:
        asked = [{"lead": lead, "reason": reason, **said}] if any(said.values()) else []

    async def work(deployment: Deployment) -> list[dict[str, Any]]:
        done = await _correct(deployment, asked)
        if list_fields and lead is not None:
            from leadmill.platform.roster import HANDOVER, HANDOVER_OWNER

            routing = deployment.service(HANDOVER_OWNER).database
            await HANDOVER(deployment.resources, routing, lead=lead, fields=list_fields, by=_BY)
            done.append({"verdict": "corrected", "lead": lead, "corrected": sorted(list_fields)})
        return done

    with progress("putting leads right"):
        rows = run_on_deployment(read_settings(data_dir=data), work)
    counts = Counter(row["verdict"] for row in rows)
    if as_json:
        print_json({**{name: counts[name] for name in ("corrected", "unchanged", "refused")}, "rows": rows})
    else:
        print(", ".join(f"{counts[name]} {name}" for name in ("corrected", "unchanged", "refused")))
        for row in rows:
            if row["verdict"] == "refused":
                where = f"row {row['row'] + 2}" if file is not None else row["lead"]
                print(f"{where}: {row['field'] or ''} {row['message']} ({row['code']})")
    if counts["refused"]:
        raise typer.Exit(1)


_BY: Final = "command line"


async def _correct(deployment: Deployment, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from pydantic import ValidationError

    from leadmill.platform.roster import LEAD_ROW, MOST_LEAD_ROWS
    from shared.security.tokens import Principal

    desk = _tools(deployment).desk
    principal = Principal(id=_BY, name=_BY, role="admin")
    try:
        rows = [LEAD_ROW(**one) for one in asked]
    except ValidationError as error:
        from shared.kernel.errors import Rejected

        raise Rejected(str(error.errors()[0]["msg"]), code="correction.too_much") from None
    done: list[dict[str, Any]] = []
    with progress("putting leads right") as tell:
        for start in range(0, len(rows), MOST_LEAD_ROWS):
            portion = rows[start : start + MOST_LEAD_ROWS]
            answer = await desk.correct(portion, principal, received=deployment.resources.clock.now())
            done += [{**row.model_dump(), "row": start + row.row} for row in answer.rows]
            tell(f"putting leads right: {len(done)} of {len(rows)}")
    return done


def _rows_of(path: Path) -> Iterator[dict[str, Any]]:
    import csv

    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            for row in reader:
                given = {name.strip(): value for name, value in row.items() if name and value}
                yield {
                    "lead": given.pop("lead", None),
                    "email": given.pop("email_of", None),
                    "phone": given.pop("phone_of", None),
                    "source": given.pop("source", None),
                    "external_id": given.pop("external_id", None),
                    "note": given.pop("note", ""),
                    "reason": given.pop("reason", ""),
                    "invalid": given.pop("invalid", "").strip(),
                    "valid": _yes(given.pop("valid", "")),
                    **{name: given.pop(name, "").split() for name in ("remove", "put_tags", "take_tags")},
                    "fields": given,
                }
    except (UnicodeDecodeError, csv.Error):
        raise typer.BadParameter(f"{path.name} is no CSV file in UTF-8; save it as one") from None


def _yes(text: str) -> bool:
    word = text.strip().casefold()
    if word not in {*_YES, "", "no", "否"}:
        raise typer.BadParameter(f"valid is yes, or stays empty, not {text}")
    return word in _YES


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise typer.BadParameter(f"{text}: write FIELD=VALUE")
    return name.strip(), value.strip()


def _tools(deployment: Deployment) -> Any:
    from leadmill.platform.roster import KEYS_OWNER, LEADS

    return LEADS(deployment.resources, database=deployment.service(KEYS_OWNER).database)


def _moment(text: str) -> str:
    return text[:19].replace("T", " ")
