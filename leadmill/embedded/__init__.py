"""A real PostgreSQL out of a wheel, started and stopped for whoever has none.

For one machine: development, trials, small deployments. It is an ordinary PostgreSQL with durable
commits; what it spares the user is installing, configuring and stopping it. It never listens on the
network; on request (tests) it listens on loopback, with a password.

``async with EmbeddedPostgres(data_dir) as postgres: postgres.url``
"""

from leadmill.embedded.data_dir import choose_data_dir
from leadmill.embedded.errors import DataDirInUse, PostgresNotStarted, PostgresUnusable
from leadmill.embedded.lock import find_running
from leadmill.embedded.postgres import EmbeddedPostgres

__all__ = [
    "DataDirInUse",
    "EmbeddedPostgres",
    "PostgresNotStarted",
    "PostgresUnusable",
    "choose_data_dir",
    "find_running",
]
