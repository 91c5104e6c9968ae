"""Scalars as text: in XML, forms, headers, query strings and paths."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from haar.wire import timestamps
from haar.wire.bodies.json import float_word
from haar.wire.bodies.tree import Malformed, long, whole
from haar.wire.models import Member, Shape

_INTEGER_DIGITS_MAX = 20


def fields(raw: bytes, count_max: int) -> list[tuple[str, str]]:
    """Return names and values of a form or a query string, decoded, in their order.

    Raises:
        ValueError: not UTF-8, or more than ``count_max`` of them.
    """
    parts = raw.decode().split("&")
    if len(parts) > count_max:
        raise ValueError("too many fields")
    found: list[tuple[str, str]] = []
    for part in parts:
        if part:
            name, _, value = part.partition("=")
            if "%" in part or "+" in part:
                name, value = plain(name), plain(value)
            found.append((name, value))
    return found


def plain(text: str) -> str:
    """Return a form's text without its encoding.

    Raises:
        ValueError: not UTF-8.
    """
    return unquote(text.replace("+", " "), errors="strict")


def reader(shape: Shape) -> Callable[[str], Any]:
    """Return the function from a text to a member's value."""
    match shape.type:
        case "boolean":
            return read_boolean
        case "integer" | "short" | "byte":
            return lambda text: whole(read_whole(text), "Integer", 2**31)
        case "long" | "bigInteger":
            return lambda text: long(read_whole(text))
        case "float" | "double" | "bigDecimal":
            return read_float
        case "blob":
            return read_blob
        case "timestamp":
            return read_timestamp
        case _:
            return str


def read_boolean(text: str) -> bool:
    """Return ``true`` or ``false``, in any case.

    Raises:
        Malformed: another text.
    """
    lowered = text.strip().lower()
    if lowered not in ("true", "false"):
        raise Malformed(f"{text[:64]} cannot be converted to Boolean")
    return lowered == "true"


def read_whole(text: str) -> int:
    """Return a whole number.

    Raises:
        Malformed: not one, or longer than any that AWS has.
    """
    stripped = text.strip()
    digits = stripped[1:] if stripped[:1] in ("-", "+") else stripped
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _INTEGER_DIGITS_MAX):
        raise Malformed(f"{text[:64]} cannot be converted to Integer")
    return int(stripped)


def read_float(text: str) -> float:
    """Return a number.

    Raises:
        Malformed: not one.
    """
    try:
        return float(text)
    except ValueError as error:
        raise Malformed(f"{text[:64]} cannot be converted to Double") from error


def read_blob(text: str) -> bytes:
    """Return the bytes of base64.

    Raises:
        Malformed: not base64.
    """
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("Invalid Base64 encoding in payload") from error


def read_timestamp(text: str) -> datetime:
    """Return a moment.

    Raises:
        Malformed: not one.
    """
    try:
        return timestamps.parse(text.strip())
    except timestamps.NotATimestamp as error:
        raise Malformed("Unable to parse date") from error


def writer(member: Member, shape: Shape, timestamp: str) -> Callable[[Any], str]:
    """Return the function from a member's value to text.

    Args:
        member: the reference, which may have a format of its own.
        shape: what it refers to.
        timestamp: the format of moments unless a trait says otherwise.
    """
    match shape.type:
        case "boolean":
            return lambda value: "true" if value else "false"
        case "float" | "double":
            return write_float
        case "blob":
            return write_blob
        case "timestamp":
            form = member.timestamp_format or shape.timestamp_format or timestamp
            return write_timestamp(timestamps.WRITERS[form])
        case _:
            return str


def write_float(value: float) -> str:
    """Return a number; Smithy's words for those that are not finite."""
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124  # NaN
        return float_word(value)
    return repr(value) if isinstance(value, float) else str(value)


def write_blob(value: bytes | str) -> str:
    """Return bytes in base64."""
    raw = value.encode() if isinstance(value, str) else value
    return base64.b64encode(raw).decode("ascii")


def write_timestamp(write: Callable[[datetime], str]) -> Callable[[Any], str]:
    """Return ``write`` for moments; what is text already stays."""
    return lambda value: write(value) if isinstance(value, datetime) else str(value)
