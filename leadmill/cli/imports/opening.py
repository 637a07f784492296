"""Imports as commands see them: the desk of a deployment, and what is known without one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

if TYPE_CHECKING:
    from leadmill.platform.deployed import Deployment

_PIECE: Final = 1024 * 1024


def open_desk(deployment: Deployment) -> Any:
    """Return the desk for imports of a deployment."""
    from leadmill.platform.roster import KEYS_OWNER, open_imports

    return open_imports(deployment.resources, database=deployment.service(KEYS_OWNER).database)


def read_options(given: Mapping[str, Any]) -> Any:
    """Return what somebody said about a table."""
    from leadmill.platform.roster import IMPORT_TEXTS

    return IMPORT_TEXTS.options(**given)


def advise(code: str, language: str) -> Any:
    """Return reason and remedy of a code, in a language."""
    from leadmill.platform.roster import IMPORT_TEXTS

    return IMPORT_TEXTS.advise(code, language)


def make_template(config: Path, kind: str, *, language: str, event: str, is_xlsx: bool) -> bytes | None:
    """Return the table that people fill in, None if there is no such kind."""
    from leadmill.platform.roster import IMPORT_TEXTS

    return IMPORT_TEXTS.template(config, kind, language=language, event=event, is_xlsx=is_xlsx)


def digest_of(file: BinaryIO) -> str:
    """Return what tells a file from every other; it stands at its beginning afterwards."""
    import hashlib

    digest = hashlib.blake2b(digest_size=16)
    while piece := file.read(_PIECE):
        digest.update(piece)
    file.seek(0)
    return digest.hexdigest()
