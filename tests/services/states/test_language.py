"""The small languages inside of a definition, by tables: choice rules and intrinsic functions."""

from typing import Any

import pytest

from haar.services.states.choices import compile_rule
from haar.services.states.expressions import BadExpression, compile_expression
from haar.services.states.intrinsics import IntrinsicFailure
from haar.services.states.surroundings import Surroundings

AROUND = Surroundings(lambda: {"x": 1}, "seed")
NOON = "2026-01-01T12:00:00Z"
NOON_IN_BERLIN = "2026-01-01T13:00:00+01:00"

HOLDS: list[tuple[str, Any, Any, bool]] = [
    ("StringEquals", "a", "a", True),
    ("StringEquals", "a", "b", False),
    ("StringEquals", "1", 1, False),
    ("StringLessThan", "b", "a", True),
    ("StringGreaterThan", "a", "b", True),
    ("StringLessThanEquals", "a", "a", True),
    ("StringGreaterThanEquals", "b", "a", False),
    ("StringMatches", "log-*.txt", "log-1.txt", True),
    ("StringMatches", "log-*.txt", "log-1.txt.gz", False),
    ("StringMatches", "*", "", True),
    ("StringMatches", "a*a", "a", False),
    ("StringMatches", "*a*b*", "xxaxxbxx", True),
    ("StringMatches", "*b*a*", "xxaxxbxx", False),
    ("StringMatches", "a\\*b", "a*b", True),
    ("StringMatches", "a\\*b", "axb", False),
    ("StringMatches", "a\\\\*", "a\\z", True),
    ("StringMatches", "1", 1, False),
    ("NumericEquals", 1, 1.0, True),
    ("NumericEquals", 1, True, False),
    ("NumericEquals", 1, "1", False),
    ("NumericLessThan", 2, 1, True),
    ("NumericGreaterThan", 1, 2, True),
    ("NumericLessThanEquals", 1, 1, True),
    ("NumericGreaterThanEquals", 1, 0, False),
    ("BooleanEquals", True, True, True),
    ("BooleanEquals", True, 1, False),
    ("TimestampEquals", NOON, NOON_IN_BERLIN, True),
    ("TimestampLessThan", NOON, "2026-01-01T11:59:59.999Z", True),
    ("TimestampGreaterThan", NOON, "2026-01-01T12:00:01Z", True),
    ("TimestampLessThanEquals", NOON, NOON, True),
    ("TimestampGreaterThanEquals", NOON, "noon", False),
    ("IsNull", True, None, True),
    ("IsNull", False, 0, True),
    ("IsNumeric", True, 1.5, True),
    ("IsNumeric", True, True, False),
    ("IsString", True, "", True),
    ("IsBoolean", True, False, True),
    ("IsTimestamp", True, NOON, True),
    ("IsTimestamp", True, "2026-01-01", False),
    ("IsPresent", True, None, True),
]


@pytest.mark.parametrize(("operator", "operand", "value", "holds"), HOLDS)
def test_a_comparison_holds_or_not(operator: str, operand: Any, value: Any, holds: bool) -> None:
    """Every operator; a value of another type is no match, not an error."""
    predicate = compile_rule({"Variable": "$.v", operator: operand})
    assert predicate({"v": value}, AROUND) is holds


PATHS = sorted(
    {name for name, *_ in HOLDS if not name.startswith("Is") and name != "StringMatches"}
)


@pytest.mark.parametrize("operator", PATHS)
def test_a_comparison_with_another_value_of_the_input(operator: str) -> None:
    """The …Path form of each operator agrees with the plain one."""
    for name, operand, value, holds in HOLDS:
        if name == operator:
            predicate = compile_rule({"Variable": "$.v", f"{operator}Path": "$.w"})
            assert predicate({"v": value, "w": operand}, AROUND) is holds


def test_rules_are_joined_and_negated() -> None:
    """And, Or and Not nest."""
    is_one = {"Variable": "$.v", "NumericEquals": 1}
    is_two = {"Variable": "$.v", "NumericEquals": 2}
    rule = {"Or": [is_two, {"And": [is_one, {"Not": is_two}]}]}
    assert [compile_rule(rule)({"v": v}, AROUND) for v in (1, 2, 3)] == [True, True, False]


def test_absence_can_be_asked_for() -> None:
    """IsPresent false holds where the variable is not there, at any depth."""
    rule = compile_rule({"Variable": "$.a.b", "IsPresent": False})
    assert [rule(value, AROUND) for value in ({}, {"a": {}}, {"a": {"b": None}})] == [
        True,
        True,
        False,
    ]


def test_matching_takes_no_time_to_speak_of() -> None:
    """A pattern of many stars does not try every way to place them."""
    rule = compile_rule({"Variable": "$.v", "StringMatches": "*a" * 200 + "b"})
    assert not rule({"v": "a" * 100_000}, AROUND)


DOCUMENT = {"o": {"k": [1]}, "s": "it's", "xs": [1, 2, 3, 4, 5], "b": True, "n": None}

CALLS: list[tuple[str, Any]] = [
    ("States.Format('a {} b {}', 1, 'x')", "a 1 b x"),
    ("States.Format('{}', $.o)", "{k=[1]}"),
    ("States.Format('{} {}', null, true)", "null true"),
    (r"States.Format('\{\} {}', 1)", "{} 1"),
    (r"States.Format('it\'s {}', $.s)", "it's it's"),
    ("States.StringToJson('{\"a\": 1}')", {"a": 1}),
    ("States.StringToJson(' ')", None),
    ("States.JsonToString($.o)", '{"k":[1]}'),
    ("States.JsonToString('x')", '"x"'),
    ("States.Array()", []),
    ("States.Array(1, 'a', $.b, null)", [1, "a", True, None]),
    ("States.ArrayPartition($.xs, 2)", [[1, 2], [3, 4], [5]]),
    ("States.ArrayPartition(States.Array(), 2)", []),
    ("States.ArrayContains($.xs, 3)", True),
    ("States.ArrayContains($.xs, true)", False),
    ("States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
    ("States.ArrayRange(3, 1, -1)", [3, 2, 1]),
    ("States.ArrayGetItem($.xs, 0)", 1),
    ("States.ArrayLength($.xs)", 5),
    ("States.ArrayUnique(States.Array(1, 1.0, true, 'a', 'a'))", [1, True, "a"]),
    ("States.Base64Encode('hello')", "aGVsbG8="),
    ("States.Base64Decode('aGVsbG8=')", "hello"),
    ("States.Hash('a', 'MD5')", "0cc175b9c0f1b6a831c399e269772661"),
    ("States.Hash('a', 'SHA-1')", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
    (
        "States.Hash('a', 'SHA-256')",
        "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
    ),
    ('States.JsonMerge($.o, States.StringToJson(\'{"k":2,"z":3}\'), false)', {"k": 2, "z": 3}),
    ("States.MathAdd(1.49, 1.5)", 3),
    ("States.MathAdd(1.5, 1.51)", 4),
    ("States.MathAdd(-1.49, -1.5)", -2),
    ("States.MathAdd(-1.5, -1.51)", -3),
    ("States.MathAdd(0.5, 0)", 1),
    ("States.StringSplit('This.is+a,test=string', '.+,=')", ["This", "is", "a", "test", "string"]),
    ("States.StringSplit(',,,,', ',')", []),
    ("States.StringSplit(', , ,', ',')", [" ", " "]),
    ("States.MathRandom(3, 4)", 3),
    ("States.ArrayLength(States.StringSplit(States.UUID(), '-'))", 5),
    ("States.Format('{}', States.ArrayGetItem(States.ArrayRange(1, 3, 1), 2))", "3"),
    ("$$.x", 1),
]


@pytest.mark.parametrize(("text", "value"), CALLS)
def test_an_intrinsic_function_answers(text: str, value: Any) -> None:
    """Recorded answers of AWS, edge cases among them."""
    found = compile_expression(text)(DOCUMENT, AROUND)
    assert found == value
    assert type(found) is type(value)


FAILING = [
    "States.Format('{}')",
    "States.Format('', 1)",
    "States.StringToJson('{')",
    "States.ArrayPartition($.xs, 0)",
    "States.ArrayRange(1, 2000, 1)",
    "States.ArrayRange(1, 2, 0)",
    "States.ArrayGetItem($.xs, -1)",
    "States.ArrayLength($.s)",
    "States.Base64Decode('*')",
    "States.Hash('a', 'CRC')",
    "States.JsonMerge($.o, $.o, true)",
    "States.JsonMerge($.o, $.xs, false)",
    "States.MathAdd('a', 1)",
    "States.MathRandom(2, 2)",
]


@pytest.mark.parametrize("text", FAILING)
def test_an_intrinsic_function_fails(text: str) -> None:
    """What it cannot answer is States.IntrinsicFailure."""
    with pytest.raises(IntrinsicFailure):
        compile_expression(text)(DOCUMENT, AROUND)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "$.",
        "$[",
        "$.a[",
        "$.a b",
        "$.length().x",
        "States.Format",
        "States.Format(",
        "States.Format('a'",
        "States.Format('a',)",
        "States.Format('a') x",
        "States.UUID(1)",
        "States.Nothing()",
        "States.Array(" * 12 + ")" * 12,
    ],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    """A definition with it is not accepted."""
    with pytest.raises(BadExpression):
        compile_expression(text)


def test_random_numbers_are_within_their_bounds_and_follow_a_seed() -> None:
    """The start is included, the end is not; the same seed draws the same."""
    draw = compile_expression("States.MathRandom(1, 4)")
    assert {draw({}, AROUND) for _ in range(200)} == {1, 2, 3}
    seeded = compile_expression("States.MathRandom(1, 1000000, 7)")
    assert seeded({}, AROUND) == seeded({}, AROUND)
