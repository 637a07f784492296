"""The log: ordered, partitioned, kept; Kafka in production, PostgreSQL on one machine."""
