"""Parts of uploads: sent, listed."""

from __future__ import annotations

from haar.kit.call import Call, Members
from haar.kit.cloud import Cloud
from haar.kit.operation import operation
from haar.services.s3 import contents, integrity, keys, names
from haar.services.s3.described import moment
from haar.services.s3.errors import InvalidRequest
from haar.services.s3.integrity import Claim
from haar.services.s3.listing import page_size
from haar.services.s3.lookup import load_upload, local_bucket
from haar.services.s3.objects import WHERE
from haar.services.s3.reading import refuse_part_number
from haar.services.s3.records import PART, Bucket, Part, Upload
from haar.store.api import Row, Span, Transaction
from haar.store.layers import references


def target(call: Call[Members], tx: Transaction) -> tuple[Bucket, Upload]:
    """Return the upload that a part is for.

    Raises:
        NoSuchUpload: there is none, or it has ended.
        InvalidArgument: a number that no part may have.
    """
    members = call.members
    bucket = local_bucket(call, tx)
    refuse_part_number(members["PartNumber"])
    return bucket, load_upload(tx, bucket, members["Key"], members["UploadId"])


def refuse_algorithm(upload: Upload, claim: Claim) -> None:
    """Refuse a part that brings another checksum than its upload is made with.

    Raises:
        InvalidRequest: another algorithm; or none, where the parts' values are needed.
    """
    is_same = claim.algorithm == upload.algorithm
    if upload.algorithm and not (is_same and (claim.is_made or not upload.is_composite)):
        actual = claim.algorithm.lower() if claim.is_made else "null"
        text = (
            "Checksum Type mismatch occurred, expected checksum Type: "
            f"{upload.algorithm.lower()}, actual checksum Type: {actual}"
        )
        raise InvalidRequest(text)


@operation(
    "UploadPart",
    members=f"{WHERE} Body ContentLength UploadId PartNumber {integrity.CLAIMED}",
    resource=names.object_arn,
    action="PutObject",
)
async def upload_part(call: Call[Members], cloud: Cloud) -> Members:
    """Store a part of an upload, in place of an earlier one of its number.

    Keys: reads ``bucket``, ``upload``; writes ``part``.

    Raises:
        NoSuchUpload: there is none, or it has ended.
        BadDigest: the body is not the one that was claimed.
        EntityTooLarge: more than 5 GiB.

    Source: AWS docs, S3 API reference, UploadPart.
    """
    _, upload = cloud.read(lambda tx: target(call, tx))
    stream = contents.body_of(call.members)
    default = upload.algorithm or integrity.DEFAULT
    claim = integrity.claim_of(call.members, stream, default)
    refuse_algorithm(upload, claim)
    stored = await contents.store(cloud, stream, claim)
    part = Part(stored.blob, stored.md5, stored.checksum, call.now_ms)
    await references.adopt(
        cloud.store, cloud.blobs, stored.blob, lambda tx: replace(call, tx, part)
    )
    return {"ETag": f'"{part.md5.hex()}"', **told_checksum(part)}


def told_checksum(part: Part) -> Members:
    """Return a part's checksum as members of an answer; parts have no kind of checksum."""
    return {f"Checksum{part.checksum.algorithm}": part.checksum.value}


def replace(call: Call[Members], tx: Transaction, part: Part) -> None:
    """Put a part in place of the one of its number, if any.

    Raises:
        NoSuchUpload: the upload has ended meanwhile.
    """
    target(call, tx)
    row = keys.part(call.members["UploadId"], call.members["PartNumber"])
    raw = tx.get(row)
    if raw is not None:
        contents.discard(tx, [PART.decode(raw).blob], call.now_ms)
    tx.put(row, PART.encode(part))


@operation(
    "ListParts",
    members=f"{WHERE} UploadId MaxParts PartNumberMarker",
    resource=names.object_arn,
    action="ListMultipartUploadParts",
    readonly=True,
)
def list_parts(call: Call[Members], tx: Transaction) -> Members:
    """List the parts of an upload that have come, by number, a page at a time.

    Keys: reads ``bucket``, ``upload``, ``part``.

    Raises:
        NoSuchUpload: there is none, or it has ended.

    Source: AWS docs, S3 API reference, ListParts.
    """
    members = call.members
    bucket = local_bucket(call, tx)
    upload_id = members["UploadId"]
    upload = load_upload(tx, bucket, members["Key"], upload_id)
    size = page_size(members, "MaxParts", "max-parts")
    marker = max(0, members.get("PartNumberMarker", 0))
    span = Span(keys.part(upload_id, marker) + b"\x00", keys.parts(upload_id).end)
    rows = list(tx.scan(span, limit=size + 1))
    owner = {"ID": names.canonical_id(bucket.account)}
    result: Members = {
        "Bucket": members["Bucket"],
        "Key": members["Key"],
        "UploadId": upload_id,
        "PartNumberMarker": marker,
        "NextPartNumberMarker": keys.part_number(rows[:size][-1].key) if rows[:size] else 0,
        "MaxParts": size,
        "IsTruncated": len(rows) > size > 0,
        "Parts": [listed(row) for row in rows[:size]],
        "Initiator": owner,
        "Owner": owner,
        "StorageClass": "STANDARD",
    }
    return result | told_kind(upload)


def listed(row: Row) -> Members:
    """Return a part as it stands in a list."""
    part = PART.decode(row.value)
    return {
        "PartNumber": keys.part_number(row.key),
        "LastModified": moment(part.modified_ms),
        "ETag": f'"{part.md5.hex()}"',
        "Size": part.blob.size,
        **told_checksum(part),
    }


def told_kind(upload: Upload) -> Members:
    """Return which checksum an upload is made with, if its client named one."""
    if not upload.algorithm:
        return {}
    kind = "COMPOSITE" if upload.is_composite else "FULL_OBJECT"
    return {"ChecksumAlgorithm": upload.algorithm, "ChecksumType": kind}
