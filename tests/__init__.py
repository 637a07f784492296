"""Everything that proves a promise: unit, engine, services, contracts, journeys, failure, operations."""
