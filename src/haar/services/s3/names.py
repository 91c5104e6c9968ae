"""Names: of buckets and keys, and the ARNs that the policy decides on."""

from __future__ import annotations

import hashlib
import re

from haar.kit.call import Members, Scope
from haar.services.s3.errors import InvalidArgument, InvalidBucketName, KeyTooLong

KEY_BYTES_MAX = 1024
NULL_VERSION = "null"

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def bucket_arn(members: Members, scope: Scope) -> str:
    """Return the ARN of the bucket that a request names."""
    return f"arn:{scope.partition}:s3:::{members['Bucket']}"


def object_arn(members: Members, scope: Scope) -> str:
    """Return the ARN of the object that a request names."""
    return f"arn:{scope.partition}:s3:::{members['Bucket']}/{members['Key']}"


def refuse_bucket_name(name: str) -> None:
    """Refuse a name that a new bucket may not have.

    Raises:
        InvalidBucketName: it breaks one of AWS's rules.

    Source: AWS docs, S3 user guide, "General purpose bucket naming rules".
    """
    is_good = (
        _BUCKET.fullmatch(name) is not None
        and ".." not in name
        and _ADDRESS.fullmatch(name) is None
        and not name.startswith(_PREFIXES)
        and not name.endswith(_SUFFIXES)
    )
    if not is_good:
        raise InvalidBucketName(BucketName=name)


def refuse_key(key: str) -> None:
    """Refuse a key that is too long.

    Raises:
        KeyTooLong: more than 1,024 bytes of UTF-8.
    """
    # A text has at most four bytes a character: most keys need no encoding to be measured.
    if len(key) > KEY_BYTES_MAX // 4:
        size = len(key.encode())
        if size > KEY_BYTES_MAX:
            raise KeyTooLong(Size=size, MaxSizeAllowed=KEY_BYTES_MAX)


def refuse_version(members: Members) -> None:
    """Refuse a version's id: objects have the one version ``null``.

    Raises:
        InvalidArgument: any other.
    """
    version = members.get("VersionId", NULL_VERSION)
    if version != NULL_VERSION:
        text = (
            "Invalid version id specified" if version else "Version id cannot be the empty string"
        )
        raise InvalidArgument(text, ArgumentName="versionId", ArgumentValue=version)


def canonical_id(account: str) -> str:
    """Return the canonical user id of an account: 64 hexadecimal digits, always the same."""
    return hashlib.sha256(f"canonical user of {account}".encode()).hexdigest()
