"""Provisioned capacity as it is changed: how much there may be, and how often it may fall.

In a day of UTC a table, or an index, may have less four times; then once more for each hour in
which it did not.

Source: AWS docs, DynamoDB developer guide, "Service, account, and table quotas".
"""

from __future__ import annotations

from typing import Any, NamedTuple

from haar.kit.call import Members
from haar.services.dynamodb.errors import TooManyDecreases, TooManyUnits
from haar.services.dynamodb.records import Index, Table
from haar.services.dynamodb.times import moment

UNITS_MAX = 40_000
DECREASES_AT_ONCE = 4
HOUR_MS = 60 * 60 * 1000
_DAY_MS = 24 * HOUR_MS


class Units(NamedTuple):
    """Provisioned capacity; zeros on demand."""

    read: int = 0
    write: int = 0


def checked_units(given: Members) -> Units:
    """Return the capacity of a ProvisionedThroughput.

    Raises:
        TooManyUnits: more than a table may have.
    """
    units = Units(given["ReadCapacityUnits"], given["WriteCapacityUnits"])
    if max(units) > UNITS_MAX:
        raise TooManyUnits
    return units


def changed(of: Table | Index, units: Units, now_ms: int) -> dict[str, Any]:
    """Return the fields of a record that change with its capacity.

    Raises:
        TooManyDecreases: it has been lowered too often today.
    """
    fields: dict[str, Any] = {"read_units": units.read, "write_units": units.write}
    if units.read > of.read_units or units.write > of.write_units:
        fields["units_raised_ms"] = now_ms
    if units.read < of.read_units or units.write < of.write_units:
        fields |= {"units_lowered_ms": now_ms, "decreases": _next_decrease(of, now_ms)}
    return fields


def _next_decrease(of: Table | Index, now_ms: int) -> int:
    """Return which decrease of the day one more is."""
    count, last_ms = decreases_today(of, now_ms), of.units_lowered_ms
    if count >= DECREASES_AT_ONCE and now_ms < last_ms + HOUR_MS:
        last, following = _told(last_ms), _told(last_ms + HOUR_MS)
        raise TooManyDecreases(count=count, last=last, next=following)
    return count + 1


def decreases_today(of: Table | Index, now_ms: int) -> int:
    """Return how often the capacity has been lowered since the day began."""
    is_today = of.units_lowered_ms // _DAY_MS == now_ms // _DAY_MS
    return of.decreases if is_today else 0


def _told(at_ms: int) -> str:
    at = moment(at_ms)
    return f"{at:%A, %B} {at.day}, {at.year} {at.hour % 12 or 12}:{at:%M:%S %p} UTC"


def told(of: Table | Index, now_ms: int) -> Members:
    """Return a ProvisionedThroughputDescription."""
    units: Members = {
        "NumberOfDecreasesToday": decreases_today(of, now_ms),
        "ReadCapacityUnits": of.read_units,
        "WriteCapacityUnits": of.write_units,
    }
    if of.units_raised_ms:
        units["LastIncreaseDateTime"] = moment(of.units_raised_ms)
    if of.units_lowered_ms:
        units["LastDecreaseDateTime"] = moment(of.units_lowered_ms)
    return units
