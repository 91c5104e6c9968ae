"""What a client says of an object: the stored headers, the user's metadata, the tags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import Header, decode_header, make_header
from urllib.parse import parse_qsl

from haar.kernel.errors import NotImplementedByHaar
from haar.kit.call import Call, Members
from haar.services.s3.errors import (
    AccessControlListNotSupported,
    BadRequest,
    InvalidArgument,
    InvalidStorageClass,
    InvalidTag,
    MetadataTooLarge,
)
from haar.services.s3.records import Described, Object

METADATA_BYTES_MAX = 2048
TAGS_MAX = 10
STORED = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "WebsiteRedirectLocation",
)
"""The members that are kept and told as they were."""

WRITTEN = " ".join(("ACL", "Metadata", "StorageClass", "Tagging", *STORED))
"""The members of an operation that writes an object's description."""

_DEFAULT_TYPE = "binary/octet-stream"
_CLASSES = frozenset(
    {
        "AWS_BACKUP_LOW_COST_WARM",
        "AWS_BACKUP_WARM",
        "DEEP_ARCHIVE",
        "EXPRESS_ONEZONE",
        "FSX_ONTAP",
        "FSX_OPENZFS",
        "GLACIER",
        "GLACIER_IR",
        "INTELLIGENT_TIERING",
        "ONEZONE_IA",
        "OUTPOSTS",
        "REDUCED_REDUNDANCY",
        "SNOW",
        "STANDARD_IA",
    }
)
_TAG_TEXT = re.compile(r"[\w\s+\-=._:/@]*")
_TAGGING_TEXT = (
    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters "
    "without tag name duplicates."
)


def read(call: Call[Members]) -> Described:
    """Return what a request says of the object that it writes.

    Raises:
        AccessControlListNotSupported: it asks for grants.
        InvalidStorageClass: it asks for a class that there is not.
        MetadataTooLarge: more than 2 KiB of metadata.
        InvalidTag: a tag that may not be.
        NotImplementedByHaar: a class of storage that haar does not have.
    """
    members = call.members
    if members.get("ACL", "bucket-owner-full-control") != "bucket-owner-full-control":
        raise AccessControlListNotSupported
    refuse_storage_class(members.get("StorageClass", "STANDARD"), call.operation)
    return Described(
        headers=stored_headers(members),
        metadata=read_metadata(members.get("Metadata", {})),
        tags=read_tagging(members.get("Tagging", "")),
    )


def refuse_storage_class(name: str, operation: str) -> None:
    """Refuse every class but the one that there is.

    Raises:
        InvalidStorageClass: AWS has none of that name either.
        NotImplementedByHaar: AWS has it.
    """
    if name in _CLASSES:
        raise NotImplementedByHaar(what=f"the value {name} of StorageClass of {operation}")
    if name != "STANDARD":
        raise InvalidStorageClass(StorageClassRequested=name)


def stored_headers(members: Members) -> dict[str, str]:
    """Return the headers that are kept; the coding of the transport is none of them."""
    headers = {
        name: http_date(value) if isinstance(value, datetime) else value
        for name in STORED
        if (value := members.get(name))
    }
    codings = [c.strip() for c in headers.pop("ContentEncoding", "").split(",")]
    coding = ",".join(c for c in codings if c and c.lower() != "aws-chunked")
    if coding:
        headers["ContentEncoding"] = coding
    headers.setdefault("ContentType", _DEFAULT_TYPE)
    return headers


def http_date(moment: datetime) -> str:
    """Return a moment as it stands in headers."""
    return moment.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def moment(ms: int) -> datetime:
    """Return a stored time as S3 tells it: to the second."""
    return datetime.fromtimestamp(ms // 1000, UTC)


def read_metadata(given: Mapping[str, str]) -> dict[str, str]:
    """Return the user's metadata as they are kept: names lower case, encoded words decoded.

    Raises:
        MetadataTooLarge: more than 2 KiB.
    """
    found = {name.lower(): decode_words(value) for name, value in given.items()}
    size = sum(len(n.encode()) + len(v.encode()) for n, v in found.items())
    if size > METADATA_BYTES_MAX:
        raise MetadataTooLarge(Size=size, MaxSizeAllowed=METADATA_BYTES_MAX)
    return found


def decode_words(text: str) -> str:
    """Return a value with its encoded words (RFC 2047) decoded, if they can be."""
    if "=?" not in text:
        return text
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, UnicodeDecodeError):
        return text


def encode_words(text: str) -> str:
    """Return a value as a header can carry it: ASCII as it is, anything else encoded."""
    return text if text.isascii() else Header(text, "utf-8", maxlinelen=10_000).encode()


def read_tagging(text: str) -> dict[str, str]:
    """Return the tags of ``x-amz-tagging``: a query string.

    Raises:
        InvalidArgument: not one, or a name twice.
        InvalidTag: a tag that may not be.
    """
    if not text:
        return {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError:
        pairs = [("", "")]
    tags = dict(pairs)
    if len(tags) != len(pairs) or "" in tags:
        raise InvalidArgument(_TAGGING_TEXT, ArgumentName="x-amz-tagging", ArgumentValue=text)
    return checked_tags(tags)


def checked_tags(tags: dict[str, str]) -> dict[str, str]:
    """Return the tags of an object.

    Raises:
        BadRequest: more than ten.
        InvalidTag: a name or a value that may not be.
    """
    if len(tags) > TAGS_MAX:
        raise BadRequest
    for name, value in tags.items():
        if name.lower().startswith("aws:"):
            text = "System tags cannot be added/updated by requester"
            raise InvalidTag(text, TagKey=name)
        if not 1 <= len(name) <= 128 or _TAG_TEXT.fullmatch(name) is None:
            raise InvalidTag("The TagKey you have provided is invalid", TagKey=name)
        if len(value) > 256 or _TAG_TEXT.fullmatch(value) is None:
            raise InvalidTag("The TagValue you have provided is invalid", TagKey=name)
    return tags


def told(found: Object) -> Members:
    """Return what reading an object tells of it, whichever bytes are read."""
    described = found.described
    result: Members = {
        "AcceptRanges": "bytes",
        "LastModified": moment(found.modified_ms),
        "ETag": f'"{found.etag}"',
        **described.headers,
    }
    if described.metadata:
        result["Metadata"] = {n: encode_words(v) for n, v in described.metadata.items()}
    if described.tags:
        result["TagCount"] = len(described.tags)
    return result
