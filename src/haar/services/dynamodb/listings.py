"""What hangs on tables (backups, exports, imports): recognised by ARN, listed a page at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Protocol, TypeVar

from haar.kit import pages
from haar.kit.call import Call, Members
from haar.services.dynamodb import texts
from haar.services.dynamodb.errors import Invalid
from haar.store.api import Span

_kind_of = re.compile(
    r"arn:[^:]+:dynamodb:[^:]+:\d{12}:table/[a-zA-Z0-9_.-]{3,255}/(backup|export|import)/[^/]+"
).fullmatch


class Listed(Protocol):
    """Something with an ARN."""

    @property
    def arn(self) -> str:
        """Its ARN."""
        ...


L = TypeVar("L", bound=Listed)


def is_of(arn: str, kind: str) -> bool:
    """Whether an ARN is of a ``backup``, an ``export`` or an ``import``."""
    found = _kind_of(arn)
    return found is not None and found[1] == kind


def start_of(arn: str, kind: str) -> str:
    """Return the ARN after which a page begins; empty for the first one.

    Raises:
        Invalid: the client's token is no such ARN.
    """
    if arn and not is_of(arn, kind):
        raise Invalid(texts.PAGE_START, arn=arn)
    return arn


def rest_of(call: Call[Members], token: str | None, span: Span) -> Span:
    """Return what is left of a span behind a page's token.

    Raises:
        Invalid: haar did not make it for this listing.
    """
    try:
        return pages.rest_of(call, token, span)
    except pages.BadToken:
        raise Invalid(texts.OTHER_PAGE) from None


def page_of(found: Iterator[L], limit: int) -> tuple[list[L], str]:
    """Return the first ones, and the ARN of the last of them if more follow."""
    page = list(islice(found, limit + 1))
    if len(page) <= limit:
        return page, ""
    return page[:limit], page[limit - 1].arn
