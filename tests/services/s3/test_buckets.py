"""Buckets, through boto3: made, found, listed, deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Refusal = Callable[..., tuple[str, int, dict[str, Any]]]


def test_a_bucket_is_found_until_it_is_deleted(s3: Any, bucket: str, refusal: Refusal) -> None:
    """What CreateBucket acknowledged is there, and what DeleteBucket acknowledged is not."""
    assert s3.head_bucket(Bucket=bucket)["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    assert bucket in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    s3.delete_bucket(Bucket=bucket)
    assert bucket not in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    assert refusal(s3.head_bucket, Bucket=bucket)[:2] == ("404", 404)
    code, status, error = refusal(s3.delete_bucket, Bucket=bucket)
    assert (code, status, error["BucketName"]) == ("NoSuchBucket", 404, bucket)
    assert error["Message"] == "The specified bucket does not exist"


def test_making_ones_own_bucket_again(haar: Any, s3: Any, bucket: str, refusal: Refusal) -> None:
    """In us-east-1 it succeeds, elsewhere it is BucketAlreadyOwnedByYou."""
    s3.create_bucket(Bucket=bucket)
    west = haar.client("s3", region_name="eu-west-1")
    inside = {"LocationConstraint": "eu-west-1"}
    west.create_bucket(Bucket="of-the-west", CreateBucketConfiguration=inside)
    code, status, error = refusal(
        west.create_bucket, Bucket="of-the-west", CreateBucketConfiguration=inside
    )
    assert (code, status) == ("BucketAlreadyOwnedByYou", 409)
    assert error["BucketName"] == "of-the-west"


@pytest.mark.parametrize(
    "name",
    ["Upper", "under_score", "dots..two", "-dash", "dash-", "192.168.0.1", "xn--a", "a-s3alias"],
)
def test_a_name_that_no_bucket_may_have(s3: Any, refusal: Refusal, name: str) -> None:
    """Each rule of names is InvalidBucketName."""
    code, status, error = refusal(s3.create_bucket, Bucket=name)
    assert (code, status, error["BucketName"]) == ("InvalidBucketName", 400, name)


def test_a_bucket_with_an_object_is_not_deleted(s3: Any, bucket: str, refusal: Refusal) -> None:
    """BucketNotEmpty, until the last object is gone."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert refusal(s3.delete_bucket, Bucket=bucket)[:2] == ("BucketNotEmpty", 409)
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)


def test_a_bucket_of_another_region(haar: Any, bucket: str, refusal: Refusal) -> None:
    """A request that is signed for another region is told the bucket's; SDKs then go there."""
    west = haar.client("s3", region_name="eu-west-1")
    west.put_object(Bucket=bucket, Key="k", Body=b"there")
    assert west.get_object(Bucket=bucket, Key="k")["Body"].read() == b"there"
    assert west.head_bucket(Bucket=bucket)["BucketRegion"] == "us-east-1"


def test_the_location_must_be_the_requests_region(haar: Any, s3: Any, refusal: Refusal) -> None:
    """Only us-east-1 may make buckets elsewhere; what is no region is refused."""
    west = haar.client("s3", region_name="eu-west-1")
    code, status, error = refusal(west.create_bucket, Bucket="tested-west")
    assert (code, status) == ("IllegalLocationConstraintException", 400)
    assert error["Message"] == (
        "The unspecified location constraint is incompatible for the region specific endpoint "
        "this request was sent to."
    )
    inside = {"LocationConstraint": "us-west-2"}
    s3.create_bucket(Bucket="tested-west", CreateBucketConfiguration=inside)
    assert s3.get_bucket_location(Bucket="tested-west")["LocationConstraint"] == "us-west-2"


def test_an_unexpected_owner(s3: Any, bucket: str, refusal: Refusal) -> None:
    """A bucket of another owner than expected is AccessDenied; what is no account is refused."""
    other = refusal(s3.head_object, Bucket=bucket, Key="k", ExpectedBucketOwner="111111111111")
    assert other[1] == 403
    code, status, _ = refusal(s3.list_objects_v2, Bucket=bucket, ExpectedBucketOwner="me")
    assert (code, status) == ("InvalidBucketOwnerAWSAccountID", 400)


def test_buckets_are_listed_by_name_in_pages(s3: Any) -> None:
    """Pages join to the whole list; a prefix and a region narrow it."""
    made = [f"listed-{n:02}" for n in range(5)]
    for name in reversed(made):
        s3.create_bucket(Bucket=name)
    paginator = s3.get_paginator("list_buckets")
    pages = paginator.paginate(Prefix="listed-", PaginationConfig={"PageSize": 2})
    assert [[b["Name"] for b in page["Buckets"]] for page in pages] == [
        made[:2],
        made[2:4],
        made[4:],
    ]
    assert [b["Name"] for b in s3.list_buckets(Prefix="listed-03")["Buckets"]] == ["listed-03"]
    assert s3.list_buckets(BucketRegion="ap-south-1")["Buckets"] == []
