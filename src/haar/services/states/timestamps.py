"""Times as the States Language writes them: RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)


class NotATime(ValueError):
    """A text that is not an RFC 3339 timestamp."""


def parse_ms(text: str) -> int:
    """Return milliseconds since the epoch of an RFC 3339 text.

    Raises:
        NotATime: anything else.
    """
    if not _RFC3339.fullmatch(text):
        raise NotATime(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as err:
        raise NotATime(text) from err
    return round(moment.timestamp() * 1000)


def text_of(at_ms: int) -> str:
    """Return the RFC 3339 text of a time in UTC, without trailing zeros of the fraction."""
    whole = datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{at_ms % 1000:03d}".rstrip("0").rstrip(".")
    return f"{whole}{fraction}Z"


def moment(at_ms: int) -> datetime:
    """Return the time as a member of an answer."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)
