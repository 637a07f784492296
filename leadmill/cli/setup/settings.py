"""``leadmill settings``: the environment."""

from __future__ import annotations

from leadmill.cli.options import Data, Json
from leadmill.cli.running import console, print_json, read_settings


def settings(data: Data = None, as_json: Json = False) -> None:
    """Show every setting: its variable, its value now, what it means. Secrets are shown nowhere.

    Each can come from a file instead: LEADMILL_X_FILE names a file whose content is the value.
    Exit code 2 if some are wrong; every fault is named.
    """
    from leadmill.platform.settings import all_kinds
    from shared.runtime.settings.environment import describe_settings, explain_settings, load_settings

    effective = read_settings(data_dir=data)
    values = describe_settings(effective)
    values["LEADMILL_DATA_DIR"] = str(effective.data_folder)
    rows: list[tuple[str, str, str, str]] = []
    for kind in all_kinds():
        if kind is not type(effective):
            values |= describe_settings(load_settings(kind))
        rows += [(name, values[name], default, meaning) for name, default, meaning in explain_settings(kind)]
    if as_json:
        print_json(
            {
                "settings": [
                    {"variable": name, "value": value, "default": default, "meaning": meaning}
                    for name, value, default, meaning in rows
                ]
            }
        )
        return
    from rich.table import Table

    table = Table(box=None, header_style="dim", show_lines=False)
    for column in ("variable", "value", "meaning"):
        table.add_column(column, overflow="fold")
    for name, value, _, meaning in rows:
        table.add_row(name, value, meaning)
    console().print(table)
