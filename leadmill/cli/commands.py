"""The commands there are."""

from __future__ import annotations

import gc
from typing import Final

import typer

from leadmill.cli.accounts import key, token
from leadmill.cli.audit import audit
from leadmill.cli.demo import demo
from leadmill.cli.desk import conflicts, erasure, leads, model_desk
from leadmill.cli.explain import explain
from leadmill.cli.front import choices, form, hook, link, tags, webhooks
from leadmill.cli.imports import group as imports
from leadmill.cli.letters import dlq, quarantine
from leadmill.cli.setup import config, topics
from leadmill.cli.setup.migrate import migrate
from leadmill.cli.setup.settings import settings
from leadmill.cli.sources import sources
from leadmill.cli.up import run, up

app = typer.Typer(
    name="leadmill",
    help="Event-driven lead platform: every lead's whole story, from the first click to the revenue.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 a check failed, 2 wrong usage or settings, 3 a dependency is unavailable.",
)
for command in (demo, up, run, migrate, settings, audit, explain, sources):
    app.command()(command)
for name, group in {
    "topics": topics.app,
    "config": config.app,
    "key": key.app,
    "token": token.app,
    "leads": leads.app,
    "erasure": erasure.app,
    "conflicts": conflicts.app,
    "hook": hook.app,
    "link": link.app,
    "webhooks": webhooks.app,
    "tags": tags.app,
    "form": form.app,
    "choices": choices.app,
    "models": model_desk.app,
    "import": imports.app,
    "dlq": dlq.app,
    "quarantine": quarantine.app,
}.items():
    app.add_typer(group, name=name)

_GC_THRESHOLDS: Final = (50_000, 20, 50)
"""What a start imports and reads stays; looking through it for garbage took a fifth of the start."""


def main() -> int:
    """Run the command line and return the exit code."""
    gc.set_threshold(*_GC_THRESHOLDS)
    try:
        app()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
