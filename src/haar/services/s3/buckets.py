"""Buckets: create, find, list, delete."""

from __future__ import annotations

import re

from haar.fabric import jobs
from haar.kernel.entropy import hex_id
from haar.kernel.errors import NotImplementedByHaar
from haar.kit import pages
from haar.kit.call import Call, Members
from haar.kit.jobs import Job, JobKind
from haar.kit.operation import anything, operation
from haar.services.s3 import contents, keys, names
from haar.services.s3.described import moment
from haar.services.s3.errors import (
    AccessControlListNotSupported,
    BucketAlreadyExists,
    BucketAlreadyOwnedByYou,
    BucketNotEmpty,
    IllegalLocationConstraint,
    InvalidArgument,
    InvalidLocationConstraint,
    TooManyBuckets,
)
from haar.services.s3.lookup import own_bucket
from haar.services.s3.records import BUCKET, PART, Bucket
from haar.store.api import Span, Transaction

BUCKETS_MAX = 10_000
HOME_REGION = "us-east-1"

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_ID_DIGITS = 16
_CLEAR_KIND = "s3.clear"
_CLEAR_BATCH = 500


@operation(
    "CreateBucket",
    members="Bucket CreateBucketConfiguration.LocationConstraint ACL ObjectOwnership "
    "ObjectLockEnabledForBucket",
    resource=names.bucket_arn,
)
def create_bucket(call: Call[Members], tx: Transaction) -> Members:
    """Make a bucket. Making one's own again in us-east-1 changes nothing and succeeds.

    Keys: reads and writes ``bucket``; adds to ``count``.

    Raises:
        InvalidBucketName: the name breaks a rule.
        BucketAlreadyExists: another account has it.
        BucketAlreadyOwnedByYou: the caller has it, outside of us-east-1.
        IllegalLocationConstraint: the region is not the request's.
        TooManyBuckets: the account has 10,000.

    Source: AWS docs, S3 API reference, CreateBucket.
    """
    name = call.members["Bucket"]
    names.refuse_bucket_name(name)
    refuse_unbuilt(call.members)
    constraint = constraint_of(call)
    region = {"": HOME_REGION, "EU": "eu-west-1"}.get(constraint, constraint)
    raw = tx.get(keys.bucket(name))
    if raw is None:
        made = int.from_bytes(tx.get(keys.count(call.account)) or b"", "little", signed=True)
        if made >= BUCKETS_MAX:
            raise TooManyBuckets
        bucket_id = hex_id(call.entropy, _ID_DIGITS)
        bucket = Bucket(name, bucket_id, call.account, region, constraint, call.now_ms)
        tx.put(keys.bucket(name), BUCKET.encode(bucket))
        tx.add(keys.count(call.account), 1)
    else:
        refuse_taken(call, BUCKET.decode(raw), region)
    return {
        "Location": f"/{name}" if call.region == HOME_REGION else f"{call.endpoint}/{name}/",
        "BucketArn": call.resource,
    }


def refuse_taken(call: Call[Members], old: Bucket, region: str) -> None:
    """Refuse a name that is taken, but for one's own in us-east-1.

    Raises:
        BucketAlreadyExists: by another account.
        BucketAlreadyOwnedByYou: by the caller.
    """
    if old.account != call.account:
        raise BucketAlreadyExists(BucketName=old.name)
    if not call.region == old.region == region == HOME_REGION:
        raise BucketAlreadyOwnedByYou(BucketName=old.name)


def refuse_unbuilt(members: Members) -> None:
    """Refuse by name what haar's buckets do not have.

    Raises:
        AccessControlListNotSupported: an access control list.
        NotImplementedByHaar: anything else.
    """
    if members.get("ACL", "private") != "private":
        raise AccessControlListNotSupported
    ownership = members.get("ObjectOwnership", "BucketOwnerEnforced")
    if ownership != "BucketOwnerEnforced":
        raise NotImplementedByHaar(what=f"the value {ownership} of ObjectOwnership of CreateBucket")
    if members.get("ObjectLockEnabledForBucket"):
        raise NotImplementedByHaar(what="the member ObjectLockEnabledForBucket of CreateBucket")


def constraint_of(call: Call[Members]) -> str:
    """Return the location constraint of a request; empty for us-east-1.

    Raises:
        InvalidLocationConstraint: no region.
        IllegalLocationConstraint: another than the request's, which only us-east-1 may make.
    """
    inside: Members = call.members.get("CreateBucketConfiguration") or {}
    constraint: str = inside.get("LocationConstraint") or ""
    is_region = constraint == "EU" or _REGION.fullmatch(constraint) is not None
    if constraint and (not is_region or constraint == HOME_REGION):
        raise InvalidLocationConstraint(LocationConstraint=constraint)
    if call.region not in {HOME_REGION, constraint} and (call.region, constraint) != (
        "eu-west-1",
        "EU",
    ):
        shown = constraint or "unspecified"
        text = (
            f"The {shown} location constraint is incompatible for the region specific endpoint "
            "this request was sent to."
        )
        raise IllegalLocationConstraint(text)
    return constraint


@operation(
    "HeadBucket",
    members="Bucket ExpectedBucketOwner",
    resource=names.bucket_arn,
    action="ListBucket",
    readonly=True,
)
def head_bucket(call: Call[Members], tx: Transaction) -> Members:
    """Tell whether a bucket is there, and in which region; from any region.

    Keys: reads ``bucket``.

    Raises:
        NoSuchBucket: there is none of that name.

    Source: AWS docs, S3 API reference, HeadBucket.
    """
    bucket = own_bucket(call, tx)
    return {"BucketRegion": bucket.region, "BucketArn": call.resource}


@operation(
    "GetBucketLocation",
    members="Bucket ExpectedBucketOwner",
    resource=names.bucket_arn,
    readonly=True,
)
def get_bucket_location(call: Call[Members], tx: Transaction) -> Members:
    """Tell where a bucket is, as it was asked for: nothing means us-east-1.

    Keys: reads ``bucket``.

    Raises:
        NoSuchBucket: there is none of that name.

    Source: AWS docs, S3 API reference, GetBucketLocation.
    """
    return {"LocationConstraint": own_bucket(call, tx).constraint}


@operation(
    "GetBucketVersioning",
    members="Bucket ExpectedBucketOwner",
    resource=names.bucket_arn,
    readonly=True,
)
def get_bucket_versioning(call: Call[Members], tx: Transaction) -> Members:
    """Tell that a bucket has never had versions: an answer without a status.

    Keys: reads ``bucket``.

    Raises:
        NoSuchBucket: there is none of that name.

    Source: AWS docs, S3 API reference, GetBucketVersioning.
    """
    own_bucket(call, tx)
    return {}


@operation(
    "ListBuckets",
    members="MaxBuckets ContinuationToken Prefix BucketRegion",
    resource=anything,
    action="ListAllMyBuckets",
    readonly=True,
)
def list_buckets(call: Call[Members], tx: Transaction) -> Members:
    """List the caller's buckets by name.

    Keys: reads ``bucket``.

    Raises:
        InvalidArgument: a token that haar did not make.

    Source: AWS docs, S3 API reference, ListBuckets.
    """
    members = call.members
    size = members.get("MaxBuckets", BUCKETS_MAX)
    if not 1 <= size <= BUCKETS_MAX:
        text = "Argument max-buckets must be an integer between 1 and 10000"
        raise InvalidArgument(text, ArgumentName="max-buckets", ArgumentValue=size)
    found: list[Bucket] = []
    result: Members = {"Owner": {"ID": names.canonical_id(call.account)}}
    for row in tx.scan(start_of(call)):
        bucket = BUCKET.decode(row.value)
        if bucket.account != call.account or not is_wanted(bucket, members):
            continue
        if len(found) == size:
            result["ContinuationToken"] = pages.make(call, keys.bucket(found[-1].name))
            break
        found.append(bucket)
    is_paged = "MaxBuckets" in members or "BucketRegion" in members
    result["Buckets"] = [listed(bucket, is_paged=is_paged) for bucket in found]
    if "Prefix" in members:
        result["Prefix"] = members["Prefix"]
    return result


def is_wanted(bucket: Bucket, members: Members) -> bool:
    """Whether a bucket is one that a listing asks for."""
    return bucket.name.startswith(members.get("Prefix", "")) and (
        members.get("BucketRegion", bucket.region) == bucket.region
    )


def start_of(call: Call[Members]) -> Span:
    """Return the span of the buckets behind a token.

    Raises:
        InvalidArgument: a token that haar did not make.
    """
    try:
        return pages.rest_of(call, call.members.get("ContinuationToken"), keys.buckets())
    except pages.BadToken:
        text = "The continuation token provided is incorrect"
        raise InvalidArgument(text, ArgumentName="continuation-token") from None


def listed(bucket: Bucket, *, is_paged: bool) -> Members:
    """Return a bucket as it stands in a list."""
    shown: Members = {"Name": bucket.name, "CreationDate": moment(bucket.created_ms)}
    if is_paged:
        shown |= {"BucketRegion": bucket.region, "BucketArn": f"arn:aws:s3:::{bucket.name}"}
    return shown


@operation("DeleteBucket", members="Bucket ExpectedBucketOwner", resource=names.bucket_arn)
def delete_bucket(call: Call[Members], tx: Transaction) -> Members:
    """Delete a bucket without objects; uploads that have not ended are dropped with it.

    Keys: clears ``bucket``; adds to ``count``; reads ``object``, ``upload``.

    Raises:
        NoSuchBucket: there is none of that name.
        BucketNotEmpty: it has objects.

    Source: AWS docs, S3 API reference, DeleteBucket.
    """
    bucket = own_bucket(call, tx)
    if next(tx.scan(keys.objects(bucket.id), limit=1), None) is not None:
        raise BucketNotEmpty(BucketName=bucket.name)
    tx.clear(keys.bucket(bucket.name))
    tx.add(keys.count(bucket.account), -1)
    if next(tx.scan(keys.uploads(bucket.id), limit=1), None) is not None:
        jobs.schedule(tx, kind=_CLEAR_KIND, key=bucket.id, due_ms=call.now_ms)
    return {}


def clear_uploads(job: Job, tx: Transaction) -> None:
    """Drop some parts of the uploads of a bucket that is gone, and come again for more."""
    row = next(tx.scan(keys.uploads(job.key), limit=1), None)
    if row is None:
        return
    parts = list(tx.scan(keys.parts(keys.upload_id(row.key)), limit=_CLEAR_BATCH))
    contents.discard(tx, [PART.decode(part.value).blob for part in parts], job.due_ms)
    for part in parts:
        tx.clear(part.key)
    if len(parts) < _CLEAR_BATCH:
        tx.clear(row.key)
    jobs.schedule(tx, kind=_CLEAR_KIND, key=job.key, due_ms=job.due_ms)


CLEAR = JobKind(kind=_CLEAR_KIND, apply=clear_uploads)
