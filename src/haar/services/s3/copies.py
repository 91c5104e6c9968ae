"""Copies: of an object to an object, of a stretch of one to a part of an upload."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from haar.kit import checksums
from haar.kit.call import Call, Members
from haar.kit.cloud import Cloud
from haar.kit.operation import operation
from haar.kit.streams import ByteStream, OnePiece
from haar.services.s3 import conditions, contents, described, integrity, names, objects, parts
from haar.services.s3.contents import Readings
from haar.services.s3.errors import (
    InvalidArgument,
    InvalidRequest,
    NotModified,
    PreconditionFailed,
)
from haar.services.s3.integrity import Claim
from haar.services.s3.lookup import find_bucket, load_object
from haar.services.s3.ranges import Stretch
from haar.services.s3.records import Content, Described, Object, Part
from haar.store.api import Transaction
from haar.store.layers import references

_SOURCE = (
    "CopySource CopySourceIfMatch CopySourceIfModifiedSince CopySourceIfNoneMatch "
    "CopySourceIfUnmodifiedSince ExpectedSourceBucketOwner"
)
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")
_RANGED_BYTES_MIN = 5 * 1024**2
_SAME_TEXT = (
    "This copy request is illegal because it is trying to copy an object to itself without "
    "changing the object's metadata, storage class, website redirect location or encryption "
    "attributes."
)
_RANGE_TEXT = (
    "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last "
    "are the zero-based offsets of the first and last bytes to copy"
)


class Source(NamedTuple):
    """What is copied."""

    bucket: str
    key: str
    object: Object
    content: Content


def named_source(text: str) -> Members:
    """Return the members that name what ``x-amz-copy-source`` names.

    Raises:
        InvalidArgument: it names no object, or a version that cannot be.
    """
    path, _, query = text.partition("?")
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    if not bucket or not key:
        wrong = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
        raise InvalidArgument(wrong, ArgumentName="x-amz-copy-source", ArgumentValue=text)
    named: Members = {"Bucket": bucket, "Key": key}
    if query.startswith("versionId="):
        named["VersionId"] = query.removeprefix("versionId=")
        names.refuse_version(named)
    return named


async def open_source(call: Call[Members], cloud: Cloud) -> Source:
    """Return the object that is copied, in the caller's own right to read it.

    Raises:
        ApiError: it is not there, may not be read, or is not as the request's conditions say.
    """
    named = named_source(call.members["CopySource"])
    asked = dict(named)
    if "ExpectedSourceBucketOwner" in call.members:
        asked["ExpectedBucketOwner"] = call.members["ExpectedSourceBucketOwner"]
    # The policy decides on the source as if the caller read it.
    await cloud.invoke("s3", "HeadObject", asked, as_=call.principal.arn, scope=call.scope)

    def body(tx: Transaction) -> Source:
        bucket = find_bucket(tx, named["Bucket"])
        found = load_object(tx, bucket, named["Key"])
        refuse_source(call.members, found)
        content = contents.load(tx, bucket, named["Key"])
        return Source(named["Bucket"], named["Key"], found, content)

    return cloud.read(body)


def refuse_source(members: Members, found: Object) -> None:
    """Refuse a copy whose conditions do not hold for its source.

    Raises:
        PreconditionFailed: where a read would be told 304, too.
    """
    prefix = "CopySource"
    wanted = {
        name.removeprefix(prefix): value
        for name, value in members.items()
        if name.startswith(f"{prefix}If")
    }
    try:
        conditions.refuse_read(wanted, found)
    except NotModified:
        raise PreconditionFailed(Condition="x-amz-copy-source-If-None-Match") from None


def stream_of(cloud: Cloud, source: Source, stretch: Stretch) -> ByteStream:
    """Return the bytes that are copied. Nothing may have waited since the source was read."""
    if source.object.has_files:
        return cloud.part(Readings).open(source.content, *stretch)
    inline = b"".join([piece.blob.inline for piece in source.content.pieces])
    return OnePiece(inline[stretch.start : stretch.end])


@operation(
    "CopyObject",
    members=f"{objects.WHERE} {_SOURCE} {described.WRITTEN} ChecksumAlgorithm IfMatch IfNoneMatch "
    "MetadataDirective TaggingDirective",
    resource=names.object_arn,
    action="PutObject",
)
async def copy_object(call: Call[Members], cloud: Cloud) -> Members:
    """Copy an object, with what was said of it or with what this request says.

    Keys: reads ``bucket``, ``object``, ``content``; writes ``object``, ``content``.

    Raises:
        NoSuchKey: there is no such source.
        PreconditionFailed: a condition does not hold.
        InvalidRequest: onto itself with nothing changed; or more than 5 GiB.

    Source: AWS docs, S3 API reference, CopyObject.
    """
    bucket = cloud.read(lambda tx: objects.target(call, tx))
    source = await open_source(call, cloud)
    refuse_same(call.members, source)
    size = source.object.size
    if size > contents.BODY_BYTES_MAX:
        text = "The specified copy source is larger than the maximum allowable size for a copy "
        raise InvalidRequest(f"{text}source: {contents.BODY_BYTES_MAX}")
    stream = stream_of(cloud, source, Stretch(0, size))
    said = copied_description(call, source.object)
    stored = await contents.store(cloud, stream, claim_of(call.members, source.object))
    written = objects.whole(call, said, stored)
    await references.adopt(
        cloud.store, cloud.blobs, stored.blob, lambda tx: objects.replace(call, tx, bucket, written)
    )
    told = {"ETag": f'"{written.object.etag}"', "LastModified": described.moment(call.now_ms)}
    return {"CopyObjectResult": {**told, **integrity.told(stored.checksum)}}


def refuse_same(members: Members, source: Source) -> None:
    """Refuse to copy an object onto itself with nothing changed.

    Raises:
        InvalidRequest: it would be.
    """
    is_same = (source.bucket, source.key) == (members["Bucket"], members["Key"])
    is_changed = (
        members.get("MetadataDirective") == "REPLACE"
        or "WebsiteRedirectLocation" in members
        or "ChecksumAlgorithm" in members
    )
    if is_same and not is_changed:
        raise InvalidRequest(_SAME_TEXT)


def is_replaced(members: Members, name: str) -> bool:
    """Return whether a directive says ``REPLACE``.

    Raises:
        InvalidArgument: it says neither that nor ``COPY``.
    """
    value = members.get(f"{name}Directive", "COPY")
    if value not in {"COPY", "REPLACE"}:
        raise InvalidArgument(
            f"Unknown {name.lower()} directive.",
            ArgumentName=f"x-amz-{name.lower()}-directive",
            ArgumentValue=value,
        )
    return bool(value == "REPLACE")


def copied_description(call: Call[Members], source: Object) -> Described:
    """Return what is said of a copy: the source's, or the request's where it says so."""
    new, old = described.read(call), source.described
    headers, metadata = old.headers, old.metadata
    if is_replaced(call.members, "Metadata"):
        headers, metadata = new.headers, new.metadata
    else:
        place = "WebsiteRedirectLocation"  # is never copied
        headers = {name: value for name, value in headers.items() if name != place}
        headers |= {place: new.headers[place]} if place in new.headers else {}
    tags = new.tags if is_replaced(call.members, "Tagging") else old.tags
    return Described(headers, metadata, tags)


def claim_of(members: Members, source: Object) -> Claim:
    """Return which checksum a copy is kept with: the named one, else the source's."""
    algorithm: str = members.get("ChecksumAlgorithm", source.checksum.algorithm)
    if algorithm and algorithm not in checksums.SIZES:
        raise InvalidRequest("Checksum algorithm provided is unsupported.")
    return Claim(algorithm or integrity.DEFAULT)


@operation(
    "UploadPartCopy",
    members=f"{objects.WHERE} {_SOURCE} CopySourceRange UploadId PartNumber",
    resource=names.object_arn,
    action="PutObject",
)
async def upload_part_copy(call: Call[Members], cloud: Cloud) -> Members:
    """Make a part of an upload from an object, or from a stretch of it.

    Keys: reads ``bucket``, ``upload``, ``object``, ``content``; writes ``part``.

    Raises:
        NoSuchUpload: there is none, or it has ended.
        NoSuchKey: there is no such source.
        InvalidArgument: a range that the source does not have.

    Source: AWS docs, S3 API reference, UploadPartCopy.
    """
    _, upload = cloud.read(lambda tx: parts.target(call, tx))
    source = await open_source(call, cloud)
    stretch = copied_stretch(call.members, source.object.size)
    stream = stream_of(cloud, source, stretch)
    stored = await contents.store(cloud, stream, Claim(upload.algorithm or integrity.DEFAULT))
    part = Part(stored.blob, stored.md5, stored.checksum, call.now_ms)
    await references.adopt(
        cloud.store, cloud.blobs, stored.blob, lambda tx: parts.replace(call, tx, part)
    )
    told: Members = {"ETag": f'"{part.md5.hex()}"', "LastModified": described.moment(call.now_ms)}
    return {"CopyPartResult": told | parts.told_checksum(part)}


def copied_stretch(members: Members, size: int) -> Stretch:
    """Return which bytes of a source become a part.

    Raises:
        InvalidArgument: a range that is none, or that the source does not have.
        InvalidRequest: a range of a source of at most 5 MiB; or more than 5 GiB.
    """
    text: str | None = members.get("CopySourceRange")
    stretch = Stretch(0, size)
    if text is not None:
        found = _RANGE.fullmatch(text)
        if found is None or int(found[1]) > int(found[2]):
            raise InvalidArgument(
                _RANGE_TEXT, ArgumentName="x-amz-copy-source-range", ArgumentValue=text
            )
        stretch = Stretch(int(found[1]), int(found[2]) + 1)
        refuse_beyond(text, stretch, size)
    if stretch.end - stretch.start > contents.BODY_BYTES_MAX:
        wrong = "The specified copy source is larger than the maximum allowable size for a copy "
        raise InvalidRequest(f"{wrong}source: {contents.BODY_BYTES_MAX}")
    return stretch


def refuse_beyond(text: str, stretch: Stretch, size: int) -> None:
    """Refuse a range that its source does not have, or that it may not have.

    Raises:
        InvalidArgument: it ends behind the source.
        InvalidRequest: the source has at most 5 MiB.
    """
    if stretch.end > size:
        raise InvalidArgument(
            f"Range specified is not valid for source object of size: {size}",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=text,
        )
    if size <= _RANGED_BYTES_MIN:
        wrong = "The specified copy source is not supported as a byte-range copy source."
        raise InvalidRequest(wrong)
