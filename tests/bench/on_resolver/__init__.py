"""Ingest's resolver by itself on Kafka: how many events a second, and how soon each is told."""
