"""The deployment's secrets: the identity key and the pepper.

They come from the settings, or else from a file in the data directory that is made at the first
start, readable by its owner only. They are never made anew while data exists: with another
identity key nobody would be recognised, with another pepper no key would open.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

from shared.kernel.errors import Rejected
from shared.kernel.redacted import Redacted

FILE_NAME: Final = "secrets.json"
SHORTEST: Final = 32
"""Characters that a secret given by hand must have; `openssl rand -hex 32` gives 64."""

_NAMES: Final = ("identity_key", "pepper")


class SecretsUnreadable(Rejected):
    """The file with the secrets cannot be read; put it back from the backup, it cannot be made anew."""

    code = "secrets.unreadable"


class SecretsTooOpen(Rejected):
    """Others can read the file with the secrets; take that right away with chmod 600."""

    code = "secrets.too_open"


class SecretTooShort(Rejected):
    """A secret has at least 32 characters; `openssl rand -hex 32` makes one."""

    code = "secrets.too_short"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSecrets:
    """32 bytes each. Both outlive every process and belong into the backup, away from the data."""

    identity_key: Redacted[bytes]
    pepper: Redacted[bytes]


def load_secrets(
    directory: Path, *, identity_key: str | None = None, pepper: str | None = None
) -> DeploymentSecrets:
    """Return the secrets as given, and those not given from the file in ``directory``.

    The file is made if it is needed and not there. The same text gives the same secret, whether it
    comes from the settings or from the file.

    :raises SecretTooShort: if a secret that was given is too short to be one.
    :raises SecretsTooOpen: if others than its owner can read the file.
    :raises SecretsUnreadable: if the file is there and cannot be understood.
    """
    given = {"identity_key": identity_key, "pepper": pepper}
    for name, text in given.items():
        if text is not None and len(text.strip()) < SHORTEST:
            raise SecretTooShort(field=name)
    stored: dict[str, str] = {}
    if None in given.values():
        path = directory / FILE_NAME
        if not path.exists():
            _write_once(path, {name: secrets.token_hex(32) for name in _NAMES})
        stored = _read(path)
    texts = {name: text.strip() if text is not None else stored[name] for name, text in given.items()}
    return DeploymentSecrets(**{name: Redacted(_key(name, text)) for name, text in texts.items()})


def _key(name: str, text: str) -> bytes:
    return blake2b(text.encode(), digest_size=32, person=name.encode()).digest()


def _write_once(path: Path, values: dict[str, str]) -> None:
    """Write the file whole or not at all; if another process was first, its file stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(values, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        draft.unlink()


def _read(path: Path) -> dict[str, str]:
    try:
        mode = path.stat().st_mode
        document = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SecretsUnreadable from error
    if stat.S_IMODE(mode) & 0o077:
        raise SecretsTooOpen(f"others can read {path.name} in the data directory; run chmod 600 on it")
    if not isinstance(document, dict):
        raise SecretsUnreadable
    values = {name: document.get(name) for name in _NAMES}
    if not all(isinstance(text, str) and len(text) >= SHORTEST for text in values.values()):
        raise SecretsUnreadable
    return {name: str(text) for name, text in values.items()}
