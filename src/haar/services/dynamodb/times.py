"""Times of the store as the wire has them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(at_ms: int) -> datetime:
    """Return a time of the store as the wire's."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)
