"""What a data directory was started with: the log and the count of partitions, which never change.

Kept beside the data, so that every later command uses the same without being told, and one that is
told otherwise is refused instead of looking into an empty log.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from leadmill.platform.settings import PlatformSettings
from shared.kernel.errors import Rejected

_FILE: Final = "deployment.json"
_KEPT: Final = ("log", "partitions")


class OtherDeployment(Rejected):
    """This data directory was started with another log or another count of partitions."""

    code = "platform.other_deployment"


class DeploymentUnreadable(Rejected):
    """The file deployment.json in the data directory cannot be read; put it back from the backup."""

    code = "platform.deployment_unreadable"


def settle(settings: PlatformSettings, data: Path) -> PlatformSettings:
    """Return the settings as this directory has them, and note them at the first start.

    :raises OtherDeployment: if they were set to something else than the directory was started with.
    """
    path = data / _FILE
    given = {name: getattr(settings, name) for name in _KEPT}
    kept = _read(path)
    if kept is None:
        path.write_text(json.dumps(given) + "\n")
        return settings
    for name in _KEPT:
        if name in settings.model_fields_set and given[name] != kept[name]:
            raise OtherDeployment(
                f"{data} was started with {name} {kept[name]}, not {given[name]}; "
                "leave it so, or name another directory with --data"
            )
    return settings.model_copy(update=kept)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_text())
        return {name: document[name] for name in _KEPT}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DeploymentUnreadable from error
