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
=====================================  ================================================

Keys of objects sort by their UTF-8 bytes, as listings do. The id of an upload begins with its time,
so that the uploads of one key sort by it.
"""

from __future__ import annotations

from haar.store.api import Span, after_prefix
from haar.store.subspace import Subspace

_S3 = Subspace("s3")
_OBJECT = "object"
_UPLOAD = "upload"


def bucket(name: str) -> bytes:
    """Return the key of a bucket."""
    return _S3.pack("bucket", name)


def buckets() -> Span:
    """Return the span of all buckets, by name."""
    return _S3.span("bucket")


def count(account: str) -> bytes:
    """Return the key of an account's number of buckets."""
    return _S3.pack("count", account)


def object_(bucket_id: str, key: str) -> bytes:
    """Return the key of an object."""
    return _S3.pack(_OBJECT, bucket_id, key)


def objects(bucket_id: str) -> Span:
    """Return the span of a bucket's objects."""
    return _S3.span(_OBJECT, bucket_id)


def content(bucket_id: str, key: str) -> bytes:
    """Return the key of an object's bytes."""
    return _S3.pack("content", bucket_id, key)


def upload(bucket_id: str, key: str, upload_id: str) -> bytes:
    """Return the key of an upload."""
    return _S3.pack(_UPLOAD, bucket_id, key, upload_id)


def uploads(bucket_id: str) -> Span:
    """Return the span of a bucket's uploads, by key and time."""
    return _S3.span(_UPLOAD, bucket_id)


def uploads_of(bucket_id: str, key: str) -> Span:
    """Return the span of the uploads to one key, by time."""
    return _S3.span(_UPLOAD, bucket_id, key)


def part(upload_id: str, number: int) -> bytes:
    """Return the key of a part."""
    return _S3.pack("part", upload_id, number)


def parts(upload_id: str) -> Span:
    """Return the span of an upload's parts, by number."""
    return _S3.span("part", upload_id)


def part_number(row_key: bytes) -> int:
    """Return the number in the key of a part."""
    number = _S3.unpack(row_key)[2]
    assert isinstance(number, int), "the key table says so"
    return number


def object_key(row_key: bytes) -> str:
    """Return an object's key from the key of its row, or of its upload's."""
    key = _S3.unpack(row_key)[2]
    assert isinstance(key, str), "the key table says so"
    return key


def upload_id(row_key: bytes) -> str:
    """Return an upload's id from the key of its row."""
    found = _S3.unpack(row_key)[3]
    assert isinstance(found, str), "the key table says so"
    return found


def _begins(kind: str, bucket_id: str, prefix: str) -> bytes:
    # A packed text ends in a zero byte; without it, it begins every text that begins with it.
    return _S3.pack(kind, bucket_id, prefix)[:-1]


def objects_below(bucket_id: str, prefix: str) -> Span:
    """Return the span of the objects whose keys begin with ``prefix``."""
    start = _begins(_OBJECT, bucket_id, prefix)
    return Span(start, after_prefix(start))


def uploads_below(bucket_id: str, prefix: str) -> Span:
    """Return the span of the uploads to keys that begin with ``prefix``."""
    start = _begins(_UPLOAD, bucket_id, prefix)
    return Span(start, after_prefix(start))
