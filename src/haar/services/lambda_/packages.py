"""Packages of code: where they come from, what makes one good, where they are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from haar.fabric.sandbox.packages import UNPACKED_BYTES_MAX, BadPackage, PackageTooLarge
from haar.kit.call import Call, Members
from haar.kit.cloud import Cloud
from haar.kit.streams import gather
from haar.services.lambda_ import rules
from haar.services.lambda_.errors import InvalidParameterValue, RequestTooLarge
from haar.services.lambda_.running import Runner
from haar.store.api import Transaction
from haar.store.blobs import Blob
from haar.store.layers import references

T = TypeVar("T")

TOO_LARGE = f"Unzipped size must be smaller than {UNPACKED_BYTES_MAX} bytes"
NO_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."


async def fetch(call: Call[Members], cloud: Cloud, source: Members) -> bytes:
    """Return the package that ``ZipFile`` or ``S3Bucket`` and ``S3Key`` give.

    Raises:
        InvalidParameterValue: neither, or both.
        RequestTooLarge: larger than AWS takes.
        ApiError: whatever S3 refuses the caller with.
    """
    rules.refuse_set(source, call.operation, "ImageUri", "S3ObjectVersion", "SourceKMSKeyArn")
    if source.get("S3ObjectStorageMode", "COPY") != "COPY":
        rules.refuse_set(source, call.operation, "S3ObjectStorageMode")
    archive: bytes | None = source.get("ZipFile")
    bucket, name = source.get("S3Bucket"), source.get("S3Key")
    if archive is not None and (bucket or name):
        reason = "Please do not provide other FunctionCode parameters when providing a ZipFile."
        raise InvalidParameterValue(reason=reason)
    if archive is None and bucket and name:
        archive = await _from_s3(call, cloud, bucket, name)
    if archive is None:
        raise InvalidParameterValue(reason="Please provide a source for function code.")
    if not archive:
        raise InvalidParameterValue(reason="Uploaded file must be a non-empty zip")
    if len(archive) > rules.ZIP_BYTES_MAX and bucket is None:
        raise RequestTooLarge(size_max=rules.ZIP_BYTES_MAX, operation=call.operation)
    return archive


async def _from_s3(call: Call[Members], cloud: Cloud, bucket: str, name: str) -> bytes:
    members = {"Bucket": bucket, "Key": name}
    found = await cloud.invoke("s3", "GetObject", members, as_=call.principal.arn, scope=call.scope)
    if found.get("ContentLength", 0) > UNPACKED_BYTES_MAX:
        raise InvalidParameterValue(reason=TOO_LARGE)
    return await gather(found["Body"])


async def prove(cloud: Cloud, archive: bytes, code_sha256: str) -> None:
    """Unpack a package: a function may be called Active once that is done.

    Raises:
        InvalidParameterValue: not an archive, or not a safe one, or too large.
    """
    try:
        await cloud.part(Runner).unpack(archive, code_sha256)
    except PackageTooLarge:
        raise InvalidParameterValue(reason=TOO_LARGE) from None
    except BadPackage:
        raise InvalidParameterValue(reason=NO_ZIP) from None


async def keep(cloud: Cloud, archive: bytes) -> Blob:
    """Store a package and return a reference, for :func:`refer` to put in the store."""
    return await cloud.blobs.write(_piece(archive))


async def refer(cloud: Cloud, blob: Blob, body: Callable[[Transaction], T]) -> T:
    """Run the transaction that refers to a new package; remove the package if it is refused."""
    return await references.adopt(cloud.store, cloud.blobs, blob, body)


async def _piece(archive: bytes) -> AsyncIterator[bytes]:
    yield archive
