"""The desk: what people read and put right."""
