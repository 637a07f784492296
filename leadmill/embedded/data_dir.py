"""Where the data lives: beside the checkout, unless the database's account cannot get there.

As root the database runs under another account, which has to pass through every folder above its
data. A checkout in a closed home directory is the usual case: the data then goes to
``/var/lib/leadmill/<hash of the checkout>``. Nobody's folders are opened for it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Final

DEFAULT_NAME: Final = ".leadmill"
FALLBACK_PARENT: Final = Path("/var/lib/leadmill")


def choose_data_dir(wanted: Path | None = None, *, checkout: Path | None = None) -> Path:
    """Return the directory to use, absolute; it need not exist yet.

    ``wanted`` is taken as it is (``--data``). Otherwise it is ``.leadmill`` in ``checkout`` (default:
    the working directory), or the fallback where the database's account cannot reach that.
    """
    if wanted is not None:
        return wanted.expanduser().resolve()
    checkout = (checkout or Path.cwd()).resolve()
    beside = checkout / DEFAULT_NAME
    if os.geteuid() != 0 or is_open_to_all(checkout):
        return beside
    return FALLBACK_PARENT / hashlib.sha256(str(checkout).encode()).hexdigest()[:12]


def make_data_dir(data_dir: Path) -> None:
    """Create the directory and what is missing above it; as root, so that other accounts may pass."""
    for folder in reversed((data_dir, *data_dir.parents)):
        if not folder.exists():
            folder.mkdir(exist_ok=True)
            if os.geteuid() == 0:
                folder.chmod(0o755)  # whatever the umask


def is_open_to_all(folder: Path) -> bool:
    """Return whether any account may pass through ``folder`` and everything above it."""
    present = folder
    while not present.exists():
        present = present.parent
    return all(step.stat().st_mode & stat.S_IXOTH for step in (present, *present.parents))
