"""Page tokens: good for the listing that they come from, and for nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from haar.kernel.entropy import SeededEntropy
from haar.kit import pages
from haar.kit.call import Call, Principal, Scope
from haar.store.api import Span

SPAN = Span(b"b", b"y")


def listing(**changes: Any) -> Call[Any]:
    account = "111111111111"
    call: Call[Any] = Call(
        service="sqs",
        operation="ListQueues",
        members={},
        principal=Principal("root", f"arn:aws:iam::{account}:root", account, account),
        scope=Scope(account, "us-east-1"),
        resources=("*",),
        request_id="",
        now_ms=0,
        entropy=SeededEntropy(1),
        endpoint="",
    )
    return replace(call, **changes)


@pytest.mark.parametrize("position", [b"", b"c", bytes(range(256)), b"\x00" * 400])
def test_a_token_leads_back_to_its_position(position: bytes) -> None:
    """Whatever the bytes are."""
    assert pages.parse(listing(), pages.make(listing(), position)) == position


@pytest.mark.parametrize(
    "other",
    [
        {"operation": "ListPipes"},
        {"service": "pipes"},
        {"scope": Scope("222222222222", "us-east-1")},
        {"scope": Scope("111111111111", "eu-west-1")},
        {"resources": ("arn:aws:sqs:us-east-1:111111111111:q",)},
    ],
    ids=str,
)
def test_a_token_of_another_listing_is_none(other: dict[str, Any]) -> None:
    """It is bound to operation, resource, account and region."""
    with pytest.raises(pages.BadToken):
        pages.parse(listing(**other), pages.make(listing(), b"c"))


@pytest.mark.parametrize("text", ["x", "AAAA", "é", "=", " ", "A" * 5000, "\n", "AAAAAAAAAAAAAAAA"])
def test_any_other_text_is_no_token(text: str) -> None:
    """It is refused; nothing is made of it."""
    with pytest.raises(pages.BadToken):
        pages.parse(listing(), text)


def test_a_changed_token_is_none() -> None:
    """Whichever of its characters it is."""
    token = pages.make(listing(), b"position")
    for at in range(len(token)):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        with pytest.raises(pages.BadToken):
            pages.parse(listing(), changed)


@pytest.mark.parametrize(
    ("last", "reverse", "left"),
    [
        (b"c", False, Span(b"c\x00", b"y")),
        (b"c", True, Span(b"b", b"c")),
        (b"b", False, Span(b"b\x00", b"y")),
    ],
)
def test_the_rest_begins_behind_the_last_key(last: bytes, left: Span, *, reverse: bool) -> None:
    """In the order of the listing."""
    token = pages.make(listing(), last)
    assert pages.rest_of(listing(), token, SPAN, reverse=reverse) == left


@pytest.mark.parametrize("last", [b"a", b"y", b"z", b""])
def test_a_position_outside_of_the_listing_is_none(last: bytes) -> None:
    """A listing with another prefix does not go on where this one was."""
    with pytest.raises(pages.BadToken):
        pages.rest_of(listing(), pages.make(listing(), last), SPAN)


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_all_is_left(token: str | None) -> None:
    """The first page."""
    assert pages.rest_of(listing(), token, SPAN) == SPAN
