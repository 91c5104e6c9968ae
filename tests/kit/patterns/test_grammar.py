"""What is no pattern is refused with AWS's reason."""

from __future__ import annotations

import json

import pytest

from haar.kit.patterns.grammar import DEMANDS_MAX, parse
from haar.kit.patterns.operators import BadPattern

NO_BOOLEAN = "Inside anything but list, start|null|boolean is not supported."
BAD: list[tuple[object, str]] = [
    ([], "Filter is not an object"),
    ({}, "Empty objects are not allowed"),
    ({"a": {}}, "Empty objects are not allowed"),
    ({"a": []}, "Empty arrays are not allowed"),
    ({"a": "x"}, '"a" must be an object or an array'),
    ({"a": [["x"]]}, "Match value must be String, number, true, false, or null"),
    ({"a": [{"EXISTS": True}]}, "Unrecognized match type EXISTS"),
    ({"a": [{"exists": "yes"}]}, "exists match pattern must be either true or false."),
    ({"a": [{"prefix": 1}]}, "prefix match pattern must be a string"),
    ({"a": [{"suffix": None}]}, "suffix match pattern must be a string"),
    ({"a": [{"wildcard": 1}]}, "wildcard match pattern must be a string"),
    ({"a": [{"wildcard": "a**b"}]}, "Consecutive wildcard characters at pos 1"),
    ({"a": [{"wildcard": "a\\b"}]}, "Invalid escape character at pos 1"),
    ({"a": [{"equals-ignore-case": 1}]}, "equals-ignore-case match pattern must be a string"),
    ({"a": [{"numeric": 1}]}, "Value of numeric must be an array."),
    ({"a": [{"numeric": ["!", 1]}]}, "Bad numeric range operator: !"),
    ({"a": [{"numeric": ["<", "1"]}]}, "Value of < must be numeric"),
    ({"a": [{"numeric": ["<", 1, ">", 0]}]}, "Too many terms in numeric range expression"),
    ({"a": [{"numeric": ["=", 1, "=", 1]}]}, "Too many terms in numeric range expression"),
    ({"a": [{"numeric": [">", 5, "<", 1]}]}, "Bottom must be less than top"),
    (
        {"a": [{"anything-but": None}]},
        "Value of anything-but must be an array or single string/number value.",
    ),
    ({"a": [{"anything-but": ["stopped", None]}]}, NO_BOOLEAN),
    ({"a": [{"anything-but": {"prefix": ""}}]}, "Null prefix/suffix not allowed"),
    (
        {"a": [{"anything-but": {"prefix": {"equals-ignore-case": "x"}}}]},
        "prefix match pattern must be a string",
    ),
    (
        {"a": [{"anything-but": {"equals-ignore-case": ["x", 1]}}]},
        "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
    ),
    ({"a": [{"cidr": "10.0.0.0"}]}, "Malformed CIDR, one '/' required"),
    ({"a": [{"cidr": "10.0.0.0/x"}]}, "Malformed CIDR, mask bits must be an integer"),
    ({"a": [{"cidr": "10.0.0/8"}]}, "Nonstandard IP address: 10.0.0"),
    ({"a": [{"cidr": ["10.0.0.0/8"]}]}, "prefix match pattern must be a string"),
    ({"a": [{"prefix": "a", "suffix": "b"}]}, "Only one key allowed in match expression"),
    ({"a": {"b": [1]}, "a.b": [2]}, "Path `a.b` cannot be allowed multiple times"),
    ({"$or": [{"a": [1]}]}, "There must have at least 2 Objects in $or relationship."),
]


@pytest.mark.parametrize(("pattern", "reason"), BAD, ids=[json.dumps(row[0]) for row in BAD])
def test_a_bad_pattern_is_refused_with_its_reason(pattern: object, reason: str) -> None:
    """Whoever mistypes a pattern is told what is wrong with it."""
    with pytest.raises(BadPattern) as refused:
        parse(json.dumps(pattern))
    assert str(refused.value) == reason


def test_text_that_is_no_json_is_refused() -> None:
    """A pattern is JSON."""
    with pytest.raises(BadPattern):
        parse("{'a': 1}")


def test_a_pattern_cannot_multiply_without_bound() -> None:
    """``$or`` beside ``$or`` multiplies; there is an end to it."""
    ors = [{"$or": [{f"a{n}": [1]}, {f"b{n}": [1]}]} for n in range(12)]
    nested: dict[str, object] = {}
    for n, one in enumerate(ors):
        nested[f"f{n}"] = one
    with pytest.raises(BadPattern, match=str(DEMANDS_MAX)):
        parse(json.dumps(nested))


def test_the_last_of_two_equal_keys_wins() -> None:
    """As in any JSON of AWS."""
    assert parse('{"a":["x"],"a":["y"]}') == parse('{"a":["y"]}')
