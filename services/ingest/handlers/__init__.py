"""Pure: a record of the raw topic becomes an intake, an intake becomes events."""
