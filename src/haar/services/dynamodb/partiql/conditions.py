"""The grammar of WHERE: conditions become the pieces of native expressions.

::

    either     := both ("OR" both)*
    both       := negated ("AND" negated)*
    negated    := "NOT" negated | "(" either ")" | predicate
    predicate  := function "(" path "," value ")" | operand test
    test       := comparator operand | "BETWEEN" operand "AND" operand | "IN" options
                | "IS" "NOT"? ("MISSING" | "NULL")
    operand    := "size" "(" path ")" | path | value

Each rule returns the clauses that all have to hold; more than one only where AND joins them, so
that key attributes can be found among them.
"""

from __future__ import annotations

from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.expressions.condition_grammar import (
    IN_OPTIONS_MAX as NATIVE_OPTIONS_MAX,
)
from haar.services.dynamodb.expressions.syntax import Path
from haar.services.dynamodb.partiql import faults
from haar.services.dynamodb.partiql.reader import Reader
from haar.services.dynamodb.partiql.syntax import Clause, Literal, Piece, Pieces, Where

IN_OPTIONS_MAX = 100
_COMPARATORS = ("=", "<>", "!=", "<=", ">=", "<", ">")
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_FUNCTIONS = ("begins_with", "contains", "attribute_type")


def read_where(reader: Reader) -> Where:
    """Return the conditions after WHERE; none where there is no WHERE."""
    return _either(reader) if reader.accept("WHERE") else ()


def _either(reader: Reader) -> Where:
    options = [_both(reader)]
    while reader.accept("OR"):
        options.append(_both(reader))
    if len(options) == 1:
        return options[0]
    pieces: list[Piece] = []
    for option in options:
        pieces += ["OR", "(", *joined(option), ")"]
    return (Clause(tuple(pieces[1:])),)


def _both(reader: Reader) -> Where:
    found = list(_negated(reader))
    while reader.accept("AND"):
        found += _negated(reader)
    return tuple(found)


def _negated(reader: Reader) -> Where:
    reader.deeper()
    try:
        if reader.accept("NOT"):
            return (Clause(("NOT", "(", *joined(_negated(reader)), ")")),)
        if reader.accept("("):
            inside = _either(reader)
            reader.expect(")")
            return inside
        return (_predicate(reader),)
    finally:
        reader.higher()


def joined(where: Where) -> Pieces:
    """Return one expression's pieces for conditions that all have to hold."""
    if len(where) == 1:
        return where[0].pieces
    pieces: list[Piece] = []
    for clause in where:
        pieces += ["AND", "(", *clause.pieces, ")"]
    return tuple(pieces[1:])


def _predicate(reader: Reader) -> Clause:
    for function in _FUNCTIONS:
        if reader.accept(function.upper(), "("):
            return _function(reader, function)
    left = _operand(reader)
    if reader.accept("BETWEEN"):
        lower = _operand(reader)
        reader.expect("AND")
        upper = _operand(reader)
        return _clause("BETWEEN", left, (lower, upper), (*left, "BETWEEN", *lower, "AND", *upper))
    if reader.accept("IN"):
        return _in(reader, left)
    if reader.accept("IS"):
        return _is(reader, left)
    return _comparison(reader, left)


def _function(reader: Reader, function: str) -> Clause:
    path = reader.path()
    reader.expect(",")
    value = Literal(reader.value())
    reader.expect(")")
    pieces: Pieces = (function, "(", path, ",", value, ")")
    if function == "begins_with":
        return _clause(function, (path,), ((value,),), pieces)
    return Clause(pieces)


def _in(reader: Reader, left: Pieces) -> Clause:
    end = ")" if reader.accept("(") else "]"
    if end == "]":
        reader.expect("[")
    options = [Literal(reader.value())]
    while reader.accept(","):
        options.append(Literal(reader.value()))
    reader.expect(end)
    if len(options) > IN_OPTIONS_MAX:
        raise Invalid(faults.IN_TOO_MANY, count=len(options))
    pieces: list[Piece] = []
    for start in range(0, len(options), NATIVE_OPTIONS_MAX):
        listed: list[Piece] = []
        for option in options[start : start + NATIVE_OPTIONS_MAX]:
            listed += [",", option]
        pieces += ["OR", *left, "IN", "(", *listed[1:], ")"]
    return _clause("IN", left, tuple((option,) for option in options), tuple(pieces[1:]))


def _is(reader: Reader, left: Pieces) -> Clause:
    is_negative = reader.accept("NOT")
    if len(left) != 1 or not isinstance(left[0], Path):
        raise reader.fault("Expected a path before IS")
    if reader.accept("MISSING"):
        function = "attribute_exists" if is_negative else "attribute_not_exists"
        return Clause((function, "(", left[0], ")"))
    reader.expect("NULL")
    # A missing attribute is null, too, as in SQL.
    is_null: Pieces = ("attribute_not_exists", "(", left[0], ")", "OR")
    is_null += ("attribute_type", "(", left[0], ",", Literal({"S": "NULL"}), ")")
    return Clause(("NOT", "(", *is_null, ")") if is_negative else is_null)


def _comparison(reader: Reader, left: Pieces) -> Clause:
    for comparator in _COMPARATORS:
        if reader.accept(comparator):
            operator = "<>" if comparator == "!=" else comparator
            right = _operand(reader)
            pieces = (*left, operator, *right)
            if isinstance(left[0], Literal) and operator in _MIRRORED:
                return _clause(_MIRRORED[operator], right, (left,), pieces)
            return _clause(operator, left, (right,), pieces)
    raise reader.fault("Expected comparison")


def _operand(reader: Reader) -> Pieces:
    if reader.accept("SIZE", "("):
        path = reader.path()
        reader.expect(")")
        return ("size", "(", path, ")")
    if reader.is_value():
        return (Literal(reader.value()),)
    return (reader.path(),)


def _clause(operator: str, left: Pieces, values: tuple[Pieces, ...], pieces: Pieces) -> Clause:
    """Return a clause that tells what it asks of one attribute, where it asks just that."""
    path = left[0]
    given = tuple(one[0].value for one in values if len(one) == 1 and isinstance(one[0], Literal))
    is_plain = isinstance(path, Path) and len(left) == 1 and len(path.parts) == 1
    if not is_plain or len(given) != len(values) or operator == "<>":
        return Clause(pieces)
    assert isinstance(path, Path), "just checked"
    return Clause(pieces, str(path.parts[0]), operator, given)
