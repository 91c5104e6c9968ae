"""Which bytes of an object a request wants.

===========================  ==============================================
``Range``                    the answer
===========================  ==============================================
``bytes=a-b``                206; ``b`` behind the end is cut
``bytes=a-``, ``bytes=-n``   206; more than there is, is all of it
behind the end, ``bytes=-0`` 416
any of an empty object       416
anything else                as if there were none: 200
===========================  ==============================================

Source: RFC 9110, section 14; AWS docs, S3 API reference, GetObject: one range only.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from haar.services.s3.errors import InvalidRange

_RANGE = re.compile(r"bytes=(?:(\d+)-(\d*)|-(\d+))")


class Stretch(NamedTuple):
    """Some bytes: from ``start`` (inclusive) to ``end`` (exclusive)."""

    start: int
    end: int

    def told(self, size: int) -> str:
        """Return it as ``Content-Range`` of an object of ``size`` bytes."""
        return f"bytes {self.start}-{self.end - 1}/{size}"


def parse(text: str, size: int) -> Stretch | None:
    """Return what a ``Range`` means for an object of ``size`` bytes; None where it means all.

    Raises:
        InvalidRange: nothing of it is in the object.
    """
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        start, end = max(0, size - int(suffix)), size
    else:
        start, end = int(first), min(size, int(last) + 1 if last else size)
        if last and int(last) < start:
            return None
    if start >= end:
        raise InvalidRange(
            RangeRequested=text,
            ActualObjectSize=size,
            **{"header:Content-Range": f"bytes */{size}"},
        )
    return Stretch(start, end)
