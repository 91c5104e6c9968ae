"""GetObjectAttributes: what is known of an object, its parts among it."""

from __future__ import annotations

from haar.kit.call import Call, Members
from haar.kit.operation import operation
from haar.services.s3 import contents, described, integrity, names
from haar.services.s3.errors import InvalidArgument
from haar.services.s3.listing import PAGE_MAX
from haar.services.s3.lookup import load_object, local_bucket
from haar.services.s3.objects import WHERE
from haar.services.s3.records import Content, Object
from haar.store.api import Transaction

_KNOWN = frozenset({"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"})


@operation(
    "GetObjectAttributes",
    members=f"{WHERE} VersionId MaxParts PartNumberMarker ObjectAttributes",
    resource=names.object_arn,
    readonly=True,
)
def get_object_attributes(call: Call[Members], tx: Transaction) -> Members:
    """Tell the attributes that are asked for, without the bytes.

    Keys: reads ``bucket``, ``object``; ``content`` where parts are asked for.

    Raises:
        NoSuchKey: there is none.
        InvalidArgument: an attribute that there is not.

    Source: AWS docs, S3 API reference, GetObjectAttributes.
    """
    members = call.members
    bucket = local_bucket(call, tx)
    names.refuse_version(members)
    asked = frozenset(members["ObjectAttributes"])
    if not asked or asked - _KNOWN:
        text = "Invalid attribute name specified."
        raise InvalidArgument(text, ArgumentName="x-amz-object-attributes")
    found = load_object(tx, bucket, members["Key"])
    known: Members = {
        "ETag": found.etag,
        "StorageClass": "STANDARD",
        "ObjectSize": found.size,
    }
    if found.checksum.algorithm:
        known["Checksum"] = integrity.told(found.checksum)
    if found.parts and "ObjectParts" in asked:
        known["ObjectParts"] = told_parts(members, found, contents.load(tx, bucket, members["Key"]))
    result = {name: value for name, value in known.items() if name in asked}
    return {**result, "LastModified": described.moment(found.modified_ms)}


def told_parts(members: Members, found: Object, content: Content) -> Members:
    """Return a page of an object's parts; each only where its own checksum was kept."""
    size = min(members.get("MaxParts", PAGE_MAX), PAGE_MAX)
    marker = members.get("PartNumberMarker", 0)
    rest = [piece for piece in content.pieces if piece.number > marker]
    page = rest[:size]
    told: Members = {
        "TotalPartsCount": found.parts,
        "PartNumberMarker": marker,
        "NextPartNumberMarker": page[-1].number if page else 0,
        "MaxParts": size,
        "IsTruncated": len(rest) > size,
    }
    if found.checksum.is_composite:
        name = f"Checksum{found.checksum.algorithm}"
        told["Parts"] = [
            {"PartNumber": piece.number, "Size": piece.blob.size, name: piece.checksum}
            for piece in page
        ]
    return told
