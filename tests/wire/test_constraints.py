"""The model's constraints: what is checked before an operation, and AWS's words for a breach."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haar.app import services
from haar.wire.constraints import Explainer, compile_pattern, refusal
from haar.wire.models import ModelCatalog, from_json
from haar.wire.patches import NO_PATCH, PATTERNS, patch_of

LEDGER = Path(__file__).parents[1] / "ledgers" / "nested_patterns.txt"
SHAPES: dict[str, Any] = {
    "In": {
        "type": "structure",
        "required": ["Name", "Items"],
        "members": {
            "Name": {"shape": "Name"},
            "Items": {"shape": "Items"},
            "Count": {"shape": "Count"},
            "Mode": {"shape": "Mode"},
            "Tags": {"shape": "Tags"},
            "Secret": {"shape": "Secret"},
            "Notes": {"shape": "Notes"},
        },
    },
    "Name": {"type": "string", "min": 3, "max": 6, "pattern": "[a-z]+"},
    "Items": {"type": "list", "member": {"shape": "Item"}, "min": 1, "max": 2},
    "Item": {"type": "structure", "required": ["Kind"], "members": {"Kind": {"shape": "Mode"}}},
    "Count": {"type": "integer", "min": 1, "max": 10},
    "Mode": {"type": "string", "enum": ["ON", "OFF"]},
    "Tags": {"type": "map", "key": {"shape": "Name"}, "value": {"shape": "Mode"}, "max": 2},
    "Secret": {"type": "string", "max": 3, "sensitive": True},
    "Notes": {"type": "list", "member": {"shape": "Name"}},
}
MODEL = from_json(
    "case",
    {
        "metadata": {"protocol": "json", "apiVersion": "1", "endpointPrefix": "x"},
        "operations": {},
        "shapes": SHAPES,
    },
)
GOOD = {"Name": "abc", "Items": [{"Kind": "ON"}]}
PATTERN = "Member must satisfy regular expression pattern: [a-z]+"
ENUM = "Member must satisfy enum value set: [ON, OFF]"
SHORT = "Member must have length greater than or equal to 3"
LONG = "Member must have length less than or equal to 6"


def told(members: dict[str, Any]) -> str:
    """Return what a client is told of some members, or nothing."""
    breaches = Explainer(MODEL).breaches(MODEL.shape("In"), members)
    return refusal(breaches, "ValidationException", NO_PATCH).text if breaches else ""


AT_LEAST_1 = "Member must have length greater than or equal to 1"
NAMES = f"[{LONG}, {SHORT}, {PATTERN}]"
MODES = f"[{ENUM}]"
MISSING = "Member must not be null"


@pytest.mark.parametrize(
    ("changed", "where", "rule"),
    [
        ({"Name": "ab"}, "'ab' at 'name'", SHORT),
        ({"Name": "a" * 7}, "'aaaaaaa' at 'name'", LONG),
        ({"Name": "abC"}, "'abC' at 'name'", PATTERN),
        ({"Name": None}, "null at 'name'", MISSING),
        ({"Count": 0}, "'0' at 'count'", "Member must have value greater than or equal to 1"),
        ({"Count": 11}, "'11' at 'count'", "Member must have value less than or equal to 10"),
        ({"Mode": "on"}, "'on' at 'mode'", ENUM),
        ({"Items": []}, "'[]' at 'items'", AT_LEAST_1),
        ({"Items": [{"Kind": "ON"}, {}]}, "null at 'items.2.member.kind'", MISSING),
        ({"Items": [{"Kind": "X"}]}, "'X' at 'items.1.member.kind'", ENUM),
        ({"Notes": ["no"]}, "'[no]' at 'notes'", f"Member must satisfy constraint: {NAMES}"),
        ({"Tags": {"U": "ON"}}, "'{U=ON}' at 'tags'", f"Map keys must satisfy constraint: {NAMES}"),
        (
            {"Tags": {"abc": "?"}},
            "'{abc=?}' at 'tags'",
            f"Map value must satisfy constraint: {MODES}",
        ),
        ({"Secret": "four"}, "at 'secret'", "Member must have length less than or equal to 3"),
    ],
)
def test_one_breach_is_told_in_awss_words(changed: dict[str, Any], where: str, rule: str) -> None:
    """Path, value and rule, as AWS's services print them; a secret's value is not shown."""
    members = {k: v for k, v in {**GOOD, **changed}.items() if v is not None}
    text = f"Value {where} failed to satisfy constraint: {rule}"
    assert told(members) == f"1 validation error detected: {text}"


def test_several_breaches_are_told_at_once() -> None:
    """All of them, in the model's order."""
    assert told({"Name": "A", "Items": [{}], "Mode": ""}) == (
        f"4 validation errors detected: Value 'A' at 'name' failed to satisfy constraint: {SHORT}; "
        f"Value 'A' at 'name' failed to satisfy constraint: {PATTERN}; "
        f"Value null at 'items.1.member.kind' failed to satisfy constraint: {MISSING}; "
        f"Value '' at 'mode' failed to satisfy constraint: {ENUM}"
    )


def test_members_that_satisfy_everything_are_taken() -> None:
    """The bounds themselves are inside."""
    assert told(GOOD) == ""
    assert told({"Name": "a" * 6, "Items": [{"Kind": "OFF"}] * 2, "Count": 10, "Notes": []}) == ""


def test_ten_breaches_are_enough() -> None:
    """A list of thousands of wrong things is not answered with all of them."""
    text = told({"Name": "abc", "Items": [{}] * 5000})
    assert text.startswith("10 validation errors detected: ")
    assert len(text) < 16 * 1024


def test_a_service_may_have_words_of_its_own() -> None:
    """SQS says MissingParameter, in another sentence."""
    model = ModelCatalog(None).service("sqs")
    breaches = Explainer(model).breaches(model.shape("SendMessageRequest"), {"MessageBody": "x"})
    refused = refusal(breaches, "ValidationException", patch_of("sqs"))
    assert refused.code == "MissingParameter"
    assert refused.text == "The request must contain the parameter QueueUrl."


@given(st.text(alphabet="\t a~\x7f\n", max_size=8))
def test_a_replaced_pattern_has_the_same_texts(text: str) -> None:
    """What a model's pattern takes, its replacement takes; what it refuses, is refused."""
    for slow, fast in PATTERNS.items():
        assert bool(re.fullmatch(slow, text)) == bool(re.fullmatch(fast, text))


def has_nested(pattern: str) -> bool:
    """Whether something repeated stands in a group that is repeated."""
    groups = [False]
    for at, letter in enumerate(pattern):
        if pattern[at - 1 : at] == "\\":
            continue
        if letter == "(":
            groups.append(False)
        elif letter == ")" and len(groups) > 1:
            inner, is_repeated = groups.pop(), pattern[at + 1 : at + 2] in ("*", "+")
            if inner and is_repeated:
                return True
            groups[-1] |= inner or is_repeated
        elif letter in "*+" or re.match(r"\{\d{2,}|\{\d+,(\d{2,}|)\}", pattern[at:]):
            groups[-1] = True
    return False


def test_no_pattern_of_a_served_model_runs_away() -> None:
    """A text that a client chose must not keep the loop busy: nested repetitions are reviewed."""
    catalog = ModelCatalog(None)
    names = {name for service in services() for name in service.models}
    found = {
        f"{name}.{shape}"
        for name in names
        for shape in catalog.service(name).shape_names()
        if has_nested(catalog.service(name).shape(shape).pattern)
    }
    lines = [line.split("#")[0].strip() for line in LEDGER.read_text().splitlines()]
    assert found == set(lines) - {""}


def test_patterns_of_served_models_are_understood() -> None:
    """Java's patterns are Python's, or are known to be skipped."""
    catalog = ModelCatalog(None)
    names = {name for service in services() for name in service.models}
    patterns = {
        catalog.service(name).shape(shape).pattern
        for name in names
        for shape in catalog.service(name).shape_names()
    } - {""}
    assert len(patterns) > 50
    assert [p for p in patterns if compile_pattern(p) is None] == []
