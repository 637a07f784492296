"""What stands around the workers: real servers, the processes, what feeds them."""
