"""Tags and touches: what follows from every change of the directory."""
