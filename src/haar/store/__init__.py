"""The ordered transactional key-value store, and the structures on it."""
