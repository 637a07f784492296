"""The command line. Modules are light: what a command needs is imported when it runs."""

from leadmill.cli.commands import main

__all__ = ["main"]
