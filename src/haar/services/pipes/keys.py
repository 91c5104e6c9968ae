"""Every key that Pipes stores, below ``pipes``.

============================================  =====================================
key                                           value
============================================  =====================================
``pipe``, account, region, name               :class:`~.records.Pipe`
============================================  =====================================

What a pipe must do next is a job (:mod:`.workers`) under its ARN.
"""

from __future__ import annotations

from haar.kernel import arn as arns
from haar.store.api import Span
from haar.store.subspace import Subspace

_PIPES = Subspace("pipes")
_PIPE = "pipe"


def pipe(arn: str) -> bytes:
    """Return the key of a pipe."""
    parts = arns.parse(arn)
    return _PIPES.pack(_PIPE, parts.account, parts.region, parts.resource.partition("/")[2])


def pipes(account: str, region: str) -> Span:
    """Return the span of all pipes of an account in a region, by name."""
    return _PIPES.span(_PIPE, account, region)


def name_of(key: bytes) -> str:
    """Return the name of a pipe from its key."""
    name = _PIPES.unpack(key)[3]
    assert isinstance(name, str), "the key table says so"
    return name


def place(account: str, region: str, name: str) -> bytes:
    """Return the key of a pipe by its name."""
    return _PIPES.pack(_PIPE, account, region, name)
