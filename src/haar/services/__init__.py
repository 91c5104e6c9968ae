"""One package per owner of state."""
