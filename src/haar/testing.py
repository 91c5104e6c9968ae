"""Start haar inside a test: a context manager and a pytest fixture."""
