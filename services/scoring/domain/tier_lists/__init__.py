"""Lists of leads by tier: where each lead stands, as of the last time that something was learnt of it."""
