"""From a decoded request to an operation, its audit record and its answer."""
