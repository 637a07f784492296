"""The contracts: declarations, envelope, generated files, compatibility within a version."""
