"""Tags of objects, apart from their writing."""

from __future__ import annotations

import msgspec

from haar.kit.call import Call, Members
from haar.kit.operation import operation
from haar.services.s3 import described, keys, names
from haar.services.s3.errors import InvalidTag
from haar.services.s3.lookup import load_object, local_bucket
from haar.services.s3.objects import WHERE
from haar.services.s3.records import OBJECT
from haar.store.api import Transaction


def replace(call: Call[Members], tx: Transaction, tags: dict[str, str]) -> None:
    """Give an object other tags; its entity tag and its time stay.

    Raises:
        NoSuchKey: there is none.
    """
    bucket, key = local_bucket(call, tx), call.members["Key"]
    names.refuse_version(call.members)
    found = load_object(tx, bucket, key)
    said = msgspec.structs.replace(found.described, tags=tags)
    tx.put(
        keys.object_(bucket.id, key), OBJECT.encode(msgspec.structs.replace(found, described=said))
    )


@operation(
    "PutObjectTagging",
    members=f"{WHERE} VersionId Tagging ContentMD5 ChecksumAlgorithm",
    resource=names.object_arn,
)
def put_object_tagging(call: Call[Members], tx: Transaction) -> Members:
    """Replace the tags of an object.

    Keys: reads ``bucket``; reads and writes ``object``.

    Raises:
        NoSuchKey: there is none.
        InvalidTag: a tag that may not be, or a name twice.
        BadRequest: more than ten.

    Source: AWS docs, S3 API reference, PutObjectTagging.
    """
    given: list[Members] = call.members["Tagging"]["TagSet"]
    tags: dict[str, str] = {tag["Key"]: tag["Value"] for tag in given}
    if len(tags) != len(given):
        raise InvalidTag("Cannot provide multiple Tags with the same key")
    replace(call, tx, described.checked_tags(tags))
    return {}


@operation(
    "DeleteObjectTagging",
    members="Bucket Key VersionId ExpectedBucketOwner",
    resource=names.object_arn,
)
def delete_object_tagging(call: Call[Members], tx: Transaction) -> Members:
    """Remove the tags of an object.

    Keys: reads ``bucket``; reads and writes ``object``.

    Raises:
        NoSuchKey: there is none.

    Source: AWS docs, S3 API reference, DeleteObjectTagging.
    """
    replace(call, tx, {})
    return {}


@operation(
    "GetObjectTagging", members=f"{WHERE} VersionId", resource=names.object_arn, readonly=True
)
def get_object_tagging(call: Call[Members], tx: Transaction) -> Members:
    """Tell the tags of an object; none is an empty set.

    Keys: reads ``bucket``, ``object``.

    Raises:
        NoSuchKey: there is none.

    Source: AWS docs, S3 API reference, GetObjectTagging.
    """
    bucket = local_bucket(call, tx)
    names.refuse_version(call.members)
    tags = load_object(tx, bucket, call.members["Key"]).described.tags
    return {"TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]}
