r"""Numbers: 38 decimal digits, magnitudes from 1E-130 to 9.99…E+125.

A number is kept as its *normal form*: plain decimal text without exponent, plus sign, or needless
zeros, so that equal numbers have equal texts. In keys it is written to sort by value:

=========  =========================================================================
number     bytes, with value = 0.d1d2d3… * 10^e and d1 ≠ 0
=========  =========================================================================
negative   ``01``, FF - (e + 129), each digit pair as FF - (pair + 1), ``FF``
zero       ``02``
positive   ``03``, e + 129, each digit pair (binary-coded decimal) + 1, ``00``
=========  =========================================================================

No such key is a prefix of another, so whatever follows cannot disturb the order.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

from haar.services.dynamodb import texts
from haar.services.dynamodb.errors import Invalid

DIGITS_MAX = 38
_ADJUSTED_MAX = 125
_ADJUSTED_MIN = -130
_EXPONENT_OFFSET = 129

_is_normal = re.compile(r"-?[1-9][0-9]{0,37}|0").fullmatch
_parse = re.compile(r"([+-]?)([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]+))?").fullmatch
_exact = Context(prec=DIGITS_MAX, traps=[Inexact, InvalidOperation, Overflow])

_RISING = bytes((b + 1) & 0xFF for b in range(256))
_FALLING = bytes((0xFE - b) & 0xFF for b in range(256))


def normal(text: str) -> str:
    """Return the normal form of a number.

    Raises:
        Invalid: not a number, too large, too small, or of more than 38 digits.
    """
    # Text in the form already is nearly all that is sent.
    if _is_normal(text) and len(text) < DIGITS_MAX:
        return text
    found = _parse(text)
    if found is None or not (found[2] or found[3]):
        raise Invalid(texts.NOT_A_NUMBER, value=text) if text else Invalid(texts.NUMBER_EMPTY)
    sign, whole, fraction, exponent = found.groups()
    digits = (whole + fraction).lstrip("0")
    power = _bounded(exponent) - len(fraction)
    _check_magnitude(power + max(len(digits), 1) - 1)
    if not digits:
        return "0"
    trimmed = digits.rstrip("0")
    if len(trimmed) > DIGITS_MAX:
        raise Invalid(texts.NUMBER_TOO_PRECISE)
    plain = _plain(trimmed, power + len(digits) - len(trimmed))
    return "-" + plain if sign == "-" else plain


def _bounded(exponent: str | None) -> int:
    """Return an exponent; one that is far out of range stays so without its length's cost."""
    if exponent is None:
        return 0
    far = int(exponent.lstrip("+-0")[:9] or "0")
    return -far if exponent[0] == "-" else far


def _check_magnitude(adjusted: int) -> None:
    # Zero is held to it, too: AWS refuses 0e126 and takes 0.0e126.
    if adjusted > _ADJUSTED_MAX:
        raise Invalid(texts.NUMBER_OVERFLOW)
    if adjusted < _ADJUSTED_MIN:
        raise Invalid(texts.NUMBER_UNDERFLOW)


def _plain(digits: str, power: int) -> str:
    if power >= 0:
        return digits + "0" * power
    point = len(digits) + power
    if point > 0:
        return f"{digits[:point]}.{digits[point:]}"
    return f"0.{'0' * -point}{digits}"


def size_bytes(text: str) -> int:
    """Return what AWS counts for a number in normal form: half a byte a digit, one, the sign."""
    digits = len(text.lstrip("-0.").rstrip("0").replace(".", ""))
    return 1 + (digits + 1) // 2 + (text[0] == "-")


def sortable(text: str) -> bytes:
    """Return the key of a number in normal form."""
    if text == "0":
        return b"\x02"
    whole, _, fraction = text.lstrip("-").partition(".")
    if whole == "0":
        digits = fraction.lstrip("0")
        exponent = len(digits) - len(fraction)
    else:
        digits = (whole + fraction).rstrip("0")
        exponent = len(whole)
    place = exponent + _EXPONENT_OFFSET
    packed = bytes.fromhex(digits + "0" if len(digits) & 1 else digits)
    if text[0] == "-":
        return bytes((1, 0xFF - place)) + packed.translate(_FALLING) + b"\xff"
    return bytes((3, place)) + packed.translate(_RISING) + b"\x00"


def plus(left: str, right: str) -> str:
    """Return the sum of two numbers.

    Raises:
        Invalid: it cannot be told in 38 digits, or is out of range.
    """
    # Counters are nearly all that is added to.
    if len(left) + len(right) < DIGITS_MAX and "." not in left and "." not in right:
        return str(int(left) + int(right))
    try:
        return normal(format(_exact.add(Decimal(left), Decimal(right)), "f"))
    except (Inexact, Overflow) as error:
        raise Invalid(texts.NUMBER_OVERFLOW) from error


def minus(left: str, right: str) -> str:
    """Return the difference of two numbers.

    Raises:
        Invalid: it cannot be told in 38 digits, or is out of range.
    """
    return plus(left, right[1:] if right[0] == "-" else "-" + right)
