"""Times as signatures have them: ``YYYYMMDDTHHMMSSZ``, ISO 8601's basic format."""

from __future__ import annotations

import calendar
import re
import time
from email.utils import parsedate_to_datetime

from haar.wire.http import HttpRequest

_basic_format = re.compile(rb"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z").fullmatch


def stamp_header(request: HttpRequest) -> bytes:
    """Return the time of signing as the request tells it, empty where it does not."""
    headers = request.headers
    return headers.get(b"x-amz-date") or headers.get(b"date", b"")


def instant_of(stamp: bytes) -> int | None:
    """Return milliseconds since the epoch of ``YYYYMMDDTHHMMSSZ``, None for another text."""
    matched = _basic_format(stamp)
    if matched is None:
        return None
    year, month, day, hour, minute, second = map(int, matched.groups())
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61):
        return None
    return calendar.timegm((year, month, day, hour, minute, second)) * 1000


def basic_format_of(header: bytes) -> bytes:
    """Return a ``Date`` header in the form that is signed; other texts come back unchanged."""
    if not header.endswith(b"GMT"):
        return header
    try:
        moment = parsedate_to_datetime(header.decode("latin-1"))
    except ValueError:
        return header
    return moment.strftime("%Y%m%dT%H%M%SZ").encode()


def stamp_of(instant_ms: int) -> str:
    """Return ``YYYYMMDDTHHMMSSZ``."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(instant_ms // 1000))


def extended_stamp_of(instant_ms: int) -> str:
    """Return ``YYYY-MM-DDTHH:MM:SSZ``."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(instant_ms // 1000))
