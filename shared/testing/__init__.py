"""The test kit: builders, fakes, faulty connections, a real broker. Nothing that ships imports it."""
