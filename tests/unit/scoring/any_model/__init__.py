"""What holds of any model and any history, against a second, naive reading of documents."""
