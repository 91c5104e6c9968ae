"""What S3 stores: buckets, objects, their contents, uploads and their parts."""

from __future__ import annotations

import msgspec

from haar.kit.records import Codec
from haar.store.blobs import Blob


class Bucket(msgspec.Struct, frozen=True, array_like=True):
    """A bucket: a hot row, read by every call.

    Attributes:
        name: unique in all of this haar.
        id: random; the keys of its objects begin with it, so that a bucket that is made again
            under the same name is another one.
        account: the owner.
        region: where it is.
        constraint: as it was asked for: empty in us-east-1, ``EU`` for buckets made with that.
        created_ms: when.
    """

    name: str
    id: str
    account: str
    region: str
    constraint: str
    created_ms: int


class Checksum(msgspec.Struct, frozen=True, array_like=True):
    """A checksum that is kept with an object or a part.

    Attributes:
        algorithm: of :mod:`haar.kit.checksums`.
        value: base64; with ``-<parts>`` at the end where it is composite.
        is_composite: made of the parts' values, not of the bytes.
    """

    algorithm: str
    value: str
    is_composite: bool = False


class Described(msgspec.Struct, frozen=True, array_like=True):
    """What a client says of an object, kept with it.

    Attributes:
        headers: AWS's member (``ContentType``, ``CacheControl``, …) → value.
        metadata: lower-case name → value.
        tags: key → value.
    """

    headers: dict[str, str] = {}
    metadata: dict[str, str] = {}
    tags: dict[str, str] = {}


class Object(msgspec.Struct, frozen=True, array_like=True):
    """An object without its bytes.

    Attributes:
        size: in bytes.
        etag: without quotes.
        modified_ms: when it was written.
        described: what its writer said of it.
        checksum: of its bytes, or of its parts.
        parts: how many it was uploaded in; 0 where it came whole.
        has_files: whether its content refers to files.
    """

    size: int
    etag: str
    modified_ms: int
    described: Described
    checksum: Checksum
    parts: int = 0
    has_files: bool = False


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """A stretch of an object's bytes: all of them, or one uploaded part.

    Attributes:
        number: of the part; 1 where the object came whole.
        blob: the bytes.
        checksum: base64, of the part.
    """

    number: int
    blob: Blob
    checksum: str = ""


class Content(msgspec.Struct, frozen=True, array_like=True):
    """An object's bytes: its pieces in order."""

    pieces: tuple[Piece, ...]


class Upload(msgspec.Struct, frozen=True, array_like=True):
    """A multipart upload that has not ended.

    Attributes:
        started_ms: when.
        described: of the object to be.
        algorithm: of the parts' checksums; empty where the client named none.
        is_composite: whether the object's checksum is made of the parts' values.
    """

    started_ms: int
    described: Described
    algorithm: str
    is_composite: bool


class Part(msgspec.Struct, frozen=True, array_like=True):
    """An uploaded part.

    Attributes:
        blob: its bytes.
        md5: 16 bytes.
        checksum: of its bytes.
        modified_ms: when it was uploaded.
    """

    blob: Blob
    md5: bytes
    checksum: Checksum
    modified_ms: int


class Completed(msgspec.Struct, frozen=True, array_like=True):
    """What an upload became, for clients that ask again.

    Attributes:
        listed: a digest of the parts that the client listed.
        etag: of the object.
        checksum: of the object.
    """

    listed: bytes
    etag: str
    checksum: Checksum


class Names(msgspec.Struct, frozen=True, array_like=True):
    """Files to be removed: the payload of a job."""

    names: tuple[str, ...]


BUCKET = Codec(Bucket)
OBJECT = Codec(Object)
CONTENT = Codec(Content)
UPLOAD = Codec(Upload)
PART = Codec(Part)
COMPLETED = Codec(Completed)
NAMES = Codec(Names)
