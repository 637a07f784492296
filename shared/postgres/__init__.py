"""PostgreSQL: connections, transactions, migrations. The only room that commits."""
