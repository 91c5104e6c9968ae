"""S3 as exports and imports use it: its public API, in the caller's name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from haar.kernel.errors import ApiError
from haar.kit.call import Members, Scope
from haar.kit.cloud import Cloud
from haar.kit.streams import ByteStream

_FAILURES = {
    "NoSuchBucket": "S3NoSuchBucket",
    "NoSuchKey": "S3NoSuchKey",
    "AccessDenied": "S3AccessDenied",
}


class BucketFailed(Exception):
    """S3 refuses; ``code`` and ``text`` are as exports and imports tell it."""

    def __init__(self, refusal: ApiError) -> None:
        super().__init__(refusal.text)
        self.code = _FAILURES.get(refusal.code, refusal.code)
        self.text = refusal.text


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, in somebody's name.

    Attributes:
        cloud: calls S3.
        name: the bucket's.
        caller: the ARN of who asks.
        scope: account and region.
    """

    cloud: Cloud
    name: str
    caller: str
    scope: Scope

    async def _call(self, operation: str, members: Members) -> Members:
        try:
            return await self.cloud.invoke(
                "s3",
                operation,
                {"Bucket": self.name, **members},
                as_=self.caller,
                scope=self.scope,
            )
        except ApiError as err:
            raise BucketFailed(err) from err

    async def put(self, key: str, body: bytes) -> str:
        """Put an object and return its ETag.

        Raises:
            BucketFailed: S3 refuses.
        """
        answer = await self._call("PutObject", {"Key": key, "Body": body})
        return str(answer["ETag"]).strip('"')

    async def keys(self, prefix: str, after: str) -> AsyncIterator[str]:
        """Yield the keys of the objects below a prefix, after one of them.

        Raises:
            BucketFailed: S3 refuses.
        """
        members: Members = {"Prefix": prefix, **({"StartAfter": after} if after else {})}
        while True:
            page = await self._call("ListObjectsV2", members)
            for found in page.get("Contents", []):
                yield found["Key"]
            if "NextContinuationToken" not in page:
                return
            members = {"Prefix": prefix, "ContinuationToken": page["NextContinuationToken"]}

    async def pieces(self, key: str) -> AsyncIterator[bytes]:
        """Yield the bytes of an object.

        Raises:
            BucketFailed: S3 refuses.
        """
        body: bytes | ByteStream = (await self._call("GetObject", {"Key": key}))["Body"]
        if isinstance(body, bytes):
            yield body
            return
        async for piece in body:
            yield piece
