"""What those who run the front door ask and do: write keys, quarantine, sources."""
