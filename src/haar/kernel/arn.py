"""Amazon Resource Names: ``arn:partition:service:region:account:resource``."""

from __future__ import annotations

from typing import NamedTuple


class Arn(NamedTuple):
    """An ARN taken apart. ``resource`` keeps its own colons and slashes."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


class NotAnArn(ValueError):
    """A text that is not an ARN."""


def parse(text: str) -> Arn:
    """Return the parts of ``text``.

    Raises:
        NotAnArn: fewer than six colon-separated parts, or another first part than ``arn``.
    """
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        raise NotAnArn(text)
    return Arn(*parts[1:])


def make(service: str, region: str, account: str, resource: str, partition: str = "aws") -> str:
    """Return the ARN as text."""
    return f"arn:{partition}:{service}:{region}:{account}:{resource}"
