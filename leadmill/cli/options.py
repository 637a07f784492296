"""Options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="The folder of the data (default: LEADMILL_DATA_DIR, else .leadmill here, else below"
        " /var/lib/leadmill where the database's account cannot reach that).",
        file_okay=False,
        show_default=False,
    ),
]

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for scripts.")]


class Lang(StrEnum):
    """The language of what is said."""

    EN = "en"
    ZH = "zh"


class LogKind(StrEnum):
    """Which event log."""

    EMBEDDED = "embedded"
    KAFKA = "kafka"


LogChoice = Annotated[
    LogKind | None,
    typer.Option(
        "--log",
        help="The event log (default: LEADMILL_LOG, else what the folder was started with, else embedded).",
        show_default=False,
    ),
]
