"""Every key that Lambda stores, below ``lambda``.

============================================  =====================================
key                                           value
============================================  =====================================
``function``, account, region, name           :class:`~.records.Function`
``code``, account, region, name               :class:`~.records.Code`
``tags``, account, region, name               :class:`haar.kit.tags.Tags`, if there are any
============================================  =====================================
"""

from __future__ import annotations

from haar.kernel import arn as arns
from haar.store.api import Span
from haar.store.subspace import Subspace

_LAMBDA = Subspace("lambda")
_FUNCTION = "function"


def function(arn: str) -> bytes:
    """Return the key of a function's configuration."""
    return _LAMBDA.pack(_FUNCTION, *_place(arn))


def code(arn: str) -> bytes:
    """Return the key of a function's package."""
    return _LAMBDA.pack("code", *_place(arn))


def tags(arn: str) -> bytes:
    """Return the key of a function's tags."""
    return _LAMBDA.pack("tags", *_place(arn))


def functions(account: str, region: str) -> Span:
    """Return the span of all functions of an account in a region, by name."""
    return _LAMBDA.span(_FUNCTION, account, region)


def _place(arn: str) -> tuple[str, str, str]:
    parts = arns.parse(arn)
    return parts.account, parts.region, parts.resource.split(":")[1]
