"""What must have come of steps, shadows and webhooks, and what did."""
