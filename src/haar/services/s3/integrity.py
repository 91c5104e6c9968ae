"""Checksums: what a request claims of its body, and what its body really is.

A value comes in a header (a member) or in the trailer of a chunked body. Where nothing is claimed,
CRC64NVME is computed and kept. ``Content-MD5`` is checked, never kept: the MD5 of a body is its
entity tag.

Source: AWS docs, S3 user guide, "Checking object integrity".
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from haar.kernel.errors import NotImplementedByHaar
from haar.kit import checksums
from haar.kit.call import Members
from haar.kit.operation import inside
from haar.kit.streams import ByteStream, TrailedStream
from haar.services.s3.errors import BadDigest, InvalidDigest, InvalidRequest
from haar.services.s3.records import Checksum

DEFAULT = "CRC64NVME"
ALGORITHMS = tuple(checksums.SIZES)
MEMBERS = " ".join(f"Checksum{name}" for name in ALGORITHMS)
"""The members that may carry a value."""

PART_MEMBERS = inside("MultipartUpload.Parts", f"ETag PartNumber {MEMBERS}")
"""What a client may tell of each part when it completes an upload."""

CLAIMED = f"ContentMD5 ChecksumAlgorithm {MEMBERS}"
"""The members that :func:`claim_of` reads."""

_HEADER = "x-amz-checksum-"
_THREAD_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says of its body.

    Attributes:
        algorithm: of the checksum that is computed and kept.
        value: base64, or empty where it comes in a trailer or not at all.
        trailer: the trailer that carries it, or empty.
        md5: 16 bytes, or empty.
    """

    algorithm: str
    value: str = ""
    trailer: str = ""
    md5: bytes = b""

    @property
    def is_made(self) -> bool:
        """Whether the client named a value."""
        return bool(self.value or self.trailer)


def claim_of(members: Members, body: ByteStream | bytes, default: str = DEFAULT) -> Claim:
    """Return what a request says of its body.

    Raises:
        InvalidDigest: ``Content-MD5`` is none.
        InvalidRequest: two checksums, one that is none, or one that was announced and is missing.
    """
    md5 = read_md5(members.get("ContentMD5"))
    trailer = announced(body)
    named = [name for name in ALGORITHMS if f"Checksum{name}" in members]
    if len(named) + bool(trailer) > 1:
        text = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        raise InvalidRequest(text)
    told: str | None = members.get("ChecksumAlgorithm")
    if trailer:
        algorithm = trailer.removeprefix(_HEADER).upper()
        if algorithm not in checksums.SIZES:
            raise NotImplementedByHaar(what=f"the checksum algorithm {algorithm}")
        refuse_other(told, algorithm)
        return Claim(algorithm, trailer=trailer, md5=md5)
    if named:
        refuse_other(told, named[0])
        value: str = members[f"Checksum{named[0]}"]
        refuse_malformed(named[0], value)
        return Claim(named[0], value, md5=md5)
    if told is not None:
        text = (
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
            "x-amz-trailer headers were found."
        )
        raise InvalidRequest(text)
    return Claim(default, md5=md5)


def announced(body: ByteStream | bytes) -> str:
    """Return the name of the trailer that will carry a checksum, or nothing."""
    if not isinstance(body, TrailedStream):
        return ""
    return next((name for name in sorted(body.announced) if name.startswith(_HEADER)), "")


def refuse_other(told: str | None, algorithm: str) -> None:
    """Refuse a request that names one algorithm and sends the value of another.

    Raises:
        InvalidRequest: it does.
    """
    if told is not None and told.upper() != algorithm:
        raise InvalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")


def refuse_malformed(algorithm: str, value: str) -> None:
    """Refuse a value that is none of its algorithm.

    Raises:
        InvalidRequest: it is not.
    """
    if checksums.decode(algorithm, value) is None:
        text = f"Value for {_HEADER}{algorithm.lower()} header is invalid."
        raise InvalidRequest(text)


def read_md5(text: str | None) -> bytes:
    """Return the digest of ``Content-MD5``, or nothing.

    Raises:
        InvalidDigest: not base64 of 16 bytes.
    """
    if text is None:
        return b""
    digest = checksums.decode_md5(text)
    if digest is None:
        raise InvalidDigest(**{"Content-MD5": text})
    return digest


class Digests:
    """The digests of a body while it passes.

    Args:
        claim: what they will be compared with.

    Attributes:
        size: bytes so far.
    """

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._checksum = checksums.make(claim.algorithm)
        self.size = 0

    def _add(self, data: bytes) -> None:
        self._md5.update(data)
        self._checksum.update(data)

    @property
    def md5(self) -> bytes:
        """16 bytes."""
        return self._md5.digest()

    @property
    def checksum(self) -> Checksum:
        """Of the bytes."""
        return Checksum(self._claim.algorithm, checksums.encode(self._checksum.digest()))

    async def passing(self, stream: ByteStream) -> AsyncIterator[bytes]:
        """Yield the stream's bytes in larger pieces, digested: large ones off the loop."""
        waiting: list[bytes] = []
        size = 0
        async for piece in stream:
            waiting.append(piece)
            size += len(piece)
            if size >= _THREAD_BYTES:
                data = b"".join(waiting)
                await asyncio.to_thread(self._add, data)
                self.size += size
                waiting, size = [], 0
                yield data
        if waiting:
            data = b"".join(waiting)
            self._add(data)
            self.size += size
            yield data

    def verify(self, stream: ByteStream) -> None:
        """Compare with the claim, once the stream has ended.

        Raises:
            BadDigest: the body is another.
            InvalidRequest: the trailer's value is none.
        """
        claim, md5 = self._claim, self.md5
        if claim.md5 and claim.md5 != md5:
            raise BadDigest(
                ExpectedDigest=checksums.encode(claim.md5),
                CalculatedDigest=checksums.encode(md5),
            )
        value = claim.value
        if claim.trailer and isinstance(stream, TrailedStream):
            value = stream.trailers.get(claim.trailer, "")
            refuse_malformed(claim.algorithm, value)
        refuse_bad(claim.algorithm, value, self.checksum.value)


def refuse_bad(algorithm: str, claimed: str, computed: str) -> None:
    """Refuse a value that is not the body's.

    Raises:
        BadDigest: another value was claimed.
    """
    if claimed and claimed != computed:
        raise BadDigest(f"The {algorithm} you specified did not match the calculated checksum.")


def told(checksum: Checksum) -> Members:
    """Return a checksum as members of an answer."""
    return {
        f"Checksum{checksum.algorithm}": checksum.value,
        "ChecksumType": "COMPOSITE" if checksum.is_composite else "FULL_OBJECT",
    }
