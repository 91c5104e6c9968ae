"""Parts of uploads: sent."""

from __future__ import annotations

from haar.kit.call import Call, Members
from haar.kit.cloud import Cloud
from haar.kit.operation import operation
from haar.services.s3 import contents, integrity, keys, names
from haar.services.s3.errors import InvalidRequest
from haar.services.s3.integrity import Claim
from haar.services.s3.lookup import load_upload, local_bucket
from haar.services.s3.objects import WHERE
from haar.services.s3.reading import refuse_part_number
from haar.services.s3.records import PART, Bucket, Part, Upload
from haar.store.api import Transaction
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
    await contents.refer(cloud, stored.blob, lambda tx: replace(call, tx, part))
    return {"ETag": f'"{part.md5.hex()}"', **integrity.told(part.checksum)}


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
    references.refer(tx, part.blob)
    tx.put(row, PART.encode(part))
