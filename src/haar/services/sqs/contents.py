"""What a message may say: its body, its attributes, their sizes and digests. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import md5
from typing import Any

from haar.kit.call import Members
from haar.services.sqs.errors import (
    InvalidMessageContents,
    InvalidParameterValue,
    MissingParameter,
    UnsupportedOperation,
)
from haar.services.sqs.records import Attribute

ATTRIBUTES_MAX = 10
BATCH_BYTES_MAX = 1_048_576

_BAD_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ATTRIBUTE_NAME = re.compile(r"(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
_RESERVED = ("aws.", "amazon.")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,6})?", re.ASCII)
_DIGITS_MAX = 38
_EXPONENTS = range(-128, 127)
_TRACE = re.compile(r"(?:^|;)\s*Root=1-[0-9a-fA-F]{8}-[0-9a-fA-F]{24}(?:;|$)")
_TRACE_NAME = "AWSTraceHeader"

_NAME_TEXT = (
    "The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, "
    "underscore (_), hyphen (-), and period (.) characters."
)
_RESERVED_TEXT = (
    "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are "
    "reserved for internal use."
)
_NO_TYPE_TEXT = "The message attribute '{name}' must contain non-empty message attribute type."
_TYPE_TEXT = (
    "The message attribute '{name}' has an invalid message attribute type, the set of supported "
    "type prefixes is Binary, Number, and String."
)
_NO_VALUE_TEXT = (
    "The message attribute '{name}' must contain non-empty message attribute value for message "
    "attribute type '{type}'."
)
_NUMBER_TEXT = "Can't cast the value of message (user) attribute '{name}' to a number."
_SYSTEM_TEXT = "Message system attribute name '{name}' is invalid."
_SIZE_TEXT = (
    "One or more parameters are invalid. Reason: Message must be shorter than {size} bytes."
)
_COUNT_TEXT = "Number of message attributes [{count}] exceeds the allowed maximum [10]."


def checked_body(members: Members) -> bytes:
    """Return the body as UTF-8.

    Raises:
        MissingParameter: it is empty.
        InvalidMessageContents: characters that XML could not say.
    """
    body: str = members["MessageBody"]
    if not body:
        raise MissingParameter(name="MessageBody")
    refuse_characters(body)
    return body.encode()


def refuse_characters(text: str) -> None:
    """Refuse a text with characters that a message may not have.

    Raises:
        InvalidMessageContents: it has.
    """
    # Whatever Python can print is allowed: mostly one pass in C.
    if not text.isprintable() and _BAD_CHARACTER.search(text):
        raise InvalidMessageContents


def checked_attributes(members: Members) -> tuple[Attribute, ...]:
    """Return the message attributes by name.

    Raises:
        InvalidParameterValue: too many, or one that is wrong; the text says which and how.
        UnsupportedOperation: values that are lists.
    """
    given: dict[str, Members] | None = members.get("MessageAttributes")
    if not given:
        return ()
    if len(given) > ATTRIBUTES_MAX:
        raise InvalidParameterValue(_COUNT_TEXT.format(count=len(given)))
    return tuple(_attribute(name, given[name]) for name in sorted(given))


def _attribute(name: str, given: Members) -> Attribute:
    if not _ATTRIBUTE_NAME.fullmatch(name):
        raise InvalidParameterValue(_NAME_TEXT.format(name=name))
    if name.lower().startswith(_RESERVED):
        raise InvalidParameterValue(_RESERVED_TEXT)
    if given.get("StringListValues") or given.get("BinaryListValues"):
        reason = "Message attribute list values in SendMessage operation are not supported."
        raise UnsupportedOperation(reason=reason)
    kind: str = given.get("DataType", "")
    if not kind:
        raise InvalidParameterValue(_NO_TYPE_TEXT.format(name=name))
    base, dot, _ = kind.partition(".")
    if base not in {"String", "Number", "Binary"} or len(kind) > 256 or (dot and kind[-1] == "."):
        raise InvalidParameterValue(_TYPE_TEXT.format(name=name))
    return Attribute(name, kind, _value(name, kind, base, given))


def _value(name: str, kind: str, base: str, given: Members) -> bytes:
    member, other = "StringValue", "BinaryValue"
    if base == "Binary":
        member, other = other, member
    value: Any = given.get(member)
    if not value or given.get(other):
        raise InvalidParameterValue(_NO_VALUE_TEXT.format(name=name, type=kind))
    if isinstance(value, bytes):
        return value
    refuse_characters(value)
    if base == "Number" and not _is_number(value):
        raise InvalidParameterValue(_NUMBER_TEXT.format(name=name))
    return str(value).encode()


def _is_number(text: str) -> bool:
    found = _NUMBER.fullmatch(text)
    if found is None:
        return False
    whole, _, fraction = found[1].partition(".")
    digits = (whole + fraction).lstrip("0")
    exponent = int(found[2][1:]) if found[2] else 0
    magnitude = exponent + len(digits) - len(fraction) - 1
    return len(digits.rstrip("0")) <= _DIGITS_MAX and (not digits or magnitude in _EXPONENTS)


def checked_trace(members: Members) -> str:
    """Return the X-Ray header, or an empty text.

    Raises:
        InvalidParameterValue: another system attribute, or another value.
    """
    given: dict[str, Members] | None = members.get("MessageSystemAttributes")
    if not given:
        return ""
    for name, attribute in given.items():
        value: str = attribute.get("StringValue", "")
        is_good = name == _TRACE_NAME and attribute.get("DataType") == "String"
        if not is_good or not _TRACE.search(value):
            raise InvalidParameterValue(_SYSTEM_TEXT.format(name=name))
    return given[_TRACE_NAME]["StringValue"]  # type: ignore[no-any-return]  # checked above


def size_of(body: bytes, attributes: Iterable[Attribute]) -> int:
    """Return what counts against the limits, in bytes."""
    return len(body) + sum(len(a.name) + len(a.type.encode()) + len(a.value) for a in attributes)


def refuse_size(size: int, size_max: int) -> None:
    """Refuse a message that is longer than its queue takes.

    Raises:
        InvalidParameterValue: it is.
    """
    if size > size_max:
        raise InvalidParameterValue(_SIZE_TEXT.format(size=size_max))


def md5_of(data: bytes) -> str:
    """Return the MD5 of a body, as clients compare it."""
    return md5(data, usedforsecurity=False).hexdigest()


def md5_of_attributes(attributes: Iterable[Attribute]) -> str:
    """Return the MD5 of attributes in the order of their names.

    Source: AWS docs, SQS developer guide, "Calculating the MD5 message digest".
    """
    digest = md5(usedforsecurity=False)
    for attribute in attributes:
        for part in (attribute.name.encode(), attribute.type.encode()):
            digest.update(len(part).to_bytes(4, "big") + part)
        transport = b"\x02" if attribute.type.startswith("Binary") else b"\x01"
        digest.update(transport + len(attribute.value).to_bytes(4, "big") + attribute.value)
    return digest.hexdigest()


def md5_of_trace(trace: str) -> str:
    """Return the MD5 of the system attributes."""
    return md5_of_attributes((Attribute(_TRACE_NAME, "String", trace.encode()),))
