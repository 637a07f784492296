"""The processor's own tables, each beside its statements."""

from shared.processor.tables.schema import CREATE

__all__ = ["CREATE"]
