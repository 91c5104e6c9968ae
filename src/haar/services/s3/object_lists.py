"""Listings of a bucket's objects, in both versions of the operation."""

from __future__ import annotations

from haar.kit import pages
from haar.kit.call import Call, Members
from haar.kit.operation import operation
from haar.services.s3 import keys, names
from haar.services.s3.described import moment
from haar.services.s3.errors import InvalidArgument
from haar.services.s3.listing import (
    Page,
    Walk,
    encode,
    page_size,
    refuse_encoding,
    walk,
)
from haar.services.s3.lookup import local_bucket
from haar.services.s3.names import NULL_VERSION
from haar.services.s3.records import OBJECT, Bucket
from haar.store.api import Row, Transaction

_ASKED = (
    "Bucket Delimiter EncodingType MaxKeys Prefix RequestPayer ExpectedBucketOwner "
    "OptionalObjectAttributes"
)


def asked_walk(bucket: Bucket, members: Members) -> Walk:
    """Return the walk over objects that a request asks for."""
    return Walk(
        below=lambda prefix: keys.objects_below(bucket.id, prefix),
        key_of=keys.object_keys(bucket.id),
        prefix=members.get("Prefix", ""),
        delimiter=members.get("Delimiter", ""),
    )


def behind(bucket: Bucket, asked: Walk, marker: str) -> bytes:
    """Return where a listing begins that has come as far as ``marker``: a key or a prefix."""
    return asked.behind_prefix(marker) or keys.object_(bucket.id, marker) + b"\x00"


def listed(key: str, row: Row, owner: str) -> Members:
    """Return an object as it stands in a list."""
    found = OBJECT.decode(row.value)
    shown: Members = {
        "Key": key,
        "LastModified": moment(found.modified_ms),
        "ETag": f'"{found.etag}"',
        "ChecksumAlgorithm": [found.checksum.algorithm],
        "ChecksumType": "COMPOSITE" if found.checksum.is_composite else "FULL_OBJECT",
        "Size": found.size,
        "StorageClass": "STANDARD",
    }
    if owner:
        shown["Owner"] = {"ID": owner}
    return shown


def result_of(members: Members, page: Page, size: int, owner: str) -> Members:
    """Return what both versions tell of a page."""
    result: Members = {
        "Name": members["Bucket"],
        "Prefix": members.get("Prefix", ""),
        "MaxKeys": size,
        "IsTruncated": bool(page.after),
        "Contents": [listed(key, row, owner) for key, row in page.rows],
        "CommonPrefixes": [{"Prefix": prefix} for prefix in page.prefixes],
    }
    if members.get("Delimiter"):
        result["Delimiter"] = members["Delimiter"]
    return result


@operation(
    "ListObjectsV2",
    members=f"{_ASKED} ContinuationToken FetchOwner StartAfter",
    resource=names.bucket_arn,
    action="ListBucket",
    readonly=True,
)
def list_objects_v2(call: Call[Members], tx: Transaction) -> Members:
    """List objects in the order of their keys' bytes, a page at a time.

    Keys: reads ``bucket``, ``object``.

    Raises:
        NoSuchBucket: there is none of that name.
        InvalidArgument: a token that haar did not make for this bucket.

    Source: AWS docs, S3 API reference, ListObjectsV2.
    """
    members = call.members
    bucket = local_bucket(call, tx)
    refuse_encoding(members)
    size = page_size(members, "MaxKeys", "maxKeys")
    asked = asked_walk(bucket, members)
    page = walk(tx, asked, start_of(call, bucket, asked), size)
    owner = names.canonical_id(bucket.account) if members.get("FetchOwner") else ""
    result = result_of(members, page, size, owner)
    result["KeyCount"] = len(page)
    for name in ("ContinuationToken", "StartAfter"):
        if name in members:
            result[name] = members[name]
    if page.after:
        result["NextContinuationToken"] = pages.make(call, f"{bucket.id}{page.last}".encode())
    return encode(result, members, "Contents")


def start_of(call: Call[Members], bucket: Bucket, asked: Walk) -> bytes:
    """Return where a page begins: at its token, else behind ``StartAfter``, else at the start.

    Raises:
        InvalidArgument: a token that haar did not make for this bucket.
    """
    marker: str = call.members.get("StartAfter", "")
    token: str | None = call.members.get("ContinuationToken")
    if token is not None:
        marker = read_token(call, bucket, token)
    return behind(bucket, asked, marker) if marker else b""


def read_token(call: Call[Members], bucket: Bucket, token: str) -> str:
    """Return the key or the prefix that the page of a token begins behind.

    Raises:
        InvalidArgument: haar did not make it for this bucket.
    """
    try:
        place = pages.parse(call, token).decode()
    except pages.BadToken:
        place = ""
    if not place.startswith(bucket.id):
        text = "The continuation token provided is incorrect"
        raise InvalidArgument(text, ArgumentName="continuation-token")
    return place.removeprefix(bucket.id)


@operation(
    "ListObjects",
    members=f"{_ASKED} Marker",
    resource=names.bucket_arn,
    action="ListBucket",
    readonly=True,
)
def list_objects(call: Call[Members], tx: Transaction) -> Members:
    """List objects as ListObjectsV2 does, in the older form: with markers, and owners always.

    Keys: reads ``bucket``, ``object``.

    Raises:
        NoSuchBucket: there is none of that name.

    Source: AWS docs, S3 API reference, ListObjects.
    """
    members = call.members
    bucket = local_bucket(call, tx)
    refuse_encoding(members)
    size = page_size(members, "MaxKeys", "maxKeys")
    asked = asked_walk(bucket, members)
    marker: str = members.get("Marker", "")
    page = walk(tx, asked, behind(bucket, asked, marker) if marker else b"", size)
    result = result_of(members, page, size, names.canonical_id(bucket.account))
    result["Marker"] = marker
    if page.after and asked.delimiter:
        result["NextMarker"] = page.last
    return encode(result, members, "Contents")


@operation(
    "ListObjectVersions",
    members=f"{_ASKED} KeyMarker VersionIdMarker",
    resource=names.bucket_arn,
    action="ListBucketVersions",
    readonly=True,
)
def list_object_versions(call: Call[Members], tx: Transaction) -> Members:
    """List the one version ``null`` of each object, as AWS does for buckets without versions.

    Keys: reads ``bucket``, ``object``.

    Raises:
        NoSuchBucket: there is none of that name.
        InvalidArgument: a version's marker without a key's.

    Source: AWS docs, S3 API reference, ListObjectVersions.
    """
    members = call.members
    bucket = local_bucket(call, tx)
    refuse_encoding(members)
    size = page_size(members, "MaxKeys", "maxKeys")
    marker: str = members.get("KeyMarker", "")
    if members.get("VersionIdMarker") and not marker:
        text = "A version-id marker cannot be specified without a key marker."
        raise InvalidArgument(text, ArgumentName="version-id-marker")
    asked = asked_walk(bucket, members)
    page = walk(tx, asked, behind(bucket, asked, marker) if marker else b"", size)
    result = result_of(members, page, size, names.canonical_id(bucket.account))
    version = {"VersionId": NULL_VERSION, "IsLatest": True}
    result["Versions"] = [{**one, **version} for one in result.pop("Contents")]
    result |= {"KeyMarker": marker, "VersionIdMarker": members.get("VersionIdMarker", "")}
    if page.after:
        result["NextKeyMarker"] = page.last
        is_row = bool(page.rows) and page.rows[-1][0] == page.last
        result |= {"NextVersionIdMarker": NULL_VERSION} if is_row else {}
    return encode(result, members, "Versions")
