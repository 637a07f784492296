"""Writes and verifies the files made from the declarations: schemas, examples, AsyncAPI.

::

    python -m shared.contracts.generation            write them
    python -m shared.contracts.generation --check    change nothing; exit 1 if they are out of date

Both refuse a breaking change within a version, whatever the files say afterwards: the committed
schema is what others already read by. This is the only file of the package with I/O.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from shared.contracts.asyncapi import document
from shared.contracts.compatibility import breaking_changes
from shared.contracts.events import DECLARATIONS
from shared.contracts.example_records import records_of
from shared.contracts.json_schema import schema_of

HERE: Final = Path(__file__).parent


class _Dumper(yaml.SafeDumper):
    """Writes each part in full, and text of several lines as a block."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def _as_json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def schema_files() -> dict[str, str]:
    """Return the text of each schema file by its path below the package."""
    return {f"schemas/{each.file_stem}.json": _as_json(schema_of(each)) for each in DECLARATIONS}


def files() -> dict[str, str]:
    """Return the text of every generated file by its path below the package."""
    examples = {
        f"examples/{declaration.file_stem}{'' if number == 1 else f'-{number}'}.json": _as_json(
            msgspec.json.decode(record)
        )
        for declaration in DECLARATIONS
        for number, record in enumerate(records_of(declaration), start=1)
    }
    asyncapi = yaml.dump(document(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    heading = "# Generated: python -m shared.contracts.generation\n"
    return {**schema_files(), **examples, "asyncapi.yaml": heading + asyncapi}


def broken_promises(directory: Path, wanted: Mapping[str, str]) -> list[str]:
    """Name every breaking change from the schemas in ``directory`` to those in ``wanted``.

    A schema that is there but no longer wanted is one: its records stay in the log.
    """
    found = []
    for path in sorted((directory / "schemas").glob("*.json")):
        name = f"schemas/{path.name}"
        if name not in wanted:
            found.append(f"{name}: removed event; keep its declaration, with an upcast to what replaced it")
            continue
        old, new = json.loads(path.read_text(encoding="utf-8")), json.loads(wanted[name])
        found += [f"{name}: {change}; declare a new version" for change in breaking_changes(old, new)]
    return found


def out_of_date(directory: Path, wanted: Mapping[str, str]) -> list[str]:
    """Name every file in ``directory`` that is missing, differs from ``wanted`` or is not wanted."""
    faults = []
    for name, text in wanted.items():
        path = directory / name
        if not path.exists():
            faults.append(f"{name}: missing; run python -m shared.contracts.generation")
        elif path.read_text(encoding="utf-8") != text:
            faults.append(f"{name}: out of date; run python -m shared.contracts.generation")
    present = [path for folder in ("schemas", "examples") for path in (directory / folder).glob("*.json")]
    faults += [
        f"{path.parent.name}/{path.name}: not generated any more; delete it"
        for path in sorted(present)
        if f"{path.parent.name}/{path.name}" not in wanted
    ]
    return faults


def write(directory: Path, wanted: Mapping[str, str]) -> None:
    """Write every wanted file below ``directory`` and delete examples that are not wanted any more."""
    for folder in ("schemas", "examples"):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    for name, text in wanted.items():
        (directory / name).write_text(text, encoding="utf-8")
    for path in (directory / "examples").glob("*.json"):
        if f"examples/{path.name}" not in wanted:
            path.unlink()


def run(arguments: Sequence[str], *, directory: Path = HERE) -> int:
    """Do what the command line asks for; return the exit code: 0 done, 1 refused, 2 wrong usage."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m shared.contracts.generation [--check]\n")
        return 2
    wanted = files()
    faults = broken_promises(directory, wanted)
    if arguments:
        faults += out_of_date(directory, wanted)
    if faults:
        sys.stderr.write("\n".join(faults) + "\n")
        return 1
    if not arguments:
        write(directory, wanted)
    sys.stdout.write(f"{len(wanted)} files {'are up to date' if arguments else 'written'}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1:]))
