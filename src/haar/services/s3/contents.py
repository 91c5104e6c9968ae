"""The bytes of objects: how they come in, how they are read, when their files go.

A body is stored first, with its files synced; a transaction refers to it after that. The
transaction that drops the last reference schedules a job that removes the files; the job waits for
readers that began before, so that each of them reads the version that it was answered with.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import NamedTuple
from weakref import WeakSet

from haar.fabric import jobs
from haar.kernel.errors import ApiError
from haar.kit.call import Call, Members
from haar.kit.cloud import Cloud
from haar.kit.jobs import Finish, Job, JobKind
from haar.kit.streams import ByteStream, OnePiece
from haar.services.s3 import keys
from haar.services.s3.errors import EntityTooLarge, MissingContentLength
from haar.services.s3.integrity import Claim, Digests
from haar.services.s3.records import (
    CONTENT,
    NAMES,
    OBJECT,
    Bucket,
    Checksum,
    Content,
    Names,
    Object,
    Piece,
)
from haar.store.api import Transaction
from haar.store.blobs import Blob
from haar.store.layers import references

BODY_BYTES_MAX = 5 * 1024**3
_REMOVE_KIND = "s3.remove"
_READER_WAIT_MS = 30_000


class Stored(NamedTuple):
    """A body that is on disk, and not referred to yet."""

    blob: Blob
    md5: bytes
    checksum: Checksum


def body_of(members: Members) -> ByteStream:
    """Return the body of a request.

    Raises:
        EntityTooLarge: more than one call may bring.
        MissingContentLength: nobody says how much it is.
    """
    body: ByteStream | bytes | str = members.get("Body", b"")
    if isinstance(body, str):
        body = body.encode()
    stream = OnePiece(body) if isinstance(body, bytes) else body
    if stream.length is None:
        raise MissingContentLength
    if stream.length > BODY_BYTES_MAX:
        raise EntityTooLarge(ProposedSize=stream.length, MaxSizeAllowed=BODY_BYTES_MAX)
    return stream


async def store(cloud: Cloud, stream: ByteStream, claim: Claim) -> Stored:
    """Store a body, and prove that it is the one that was claimed.

    Raises:
        ApiError: it broke off, or is another.
    """
    digests = Digests(claim)
    blob = await cloud.blobs.write(digests.passing(stream))
    try:
        digests.verify(stream)
    except ApiError:
        await cloud.blobs.remove(blob)
        raise
    return Stored(blob, digests.md5, digests.checksum)


def put(
    call: Call[Members],
    tx: Transaction,
    bucket: Bucket,
    key: str,
    new: Object,
    pieces: tuple[Piece, ...],
) -> None:
    """Store an object in place of the one that is there, if any; its files have references."""
    drop(call, tx, bucket, key)
    tx.put(keys.object_(bucket.id, key), OBJECT.encode(new))
    tx.put(keys.content(bucket.id, key), CONTENT.encode(Content(pieces)))


def drop(call: Call[Members], tx: Transaction, bucket: Bucket, key: str) -> bool:
    """Delete an object, and return whether it was there."""
    row = keys.object_(bucket.id, key)
    raw = tx.get(row)
    if raw is None:
        return False
    if OBJECT.decode(raw).has_files:
        discard(tx, [piece.blob for piece in load(tx, bucket, key).pieces], call.now_ms)
    tx.clear(row)
    tx.clear(keys.content(bucket.id, key))
    return True


def load(tx: Transaction, bucket: Bucket, key: str) -> Content:
    """Return the bytes of an object that is there."""
    raw = tx.get(keys.content(bucket.id, key))
    assert raw is not None, "an object and its content are written together"
    return CONTENT.decode(raw)


def discard(tx: Transaction, blobs: Iterable[Blob], now_ms: int) -> None:
    """Forget some blobs of one content, and have their files removed after the commit."""
    names = tuple(blob.name for blob in blobs if blob.name)
    if not names:
        return
    for name in names:
        references.forget(tx, Blob(0, b"", name))
    payload = NAMES.encode(Names(names))
    jobs.schedule(tx, kind=_REMOVE_KIND, key=names[0], due_ms=now_ms, payload=payload)


class Readings:
    """Who reads files at this moment; the long-lived part of the service.

    A reading is known as long as somebody holds its stream.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._open: WeakSet[Reading] = WeakSet()

    def open(self, content: Content, start: int, end: int) -> Reading:
        """Return a stream of the bytes from ``start`` to ``end`` (exclusive).

        Must be called without waiting after the content was read from the store.
        """
        reading = Reading(self._cloud, content, start, end)
        self._open.add(reading)
        return reading

    def has(self, names: Iterable[str]) -> bool:
        """Whether one of these files is being read."""
        wanted = frozenset(names)
        return any(not wanted.isdisjoint(reading.names) for reading in self._open)


class Reading:
    """A stream of an object's bytes, across its pieces.

    Attributes:
        length: how many bytes.
        names: the files that it reads.
    """

    __slots__ = ("__weakref__", "_cloud", "_content", "_end", "_start", "length", "names")

    def __init__(self, cloud: Cloud, content: Content, start: int, end: int) -> None:
        self._cloud = cloud
        self._content = content
        self._start = start
        self._end = end
        self.length: int | None = end - start
        self.names = frozenset(p.blob.name for p in content.pieces if p.blob.name)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the bytes."""
        at = 0
        for piece in self._content.pieces:
            blob = piece.blob
            start, end = max(self._start - at, 0), min(self._end - at, blob.size)
            if start < end:
                async for data in self._cloud.blobs.read(blob, start=start, length=end - start):
                    yield data
            at += blob.size
            if at >= self._end:
                return


async def remove_files(job: Job, cloud: Cloud) -> Finish | None:
    """Remove files that nothing refers to any more; later, if somebody still reads them."""
    names = NAMES.decode(job.payload).names
    if cloud.part(Readings).has(names):
        due_ms = cloud.clock.now_ms() + _READER_WAIT_MS
        return lambda tx: jobs.schedule(
            tx, kind=job.kind, key=job.key, due_ms=due_ms, payload=job.payload
        )
    for name in names:
        await cloud.blobs.remove(Blob(0, b"", name))
    return None


REMOVE = JobKind(kind=_REMOVE_KIND, handler=remove_files, concurrency=4)
