"""The log in PostgreSQL, for one machine: the same promises as Kafka's, and nothing to install."""

from shared.log.embedded.log import EmbeddedLog

__all__ = ["EmbeddedLog"]
