"""Expressions against an oracle of plain Python, which knows nothing of how haar evaluates them.

The oracle's values are pairs of a type and a Python value: ``("N", Decimal)``, ``("S", str)``,
``("SS", frozenset)``, ``("M", dict)``, ``("L", list)`` and so on.
"""

from __future__ import annotations

import base64
import copy
import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.expressions.binding import bind
from haar.services.dynamodb.values import dumps, measure_item

ROOTS = ["a", "b", "c", "d"]
ABSENT = None
Plain = Any
Oracle = Callable[[dict[str, Plain]], Any]

numbers = st.integers(-40, 40).map(lambda n: {"N": str(Decimal(n) / 4)})
strings = st.text("xyé", max_size=3).map(lambda s: {"S": s})
binaries = st.binary(max_size=2).map(lambda b: {"B": b})
scalars = st.one_of(numbers, strings, binaries)
others = st.sampled_from([{"BOOL": True}, {"BOOL": False}, {"NULL": True}])
sets = st.one_of(
    st.sets(st.sampled_from("xyz"), min_size=1).map(lambda s: {"SS": sorted(s)}),
    st.sets(st.integers(-2, 2), min_size=1).map(lambda s: {"NS": [str(n) for n in s]}),
    st.sets(st.sampled_from([b"x", b"y"]), min_size=1).map(lambda s: {"BS": sorted(s)}),
)
values = st.recursive(
    st.one_of(scalars, others, sets),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda v: {"L": v}),
        st.dictionaries(st.sampled_from("ab"), inner, max_size=2).map(lambda v: {"M": v}),
    ),
    max_leaves=6,
)
long_lists = st.lists(scalars, min_size=2, max_size=5).map(lambda v: {"L": v})
maps = st.dictionaries(st.sampled_from("ab"), st.one_of(scalars, long_lists, sets)).map(
    lambda v: {"M": v}
)
items = st.fixed_dictionaries(
    {}, optional={root: st.one_of(values, long_lists, maps) for root in ROOTS}
)
steps = st.one_of(st.sampled_from("ab"), st.integers(0, 3))
paths = st.tuples(st.sampled_from(ROOTS), st.lists(steps, max_size=2)).map(
    lambda pair: (pair[0], *pair[1])
)


def plain(value: dict[str, Any]) -> Plain:
    """Return a wire value as the oracle's."""
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return kind, Decimal(content)
        case "B":
            return kind, content if isinstance(content, bytes) else base64.b64decode(content)
        case "SS":
            return kind, frozenset(content)
        case "NS":
            return kind, frozenset(map(Decimal, content))
        case "BS":
            return kind, frozenset(plain({"B": one})[1] for one in content)
        case "L":
            return kind, [plain(one) for one in content]
        case "M":
            return kind, {name: plain(one) for name, one in content.items()}
        case _:
            return kind, content


def plain_item(item: dict[str, Any]) -> dict[str, Plain]:
    return {name: plain(value) for name, value in item.items()}


def at(item: dict[str, Plain], path: tuple[str | int, ...]) -> Plain:
    """Return what lies at a path of the oracle's item."""
    here: Plain = ("M", item)
    for step in path:
        if here is ABSENT:
            return ABSENT
        kind, content = here
        if kind == "M" and isinstance(step, str):
            here = content.get(step)
        elif kind == "L" and isinstance(step, int):
            here = content[step] if step < len(content) else ABSENT
        else:
            return ABSENT
    return here


def stored(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item as it comes from the store: normal numbers, binaries in base64."""
    measure_item(item)
    found: dict[str, Any] = orjson.loads(dumps(item))
    return found


def spell(path: tuple[str | int, ...]) -> str:
    return str(path[0]) + "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" for step in path[1:]
    )


class Asked:
    """An expression in the making: its text, its values, and what the oracle says."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def value(self, value: Any) -> str:
        name = f":v{len(self.values)}"
        self.values[name] = value
        return name

    def request(self, role: str, text: str) -> dict[str, Any]:
        members: dict[str, Any] = {role: text}
        if self.values:
            members["ExpressionAttributeValues"] = copy.deepcopy(self.values)
        return members


ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def ordered(order: Callable[[Any, Any], bool], one: Plain, other: Plain) -> bool:
    if one is ABSENT or other is ABSENT or one[0] != other[0] or one[0] not in "SNB":
        return False
    if one[0] == "S":
        return order(one[1].encode(), other[1].encode())
    return order(one[1], other[1])


def size(value: Plain) -> Plain:
    if value is ABSENT or value[0] in {"N", "BOOL", "NULL"}:
        return ABSENT
    return "N", Decimal(len(value[1]))


def contains(whole: Plain, part: Plain) -> bool:
    if whole is ABSENT or part is ABSENT:
        return False
    kind, content = whole
    if kind in {"S", "B"}:
        return part[0] == kind and part[1] in content
    if kind in {"SS", "NS", "BS"}:
        return part[0] == kind[0] and part[1] in content
    return kind == "L" and part in content


@st.composite
def operands(draw: Any, asked: Asked, literals: Any = values) -> tuple[str, Oracle]:
    """Draw an operand of a comparison."""
    choice = draw(st.sampled_from(["path", "value", "size"]))
    if choice == "value":
        value = draw(literals)
        found = plain(value)
        return asked.value(value), lambda _: found
    path = draw(paths)
    if choice == "path":
        return spell(path), lambda item: at(item, path)
    return f"size({spell(path)})", lambda item: size(at(item, path))


@st.composite
def simple(draw: Any, asked: Asked) -> tuple[str, Oracle]:  # noqa: PLR0911  # one a kind
    """Draw a condition without AND, OR and NOT."""
    path = draw(paths)
    text = spell(path)
    choice = draw(
        st.sampled_from(
            ["=", "<>", "order", "between", "in", "exists", "begins", "contains", "type", "size"]
        )
    )
    if choice == "=":
        right, of = draw(operands(asked).filter(lambda pair: pair[0] != text))
        return (
            f"{text} = {right}",
            lambda item: at(item, path) is not ABSENT and at(item, path) == of(item),
        )
    if choice == "<>":
        right, of = draw(operands(asked).filter(lambda pair: pair[0] != text))
        return (
            f"{text} <> {right}",
            lambda item: (
                at(item, path) is ABSENT or of(item) is ABSENT or at(item, path) != of(item)
            ),
        )
    if choice == "order":
        sign = draw(st.sampled_from(sorted(ORDERS)))
        right, of = draw(operands(asked, scalars).filter(lambda pair: pair[0] != text))
        return f"{text} {sign} {right}", lambda item: ordered(
            ORDERS[sign], at(item, path), of(item)
        )
    if choice == "between":
        low, high = sorted(draw(st.tuples(numbers, numbers)), key=lambda v: Decimal(v["N"]))
        between = f"{text} BETWEEN {asked.value(low)} AND {asked.value(high)}"
        return (
            between,
            lambda item: (
                ordered(operator.ge, at(item, path), plain(low))
                and ordered(operator.le, at(item, path), plain(high))
            ),
        )
    if choice == "in":
        options = draw(st.lists(values, min_size=1, max_size=3))
        listed = ", ".join(asked.value(option) for option in options)
        return f"{text} IN ({listed})", lambda item: at(item, path) in map(plain, options)
    if choice == "exists":
        return f"attribute_exists({text})", lambda item: at(item, path) is not ABSENT
    if choice == "begins":
        start = draw(st.one_of(strings, binaries))
        return (
            f"begins_with({text}, {asked.value(start)})",
            lambda item: (
                at(item, path) is not ABSENT
                and at(item, path)[0] == plain(start)[0]
                and at(item, path)[1].startswith(plain(start)[1])
            ),
        )
    if choice == "contains":
        part = draw(values)
        return f"contains({text}, {asked.value(part)})", lambda item: contains(
            at(item, path), plain(part)
        )
    kind = draw(st.sampled_from(["S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"]))
    return (
        f"attribute_type({text}, {asked.value({'S': kind})})",
        lambda item: at(item, path) is not ABSENT and at(item, path)[0] == kind,
    )


@st.composite
def conditions(draw: Any, asked: Asked, depth: int = 3) -> tuple[str, Oracle]:
    """Draw a condition."""
    choice = draw(st.sampled_from(["simple", "not", "and", "or"])) if depth else "simple"
    if choice == "simple":
        return draw(simple(asked))
    left, one = draw(conditions(asked, depth - 1))
    if choice == "not":
        return f"NOT {left}", lambda item: not one(item)
    right, other = draw(conditions(asked, depth - 1))
    if choice == "and":
        return f"({left} AND {right})", lambda item: one(item) and other(item)
    return f"({left} OR {right})", lambda item: one(item) or other(item)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), item=items)
def test_a_condition_holds_as_the_oracle_says(data: Any, item: dict[str, Any]) -> None:
    """Any condition says of any item what plain Python says."""
    asked = Asked()
    text, oracle = data.draw(conditions(asked))
    bound = bind(asked.request("ConditionExpression", text), "ConditionExpression")
    assert bound.holds(stored(item)) == oracle(plain_item(item)), text


class Unfit(Exception):
    """The oracle refuses an update."""


BELOW: dict[str, Any] = {
    "L": st.lists(st.integers(0, 5).map(lambda n: (n,)), min_size=1, unique=True, max_size=4),
    "M": st.lists(st.sampled_from([("a",), ("b",)]), min_size=1, unique=True, max_size=2),
    "": st.sampled_from([[()], [()], [("a", 1)]]),
}
SECTIONS = {"L": ["SET", "REMOVE", "REMOVE"], "M": ["SET", "REMOVE", "ADD"]}


@st.composite
def updates(draw: Any, asked: Asked, item: dict[str, Any]) -> tuple[str, list[tuple[Any, ...]]]:
    """Draw an update: its text, and its actions ``(section, path, function of the old item)``."""
    sections: dict[str, list[str]] = {"SET": [], "REMOVE": [], "ADD": [], "DELETE": []}
    actions: list[tuple[Any, ...]] = []
    for root in draw(st.lists(st.sampled_from(ROOTS), min_size=1, max_size=3, unique=True)):
        kind = next(iter(item.get(root, {"": None})))
        fitting = BELOW.get(kind, BELOW[""])
        for rest in draw(st.one_of(fitting, fitting, st.just([()]))):
            path = (root, *rest)
            usual = SECTIONS.get(kind, []) if rest else []
            section = draw(st.sampled_from(usual or sorted(sections)))
            text, action = draw(_action(asked, section, path))
            sections[section].append(text)
            actions.append((section, path, action))
    order = draw(st.permutations([name for name in sections if sections[name]]))
    return " ".join(f"{name} {', '.join(sections[name])}" for name in order), actions


@st.composite
def _action(draw: Any, asked: Asked, section: str, path: Any) -> tuple[str, Any]:
    text = spell(path)
    if section == "REMOVE":
        return text, None
    if section == "ADD":
        value = draw(st.one_of(numbers, sets))
        return f"{text} {asked.value(value)}", lambda item: _added(at(item, path), plain(value))
    if section == "DELETE":
        value = draw(sets)
        return f"{text} {asked.value(value)}", lambda item: _less(at(item, path), plain(value))
    right, of = draw(_right(asked))
    return f"{text} = {right}", of


def _added(present: Plain, value: Plain) -> Plain:
    if present is ABSENT:
        return value
    if present[0] != value[0]:
        raise Unfit
    return value[0], (present[1] + value[1] if value[0] == "N" else present[1] | value[1])


def _less(present: Plain, value: Plain) -> Plain:
    if present is ABSENT:
        return ABSENT
    if present[0] != value[0]:
        raise Unfit
    left = present[1] - value[1]
    return (value[0], left) if left else ABSENT


def _needed(value: Plain) -> Plain:
    if value is ABSENT:
        raise Unfit
    return value


@st.composite
def _right(draw: Any, asked: Asked) -> tuple[str, Oracle]:
    """Draw the right-hand side of a SET."""
    choice = draw(st.sampled_from(["value", "value", "path", "sum", "default", "append"]))
    path = draw(paths)
    text = spell(path)
    if choice == "value":
        value = draw(values)
        return asked.value(value), lambda _: plain(value)
    if choice == "path":
        return text, lambda item: _needed(at(item, path))
    if choice == "default":
        default = draw(values)
        return (
            f"if_not_exists({text}, {asked.value(default)})",
            lambda item: plain(default) if at(item, path) is ABSENT else at(item, path),
        )
    if choice == "append":
        more = {"L": draw(st.lists(scalars, max_size=2))}

        def append(item: dict[str, Plain]) -> Plain:
            kind, content = _needed(at(item, path))
            if kind != "L":
                raise Unfit
            return "L", content + plain(more)[1]

        return f"list_append({text}, {asked.value(more)})", append
    number = draw(numbers)
    sign, compute = draw(st.sampled_from([("+", operator.add), ("-", operator.sub)]))

    def total(item: dict[str, Plain]) -> Plain:
        kind, content = _needed(at(item, path))
        if kind != "N":
            raise Unfit
        return "N", compute(content, plain(number)[1])

    return f"{text} {sign} {asked.value(number)}", total


def apply(item: dict[str, Plain], actions: list[tuple[Any, ...]]) -> dict[str, Plain]:
    """Return the oracle's item after an update."""
    old, new = item, copy.deepcopy(item)
    outcomes = [
        (path, ABSENT if section == "REMOVE" else copy.deepcopy(of(old)))
        for section, path, of in actions
    ]
    removed, appended = [], []
    for path, value in outcomes:
        parent = at(new, path[:-1])
        last = path[-1]
        if parent is ABSENT or parent[0] != ("L" if isinstance(last, int) else "M"):
            raise Unfit
        if value is ABSENT:
            removed.append((parent[1], last))
        elif isinstance(last, int) and last >= len(parent[1]):
            appended.append((last, parent[1], value))
        else:
            parent[1][last] = value
    for content, last in sorted(removed, key=lambda pair: str(pair[1]), reverse=True):
        if isinstance(last, int):
            if last < len(content):
                del content[last]
        else:
            content.pop(last, None)
    for _, content, value in sorted(appended, key=lambda entry: entry[0]):
        content.append(value)
    return new


@settings(max_examples=200, deadline=None)
@given(data=st.data(), item=items)
def test_an_update_changes_as_the_oracle_says(data: Any, item: dict[str, Any]) -> None:
    """Any update makes of any item what plain Python makes, or both refuse it."""
    asked = Asked()
    text, actions = data.draw(updates(asked, item))
    bound = bind(asked.request("UpdateExpression", text), "UpdateExpression")
    assert bound.update is not None
    before, new = plain_item(item), stored(item)
    try:
        expected: Any = apply(before, actions)
    except Unfit:
        expected = Unfit
    try:
        bound.update.apply(new, bound.values, is_new=False)
        found: Any = plain_item(stored(new))
    except Invalid:
        found = Unfit
    assert found == expected, text


def cut(value: Plain, wanted: list[tuple[Any, ...]]) -> Plain:
    """Return what the oracle leaves of a value where only some paths are wanted."""
    if () in wanted:
        return value
    kind, content = value
    if kind == "M":
        kept = {
            name: cut(inner, [path[1:] for path in wanted if path[0] == name])
            for name, inner in content.items()
            if any(path[0] == name for path in wanted)
        }
        left = {name: inner for name, inner in kept.items() if inner is not ABSENT}
        return ("M", left) if left else ABSENT
    if kind == "L":
        elements = [
            cut(inner, [path[1:] for path in wanted if path[0] == number])
            for number, inner in enumerate(content)
            if any(path[0] == number for path in wanted)
        ]
        whole = [inner for inner in elements if inner is not ABSENT]
        return ("L", whole) if whole else ABSENT
    return ABSENT


@settings(max_examples=150, deadline=None)
@given(item=items, wanted=st.lists(paths, min_size=1, max_size=4))
def test_a_projection_leaves_what_the_oracle_leaves(
    item: dict[str, Any], wanted: list[tuple[Any, ...]]
) -> None:
    """Any projection of any item is what plain Python cuts out, or refused for its paths."""
    text = ", ".join(map(spell, wanted))
    try:
        projection = bind({"ProjectionExpression": text}, "ProjectionExpression").projection
    except Invalid:
        pairs = [(one, two) for one in wanted for two in wanted if one is not two]
        assert any(_quarrel(one, two) for one, two in pairs), text
        return
    assert projection is not None
    expected = cut(("M", plain_item(item)), wanted)
    assert plain_item(projection.apply(stored(item))) == (
        {} if expected is ABSENT else expected[1]
    ), text


def _quarrel(one: tuple[Any, ...], two: tuple[Any, ...]) -> bool:
    """Whether two paths overlap, or take one value for a list and a map."""
    for left, right in zip(one, two, strict=False):
        if type(left) is not type(right):
            return True
        if left != right:
            return False
    return True
