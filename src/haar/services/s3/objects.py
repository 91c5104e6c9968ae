"""Objects as they are written and deleted, one at a time."""

from __future__ import annotations

from typing import NamedTuple

from haar.kit.call import Call, Members
from haar.kit.cloud import Cloud
from haar.kit.operation import operation
from haar.services.s3 import conditions, contents, described, integrity, names
from haar.services.s3.errors import ConditionalRequestConflict
from haar.services.s3.lookup import find_object, local_bucket
from haar.services.s3.records import Bucket, Described, Object, Piece
from haar.store.api import Transaction
from haar.store.layers import references

WHERE = "Bucket Key ExpectedBucketOwner RequestPayer"
"""The members of nearly every operation on an object."""


def target(call: Call[Members], tx: Transaction) -> Bucket:
    """Return the bucket that a request wants to write to, with its condition judged early.

    Raises:
        ApiError: no such bucket; a condition that cannot hold.
    """
    bucket = local_bucket(call, tx)
    names.refuse_key(call.members["Key"])
    conditions.refuse_write_form(call.members)
    if "IfMatch" in call.members or "IfNoneMatch" in call.members:
        conditions.refuse_write(call.members, find_object(tx, bucket, call.members["Key"]))
    return bucket


def refuse_gone(call: Call[Members], tx: Transaction, bucket: Bucket) -> None:
    """Refuse to write to a bucket that was deleted while the body came.

    Raises:
        ConditionalRequestConflict: another bucket has its name by now.
        NoSuchBucket: none has.
    """
    if local_bucket(call, tx).id != bucket.id:
        raise ConditionalRequestConflict


class Written(NamedTuple):
    """An object to be put in place, with its bytes."""

    object: Object
    pieces: tuple[Piece, ...]


def whole(call: Call[Members], described: Described, stored: contents.Stored) -> Written:
    """Return the object of a body that came in one piece."""
    made = Object(
        size=stored.blob.size,
        etag=stored.md5.hex(),
        modified_ms=call.now_ms,
        described=described,
        checksum=stored.checksum,
        has_files=bool(stored.blob.name),
    )
    return Written(made, (Piece(1, stored.blob),))


@operation(
    "PutObject",
    members=f"{WHERE} Body ContentLength IfMatch IfNoneMatch {described.WRITTEN} "
    f"{integrity.CLAIMED}",
    resource=names.object_arn,
    needs_task=False,
)
async def put_object(call: Call[Members], cloud: Cloud) -> Members:
    """Store an object: its bytes first, then, in one transaction, the object in place of another.

    Keys: reads ``bucket``; writes ``object``, ``content``.

    Raises:
        NoSuchBucket: there is none of that name.
        BadDigest: the body is not the one that was claimed.
        PreconditionFailed: the condition does not hold.
        EntityTooLarge: more than 5 GiB.

    Source: AWS docs, S3 API reference, PutObject.
    """
    bucket = cloud.read(lambda tx: target(call, tx))
    said = described.read(call)
    stream = contents.body_of(call.members)
    claim = integrity.claim_of(call.members, stream)
    stored = await contents.store(cloud, stream, claim)
    written = whole(call, said, stored)
    await references.adopt(
        cloud.store, cloud.blobs, stored.blob, lambda tx: replace(call, tx, bucket, written)
    )
    return {"ETag": f'"{written.object.etag}"', **integrity.told(stored.checksum)}


def replace(call: Call[Members], tx: Transaction, bucket: Bucket, written: Written) -> None:
    """Put an object in place, if the request's condition holds.

    Raises:
        ApiError: it does not, or the bucket is gone.
    """
    refuse_gone(call, tx, bucket)
    key = call.members["Key"]
    if "IfMatch" in call.members or "IfNoneMatch" in call.members:
        conditions.refuse_write(call.members, find_object(tx, bucket, key))
    contents.put(call, tx, bucket, key, *written)


@operation("DeleteObject", members=f"{WHERE} VersionId IfMatch", resource=names.object_arn)
def delete_object(call: Call[Members], tx: Transaction) -> Members:
    """Delete an object; one that is not there is deleted just as well.

    Keys: reads ``bucket``; clears ``object``, ``content``.

    Raises:
        NoSuchBucket: there is none of that name.
        PreconditionFailed: the object is another than ``If-Match`` says.

    Source: AWS docs, S3 API reference, DeleteObject.
    """
    bucket = local_bucket(call, tx)
    names.refuse_version(call.members)
    key = call.members["Key"]
    if "IfMatch" in call.members:
        conditions.refuse_write(call.members, find_object(tx, bucket, key))
    contents.drop(call, tx, bucket, key)
    return {}
