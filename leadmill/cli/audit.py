"""``leadmill audit``: does everything add up?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from leadmill.cli.options import Data, Json
from leadmill.cli.running import (
    console,
    print_json,
    progress,
    read_settings,
    run_on_deployment,
)

if TYPE_CHECKING:
    from leadmill.platform.deployed import Deployment
    from shared.processor.checks import Finding


def audit(
    full: Annotated[
        bool,
        typer.Option(help="Sample nothing, and read the kept topics from their beginning; takes longer."),
    ] = False,
    patience: Annotated[
        str, typer.Option(metavar="DURATION", help="How long to wait for consumers that are behind.")
    ] = "20s",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Check the promises on the live data, beside whatever runs; changes nothing.

    Nothing that came in is lost, everything that was said was heard, states follow from their facts,
    lines sum to scores, outboxes are empty. Exit code 1 with the offending ids if a promise is broken.
    """
    from leadmill.audit.comparing import audit_deployment
    from leadmill.audit.report import describe_findings, print_findings
    from shared.runtime.settings.durations import parse_duration

    try:
        span = parse_duration(patience)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--patience") from None
    with progress("opening the database") as tell:

        async def work(deployment: Deployment) -> list[Finding]:
            return await audit_deployment(
                deployment.blueprints, deployment.ground.log, full=full, patience=span, tell=tell
            )

        findings = run_on_deployment(read_settings(data_dir=data), work)
    if as_json:
        print_json(describe_findings(findings))
    else:
        print_findings(console(), findings)
    if not all(finding.holds for finding in findings):
        raise typer.Exit(1)
