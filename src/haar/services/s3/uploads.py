"""Multipart uploads: begun, listed, given up."""

from __future__ import annotations

from haar.kernel.entropy import hex_id
from haar.kit.call import Call, Members
from haar.kit.operation import operation
from haar.services.s3 import contents, described, keys, names
from haar.services.s3.described import moment
from haar.services.s3.errors import InvalidRequest
from haar.services.s3.integrity import ALGORITHMS
from haar.services.s3.listing import Page, Walk, encode, page_size, refuse_encoding, walk
from haar.services.s3.lookup import load_upload, local_bucket
from haar.services.s3.objects import WHERE
from haar.services.s3.parts import told_kind
from haar.services.s3.records import PART, UPLOAD, Bucket, Upload
from haar.store.api import Row, Transaction

_FULL_ONLY = frozenset({"CRC64NVME"})
_EITHER = frozenset({"CRC32", "CRC32C"})
_TIME_DIGITS = 12
_ID_DIGITS = 32


def new_id(call: Call[Members]) -> str:
    """Return the id of a new upload: its time first, so that uploads sort by it."""
    return f"{call.now_ms:0{_TIME_DIGITS}x}{hex_id(call.entropy, _ID_DIGITS)}"


def is_composite(members: Members) -> bool:
    """Return whether the object's checksum is to be made of its parts' values.

    Raises:
        InvalidRequest: a kind without an algorithm, or one that the algorithm has not.
    """
    algorithm: str = members.get("ChecksumAlgorithm", "")
    kind: str = members.get("ChecksumType", "")
    if not algorithm:
        if kind:
            text = "The x-amz-checksum-type header can only be used with the "
            raise InvalidRequest(f"{text}x-amz-checksum-algorithm header.")
        return False
    if algorithm not in ALGORITHMS:
        raise InvalidRequest("Checksum algorithm provided is unsupported.")
    default = "FULL_OBJECT" if algorithm in _FULL_ONLY else "COMPOSITE"
    kind = kind or default
    if kind != default and algorithm not in _EITHER:
        text = f"The {kind} checksum type cannot be used with the {algorithm.lower()} "
        raise InvalidRequest(f"{text}checksum algorithm.")
    return kind == "COMPOSITE"


@operation(
    "CreateMultipartUpload",
    members=f"{WHERE} {described.WRITTEN} ChecksumAlgorithm ChecksumType",
    resource=names.object_arn,
    action="PutObject",
)
def create_multipart_upload(call: Call[Members], tx: Transaction) -> Members:
    """Begin an object that comes in parts; what is said of it here holds at the end.

    Keys: reads ``bucket``; writes ``upload``.

    Raises:
        NoSuchBucket: there is none of that name.
        InvalidRequest: a checksum that cannot be.

    Source: AWS docs, S3 API reference, CreateMultipartUpload.
    """
    members = call.members
    bucket = local_bucket(call, tx)
    names.refuse_key(members["Key"])
    composite = is_composite(members)
    algorithm: str = members.get("ChecksumAlgorithm", "")
    upload = Upload(call.now_ms, described.read(call), algorithm, composite)
    upload_id = new_id(call)
    tx.put(keys.upload(bucket.id, members["Key"], upload_id), UPLOAD.encode(upload))
    result = {"Bucket": members["Bucket"], "Key": members["Key"], "UploadId": upload_id}
    return result | told_kind(upload)


@operation("AbortMultipartUpload", members=f"{WHERE} UploadId", resource=names.object_arn)
def abort_multipart_upload(call: Call[Members], tx: Transaction) -> Members:
    """Give an upload up, with its parts.

    Keys: reads ``bucket``; clears ``upload``, ``part``.

    Raises:
        NoSuchUpload: there is none, or it has ended.

    Source: AWS docs, S3 API reference, AbortMultipartUpload.
    """
    members = call.members
    bucket = local_bucket(call, tx)
    upload_id = members["UploadId"]
    load_upload(tx, bucket, members["Key"], upload_id)
    parts = [PART.decode(row.value).blob for row in tx.scan(keys.parts(upload_id))]
    contents.discard(tx, parts, call.now_ms)
    tx.delete(keys.parts(upload_id))
    tx.clear(keys.upload(bucket.id, members["Key"], upload_id))
    return {}


@operation(
    "ListMultipartUploads",
    members="Bucket Delimiter EncodingType KeyMarker MaxUploads Prefix UploadIdMarker "
    "ExpectedBucketOwner RequestPayer",
    resource=names.bucket_arn,
    action="ListBucketMultipartUploads",
    readonly=True,
)
def list_multipart_uploads(call: Call[Members], tx: Transaction) -> Members:
    """List the uploads that have not ended, by key and then by time, a page at a time.

    Keys: reads ``bucket``, ``upload``.

    Raises:
        NoSuchBucket: there is none of that name.

    Source: AWS docs, S3 API reference, ListMultipartUploads.
    """
    members = call.members
    bucket = local_bucket(call, tx)
    refuse_encoding(members)
    size = page_size(members, "MaxUploads", "max-uploads")
    asked = Walk(
        below=lambda prefix: keys.uploads_below(bucket.id, prefix),
        key_of=keys.upload_key,
        prefix=members.get("Prefix", ""),
        delimiter=members.get("Delimiter", ""),
    )
    page = walk(tx, asked, start_of(bucket, asked, members), size)
    result: Members = {
        "Bucket": members["Bucket"],
        "KeyMarker": members.get("KeyMarker", ""),
        "UploadIdMarker": members.get("UploadIdMarker", ""),
        "Prefix": members.get("Prefix", ""),
        "MaxUploads": size,
        "IsTruncated": bool(page.after),
        "Uploads": [listed(key, row, bucket) for key, row in page.rows],
        "CommonPrefixes": [{"Prefix": prefix} for prefix in page.prefixes],
    }
    if asked.delimiter:
        result["Delimiter"] = asked.delimiter
    return encode(result | next_of(page), members, "Uploads")


def start_of(bucket: Bucket, asked: Walk, members: Members) -> bytes:
    """Return where a page begins: behind the key marker, or behind one upload to it."""
    marker: str = members.get("KeyMarker", "")
    if not marker:
        return b""
    upload_id: str = members.get("UploadIdMarker", "")
    if upload_id:
        return keys.upload(bucket.id, marker, upload_id) + b"\x00"
    return asked.behind_prefix(marker) or keys.uploads_of(bucket.id, marker).end


def listed(key: str, row: Row, bucket: Bucket) -> Members:
    """Return an upload as it stands in a list."""
    upload = UPLOAD.decode(row.value)
    owner = {"ID": names.canonical_id(bucket.account)}
    return {
        "Key": key,
        "UploadId": keys.upload_id(row.key),
        "Initiator": owner,
        "Owner": owner,
        "StorageClass": "STANDARD",
        "Initiated": moment(upload.started_ms),
        **told_kind(upload),
    }


def next_of(page: Page) -> Members:
    """Return the markers of the next page, if there is one."""
    if not page.after:
        return {}
    is_row = bool(page.rows) and page.rows[-1][0] == page.last
    upload_id = keys.upload_id(page.rows[-1][1].key) if is_row else ""
    return {"NextKeyMarker": page.last, "NextUploadIdMarker": upload_id}
