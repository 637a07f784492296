"""Questions about companies, and what the audit asks of them."""
