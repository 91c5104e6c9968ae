"""Keys: the order of all three types, and numbers to 38 digits."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haar.services.dynamodb import numbers
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.schema import pack

digits = st.text("0123456789", min_size=1, max_size=38)
decimals = st.builds(
    lambda sign, whole, power: f"{sign}{whole}e{power}",
    st.sampled_from(["", "-"]),
    digits,
    st.integers(-130, 88),
)


@settings(max_examples=500, deadline=None)
@given(one=decimals, other=decimals)
def test_numbers_sort_by_value(one: str, other: str) -> None:
    """Keys of numbers stand in the order of the numbers, equal ones in one place."""
    left, right = numbers.normal(one), numbers.normal(other)
    assert Decimal(left) == Decimal(one)
    assert (left == right) == (Decimal(one) == Decimal(other))
    keys = numbers.sortable(left), numbers.sortable(right)
    assert (keys[0] < keys[1]) == (Decimal(one) < Decimal(other))
    assert (keys[0] == keys[1]) == (Decimal(one) == Decimal(other))


@settings(max_examples=500, deadline=None)
@given(one=decimals, other=decimals)
def test_sums_are_exact_or_refused(one: str, other: str) -> None:
    """38 digits hold a sum whole, or it is refused."""
    left, right = numbers.normal(one), numbers.normal(other)
    exact = _exact(Decimal(left), Decimal(right))
    try:
        found = numbers.plus(left, right)
    except Invalid:
        significant = len(exact.as_tuple().digits) if exact else 1
        assert significant > 38 or abs(exact) >= Decimal("1e126") or abs(exact) < Decimal("1e-130")
        return
    assert Decimal(found) == exact


def _exact(one: Decimal, other: Decimal) -> Decimal:
    from fractions import Fraction  # noqa: PLC0415  # only the oracle needs it

    total = Fraction(one) + Fraction(other)
    scaled = total * 10**260
    assert scaled.denominator == 1
    text = str(scaled.numerator).rstrip("0") or "0"
    zeros = len(str(scaled.numerator)) - len(text) if total else 260
    sign, bare = (1, text[1:]) if text.startswith("-") else (0, text)
    return Decimal((sign, tuple(map(int, bare)), zeros - 260))


raws = st.lists(st.sampled_from([0, 1, 2, 97, 254, 255]), max_size=6).map(bytes)


@settings(max_examples=500, deadline=None)
@given(one=raws, other=raws, tail=raws, other_tail=raws)
def test_bytes_sort_as_bytes_whatever_follows(
    one: bytes, other: bytes, tail: bytes, other_tail: bytes
) -> None:
    """A packed key is never the beginning of another one."""
    left, right = pack("B", one) + tail, pack("B", other) + other_tail
    if one != other:
        assert (left < right) == (one < other)


KINDS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "S": (
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=8),
        lambda content: content.encode(),
    ),
    "N": (decimals.map(numbers.normal), Decimal),
    "B": (st.binary(min_size=1, max_size=8), bytes),
}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_query_gives_awss_order(db: Any, make_table: Callable[..., str], kind: str) -> None:
    """Sort keys come in the order of UTF-8, of value, of bytes; ranges cut it where they should."""
    name = make_table(f"p:S s:{kind}")
    strategy, order = KINDS[kind]
    runs = iter(range(10_000))

    @settings(max_examples=25, deadline=None)
    @given(contents=st.lists(strategy, min_size=1, max_size=20, unique=True), data=st.data())
    def check(contents: list[Any], data: Any) -> None:
        partition = {"S": f"run {next(runs)}"}
        db.batch_write_item(
            RequestItems={
                name: [
                    {"PutRequest": {"Item": {"p": partition, "s": {kind: content}}}}
                    for content in contents
                ]
            }
        )
        expected = sorted(contents, key=order)
        bound = data.draw(st.sampled_from(contents))

        def query(condition: str) -> list[Any]:
            asked: Any = {":p": partition}
            if ":s" in condition:
                asked[":s"] = {kind: bound}
            found = db.query(
                TableName=name, KeyConditionExpression=condition, ExpressionAttributeValues=asked
            )
            return [item["s"][kind] for item in found["Items"]]

        assert query("p = :p") == expected
        at = expected.index(bound)
        assert query("p = :p AND s < :s") == expected[:at]
        assert query("p = :p AND s <= :s") == expected[: at + 1]
        assert query("p = :p AND s > :s") == expected[at + 1 :]
        assert query("p = :p AND s >= :s") == expected[at:]
        assert query("p = :p AND s = :s") == [bound]
        if kind != "N":
            assert query("p = :p AND begins_with(s, :s)") == [
                content for content in expected if order(content).startswith(order(bound))
            ]

    check()
