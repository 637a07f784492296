"""What clients of ours, recorded and imagined, send over real sockets, and what becomes of it."""
