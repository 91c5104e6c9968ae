"""What Task states call: one module per service, all through its public API."""
