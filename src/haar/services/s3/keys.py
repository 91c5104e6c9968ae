"""Every key that S3 stores, below ``s3``.

=====================================  ================================================
key                                    value
=====================================  ================================================
``bucket``, name                       :class:`~.records.Bucket`
``count``, account                     how many buckets: a counter
``object``, bucket id, key             :class:`~.records.Object`
``content``, bucket id, key            :class:`~.records.Content`
``upload``, bucket id, key, upload id  :class:`~.records.Upload`
``part``, upload id, number            :class:`~.records.Part`
``completed``, as ``upload``           :class:`~.records.Completed`, for an hour
=====================================  ================================================

Keys of objects sort by their UTF-8 bytes, as listings do. The id of an upload begins with its time,
so that the uploads of one key sort by it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from haar.store.api import Span, after_prefix
from haar.store.subspace import Subspace

_BUCKETS = Subspace("s3", "bucket")
_COUNTS = Subspace("s3", "count")
_OBJECTS = Subspace("s3", "object")
_CONTENTS = Subspace("s3", "content")
_UPLOADS = Subspace("s3", "upload")
_PARTS = Subspace("s3", "part")
_COMPLETED = Subspace("s3", "completed")


@lru_cache(maxsize=1024)
def bucket(name: str) -> bytes:
    """Return the key of a bucket."""
    return _BUCKETS.pack(name)


def buckets() -> Span:
    """Return the span of all buckets, by name."""
    return _BUCKETS.span()


def count(account: str) -> bytes:
    """Return the key of an account's number of buckets."""
    return _COUNTS.pack(account)


def object_(bucket_id: str, key: str) -> bytes:
    """Return the key of an object."""
    return _OBJECTS.pack(bucket_id, key)


def objects(bucket_id: str) -> Span:
    """Return the span of a bucket's objects."""
    return _OBJECTS.span(bucket_id)


def objects_below(bucket_id: str, prefix: str) -> Span:
    """Return the span of the objects whose keys begin with ``prefix``."""
    return _below(_OBJECTS, bucket_id, prefix)


def object_keys(bucket_id: str) -> Callable[[bytes], str]:
    """Return the function from the key of an object's row in a bucket to the object's key."""
    # Listings call it for each row: cutting costs a third of unpacking.
    start = len(_OBJECTS.pack(bucket_id)) + 1

    def key_of(row_key: bytes) -> str:
        return row_key[start:-1].replace(b"\x00\xff", b"\x00").decode()

    return key_of


def content(bucket_id: str, key: str) -> bytes:
    """Return the key of an object's bytes."""
    return _CONTENTS.pack(bucket_id, key)


def upload(bucket_id: str, key: str, upload_id: str) -> bytes:
    """Return the key of an upload."""
    return _UPLOADS.pack(bucket_id, key, upload_id)


def uploads(bucket_id: str) -> Span:
    """Return the span of a bucket's uploads, by key and time."""
    return _UPLOADS.span(bucket_id)


def uploads_of(bucket_id: str, key: str) -> Span:
    """Return the span of the uploads to one key, by time."""
    return _UPLOADS.span(bucket_id, key)


def uploads_below(bucket_id: str, prefix: str) -> Span:
    """Return the span of the uploads to keys that begin with ``prefix``."""
    return _below(_UPLOADS, bucket_id, prefix)


def upload_key(row_key: bytes) -> str:
    """Return the object's key in the key of an upload."""
    return str(_UPLOADS.unpack(row_key)[1])


def upload_id(row_key: bytes) -> str:
    """Return an upload's id from its key."""
    return str(_UPLOADS.unpack(row_key)[2])


def completed(bucket_id: str, key: str, upload_id: str) -> bytes:
    """Return the key of what an upload became."""
    return _COMPLETED.pack(bucket_id, key, upload_id)


def part(upload_id: str, number: int) -> bytes:
    """Return the key of a part."""
    return _PARTS.pack(upload_id, number)


def parts(upload_id: str) -> Span:
    """Return the span of an upload's parts, by number."""
    return _PARTS.span(upload_id)


def part_number(row_key: bytes) -> int:
    """Return the number in the key of a part."""
    number = _PARTS.unpack(row_key)[1]
    assert isinstance(number, int), "the key table says so"
    return number


def _below(space: Subspace, bucket_id: str, prefix: str) -> Span:
    # A packed text ends in a zero byte; without it, it begins every text that begins with it.
    start = space.pack(bucket_id, prefix)[:-1]
    return Span(start, after_prefix(start))
