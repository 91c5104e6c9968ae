"""Conditions of requests on the entity tag and the time of an object.

Reads, in this order: ``If-Match``; ``If-Unmodified-Since`` unless that was given;
``If-None-Match``; ``If-Modified-Since`` unless that was given. The first pair fails
with 412, the second with 304.

Source: AWS docs, S3 API reference, GetObject; S3 user guide, "Conditional writes".
"""

from __future__ import annotations

from typing import Any

from haar.kernel.errors import NotImplementedByHaar
from haar.kit.call import Members
from haar.services.s3.described import moment
from haar.services.s3.errors import InvalidRequest, NoSuchKey, NotModified, PreconditionFailed
from haar.services.s3.records import Object

READ = "IfMatch IfNoneMatch IfModifiedSince IfUnmodifiedSince"
"""The members that :func:`refuse_read` reads."""


def matches(condition: str, etag: str) -> bool:
    """Whether one of the entity tags of a condition is ``etag``; quotes may be missing."""
    if condition.strip() == "*":
        return True
    return any(tag.strip().strip('"') == etag for tag in condition.split(","))


def refuse_read(members: Members, found: Object) -> None:
    """Refuse a read whose conditions do not hold.

    Raises:
        PreconditionFailed: the object is another than the client wants.
        NotModified: it is the one that the client has.
    """
    modified = moment(found.modified_ms)
    if "IfMatch" in members:
        if not matches(members["IfMatch"], found.etag):
            raise PreconditionFailed(Condition="If-Match")
    elif "IfUnmodifiedSince" in members and modified > members["IfUnmodifiedSince"]:
        raise PreconditionFailed(Condition="If-Unmodified-Since")
    if "IfNoneMatch" in members:
        is_old = matches(members["IfNoneMatch"].replace("W/", ""), found.etag)
    else:
        is_old = "IfModifiedSince" in members and modified <= members["IfModifiedSince"]
    if is_old:
        headers: dict[str, Any] = {
            "header:ETag": f'"{found.etag}"',
            "header:Last-Modified": modified,
        }
        raise NotModified(**headers)


def refuse_write_form(members: Members) -> None:
    """Refuse conditions that a write cannot have.

    Raises:
        NotImplementedByHaar: ``If-None-Match`` with anything but ``*``, as on AWS.
        InvalidRequest: both conditions.
    """
    if members.get("IfNoneMatch", "*") != "*":
        raise NotImplementedByHaar(
            "A header you provided implies functionality that is not implemented",
            members={"Header": "If-None-Match"},
        )
    if "IfNoneMatch" in members and "IfMatch" in members:
        raise InvalidRequest("Both If-Match and If-None-Match were provided")


def refuse_write(members: Members, found: Object | None) -> None:
    """Refuse a write whose condition does not hold for the object as it is.

    Raises:
        PreconditionFailed: there is one already, or another than the client wants to replace.
        NoSuchKey: there is none to be replaced.
    """
    if "IfNoneMatch" in members and found is not None:
        raise PreconditionFailed(Condition="If-None-Match")
    if "IfMatch" in members:
        if found is None:
            raise NoSuchKey(Key=members["Key"])
        if not matches(members["IfMatch"], found.etag):
            raise PreconditionFailed(Condition="If-Match")
