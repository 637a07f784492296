"""The faults: each takes a field on which two workers run under load, and strikes."""
