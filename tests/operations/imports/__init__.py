"""How fast tables come in, and in how much memory: ``python -m tests.operations.imports``."""
