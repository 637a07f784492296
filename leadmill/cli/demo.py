"""``leadmill demo``: a fortnight of leads in under a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from leadmill.cli.options import Data
from leadmill.cli.running import CheckFailed, console, progress, read_settings, run_as_process

if TYPE_CHECKING:
    from leadmill.platform.simulation import Platform
    from shared.runtime.process import Lifeline


def demo(
    people: Annotated[int, typer.Option(min=12, max=1000, help="How many people there are.")] = 500,
    seed: Annotated[int, typer.Option(help="The seed: the same one tells the same story.")] = 20_260_914,
    data: Data = None,
) -> None:
    """Play a fortnight of leads: real requests in, tables out, then the audit.

    Everything runs on this machine: a database that comes along, all services, a simulated clock. Each
    run begins with an empty database in a folder of its own (with --data: in DIR/demo, which makes the
    next run faster and leaves the data to look at).
    """
    import tempfile
    from contextlib import ExitStack
    from pathlib import Path

    from pydantic import SecretStr

    from leadmill.audit.comparing import audit_deployment
    from leadmill.audit.report import print_findings
    from leadmill.demo.performance import Casting, empty_folder, perform
    from leadmill.platform.ground import open_ground

    settings = read_settings(data_dir=data)
    casting = Casting(people=people, seed=seed)

    with ExitStack() as stack:
        if data is None:
            name = tempfile.TemporaryDirectory(prefix="leadmill-demo-", ignore_cleanup_errors=True)
            folder = Path(stack.enter_context(name))
            folder.chmod(0o755)  # as root the database runs under another account
        else:
            folder = settings.data_folder / "demo"
            empty_folder(folder)
        own = settings.model_copy(update={"data_dir": folder, "log": "embedded", "postgres": SecretStr("")})
        own.model_fields_set.add("data_dir")

        async def main(_lifeline: Lifeline) -> None:
            screen = console()
            with progress("starting the database") as tell:

                async def audit(platform: Platform) -> None:
                    log = platform.ground.log
                    findings = await audit_deployment(platform.blueprints, log, full=True, tell=tell)
                    print_findings(screen, findings)
                    if not all(finding.holds for finding in findings):
                        raise CheckFailed

                async with open_ground(own, is_owner=True, postgres_settings={"fsync": "off"}) as ground:
                    await perform(ground, casting, screen=screen, ending=audit, tell=tell)

        code = run_as_process(main, level="critical")
    raise typer.Exit(code)
