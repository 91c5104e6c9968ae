"""Objects as they are read: whole, in ranges, by part."""

from __future__ import annotations

from typing import NamedTuple

from haar.kit.call import Call, Members
from haar.kit.cloud import Cloud
from haar.kit.operation import operation
from haar.services.s3 import conditions, contents, described, integrity, names, ranges
from haar.services.s3.contents import Readings
from haar.services.s3.errors import InvalidArgument, InvalidPartNumber, InvalidRequest
from haar.services.s3.lookup import load_object, local_bucket
from haar.services.s3.objects import WHERE
from haar.services.s3.ranges import Stretch
from haar.services.s3.records import Checksum, Content, Object, Piece
from haar.store.api import Transaction

PART_NUMBER_MAX = 10_000
PART_NUMBER_TEXT = "Part number must be an integer between 1 and 10000, inclusive"

_OVERRIDES = {
    "ResponseCacheControl": "CacheControl",
    "ResponseContentDisposition": "ContentDisposition",
    "ResponseContentEncoding": "ContentEncoding",
    "ResponseContentLanguage": "ContentLanguage",
    "ResponseContentType": "ContentType",
    "ResponseExpires": "Expires",
}
_MEMBERS = (
    f"{WHERE} VersionId Range PartNumber ChecksumMode {conditions.READ} {' '.join(_OVERRIDES)}"
)


class Found(NamedTuple):
    """An object, the bytes of it that are wanted, and what is told of both.

    Attributes:
        object: as it is stored.
        content: its bytes; None where nobody needs them.
        stretch: which are wanted.
        result: the answer's members without a body.
    """

    object: Object
    content: Content | None
    stretch: Stretch
    result: Members


@operation("GetObject", members=_MEMBERS, resource=names.object_arn, needs_task=False)
async def get_object(call: Call[Members], cloud: Cloud) -> Members:
    """Return an object, or a range or a part of it, as it was when the request came.

    Keys: reads ``bucket``, ``object``, ``content``.

    Raises:
        NoSuchKey: there is none.
        InvalidRange: the range is behind its end.
        PreconditionFailed: it is another than the client wants.
        NotModified: it is the one that the client has.

    Source: AWS docs, S3 API reference, GetObject.
    """
    found = cloud.read(lambda tx: find(call, tx, needs_content=True))
    content, (start, end) = found.content, found.stretch
    assert content is not None, "asked for"
    if found.object.has_files and end - start > 0:
        # Nothing has waited since the read: the files are still there.
        found.result["Body"] = cloud.part(Readings).open(content, start, end)
    else:
        found.result["Body"] = b"".join([p.blob.inline for p in content.pieces])[start:end]
    return found.result


@operation(
    "HeadObject", members=_MEMBERS, resource=names.object_arn, action="GetObject", readonly=True
)
def head_object(call: Call[Members], tx: Transaction) -> Members:
    """Tell what GetObject would, without the bytes.

    Keys: reads ``bucket``, ``object``; ``content`` where a part is asked for.

    Raises:
        NoSuchKey: there is none.
        InvalidRange: the range is behind its end.
        PreconditionFailed: it is another than the client wants.
        NotModified: it is the one that the client has.

    Source: AWS docs, S3 API reference, HeadObject.
    """
    return find(call, tx, needs_content="PartNumber" in call.members).result


def find(call: Call[Members], tx: Transaction, *, needs_content: bool) -> Found:
    """Return what a request reads, its conditions judged.

    Raises:
        ApiError: the refusals of GetObject.
    """
    members = call.members
    bucket = local_bucket(call, tx)
    names.refuse_version(members)
    refuse_both(members)
    found = load_object(tx, bucket, members["Key"])
    conditions.refuse_read(members, found)
    content = contents.load(tx, bucket, members["Key"]) if needs_content else None
    result = described.told(found)
    stretch = Stretch(0, found.size)
    wanted = ranges.parse(members["Range"], found.size) if "Range" in members else None
    checksum: Checksum | None = found.checksum
    if "PartNumber" in members:
        assert content is not None, "asked for"
        wanted, checksum = part_of(members["PartNumber"], found, content)
        if found.parts:
            result["PartsCount"] = found.parts
    elif wanted is not None and wanted != stretch:
        checksum = None
    if wanted is not None:
        stretch = wanted
        result["ContentRange"] = stretch.told(found.size)
    if checksum is not None and members.get("ChecksumMode") == "ENABLED":
        result |= integrity.told(checksum)
    result["ContentLength"] = stretch.end - stretch.start
    override(result, members)
    return Found(found, content, stretch, result)


def refuse_both(members: Members) -> None:
    """Refuse a range of a part, and a part that cannot be.

    Raises:
        InvalidRequest: both are asked for.
        InvalidArgument: the number is out of bounds.
    """
    if "PartNumber" not in members:
        return
    if "Range" in members:
        text = "Cannot specify both Range header and partNumber query parameter"
        raise InvalidRequest(text)
    refuse_part_number(members["PartNumber"])


def refuse_part_number(number: int) -> None:
    """Refuse a number that no part may have.

    Raises:
        InvalidArgument: it is out of bounds.
    """
    if not 1 <= number <= PART_NUMBER_MAX:
        raise InvalidArgument(PART_NUMBER_TEXT, ArgumentName="partNumber", ArgumentValue=number)


def part_of(number: int, found: Object, content: Content) -> tuple[Stretch | None, Checksum | None]:
    """Return where the nth part of an object is, and the part's checksum.

    Raises:
        InvalidPartNumber: it has fewer.
    """
    count = len(content.pieces)
    if number > count:
        raise InvalidPartNumber(PartNumberRequested=number, ActualPartCount=count)
    start = sum(piece.blob.size for piece in content.pieces[: number - 1])
    piece = content.pieces[number - 1]
    stretch = Stretch(start, start + piece.blob.size)
    if not found.parts:
        return (stretch if found.size else None), found.checksum
    return (stretch if piece.blob.size else None), part_checksum(found, piece)


def part_checksum(found: Object, piece: Piece) -> Checksum | None:
    """Return the checksum of a part, where it was kept."""
    if not piece.checksum:
        return None
    return Checksum(found.checksum.algorithm, piece.checksum, found.checksum.is_composite)


def override(result: Members, members: Members) -> None:
    """Replace headers of the answer by those that the request's query asks for."""
    for asked, name in _OVERRIDES.items():
        if asked in members:
            result[name] = members[asked]
