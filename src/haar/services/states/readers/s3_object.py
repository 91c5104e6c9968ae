"""An S3 object, read in ranges through the S3 API, in the name of the machine's role.

The object is pinned by its ETag when the Map Run begins: one that changes while it is read fails
the run, rather than mixing two versions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from haar.kernel.errors import ApiError
from haar.kit.call import Members, Scope
from haar.kit.cloud import Cloud
from haar.kit.streams import gather
from haar.services.states.readers.items import ReaderFailed

RANGE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Caller:
    """In whose name, and where, S3 is called."""

    cloud: Cloud
    role: str
    scope: Scope

    async def call(self, operation: str, members: Members) -> Members:
        """Call S3.

        Raises:
            ReaderFailed: whatever S3 refuses with.
        """
        try:
            return await self.cloud.invoke(
                "s3", operation, members, as_=self.role, scope=self.scope
            )
        except ApiError as err:
            raise ReaderFailed(f"{err.code}: {err.text}") from err


class S3Object:
    """One object, pinned.

    Args:
        caller: calls S3.
        parameters: Bucket, Key, VersionId as S3 takes them.
        pinned: ``{"size": …, "etag": …}`` of an earlier :meth:`pin`; empty at first.
    """

    def __init__(self, caller: Caller, parameters: dict[str, Any], pinned: dict[str, Any]) -> None:
        self._caller = caller
        self._parameters = parameters
        self.pinned = pinned

    async def pin(self) -> int:
        """Fix the object's version, and return its size in bytes.

        Raises:
            ReaderFailed: it is not there, or may not be read.
        """
        if not self.pinned:
            head = await self._caller.call("HeadObject", dict(self._parameters))
            self.pinned = {"size": head["ContentLength"], "etag": head["ETag"]}
        return int(self.pinned["size"])

    async def pieces(self, start: int) -> AsyncIterator[bytes]:
        """Yield the bytes from ``start`` on, a range at a time.

        Raises:
            ReaderFailed: the object changed, or cannot be read.
        """
        size = await self.pin()
        while start < size:
            end = min(start + RANGE_BYTES, size)
            members = {**self._parameters, "Range": f"bytes={start}-{end - 1}"}
            answer = await self._caller.call("GetObject", members)
            if answer["ETag"] != self.pinned["etag"]:
                raise ReaderFailed("The object changed while it was read.")
            piece = await gather(answer["Body"])
            if len(piece) != end - start:
                raise ReaderFailed("The object ended before its size.")
            yield piece
            start = end
