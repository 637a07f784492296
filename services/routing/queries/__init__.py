"""Questions to routing: who owns it, why, what is about to expire, does everything add up."""
