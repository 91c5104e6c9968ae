"""Multipart uploads: begun, given up."""

from __future__ import annotations

from haar.kernel.entropy import hex_id
from haar.kit.call import Call, Members
from haar.kit.operation import operation
from haar.services.s3 import contents, described, keys, names
from haar.services.s3.errors import InvalidRequest
from haar.services.s3.integrity import ALGORITHMS
from haar.services.s3.lookup import load_upload, local_bucket
from haar.services.s3.objects import WHERE
from haar.services.s3.records import PART, UPLOAD, Upload
from haar.store.api import Transaction

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
    if algorithm:
        result["ChecksumAlgorithm"] = algorithm
        result["ChecksumType"] = "COMPOSITE" if composite else "FULL_OBJECT"
    return result


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
