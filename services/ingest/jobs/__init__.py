"""What ingest does besides messages: forgetting what need not be remembered."""
