"""Tuples as keys: the order of the bytes is the order of the tuples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haar.store import tuples
from haar.store.api import after_prefix, prefix_span
from haar.store.subspace import Subspace
from haar.store.tuples import Element

elements = st.one_of(
    st.none(),
    st.binary(max_size=12),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.text(st.sampled_from("\x00\x01ÿa"), max_size=6),
    st.binary(max_size=6).map(lambda raw: raw.replace(b"a", b"\x00\xff")),
    st.integers(-(2**64) + 1, 2**64 - 1),
    st.integers(-300, 300),
)
keys = st.lists(elements, max_size=5).map(tuple)


def rank(element: Element) -> tuple[int, object]:
    """Return what Python orders elements by: kind first, then value; text by its code points."""
    if element is None:
        return 0, 0
    return {bytes: 1, str: 2, int: 3}[type(element)], element


def order(key: tuple[Element, ...]) -> list[tuple[int, object]]:
    return [rank(element) for element in key]


@given(keys, keys)
def test_bytes_sort_as_tuples_do(left: tuple[Element, ...], right: tuple[Element, ...]) -> None:
    """None before bytes before text before numbers, each in Python's own order."""
    assert (tuples.pack(*left) < tuples.pack(*right)) == (order(left) < order(right))


@given(keys)
def test_a_key_tells_its_tuple(key: tuple[Element, ...]) -> None:
    """What was packed is unpacked."""
    assert tuples.unpack(tuples.pack(*key)) == key


@given(keys, keys)
def test_a_span_holds_the_longer_tuples_only(
    prefix: tuple[Element, ...], key: tuple[Element, ...]
) -> None:
    """The span of a tuple has each key that continues it, and no other, not even its own."""
    start, end = tuples.span(*prefix)
    packed = tuples.pack(*key)
    assert (start <= packed < end) == (len(key) > len(prefix) and key[: len(prefix)] == prefix)


@given(keys, keys)
def test_a_subspace_is_a_prefix(prefix: tuple[Element, ...], key: tuple[Element, ...]) -> None:
    """A subspace's keys and spans are those of the whole tuple."""
    space = Subspace(*prefix)
    assert space.pack(*key) == tuples.pack(*prefix, *key)
    assert space.unpack(space.pack(*key)) == key
    assert space.span(*key) == tuples.span(*prefix, *key)


@pytest.mark.parametrize("number", [2**64, -(2**64)])
def test_numbers_have_a_bound(number: int) -> None:
    """What does not fit 64 bits is a bug of ours."""
    with pytest.raises(AssertionError):
        tuples.pack(number)


@given(st.binary(max_size=20))
def test_strange_bytes_are_refused_or_a_tuple(raw: bytes) -> None:
    """Bytes that no tuple makes raise ValueError, and nothing else."""
    try:
        key = tuples.unpack(raw)
    except ValueError:
        return
    assert isinstance(key, tuple)


@given(st.binary(min_size=1, max_size=6).filter(lambda raw: raw.strip(b"\xff")), st.binary())
def test_a_prefix_ends_before_its_successor(prefix: bytes, key: bytes) -> None:
    """Exactly the keys that begin with the prefix lie in its span."""
    start, end = prefix_span(prefix)
    assert end == after_prefix(prefix)
    assert (start <= key < end) == key.startswith(prefix)
    assert start <= prefix + key < end
