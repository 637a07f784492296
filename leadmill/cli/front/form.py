"""``leadmill form``: the forms that stand in documents."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from leadmill.cli.options import Json
from leadmill.cli.running import console, print_json, read_settings, tell_error

app = typer.Typer(
    help="Forms: what they ask, and the HTML that puts them into any page.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="FORM", help="The form's name, from `leadmill form list`.")]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="DIR",
        help="The folder of documents (default: LEADMILL_CONFIG, else config/ of this checkout).",
        exists=True,
        file_okay=False,
        show_default=False,
    ),
]


class LanguageName(StrEnum):
    """Languages that our pages speak."""

    ZH = "zh"
    EN = "en"


@app.command(name="list")
def list_forms(config: Folder = None, as_json: Json = False) -> None:
    """List the forms, each in its newest version."""
    forms = _open(config).forms
    rows = [
        {
            "form": form.name,
            "version": form.version,
            "languages": list(form.languages),
            "required": [asked.field for asked in form.fields if asked.required],
            "one_of": [list(group) for group in form.one_of],
            "tags": list(form.tags),
            "description": form.description,
        }
        for _, form in sorted(forms.items())
    ]
    if as_json:
        print_json({"forms": rows})
        return
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in ("form", "version", "required", "tags", ""):
        table.add_column(column, overflow="fold")
    for row in rows:
        groups = [" or ".join(group) for group in row["one_of"]]
        table.add_row(
            *(row["form"], str(row["version"]), ", ".join([*row["required"], *groups])),
            *(", ".join(row["tags"]), row["description"]),
        )
    console().print(table)


@app.command()
def show(name: Name, config: Folder = None, as_json: Json = False) -> None:
    """Show what a form asks, in every language it speaks."""
    import msgspec

    form = _find(_open(config), name)
    if as_json:
        print_json(msgspec.to_builtins(form))
        return
    print(f"{form.name}, version {form.version}: {form.description}")
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in ("field", "kind", "", *form.languages, "choices"):
        table.add_column(column, overflow="fold")
    for asked in form.fields:
        group = any(asked.field in group for group in form.one_of)
        must = "required" if asked.required else "one of" if group else ""
        table.add_row(
            *(asked.field, asked.kind, must, *(asked.label[one] for one in form.languages)),
            ", ".join(option.value for option in asked.choices),
        )
    for consent in form.consents:
        must = "required" if consent.required else ""
        table.add_row(
            *(consent.field, f"text {consent.version}", must, *(consent.text[one] for one in form.languages)),
            "",
        )
    console().print(table)


@app.command()
def snippet(
    name: Name,
    key: Annotated[
        str, typer.Option(help="The write key of the source, which stands in the page for all to see.")
    ],
    base: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="Where people reach the front door (default: LEADMILL_INGEST_PUBLIC_URL).",
            show_default=False,
        ),
    ] = "",
    lang: Annotated[
        LanguageName | None, typer.Option(help="The language; default: the form's first.")
    ] = None,
    beacon: Annotated[
        bool, typer.Option("--beacon", help="Add a picture that tells of the page view, without a script.")
    ] = False,
    config: Folder = None,
    as_json: Json = False,
) -> None:
    """Print a form as HTML, to be pasted into any page. It needs no script."""
    shelf = _open(config)
    form = _find(shelf, name)
    address = base.rstrip("/") or shelf.public_url
    if not address.startswith(("http://", "https://")):
        tell_error(
            "the form is sent to a whole address: give --base https://…, or set LEADMILL_INGEST_PUBLIC_URL"
        )
        raise typer.Exit(2)
    language: Any = form.languages[0] if lang is None else lang.value
    if language not in form.languages:
        tell_error(f"{name} speaks {', '.join(form.languages)}")
        raise typer.Exit(2)
    html = shelf.snippet(form, language, key=key, base=address, beacon=beacon)
    if as_json:
        print_json({"form": name, "version": form.version, "language": language, "html": html})
    else:
        print(html)


def _open(config: Path | None) -> Any:
    """Return the forms; what is wrong with the documents is told, and the command ends with code 1."""
    from leadmill.platform.roster import FORMS
    from shared.kernel.faults import Faults

    try:
        return FORMS(config if config is not None else read_settings().config)
    except Faults as error:
        for fault in error.faults:
            tell_error(str(fault))
        raise typer.Exit(1) from None


def _find(shelf: Any, name: str) -> Any:
    if name not in shelf.forms:
        tell_error("there is no form of this name; see `leadmill form list`")
        raise typer.Exit(2)
    return shelf.forms[name]
