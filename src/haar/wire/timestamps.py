"""Timestamps on the wire: three formats, chosen by trait, else by where the member stands.

================  =======================================  ============================
format            looks like                               the default in
================  =======================================  ============================
``iso8601``       ``2026-11-24T14:00:00Z``                 XML, form, query string, path
``rfc822``        ``Tue, 24 Nov 2026 14:00:00 GMT``        headers
``unixTimestamp`` ``1795528800`` or ``1795528800.123``     JSON, CBOR
================  =======================================  ============================

Fractions of a second are kept to the millisecond. Reading takes any of the three, as AWS does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("", "Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


class NotATimestamp(ValueError):
    """A text or number that is no timestamp."""


def to_unix(moment: datetime) -> int | float:
    """Return seconds since the epoch: whole, or to the millisecond."""
    micros = (moment - _EPOCH) // timedelta(microseconds=1)
    seconds, rest = divmod(micros, 1_000_000)
    return seconds if rest < 1000 else round(micros / 1_000_000, 3)


def to_iso8601(moment: datetime) -> str:
    """Return e.g. ``2026-11-24T14:00:00.123Z``; the fraction only where there is one."""
    utc = moment.astimezone(UTC)
    millis = utc.microsecond // 1000
    text = utc.strftime("%Y-%m-%dT%H:%M:%S") if utc.year >= 1000 else utc.isoformat()[:19]
    return f"{text}.{millis:03d}Z" if millis else f"{text}Z"


def to_iso8601_millis(moment: datetime) -> str:
    """Return e.g. ``2026-11-24T14:00:00.000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_rfc822(moment: datetime) -> str:
    """Return e.g. ``Tue, 24 Nov 2026 14:00:00 GMT``."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    day, month = _DAYS[utc.weekday()], _MONTHS[utc.month]
    time = f"{utc.hour:02d}:{utc.minute:02d}:{utc.second:02d}"
    return f"{day}, {utc.day:02d} {month} {utc.year:04d} {time} GMT"


def to_unix_text(moment: datetime) -> str:
    """Return seconds since the epoch as text."""
    return str(to_unix(moment))


def from_unix(seconds: float) -> datetime:
    """Return the moment of a number of seconds since the epoch.

    Raises:
        NotATimestamp: not finite, or outside of the years 1 to 9999.
    """
    if not math.isfinite(seconds):
        raise NotATimestamp(str(seconds))
    try:
        return _EPOCH + timedelta(milliseconds=round(seconds * 1000))
    except OverflowError as error:
        raise NotATimestamp(str(seconds)) from error


def parse(text: str) -> datetime:
    """Return the moment of a text in any of the three formats.

    Raises:
        NotATimestamp: none of them.
    """
    try:
        if text[:1].isalpha():
            moment = parsedate_to_datetime(text)
        elif "T" in text or text.count("-") > 1:
            moment = datetime.fromisoformat(text)
        else:
            return from_unix(float(text))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NotATimestamp(text) from error


WRITERS: dict[str, Callable[[datetime], str]] = {
    "iso8601": to_iso8601,
    "iso8601-millis": to_iso8601_millis,
    "rfc822": to_rfc822,
    "unixTimestamp": to_unix_text,
}
"""Format → how a moment is written as text."""
