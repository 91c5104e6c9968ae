"""The expression language by tables: what holds, what changes, what is refused and how."""

from __future__ import annotations

from typing import Any

import pytest

from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.expressions.binding import bind
from haar.services.dynamodb.expressions.reserved import RESERVED

ITEM: dict[str, Any] = {
    "p": {"S": "key"},
    "n": {"N": "5"},
    "s": {"S": "hello"},
    "b": {"B": "aGVsbG8="},
    "yes": {"BOOL": True},
    "nil": {"NULL": True},
    "l": {"L": [{"N": "1"}, {"S": "two"}, {"M": {"x": {"N": "3"}}}]},
    "m": {"M": {"a": {"S": "A"}, "deep": {"M": {"er": {"L": [{"N": "7"}]}}}, "b.c": {"N": "9"}}},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2"]},
    "bs": {"BS": ["YQ==", "Yg=="]},
}
VALUES: dict[str, Any] = {
    ":five": {"N": "5.0"},
    ":six": {"N": "6"},
    ":hello": {"S": "hello"},
    ":he": {"S": "he"},
    ":ell": {"S": "ell"},
    ":a": {"S": "a"},
    ":one": {"N": "1"},
    ":raw": {"B": b"hello"},
    ":raw_he": {"B": b"he"},
    ":raw_a": {"B": b"a"},
    ":true": {"BOOL": True},
    ":nil": {"NULL": True},
    ":string": {"S": "S"},
    ":number": {"S": "N"},
    ":set": {"SS": ["b", "a"]},
    ":list": {"L": [{"N": "1"}]},
    ":map": {"M": {"x": {"N": "3"}}},
    ":z": {"S": "zzz"},
}
NAMES = {"#n": "n", "#m": "m", "#bc": "b.c", "#absent": "nothing"}


def members(role: str, text: str, values: dict[str, Any] = VALUES) -> dict[str, Any]:
    """Return a request with one expression, and the placeholders that stand in it."""
    import re  # noqa: PLC0415  # only here

    found = set(re.findall(r"[:#][A-Za-z0-9_]+", text))
    names = {name: NAMES[name] for name in found if name in NAMES}
    used = {name: values[name] for name in found if name in values}
    made: dict[str, Any] = {role: text}
    if names:
        made["ExpressionAttributeNames"] = names
    if used:
        made["ExpressionAttributeValues"] = used
    return made


HOLDS = [
    "n = :five",
    "#n = :five",
    "n <> :six",
    "n < :six",
    ":six > n",
    "n <= :five AND n >= :five",
    "n BETWEEN :one AND :six",
    "n IN (:one, :five)",
    "s = :hello and NOT s = :he",
    "not not s = :hello",
    "s = :he OR s = :hello",
    "s = :hello OR absent = :he AND s = :he",
    "(s = :hello OR absent = :he) AND NOT s = :he",
    "begins_with(s, :he)",
    "begins_with(b, :raw_he)",
    "contains(s, :ell)",
    "contains(ss, :a)",
    "contains(ns, :one)",
    "contains(bs, :raw_a)",
    "contains(l, :one)",
    "contains(l, :map)",
    "attribute_exists(m.a)",
    "attribute_exists(l[2].x)",
    "attribute_not_exists(l[3])",
    "attribute_not_exists(m.a.b)",
    "attribute_not_exists(#absent)",
    "attribute_type(s, :string)",
    "attribute_type(n, :number)",
    "NOT attribute_type(absent, :string)",
    "size(s) = :five",
    "size(b) = :five",
    "size(ss) < :five",
    "size(l) < :five",
    "size(m.deep) = :one",
    "m.#bc > :six",
    "#m.deep.er[0] > :six",
    "ss = :set",
    "b = :raw",
    "yes = :true",
    "nil = :nil",
    "l[2] = :map",
    "absent <> :five",
    "s <> :five",
    "NOT absent = :five",
    "NOT n < :hello",
    "NOT size(n) > :one",
    "NOT s IN (:five)",
    "begins_with(:hello, :he)",
    "attribute_exists(p) AND (attribute_not_exists(x) OR (x = :one AND y = :one))",
]


@pytest.mark.parametrize("text", HOLDS)
def test_a_condition_holds(text: str) -> None:
    """Every operator and function says of an item what AWS says; its opposite does not hold."""
    assert bind(members("ConditionExpression", text), "ConditionExpression").holds(ITEM)
    opposite = f"NOT ({text})"
    assert not bind(members("ConditionExpression", opposite), "ConditionExpression").holds(ITEM)


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("SET n = :six", {"n": {"N": "6"}}),
    ("SET n = n + :five", {"n": {"N": "10"}}),
    ("SET n = :six - n", {"n": {"N": "1"}}),
    ("SET n = if_not_exists(n, :six)", {}),
    ("SET x = if_not_exists(absent, :six)", {"x": {"N": "6"}}),
    ("SET x = if_not_exists(absent, :one) + :one", {"x": {"N": "2"}}),
    ("SET x = n, n = s, s = :a", {"x": {"N": "5"}, "n": {"S": "hello"}, "s": {"S": "a"}}),
    ("SET l[0] = :six", {"l": {"L": [{"N": "6"}, *ITEM["l"]["L"][1:]]}}),
    ("SET l[9] = :six, l[7] = :five",
     {"l": {"L": [*ITEM["l"]["L"], {"N": "5"}, {"N": "6"}]}}),
    ("SET l = list_append(l, :list)", {"l": {"L": [*ITEM["l"]["L"], {"N": "1"}]}}),
    ("SET l = list_append(:list, l)", {"l": {"L": [{"N": "1"}, *ITEM["l"]["L"]]}}),
    ("SET l[2].x = :a", {"l": {"L": [*ITEM["l"]["L"][:2], {"M": {"x": {"S": "a"}}}]}}),
    ("SET m.#bc = :a REMOVE m.deep", {"m": {"M": {"a": {"S": "A"}, "b.c": {"S": "a"}}}}),
    ("REMOVE l[0]", {"l": {"L": ITEM["l"]["L"][1:]}}),
    ("REMOVE l[0], l[1]", {"l": {"L": ITEM["l"]["L"][2:]}}),
    ("REMOVE l[0] SET l[1] = :a", {"l": {"L": [{"S": "a"}, ITEM["l"]["L"][2]]}}),
    ("REMOVE l[17], absent, m.absent", {}),
    ("remove s add n :one", {"s": None, "n": {"N": "6"}}),
    ("ADD x :one", {"x": {"N": "1"}}),
    ("ADD ss :set", {}),
    ("ADD x :set", {"x": {"SS": ["b", "a"]}}),
    ("ADD m.a2 :one", {"m": {"M": {**ITEM["m"]["M"], "a2": {"N": "1"}}}}),
    ("DELETE ss :set", {"ss": None}),
    ("DELETE absent :set", {}),
    ("SET x = (n + :one)", {"x": {"N": "6"}}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "changed"), CHANGES)
def test_an_update_changes_an_item(text: str, changed: dict[str, Any]) -> None:
    """Right-hand sides are read from the item as it was; what is not named stays."""
    import copy  # noqa: PLC0415  # only here

    item = copy.deepcopy(ITEM)
    bound = bind(members("UpdateExpression", text), "UpdateExpression")
    assert bound.update is not None
    bound.update.apply(item, bound.values, is_new=False)
    expected = {**ITEM, **changed}
    assert item == {name: value for name, value in expected.items() if value is not None}


BAD_PATH = "The document path provided in the update expression is invalid for update"
MISFITS = [
    ("SET x = absent", ("The provided expression refers to an attribute that does not exist in the "
     "item")),
    ("SET x = n + absent", ("The provided expression refers to an attribute that does not exist in "
     "the item")),
    ("SET x = s + :one", "An operand in the update expression has an incorrect data type"),
    ("SET x = list_append(s, :list)", ("An operand in the update expression has an incorrect data "
     "type")),
    ("ADD s :one", "An operand in the update expression has an incorrect data type"),
    ("ADD ns :set", "An operand in the update expression has an incorrect data type"),
    ("DELETE n :set", "An operand in the update expression has an incorrect data type"),
    ("SET absent.x = :one", BAD_PATH),
    ("SET s.x = :one", BAD_PATH),
    ("SET m[0] = :one", BAD_PATH),
    ("REMOVE absent.x", BAD_PATH),
    ("SET n = n + :huge", ("Number overflow. Attempting to store a number with magnitude larger "
     "than supported range")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "refusal"), MISFITS)
def test_an_update_that_does_not_fit_is_refused(text: str, refusal: str) -> None:
    """What only the item shows to be wrong is refused when the item is known."""
    values = {**VALUES, ":huge": {"N": "1e50"}}
    bound = bind(members("UpdateExpression", text, values), "UpdateExpression")
    assert bound.update is not None
    with pytest.raises(Invalid) as refused:
        bound.update.apply(dict(ITEM), bound.values, is_new=False)
    assert refused.value.text == refusal


C, U, P = "ConditionExpression", "UpdateExpression", "ProjectionExpression"
REFUSED: list[tuple[str, str, str]] = [
    (C, "", "The expression can not be empty;"),
    (C, "n = ", 'Syntax error; token: "<EOF>", near: "="'),
    (C, "n = :five n", 'Syntax error; token: "n", near: ":five n"'),
    (C, "n == :five", 'Syntax error; token: "=", near: "== :five"'),
    (C, "n[:five] = :five", 'Syntax error; token: ":five", near: "[:five]"'),
    (C, "l[-1] = :five", 'Syntax error; token: "-", near: "[-1"'),
    (C, "l[] = :five", 'Syntax error; token: "]", near: "[] ="'),
    (C, "n", 'Syntax error; token: "<EOF>", near: "n"'),
    (C, "f(n) = :five", "Invalid function name; function: f"),
    (C, "Size(n) = :five", "Invalid function name; function: Size"),
    (C, "size(s)", ("The function is not allowed to be used this way in an expression; function: "
     "size")),
    (C, "attribute_exists(n) < :five", ("The function is not allowed to be used this way in an "
     "expression; function: attribute_exists")),
    (C, "if_not_exists(n, :five) = :five", ("The function is not allowed in a condition "
     "expression; function: if_not_exists")),
    (C, "begins_with(s)", ("Incorrect number of operands for operator or function; operator or "
     "function: begins_with, number of operands: 1")),
    (C, "attribute_exists(:five)", ("Operator or function requires a document path; operator or "
     "function: attribute_exists")),
    (C, "((n = :five))", "The expression has redundant parentheses;"),
    (U, "SET n = ((n + :five))", "The expression has redundant parentheses;"),
    (U, "SET n = n + ((:five))", "The expression has redundant parentheses;"),
    (C, "name = :five", "Attribute name is a reserved keyword; reserved keyword: name"),
    (C, "#zz = :five", ("An expression attribute name used in the document path is not defined; "
     "attribute name: #zz")),
    (C, "n = :undefined", ("An expression attribute value used in expression is not defined; "
     "attribute value: :undefined")),
    (C, "n < :map", ("Incorrect operand type for operator or function; operator: <, operand "
     "type: M")),
    (C, "begins_with(s, :five)", ("Incorrect operand type for operator or function; operator or "
     "function: begins_with, operand type: N")),
    (C, "size(:five) = :five", ("Incorrect operand type for operator or function; operator or "
     "function: size, operand type: N")),
    (C, "attribute_type(s, :hello)", ("Invalid attribute type name found; type: hello, valid "
     "types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}")),
    (C, "contains(s, s)", ("The first operand must be distinct from the remaining operands for "
     "this operator or function; operator: contains, first operand: [s]")),
    (C, "n = n", ("The first operand must be distinct from the remaining operands for this "
     "operator or function; operator: =, first operand: [n]")),
    (C, "n BETWEEN :six AND :one", ("The BETWEEN operator requires upper bound to be greater than "
     "or equal to lower bound; lower bound operand: AttributeValue: {N:6}, upper bound operand: "
     "AttributeValue: {N:1}")),
    (C, "n BETWEEN :six AND :a", ("The BETWEEN operator requires same data type for lower and "
     "upper bounds; lower bound operand: AttributeValue: {N:6}, upper bound operand: "
     "AttributeValue: {S:a}")),
    (C, "l[99999999999] = :five", ("List index is not within the allowable range; index: "
     "[99999999999]")),
    (C, ".".join(["a"] * 33) + " = :five", ("The document path has too many nesting levels; "
     "nesting levels: 33")),
    (C, " OR ".join(["n = :five"] * 151), ("The expression contains too many operators; operator "
     "count: 301")),
    (C, "n = :five" + " " * 4088, ("Expression size has exceeded the maximum allowed size; "
     "expression size: 4097")),
    (C, "n IN (" + ", ".join([":five"] * 100) + ")", ("The IN operator is provided with too many "
     "operands; number of operands: 101")),
    (U, "SET n = :five SET s = :a", ('The "SET" section can only be used once in an update '
     "expression;")),
    (U, "SET n = :five, n = :six", ("Two document paths overlap with each other; must remove or "
     "rewrite one of these paths; path one: [n], path two: [n]")),
    (U, "SET m.a = :five REMOVE m", ("Two document paths overlap with each other; must remove or "
     "rewrite one of these paths; path one: [m, a], path two: [m]")),
    (U, "SET m.a = :five, m[1] = :six", ("Two document paths conflict with each other; must remove "
     "or rewrite one of these paths; path one: [m, a], path two: [m, [1]]")),
    (U, "ADD n :a", ("Incorrect operand type for operator or function; operator: ADD, operand "
     "type: STRING")),
    (U, "DELETE ss :five", ("Incorrect operand type for operator or function; operator: DELETE, "
     "operand type: NUMBER")),
    (U, "SET n = size(s)", "The function is not allowed in an update expression; function: size"),
    (U, "SET n = n + :a", ("Incorrect operand type for operator or function; operator or function: "
     "+, operand type: S")),
    (U, "SET n", 'Syntax error; token: "<EOF>", near: "n"'),
    (U, "SET n = n + :one + :one", 'Syntax error; token: "+", near: ":one + :one"'),
    (P, "a, a.b", ("Two document paths overlap with each other; must remove or rewrite one of "
     "these paths; path one: [a], path two: [a, b]")),
    (P, "a,", 'Syntax error; token: "<EOF>", near: ","'),
    (P, "size(a)", 'Syntax error; token: "(", near: "size(a"'),
]  # fmt: skip


@pytest.mark.parametrize(("role", "text", "refusal"), REFUSED)
def test_a_wrong_expression_is_refused_in_awss_words(role: str, text: str, refusal: str) -> None:
    """The text names the expression and what is wrong with it."""
    with pytest.raises(Invalid) as refused:
        bind(members(role, text), role)
    assert refused.value.text == f"Invalid {role}: {refusal}"


A: Any = {"S": "a"}
LONG = "#" + "a" * 255
PLACEHOLDERS: list[tuple[dict[str, Any], str]] = [
    ({"ExpressionAttributeNames": {"#a": "a"}},
     "ExpressionAttributeNames can only be specified when using expressions"),
    ({"ExpressionAttributeValues": {":a": A}},
     ("ExpressionAttributeValues can only be specified when using expressions: UpdateExpression "
     "and ConditionExpression are null")),
    ({C: "attribute_exists(a)", "ExpressionAttributeNames": {}},
     "ExpressionAttributeNames must not be empty"),
    ({C: "attribute_exists(a)", "ExpressionAttributeValues": {}},
     "ExpressionAttributeValues must not be empty"),
    ({C: "attribute_exists(a)", "ExpressionAttributeNames": {"a": "a"}},
     'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"'),
    ({C: "attribute_exists(a)", "ExpressionAttributeValues": {":a-b": A}},
     'ExpressionAttributeValues contains invalid key: Syntax error; key: ":a-b"'),
    ({C: "attribute_exists(a)", "ExpressionAttributeNames": {"#a": "a", "#b": "b"}},
     "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}"),
    ({C: "a = :a", "ExpressionAttributeValues": {":a": A, ":b": A}},
     "Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}"),
    ({C: "a = :a", "ExpressionAttributeNames": {LONG: "a"}},
     f'ExpressionAttributeNames contains invalid key: Longer than 255 bytes; key: "{LONG}"'),
    ({C: "a = :a", "ExpressionAttributeValues": {f":{LONG[1:]}": A}},
     f'ExpressionAttributeValues contains invalid key: Longer than 255 bytes; key: ":{LONG[1:]}"'),
    ({C: "a = :a", "ExpressionAttributeValues": {":a": {"N": "x"}}},
     ("ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a "
     "numeric value: x for key :a")),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "refusal"), PLACEHOLDERS)
def test_placeholders_are_checked_together(asked: dict[str, Any], refusal: str) -> None:
    """Names and values need expressions, a right form, and a use in one of them."""
    with pytest.raises(Invalid) as refused:
        bind(asked, "UpdateExpression", "ConditionExpression")
    assert refused.value.text == refusal


def test_a_placeholder_may_serve_any_expression() -> None:
    """What one of two expressions uses is not unused."""
    asked = {
        C: "#a = :a",
        U: "SET #a = :b",
        "ExpressionAttributeNames": {"#a": "a"},
        "ExpressionAttributeValues": {":a": A, ":b": A},
    }
    assert bind(asked, U, C).condition is not None


def test_every_reserved_word_is_refused_bare() -> None:
    """All 573 words are, in any case, and none is behind a placeholder."""
    assert len(RESERVED) == 573
    for word in RESERVED:
        for spelling in (word, word.lower(), word.capitalize()):
            if spelling.upper() in {"AND", "OR", "NOT", "BETWEEN", "IN"}:
                continue
            with pytest.raises(Invalid, match=f"reserved keyword: {spelling}"):
                bind({C: f"{spelling} = a"}, C)
        asked = {C: "attribute_exists(#w)", "ExpressionAttributeNames": {"#w": word}}
        assert not bind(asked, C).holds(ITEM)
