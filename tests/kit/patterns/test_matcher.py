"""The pattern language, by tables: what AWS was recorded to do, and each operator on each value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haar.kit.patterns.matcher import Matcher


def matches(pattern: object, event: object) -> bool:
    return Matcher([(0, json.dumps(pattern))]).matches(event)


RECORDED: list[tuple[str, object, object, bool]] = [
    ("1 missing", {"d": {"s": [{"anything-but": "x"}]}}, {"d": {}}, False),
    ("2 null", {"d": {"s": [{"anything-but": "x"}]}}, {"d": {"s": None}}, True),
    ("4 number", {"a": [{"anything-but": {"prefix": "init"}}]}, {"a": 12}, True),
    ("5 number", {"a": [{"anything-but": {"wildcard": "*/dir/*"}}]}, {"a": 123}, True),
    ("6 text", {"a": [{"anything-but": {"wildcard": ""}}]}, {"a": "x"}, True),
    ("6 empty", {"a": [{"anything-but": {"wildcard": ""}}]}, {"a": ""}, False),
    ("10", {"a": [{"anything-but": 0}]}, {"a": 789}, True),
    ("11 object", {"a": [{"exists": True}]}, {"a": {"b": 1}}, False),
    ("12 empty array", {"a": [{"exists": True}]}, {"a": []}, False),
    ("13 text above", {"a": {"b": {"c": [{"exists": False}]}}}, {"a": {"b": "text"}}, True),
    ("13 parent gone", {"a": {"b": {"c": [{"exists": False}]}}}, {"a": {}}, True),
    ("14", {"a": [None]}, {"a": []}, False),
    ("15 null", {"a": [None]}, {"a": None}, True),
    ("15 empty", {"a": [None]}, {"a": ""}, False),
    ("16", {"resources": ["a", "b"]}, {"resources": ["b", "z"]}, True),
    ("17", {"d": {"k": {"id": [{"exists": True}]}}}, {"d": {"k": [{"id": 1}]}}, True),
    ("18", {"d": {"a.b": ["r"]}}, {"d": {"a": {"b": "r"}}}, True),
    ("19", {"d": {"a": {"b": ["r"]}}}, {"d": {"a.b": "r"}}, True),
    ("20", {"d": {"a.b": {"b": ["r"]}}}, {"d": {"a": {"b": "r"}}}, False),
    ("21", {"d": {"k": ["v"]}}, {"d": '{"k":"v"}'}, False),
    ("22 text", {"a": [{"numeric": ["=", 42]}]}, {"a": "42"}, False),
    ("22 null", {"a": [{"numeric": ["<", 42]}]}, {"a": None}, False),
    ("23", {"N": ["1234"]}, {"N": "1234"}, True),
    ("23 numeric", {"N": [{"numeric": [">", 1]}]}, {"N": "1234"}, False),
    ("24 key", {"A": ["x"]}, {"a": "x"}, False),
    ("24 prefix", {"a": [{"prefix": "X"}]}, {"a": "xy"}, False),
    ("25", {"a": [{"exists": True}, {"prefix": "NO"}, {"suffix": "NO"}]}, {"a": "y"}, True),
    ("26", {"p": {"a": [{"anything-but": ["roses"]}, {"exists": False}]}}, {}, True),
    ("27 broadcast", {"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "10.0.0.255"}, True),
    ("27 no address", {"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "10.0.0.256"}, False),
    ("27 number", {"a": [{"cidr": "10.0.0.0/24"}]}, {"a": 167772160}, False),
    ("28", {"time": [{"prefix": "2022-"}]}, {"time": "2022-07-13T00:00:00Z"}, True),
    ("29 two", {"a": {"x": [1], "y": [2]}}, {"a": [{"x": 1, "y": 0}, {"x": 0, "y": 2}]}, False),
    ("29 one", {"a": {"x": [1], "y": [2]}}, {"a": [{"x": 1, "y": 0}, {"x": 1, "y": 2}]}, True),
    (
        "30",
        {"$or": [{"c": [{"numeric": [">", 0]}]}, {"d": [{"numeric": ["<", 1]}]}]},
        {"c": 0, "d": 0},
        True,
    ),
]


@pytest.mark.parametrize(
    ("pattern", "event", "does"), [row[1:] for row in RECORDED], ids=[row[0] for row in RECORDED]
)
def test_a_recorded_case_of_aws_is_decided_alike(
    pattern: object, event: object, *, does: bool
) -> None:
    """What AWS was seen to decide, haar decides."""
    assert matches(pattern, event) is does


VALUES: dict[str, Any] = {
    "match": "a/b.PNG",
    "other": "zzz",
    "empty": "",
    "number": 5,
    "true": True,
    "null": None,
    "object": {"x": "a/b.PNG"},
    "array": ["zzz", "a/b.PNG"],
    "nested array": [["zzz"], [["a/b.PNG"]]],
    "no element": [],
}
TEXTUAL = {"match", "array", "nested array"}
OPERATORS: list[tuple[object, set[str]]] = [
    ("a/b.PNG", TEXTUAL),
    ({"exactly": "a/b.PNG"}, TEXTUAL),
    ({"prefix": "a/"}, TEXTUAL),
    ({"prefix": ""}, {*TEXTUAL, "other", "empty"}),
    ({"prefix": {"equals-ignore-case": "A/B"}}, TEXTUAL),
    ({"suffix": ".PNG"}, TEXTUAL),
    ({"suffix": ".png"}, set()),
    ({"suffix": {"equals-ignore-case": ".png"}}, TEXTUAL),
    ({"equals-ignore-case": "A/B.png"}, TEXTUAL),
    ({"equals-ignore-case": ""}, {"empty"}),
    ({"wildcard": "a*.PNG"}, TEXTUAL),
    ({"wildcard": "*"}, {*TEXTUAL, "other", "empty"}),
    ({"wildcard": "a/b.PNG*a/b.PNG"}, set()),
    ({"wildcard": "*/*b*"}, TEXTUAL),
    ({"wildcard": ""}, {"empty"}),
    ({"anything-but": "a/b.PNG"}, set(VALUES) - {"match", "object", "no element"}),
    ({"anything-but": ["a/b.PNG", "zzz"]}, {"empty", "number", "true", "null"}),
    ({"anything-but": [5, 6]}, set(VALUES) - {"number", "object", "no element"}),
    ({"anything-but": {"prefix": ["a", "z"]}}, {"empty", "number", "true", "null"}),
    ({"anything-but": {"suffix": "PNG"}}, set(VALUES) - {"match", "object", "no element"}),
    (
        {"anything-but": {"equals-ignore-case": ["A/B.png", "ZZZ"]}},
        {"empty", "number", "true"} | {"null"},
    ),
    ({"numeric": ["=", 5.0]}, {"number"}),
    ({"numeric": [">", 0, "<=", 5]}, {"number"}),
    ({"numeric": [">", 5]}, set()),
    ({"exists": True}, set(VALUES) - {"object", "no element"}),
    ({"exists": False}, {"object", "no element"}),
    (True, {"true"}),
    (None, {"null"}),
    (5.0, {"number"}),
    (1, set()),
]


@pytest.mark.parametrize(("alternative", "passing"), OPERATORS, ids=[str(o[0]) for o in OPERATORS])
def test_an_operator_passes_what_it_should(alternative: object, passing: set[str]) -> None:
    """Each operator against each kind of value."""
    passed = {name for name, value in VALUES.items() if matches({"f": [alternative]}, {"f": value})}
    assert passed == passing


def test_alternatives_are_ored_and_fields_anded() -> None:
    """One of a field's values, and all of the fields."""
    pattern = {"a": ["x", {"prefix": "y"}], "b": {"c": [1]}}
    assert matches(pattern, {"a": "yes", "b": {"c": 1.0}})
    assert not matches(pattern, {"a": "yes", "b": {"c": 2}})
    assert not matches(pattern, {"a": "no", "b": {"c": 1}})


def test_or_is_nested_and_combined() -> None:
    """``$or`` inside of ``$or``, beside a field, below a field of an array."""
    pattern = {"a": {"$or": [{"x": [1]}, {"$or": [{"y": [2]}, {"z": [3]}]}], "k": ["k"]}}
    assert matches(pattern, {"a": [{"x": 0, "k": "k"}, {"z": 3, "k": "k"}]})
    assert not matches(pattern, {"a": [{"z": 3}, {"k": "k"}]})


def test_or_with_a_reserved_word_is_a_field() -> None:
    """``$or`` may be the name of a field."""
    assert matches({"$or": ["x"]}, {"$or": "x"})
    assert matches({"$or": [{"prefix": "x"}, {"suffix": "z"}]}, {"$or": "xy"})


def test_dots_nest_beside_what_is_nested_already() -> None:
    """An event may have a name with dots and the same path nested."""
    event = {"a": {"b": 1}, "a.b": 2, "a.c.d": 3, "e": "x", "e.f": "y"}
    for path, value in (("a.b", 1), ("a.b", 2), ("a.c.d", 3), ("e", "x"), ("e.f", "y")):
        assert matches({path: [value]}, event), path


def test_a_lacking_field_is_lacking_everywhere() -> None:
    """``exists: false`` looks through arrays: one element that has the field is enough."""
    assert not matches({"a": {"b": [{"exists": False}]}}, {"a": [{"c": 1}, {"b": 1}]})
    assert matches({"a": {"b": [{"exists": False}], "c": [1]}}, {"a": [{"c": 1}]})


def test_a_wildcard_is_quick_on_what_would_make_a_regular_expression_slow() -> None:
    """A pattern of many stars against a long text is decided, and right."""
    pattern = {"a": [{"wildcard": "*a" * 50 + "*b"}]}
    assert not matches(pattern, {"a": "a" * 20_000})
    assert matches(pattern, {"a": "a" * 20_000 + "b"})


def test_deep_events_are_decided() -> None:
    """Arrays in arrays, as deep as JSON may be."""
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]
    assert matches({"a": ["x"]}, {"a": deep})
    assert matches({"a": ["x"]}, {"a": deep, "n.m": 1})


def test_one_matcher_tells_which_of_many_patterns() -> None:
    """A thousand rules in one matcher decide as each alone would."""
    patterns = [(n, json.dumps({"kind": [f"k{n % 10}"], "n": [n]})) for n in range(1000)]
    patterns += [(-1, json.dumps({"n": [{"numeric": ["<", 500]}]}))]
    matcher = Matcher(patterns)
    assert matcher.matching({"kind": "k7", "n": 17}) == {17, -1}
    assert matcher.matching({"kind": ["k7", "k8"], "n": [17, 18, 999]}) == {17, 18, -1}
    assert matcher.matching({"kind": "k1", "n": 17}) == {-1}


SMALL = st.recursive(
    st.sampled_from(["a", "b", 1, 1.0, True, None, ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner),
    max_leaves=12,
)
LEAF = st.lists(
    st.sampled_from(["a", 1, True, None, {"exists": False}, {"exists": True}, {"prefix": "a"}]),
    min_size=1,
    max_size=2,
)
PATTERN = st.dictionaries(
    st.sampled_from("xyz"),
    LEAF | st.dictionaries(st.sampled_from("xyz"), LEAF, min_size=1),
    min_size=1,
)


@settings(deadline=None)
@given(patterns=st.lists(PATTERN, min_size=1, max_size=5), event=SMALL)
def test_together_is_as_alone(patterns: list[object], event: object) -> None:
    """The index of many patterns never changes what one of them decides."""
    together = Matcher([(n, json.dumps(p)) for n, p in enumerate(patterns)]).matching(event)
    assert together == {n for n, pattern in enumerate(patterns) if matches(pattern, event)}
