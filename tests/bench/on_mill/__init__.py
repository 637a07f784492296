"""The whole chain, each service a process of its own, on real Kafka: rate, shares, and time to an owner."""
