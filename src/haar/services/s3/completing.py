"""The end of an upload: its parts become an object, in one transaction, and no byte is copied."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise

from haar.fabric import jobs
from haar.kit import checksums
from haar.kit.call import Call, Members
from haar.kit.jobs import Job, JobKind
from haar.kit.operation import operation
from haar.services.s3 import conditions, contents, integrity, keys, names
from haar.services.s3.errors import (
    EntityTooSmall,
    InvalidPart,
    InvalidPartOrder,
    InvalidRequest,
    MalformedXml,
)
from haar.services.s3.lookup import find_object, load_upload, local_bucket
from haar.services.s3.objects import WHERE
from haar.services.s3.reading import PART_NUMBER_MAX
from haar.services.s3.records import (
    COMPLETED,
    PART,
    Bucket,
    Checksum,
    Completed,
    Object,
    Part,
    Piece,
    Upload,
)
from haar.store.api import Transaction

PART_BYTES_MIN = 5 * 1024**2
REMEMBERED_MS = 60 * 60 * 1000
QUOTE = '"'

_FORGET_KIND = "s3.forget"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A part that the client lists, as it was uploaded."""

    number: int
    part: Part


def listed_parts(members: Members) -> list[Members]:
    """Return the parts that the client lists, in ascending order.

    Raises:
        MalformedXml: none, too many, or one without its number or entity tag.
        InvalidPartOrder: they do not ascend.
    """
    given: Members = members.get("MultipartUpload") or {}
    listed: list[Members] = given.get("Parts") or []
    if not 1 <= len(listed) <= PART_NUMBER_MAX:
        raise MalformedXml
    if any("PartNumber" not in part or "ETag" not in part for part in listed):
        raise MalformedXml
    numbers: list[int] = [part["PartNumber"] for part in listed]
    if any(a >= b for a, b in pairwise(numbers)):
        raise InvalidPartOrder(UploadId=members["UploadId"])
    return listed


def choose(members: Members, uploaded: dict[int, Part]) -> list[Chosen]:
    """Return the parts that the client lists, as they were uploaded.

    Raises:
        InvalidPart: one was not, or is another by now.
        EntityTooSmall: one that is not the last has less than 5 MiB.
    """
    chosen: list[Chosen] = []
    for listed in listed_parts(members):
        number, etag = listed["PartNumber"], listed["ETag"].strip('"')
        part = uploaded.get(number)
        if part is None or part.md5.hex() != etag:
            raise InvalidPart(UploadId=members["UploadId"], PartNumber=number, ETag=etag)
        told = listed.get(f"Checksum{part.checksum.algorithm}", part.checksum.value)
        if told != part.checksum.value:
            raise InvalidPart(UploadId=members["UploadId"], PartNumber=number, ETag=etag)
        chosen.append(Chosen(number, part))
    for small in chosen[:-1]:
        if small.part.blob.size < PART_BYTES_MIN:
            raise EntityTooSmall(
                ProposedSize=small.part.blob.size,
                MinSizeAllowed=PART_BYTES_MIN,
                PartNumber=small.number,
                ETag=small.part.md5.hex(),
            )
    return chosen


def etag_of(chosen: list[Chosen]) -> str:
    """Return the entity tag of an object in parts: the MD5 of their MD5s, and how many."""
    md5s = b"".join([one.part.md5 for one in chosen])
    return f"{hashlib.md5(md5s, usedforsecurity=False).hexdigest()}-{len(chosen)}"


def checksum_of(members: Members, upload: Upload, chosen: list[Chosen]) -> Checksum:
    """Return the object's checksum, made of its parts'.

    Raises:
        InvalidPartOrder: a composite one needs parts that are numbered without a gap.
        InvalidPart: it needs the value of each in the list, too.
    """
    if upload.is_composite:
        numbers = [one.number for one in chosen]
        if numbers != list(range(1, len(chosen) + 1)):
            raise InvalidPartOrder(UploadId=members["UploadId"])
        return composite(upload.algorithm, chosen)
    algorithms = {one.part.checksum.algorithm for one in chosen}
    algorithm = algorithms.pop()
    if algorithms or algorithm not in checksums.LINEAR:
        return Checksum("", "")
    return joined(algorithm, chosen)


def composite(algorithm: str, chosen: list[Chosen]) -> Checksum:
    """Return the checksum of the parts' checksums, and how many."""
    digest = checksums.make(algorithm)
    for one in chosen:
        digest.update(checksums.decode(algorithm, one.part.checksum.value) or b"")
    value = f"{checksums.encode(digest.digest())}-{len(chosen)}"
    return Checksum(algorithm, value, is_composite=True)


def joined(algorithm: str, chosen: list[Chosen]) -> Checksum:
    """Return the checksum of all bytes from those of the parts."""
    digest = b""
    for one in chosen:
        part = checksums.decode(algorithm, one.part.checksum.value) or b""
        size = one.part.blob.size
        digest = checksums.combine(algorithm, digest, part, size) if digest else part
    return Checksum(algorithm, checksums.encode(digest))


def refuse_claims(members: Members, upload: Upload, made: Object) -> None:
    """Refuse to end an upload as another object than the client expects.

    Raises:
        InvalidRequest: of another size, or kind of checksum.
        BadDigest: of another checksum.
    """
    size = members.get("MpuObjectSize", made.size)
    if size != made.size:
        text = (
            f"The provided 'x-amz-mp-object-size' header value {size} does not match what was "
            f"computed: {made.size}"
        )
        raise InvalidRequest(text)
    kind = "COMPOSITE" if upload.is_composite else "FULL_OBJECT"
    told = members.get("ChecksumType", kind)
    if told != kind:
        text = (
            f"The upload was created using the {kind} checksum mode. The complete request must "
            "use the same checksum mode."
        )
        raise InvalidRequest(text)
    checksum = made.checksum
    claimed: str = members.get(f"Checksum{checksum.algorithm}", "")
    integrity.refuse_bad(checksum.algorithm, claimed, checksum.value)


@operation(
    "CompleteMultipartUpload",
    members=f"{WHERE} UploadId MpuObjectSize IfMatch IfNoneMatch ChecksumType "
    f"{integrity.MEMBERS} {integrity.PART_MEMBERS}",
    resource=names.object_arn,
    action="PutObject",
)
def complete_multipart_upload(call: Call[Members], tx: Transaction) -> Members:
    """Make an object of the listed parts; parts that are not listed are dropped.

    The same request again tells the same for an hour: its answer may have been lost.

    Keys: reads ``bucket``; clears ``upload``, ``part``; writes ``object``, ``content``,
        ``completed``.

    Raises:
        NoSuchUpload: there is none, or it has ended.
        InvalidPart: a listed part is not there.
        InvalidPartOrder: they do not ascend.
        EntityTooSmall: one that is not the last has less than 5 MiB.
        PreconditionFailed: the condition does not hold.

    Source: AWS docs, S3 API reference, CompleteMultipartUpload.
    """
    members = call.members
    key, upload_id = members["Key"], members["UploadId"]
    bucket = local_bucket(call, tx)
    conditions.refuse_write_form(members)
    row = keys.completed(bucket.id, key, upload_id)
    raw = tx.get(row)
    if raw is not None and COMPLETED.decode(raw).listed == digest_of(members):
        return told(call, COMPLETED.decode(raw))
    upload = load_upload(tx, bucket, key, upload_id)
    uploaded = {
        keys.part_number(row.key): PART.decode(row.value) for row in tx.scan(keys.parts(upload_id))
    }
    chosen = choose(members, uploaded)
    made = made_of(call, upload, chosen)
    refuse_claims(members, upload, made)
    conditions.refuse_write(members, find_object(tx, bucket, key))
    finish(call, tx, bucket, made, chosen, uploaded)
    completed = Completed(digest_of(members), made.etag, made.checksum)
    tx.put(row, COMPLETED.encode(completed))
    due_ms = call.now_ms + REMEMBERED_MS
    jobs.schedule(tx, kind=_FORGET_KIND, key=upload_id, due_ms=due_ms, payload=row)
    return told(call, completed)


def told(call: Call[Members], completed: Completed) -> Members:
    """Return what is told of an upload that has become an object."""
    members = call.members
    return {
        "Location": f"{call.endpoint}/{members['Bucket']}/{members['Key']}",
        "Bucket": members["Bucket"],
        "Key": members["Key"],
        "ETag": f'"{completed.etag}"',
        **integrity.told(completed.checksum),
    }


def digest_of(members: Members) -> bytes:
    """Return a digest of the parts that a client lists, the same for the same list."""
    listed = "".join(f"{p['PartNumber']} {p['ETag'].strip(QUOTE)}\n" for p in listed_parts(members))
    return hashlib.sha256(listed.encode()).digest()


def forget(job: Job, tx: Transaction) -> None:
    """Forget what an upload became."""
    tx.clear(job.payload)


FORGET = JobKind(kind=_FORGET_KIND, apply=forget)


def made_of(call: Call[Members], upload: Upload, chosen: list[Chosen]) -> Object:
    """Return the object that parts become."""
    return Object(
        size=sum(one.part.blob.size for one in chosen),
        etag=etag_of(chosen),
        modified_ms=call.now_ms,
        described=upload.described,
        checksum=checksum_of(call.members, upload, chosen),
        parts=len(chosen),
        has_files=any(one.part.blob.name for one in chosen),
    )


def finish(
    call: Call[Members],
    tx: Transaction,
    bucket: Bucket,
    made: Object,
    chosen: list[Chosen],
    uploaded: dict[int, Part],
) -> None:
    """Put the object in place, end the upload, and drop the parts that were not listed."""
    key, upload_id = call.members["Key"], call.members["UploadId"]
    pieces = tuple(Piece(one.number, one.part.blob, one.part.checksum.value) for one in chosen)
    numbers = {one.number for one in chosen}
    unused = [part.blob for number, part in uploaded.items() if number not in numbers]
    contents.discard(tx, unused, call.now_ms)
    tx.delete(keys.parts(upload_id))
    tx.clear(keys.upload(bucket.id, key, upload_id))
    contents.put(call, tx, bucket, key, made, pieces)
