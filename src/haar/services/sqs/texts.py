"""Texts that several operations check or write. Pure."""

from __future__ import annotations

import re

from haar.services.sqs.errors import InvalidParameterValue

WRONG_KIND = "The request include parameter that is not valid for this queue type."

_TOKEN = re.compile(r"[!-~]{1,128}")
_SEQUENCE_BASE = 18_870_000_000_000_000_000
_SEQUENCE_STEP = 256


def checked_token(name: str, value: str) -> str:
    """Return a group, deduplication or attempt id.

    Raises:
        InvalidParameterValue: too long, or other characters than letters, digits and punctuation.
    """
    if not _TOKEN.fullmatch(value):
        reason = (
            f"{name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
        )
        raise InvalidParameterValue(value=value, name=name, reason=reason)
    return value


def sequence(number: int) -> str:
    """Return a message's number as a sequence number of AWS's 20 digits; empty for none."""
    return str(_SEQUENCE_BASE + number * _SEQUENCE_STEP) if number else ""
