"""Listings of objects: order, pages, common prefixes, both versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haar.services.s3 import keys
from haar.services.s3.listing import Walk, walk
from haar.store.api import Transaction
from haar.store.memory import MemoryStore

Refusal = Callable[..., tuple[str, int, dict[str, Any]]]

KEYS = ["a", "a/", "a/1", "a/2", "b", "c/x/1", "c/x/2", "c/y", "d", "ü", "🚀", "日本"]


@pytest.fixture
def filled(s3: Any, bucket: str) -> str:
    """A bucket with an object under each of :data:`KEYS`."""
    for key in reversed(KEYS):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    return bucket


def test_objects_are_listed_by_their_bytes(s3: Any, filled: str) -> None:
    """UTF-8 order, whatever order they were written in."""
    listed = s3.list_objects_v2(Bucket=filled)
    assert [o["Key"] for o in listed["Contents"]] == sorted(KEYS, key=str.encode)
    assert (listed["KeyCount"], listed["IsTruncated"]) == (len(KEYS), False)
    assert "Owner" not in listed["Contents"][0]
    assert "Owner" in s3.list_objects_v2(Bucket=filled, FetchOwner=True)["Contents"][0]
    assert "Owner" in s3.list_objects(Bucket=filled)["Contents"][0]


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_pages_join_to_the_whole(s3: Any, filled: str, operation: str, size: int) -> None:
    """Every key and every common prefix once, none over the page's size."""
    pages = s3.get_paginator(operation).paginate(
        Bucket=filled, Delimiter="/", PaginationConfig={"PageSize": size}
    )
    found: list[str] = []
    for page in pages:
        items = [o["Key"] for o in page.get("Contents", [])]
        items += [p["Prefix"] for p in page.get("CommonPrefixes", [])]
        assert len(items) <= size
        found += sorted(items, key=str.encode)
    assert found == ["a", "a/", "b", "c/", "d", "ü", "日本", "🚀"]


def test_a_prefix_and_a_delimiter(s3: Any, filled: str) -> None:
    """What is behind the prefix rolls up; a key equal to the prefix stays."""
    below = s3.list_objects_v2(Bucket=filled, Prefix="a/", Delimiter="/")
    assert [o["Key"] for o in below["Contents"]] == ["a/", "a/1", "a/2"]
    deeper = s3.list_objects_v2(Bucket=filled, Prefix="c/", Delimiter="/")
    assert [o["Key"] for o in deeper["Contents"]] == ["c/y"]
    assert deeper["CommonPrefixes"] == [{"Prefix": "c/x/"}]
    longer = s3.list_objects_v2(Bucket=filled, Delimiter="x/")
    assert longer["CommonPrefixes"] == [{"Prefix": "c/x/"}]


def test_where_a_listing_starts(s3: Any, filled: str, refusal: Refusal) -> None:
    """After ``StartAfter``, which need not be there; a rolled-up prefix is behind its keys."""
    listed = s3.list_objects_v2(Bucket=filled, StartAfter="c/", Delimiter="/")
    assert [o["Key"] for o in listed["Contents"]] == ["d", "ü", "日本", "🚀"]
    assert "CommonPrefixes" not in listed
    inside = s3.list_objects_v2(Bucket=filled, StartAfter="a/1")
    assert inside["Contents"][0]["Key"] == "a/2"
    marked = s3.list_objects(Bucket=filled, Marker="c/zzz")
    assert marked["Contents"][0]["Key"] == "d"
    assert "NextMarker" not in s3.list_objects(Bucket=filled, MaxKeys=1)
    bad = refusal(s3.list_objects_v2, Bucket=filled, ContinuationToken="nonsense")
    assert (bad[0], bad[2]["Message"]) == (
        "InvalidArgument",
        "The continuation token provided is incorrect",
    )


def test_the_one_version_of_each_object(haar: Any, s3: Any, filled: str) -> None:
    """Without versions each object has ``null``; deleting all of them empties the bucket."""
    assert "Status" not in s3.get_bucket_versioning(Bucket=filled)
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=filled, PaginationConfig={"PageSize": 5}
    )
    found = [version for page in pages for version in page["Versions"]]
    assert [version["Key"] for version in found] == sorted(KEYS, key=str.encode)
    assert {(version["VersionId"], version["IsLatest"]) for version in found} == {("null", True)}
    where = {"Bucket": filled, "Key": "a", "VersionId": "null"}
    assert s3.get_object(**where)["Body"].read() == b"a"
    many = [{"Key": version["Key"], "VersionId": "null"} for version in found]
    told = s3.delete_objects(Bucket=filled, Delete={"Objects": many})
    assert len(told["Deleted"]) == len(KEYS)
    s3.delete_bucket(Bucket=filled)


def test_no_keys_at_all(s3: Any, filled: str) -> None:
    """``MaxKeys`` of 0 is an empty page that is not truncated."""
    listed = s3.list_objects_v2(Bucket=filled, MaxKeys=0)
    assert (listed["KeyCount"], listed["IsTruncated"]) == (0, False)


def test_more_than_a_thousand(s3: Any, bucket: str) -> None:
    """A page has 1,000 at most; DeleteObjects takes as many."""
    made = [f"{n:04}" for n in range(1001)]
    for key in made:
        s3.put_object(Bucket=bucket, Key=key)
    first = s3.list_objects_v2(Bucket=bucket, MaxKeys=5000)
    assert (first["KeyCount"], first["MaxKeys"], first["IsTruncated"]) == (1000, 1000, True)
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": k} for k in made[:1000]]})
    assert [d["Key"] for d in gone["Deleted"]] == made[:1000]
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["1000"]


def expected(made: set[str], prefix: str, delimiter: str) -> list[str]:
    """Return what a listing has, by the plainest reading of its rules."""
    found = set()
    for key in made:
        if key.startswith(prefix):
            at = key.find(delimiter, len(prefix)) if delimiter else -1
            found.add(key[: at + len(delimiter)] if at >= 0 else key)
    return sorted(found, key=str.encode)


text = st.text(alphabet="a/\x00b\U00010000\uffff", max_size=5)


@settings(max_examples=300, deadline=None)
@given(
    made=st.sets(text.filter(bool), max_size=12),
    prefix=text,
    delimiter=st.sampled_from(["", "/", "a", "/a", "\x00"]),
    size=st.integers(1, 4),
)
def test_the_walk_finds_what_the_rules_say(
    made: set[str], prefix: str, delimiter: str, size: int
) -> None:
    """Any keys, prefix, delimiter and page size: the pages join to the same list."""
    store = MemoryStore()

    def fill(tx: Transaction) -> None:
        for key in made:
            tx.put(keys.object_("b", key), b"")

    fill_all = store.transact(fill)
    with pytest.raises(StopIteration):
        fill_all.send(None)
    asked = Walk(lambda p: keys.objects_below("b", p), keys.object_keys("b"), prefix, delimiter)
    found: list[str] = []
    start = b""
    while True:
        page = store.read(lambda tx: walk(tx, asked, start, size))  # noqa: B023  # run at once
        found += sorted([key for key, _ in page.rows] + page.prefixes, key=str.encode)
        assert len(page) <= size
        if not page.after:
            break
        start = asked.behind_prefix(page.last) or keys.object_("b", page.last) + b"\x00"
    assert found == expected(made, prefix, delimiter)
