"""Many objects deleted by one request."""

from __future__ import annotations

from collections.abc import Sequence

from haar.kernel.errors import ApiError
from haar.kit.call import Call, Members, Scope
from haar.kit.operation import operation
from haar.services.s3 import conditions, contents, names
from haar.services.s3.errors import MalformedXml
from haar.services.s3.lookup import find_object, local_bucket
from haar.services.s3.records import Bucket
from haar.store.api import Transaction

KEYS_MAX = 1000


def object_arns(members: Members, scope: Scope) -> Sequence[str]:
    """Return the ARNs of all objects that a request names; the bucket's where it names none."""
    named: list[Members] = members["Delete"]["Objects"]
    arns = [names.object_arn({**members, "Key": one["Key"]}, scope) for one in named]
    return arns or [names.bucket_arn(members, scope)]


@operation(
    "DeleteObjects",
    members="Bucket Delete ExpectedBucketOwner RequestPayer ChecksumAlgorithm",
    resource=object_arns,
    action="DeleteObject",
)
def delete_objects(call: Call[Members], tx: Transaction) -> Members:
    """Delete up to 1,000 objects; what cannot be deleted is told, each with its reason.

    Keys: reads ``bucket``; clears ``object``, ``content``.

    Raises:
        NoSuchBucket: there is none of that name.
        MalformedXml: none, or more than 1,000 keys.

    Source: AWS docs, S3 API reference, DeleteObjects.
    """
    asked: Members = call.members["Delete"]
    if not 1 <= len(asked["Objects"]) <= KEYS_MAX:
        raise MalformedXml
    bucket = local_bucket(call, tx)
    deleted: list[Members] = []
    errors: list[Members] = []
    for one in asked["Objects"]:
        shown = {name: one[name] for name in ("Key", "VersionId") if name in one}
        try:
            delete(call, tx, bucket, one)
            deleted.append(shown)
        except ApiError as refusal:
            errors.append({**shown, "Code": refusal.code, "Message": refusal.text})
    return {"Deleted": [] if asked.get("Quiet") else deleted, "Errors": errors}


def delete(call: Call[Members], tx: Transaction, bucket: Bucket, one: Members) -> None:
    """Delete one of the objects.

    Raises:
        ApiError: it may not be.
    """
    names.refuse_key(one["Key"])
    names.refuse_version(one)
    if "ETag" in one:
        wanted = {"Key": one["Key"], "IfMatch": one["ETag"]}
        conditions.refuse_write(wanted, find_object(tx, bucket, one["Key"]))
    if "LastModifiedTime" in one or "Size" in one:
        # Only directory buckets take these.
        raise MalformedXml
    contents.drop(call, tx, bucket, one["Key"])
