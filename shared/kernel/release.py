"""Which release this is."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
"""The release, as in the package's metadata; a test keeps the two equal."""
