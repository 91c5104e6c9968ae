"""Backups, restores and recovery to a point in time: copies of a table as it was at a moment."""
