"""The policy of a browser's upload: what whoever holds the form may store, and until when.

The form's maker signs the base64 text of a JSON document. Every field of the form must meet a
condition of it, and every condition must be met:

==========================================  =================================================
condition                                   is met where
==========================================  =================================================
``{"acl": "private"}``                      the field has that text
``["eq", "$acl", "private"]``               the same
``["starts-with", "$key", "user/ann/"]``    the field's text begins so; each of a content
                                            type's, where commas separate several
``["content-length-range", 1, 1048576]``    the file is not shorter and not longer
==========================================  =================================================

``bucket`` stands for the bucket that is posted to. What proves the form (signature, policy, an
older access key id) needs no condition, nor do the file and fields named ``x-ignore-…``.

Source: AWS docs, S3 API reference, "Creating a POST policy".
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from haar.kernel.errors import RefusedAs

UNCONDITIONAL = frozenset({"policy", "signature", "x-amz-signature", "awsaccesskeyid", "file"})
SIZE_MAX = 5 * 1024**3

_FAILED = "Invalid according to Policy: "


class Sizes(NamedTuple):
    """How long a file may be, in bytes."""

    least: int
    most: int


class Condition(NamedTuple):
    """What one field's text must be.

    Attributes:
        is_prefix: whether ``text`` is only its beginning.
        name: of the field, lower case.
        text: what it must be.
    """

    is_prefix: bool
    name: str
    text: str

    def is_met(self, fields: Mapping[str, str]) -> bool:
        """Return whether the form meets it."""
        told = fields.get(self.name)
        if told is None or not self.is_prefix:
            return told == self.text
        each = told.split(",") if self.name == "content-type" else [told]
        return all(one.strip().startswith(self.text) for one in each)

    def __str__(self) -> str:
        operator = "starts-with" if self.is_prefix else "eq"
        return json.dumps([operator, f"${self.name}", self.text])


class Policy(NamedTuple):
    """A policy that has been read.

    Attributes:
        ends_ms: when the form can no longer be used.
        conditions: of fields.
        sizes: of the file.
    """

    ends_ms: int
    conditions: tuple[Condition, ...]
    sizes: Sizes


def read(encoded: str) -> Policy:
    """Return the policy of its base64 text.

    Raises:
        RefusedAs: it is not one.
    """
    try:
        raw = json.loads(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError, RecursionError) as err:
        raise invalid("Invalid JSON.") from err
    if not isinstance(raw, dict):
        raise invalid("Invalid JSON.")
    document = cast("dict[str, Any]", raw)
    conditions = document.get("conditions")
    if not isinstance(conditions, list):
        raise invalid("Policy missing conditions.")
    sizes = Sizes(0, SIZE_MAX)
    found: list[Condition] = []
    for one in _conditions(cast("list[object]", conditions)):
        if isinstance(one, Sizes):
            sizes = Sizes(max(sizes.least, one.least), min(sizes.most, one.most))
        else:
            found.append(one)
    return Policy(_ends_ms(document.get("expiration")), tuple(found), sizes)


def _ends_ms(told: object) -> int:
    if not isinstance(told, str):
        raise invalid("Policy missing expiration.")
    try:
        moment = datetime.fromisoformat(told)
    except ValueError as err:
        raise invalid(f"Invalid 'expiration' value: '{told}'") from err
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def _conditions(raw: list[object]) -> Iterator[Condition | Sizes]:
    for one in raw:
        if isinstance(one, dict):
            for name, value in cast("dict[str, object]", one).items():
                yield Condition(False, name.lower(), _text(value))  # noqa: FBT003
        elif isinstance(one, list) and len(cast("list[object]", one)) == 3:
            yield _triple(*cast("list[object]", one))
        else:
            raise invalid("Invalid Condition.")


def _triple(operator: object, first: object, second: object) -> Condition | Sizes:
    kind = str(operator).lower()
    if kind == "content-length-range":
        return Sizes(_number(first), _number(second))
    if kind not in {"eq", "starts-with"}:
        raise invalid(f"Unknown operator '{operator}'.")
    name = _text(first)
    if not name.startswith("$"):
        raise invalid(f"Conditional '{name}' must begin with '$'.")
    return Condition(kind == "starts-with", name[1:].lower(), _text(second))


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise invalid("Invalid Simple-Condition: value must be a string.")


def _number(value: object) -> int:
    text = _text(value)
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise invalid("Invalid content-length-range.")
    return int(text)


def check(policy: Policy, fields: Mapping[str, str], now_ms: int) -> None:
    """Return if the form is what the policy allows; the file's size is still to be checked.

    Args:
        policy: as it was signed.
        fields: of the form, with ``bucket``, and with the file's name put in.
        now_ms: the time.

    Raises:
        RefusedAs: it is not, and why.
    """
    if now_ms > policy.ends_ms:
        raise denied("Policy expired.")
    for condition in policy.conditions:
        if not condition.is_met(fields):
            raise denied(f"Policy Condition failed: {condition}")
    known = {condition.name for condition in policy.conditions} | UNCONDITIONAL | {"bucket"}
    extra = [name for name in fields if name not in known and not name.startswith("x-ignore-")]
    if extra:
        raise denied(f"Extra input fields: {', '.join(sorted(extra))}")


def denied(reason: str) -> RefusedAs:
    """Return the refusal of a form that its policy does not allow."""
    return RefusedAs("AccessDenied", _FAILED + reason, status=403)


def invalid(reason: str) -> RefusedAs:
    """Return the refusal of what is no policy."""
    return RefusedAs("InvalidPolicyDocument", f"Invalid Policy: {reason}")
