"""From the names in a request to what is stored: the bucket, its owner, the object."""

from __future__ import annotations

from haar.kit.call import Call, Members
from haar.services.s3 import keys
from haar.services.s3.errors import (
    AccessDenied,
    AuthorizationHeaderMalformed,
    InvalidBucketOwner,
    NoSuchBucket,
    NoSuchKey,
    NoSuchUpload,
)
from haar.services.s3.records import BUCKET, OBJECT, UPLOAD, Bucket, Object, Upload
from haar.store.api import Transaction

_ACCOUNT_DIGITS = 12


def find_bucket(tx: Transaction, name: str) -> Bucket:
    """Return a bucket.

    Raises:
        NoSuchBucket: there is none of that name.
    """
    raw = tx.get(keys.bucket(name))
    if raw is None:
        raise NoSuchBucket(BucketName=name)
    return BUCKET.decode_hot(raw)


def own_bucket(call: Call[Members], tx: Transaction) -> Bucket:
    """Return the bucket that a request names, in any region.

    Raises:
        NoSuchBucket: there is none of that name.
        AccessDenied: it is another account's, or not of the account that the request expects.
        InvalidBucketOwner: the request expects what is no account.
    """
    bucket = find_bucket(tx, call.members["Bucket"])
    expected = call.members.get("ExpectedBucketOwner", bucket.account)
    if len(expected) != _ACCOUNT_DIGITS or not expected.isdecimal():
        raise InvalidBucketOwner
    # The ARN of a bucket names no account: the policy could not see whose it is.
    if bucket.account != call.account or expected != bucket.account:
        raise AccessDenied
    return bucket


def local_bucket(call: Call[Members], tx: Transaction) -> Bucket:
    """Return the bucket that a request names and was signed for.

    Raises:
        AuthorizationHeaderMalformed: the bucket is in another region; says in which.
        ApiError: as :func:`own_bucket`.
    """
    bucket = own_bucket(call, tx)
    if bucket.region != call.region:
        text = (
            f"The authorization header is malformed; the region '{call.region}' is wrong; "
            f"expecting '{bucket.region}'"
        )
        told = {"Region": bucket.region, "header:x-amz-bucket-region": bucket.region}
        raise AuthorizationHeaderMalformed(text, **told)
    return bucket


def find_object(tx: Transaction, bucket: Bucket, key: str) -> Object | None:
    """Return an object without its bytes, or None."""
    raw = tx.get(keys.object_(bucket.id, key))
    return None if raw is None else OBJECT.decode(raw)


def load_object(tx: Transaction, bucket: Bucket, key: str) -> Object:
    """Return an object without its bytes.

    Raises:
        NoSuchKey: there is none.
    """
    found = find_object(tx, bucket, key)
    if found is None:
        raise NoSuchKey(Key=key)
    return found


def load_upload(tx: Transaction, bucket: Bucket, key: str, upload_id: str) -> Upload:
    """Return an upload.

    Raises:
        NoSuchUpload: there is none, or it has ended.
    """
    raw = tx.get(keys.upload(bucket.id, key, upload_id))
    if raw is None:
        raise NoSuchUpload(UploadId=upload_id)
    return UPLOAD.decode(raw)
