"""Companies: what is stored of them, and the documents of the models that are kept per company."""
