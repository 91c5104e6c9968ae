"""The model's constraints: required, length, range, pattern, enum, and AWS's words for a breach.

Two halves. :func:`check_of` compiles the constraints of one value into a predicate that the
decoders run on their way. :class:`Explainer` walks decoded members only when a predicate said no,
and finds every breach in the model's order::

    2 validation errors detected: Value '' at 'tableName' failed to satisfy constraint: Member must
    have length greater than or equal to 3; Value null at 'keySchema.1.member.keyType' failed to
    satisfy constraint: Member must not be null
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import structs

from haar.kernel.errors import ApiError, RefusedAs
from haar.wire.models import Member, ServiceModel, Shape
from haar.wire.patches import PATTERNS, Patch, patch_of

BREACHES_MAX = 10
_VALUE_CHARACTERS_MAX = 1024
_NUMBERS = frozenset({"integer", "long", "float", "double", "bigInteger", "bigDecimal"})
_TEXTS = frozenset({"string", "character"})

Check = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Breach:
    """One constraint that a value does not satisfy.

    Attributes:
        path: of the member, as AWS writes it: ``keySchema.1.member.keyType``.
        member: the name in the model of the member that is wrong or missing.
        value: as AWS writes it, with its quotes; ``null`` where the member is missing.
        rule: ``Member must …``.
    """

    path: str
    member: str
    value: str
    rule: str

    def __str__(self) -> str:
        shown = f"Value {self.value} at" if self.value else "Value at"
        return f"{shown} '{self.path}' failed to satisfy constraint: {self.rule}"


def check_of(shape: Shape) -> Check | None:
    """Return a predicate for the shape's own constraints (not of what is inside), or None."""
    rules = list(rules_of(shape))
    if not rules:
        return None
    if len(rules) == 1:
        return rules[0][0]
    checks = tuple(check for check, _ in rules)
    return lambda value: all(check(value) for check in checks)


def rules_of(shape: Shape) -> Iterator[tuple[Check, str]]:
    """Yield the shape's own constraints: a predicate and AWS's words."""
    if shape.type in _NUMBERS:
        yield from range_rules(shape)
    elif shape.type in ("string", "character", "blob", "list", "map") and not shape.streaming:
        yield from length_rules(shape)
    if shape.type in _TEXTS:
        yield from text_rules(shape)


def range_rules(shape: Shape) -> Iterator[tuple[Check, str]]:
    """Yield the bounds of a number."""
    low, high = shape.min, shape.max
    if high is not None:
        yield (lambda v: v <= high), f"Member must have value less than or equal to {high:.0f}"
    if low is not None:
        yield (lambda v: v >= low), f"Member must have value greater than or equal to {low:.0f}"


def length_rules(shape: Shape) -> Iterator[tuple[Check, str]]:
    """Yield the bounds of a length."""
    low, high = shape.min, shape.max
    if high is not None:
        yield (
            lambda v: len(v) <= high,
            f"Member must have length less than or equal to {high:.0f}",
        )
    if low:
        yield (
            lambda v: len(v) >= low,
            f"Member must have length greater than or equal to {low:.0f}",
        )


def text_rules(shape: Shape) -> Iterator[tuple[Check, str]]:
    """Yield the pattern and the value set of a text."""
    if shape.pattern:
        yield from pattern_rules(shape.pattern, shape.pattern)
    if shape.enum:
        allowed = frozenset(shape.enum)
        words = ", ".join(shape.enum)
        yield (lambda v: v in allowed), f"Member must satisfy enum value set: [{words}]"


def pattern_rules(pattern: str, told: str) -> Iterator[tuple[Check, str]]:
    """Yield a pattern, as it is told; nothing where Python cannot say it."""
    compiled = compile_pattern(pattern)
    if compiled is not None:
        matches = compiled.fullmatch
        yield (
            lambda v: matches(v) is not None,
            f"Member must satisfy regular expression pattern: {told}",
        )


_CATEGORY = re.compile(r"\\p\{(?:Is)?(\w+)\}")
_JAVA_BEYOND = r"\uD800\uDC00-\uDBFF\uDFFF"  # in pairs of surrogates
_BEYOND = r"\U00010000-\U0010FFFF"
_CLASSES = {"Alpha": "L", "Alnum": "LN", "Digit": "Nd", "Punct": "P", "Graph": "LMNPS"}


def compile_pattern(pattern: str) -> re.Pattern[str] | None:
    """Return a Java pattern as Python's, or None where Python cannot say it."""
    pattern = PATTERNS.get(pattern, pattern)
    translated = _CATEGORY.sub(lambda found: ranges(_CLASSES.get(found[1], found[1])), pattern)
    translated = translated.replace(r"\z", r"\Z").replace("\\/", "/")
    translated = translated.replace(_JAVA_BEYOND, _BEYOND)
    try:
        return re.compile(translated)
    except (re.error, OverflowError):
        return None


def ranges(category: str) -> str:
    """Return the characters of a Unicode category as the inside of a character class."""
    wanted = (category,) if len(category) == 2 and category[1].islower() else tuple(category)
    found: list[str] = []
    start = -1
    # Everything above is CJK ideographs, private use and unassigned: one range of letters.
    for point in range(0x20000):
        is_in = unicodedata.category(chr(point)).startswith(wanted)
        if is_in and start < 0:
            start = point
        elif not is_in and start >= 0:
            found.append(span(start, point - 1))
            start = -1
    if "L" in wanted:
        found.append(span(0x20000, sys.maxunicode))
    return "".join(found)


def span(first: int, last: int) -> str:
    """Return a range of characters for a character class."""
    return f"\\U{first:08x}-\\U{last:08x}"


class Explainer:
    """Finds the breaches in decoded members of one model."""

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._has_open_texts = patch_of(model.name).has_open_texts
        self._told_patterns = patch_of(model.name).told_patterns
        self._rules: dict[str, list[tuple[Check, str]]] = {}
        self._free: dict[str, bool] = {}

    def breaches(self, shape: Shape, value: Any) -> list[Breach]:
        """Return the first :data:`BREACHES_MAX` breaches in the model's order."""
        found: list[Breach] = []
        if not self.is_free(shape.name):
            for breach in self._walk(shape, value, "", shape.name):
                found.append(breach)
                if len(found) == BREACHES_MAX:
                    break
        return found

    def is_settled(self, shape: Shape) -> bool:
        """Whether a request that was routed breaches nothing: its labels are there, not empty."""
        labels = {
            name
            for name, member in shape.members.items()
            if member.location == "uri" and self._takes_any_label(member.shape)
        }
        return labels.issuperset(shape.required) and all(
            name in labels or self.is_free(member.shape) for name, member in shape.members.items()
        )

    def _takes_any_label(self, name: str) -> bool:
        shape = self._model.shape(name)
        if shape.type == "string" and shape.min == 1:
            shape = structs.replace(shape, min=None)
        return not list(rules_of(shape))

    def is_free(self, name: str) -> bool:
        """Whether neither the shape nor anything inside has a constraint."""
        known = self._free.get(name)
        if known is None:
            seen: set[str] = set()
            known = self._free[name] = self._reaches_none(name, seen)
            if known:
                self._free.update(dict.fromkeys(seen, True))
        return known

    def _reaches_none(self, name: str, seen: set[str]) -> bool:
        if name in seen:
            return True
        seen.add(name)
        shape = self._model.shape(name)
        if shape.required or self._own(shape):
            return False
        inside = [*shape.members.values(), shape.member, shape.key, shape.value]
        return all(self._reaches_none(m.shape, seen) for m in inside if m is not None)

    def _own(self, shape: Shape) -> list[tuple[Check, str]]:
        rules = self._rules.get(shape.name)
        if rules is None:
            if self._has_open_texts:
                shape = structs.replace(shape, enum=(), pattern="")
            rules = self._rules[shape.name] = list(rules_of(shape))
            if shape.name in self._told_patterns:
                rules += pattern_rules(*self._told_patterns[shape.name])
        return rules

    def _walk(self, shape: Shape, value: Any, path: str, member: str) -> Iterator[Breach]:
        for check, rule in self._own(shape):
            if not check(value):
                yield Breach(path, member, "" if shape.sensitive else f"'{show(value)}'", rule)
        if shape.type == "structure" and value.__class__ is dict and not shape.document:
            yield from self._walk_structure(shape, value, path)
        elif shape.type == "list" and shape.member:
            yield from self._walk_list(shape.member, value, path, member)
        elif shape.type == "map" and shape.key and shape.value:
            yield from self._walk_map(shape.key, shape.value, value, path)

    def _walk_structure(self, shape: Shape, value: dict[str, Any], path: str) -> Iterator[Breach]:
        for name, member in shape.members.items():
            below = f"{path}.{lower(name)}" if path else lower(name)
            if value.get(name) is not None:
                if not self.is_free(member.shape):
                    inner = self._model.shape(member.shape)
                    yield from self._walk(inner, value[name], below, name)
            elif name in shape.required:
                yield Breach(below, name, "null", "Member must not be null")

    def _walk_list(
        self, element: Member, value: list[Any], path: str, member: str
    ) -> Iterator[Breach]:
        inner = self._model.shape(element.shape)
        if self.is_free(inner.name):
            return
        if inner.type in ("structure", "list", "map"):
            for number, item in enumerate(value, 1):
                if item is not None:
                    yield from self._walk(inner, item, f"{path}.{number}.member", member)
        elif any(not check(item) for check, _ in self._own(inner) for item in value):
            rules = ", ".join(rule for _, rule in self._own(inner))
            words = f"Member must satisfy constraint: [{rules}]"
            yield Breach(path, member, f"'{show(value)}'", words)

    def _walk_map(
        self, key: Member, value: Member, pairs: dict[str, Any], path: str
    ) -> Iterator[Breach]:
        key_rules = self._own(self._model.shape(key.shape))
        if any(not check(name) for check, _ in key_rules for name in pairs):
            rules = ", ".join(rule for _, rule in key_rules)
            words = f"Map keys must satisfy constraint: [{rules}]"
            yield Breach(path, path, f"'{show(pairs)}'", words)
        inner = self._model.shape(value.shape)
        if self.is_free(inner.name):
            return
        rules = ", ".join(rule for _, rule in self._own(inner))
        if any(not check(item) for check, _ in self._own(inner) for item in pairs.values()):
            words = f"Map value must satisfy constraint: [{rules}]"
            yield Breach(path, path, f"'{show(pairs)}'", words)
        elif inner.type in ("structure", "list", "map"):
            for name, item in pairs.items():
                if item is not None:
                    yield from self._walk(inner, item, f"{path}.{name}.member", name)


def lower(name: str) -> str:
    """Return a member's name as AWS writes it in paths."""
    return name[:1].lower() + name[1:]


def show(value: Any) -> str:
    """Return a value as AWS's messages print it: ``[a, b]``, ``{k=v}``; bounded in length."""
    text = _show(value)
    return text if len(text) <= _VALUE_CHARACTERS_MAX else text[:_VALUE_CHARACTERS_MAX]


def _show(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case bytes():
            return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
        case list():
            return "[" + ", ".join(_show(item) for item in value[:64]) + "]"  # pyright: ignore[reportUnknownVariableType]
        case dict():
            pairs = list(value.items())[:64]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            return "{" + ", ".join(f"{k}={_show(v)}" for k, v in pairs) + "}"  # pyright: ignore[reportUnknownVariableType]
        case datetime():
            return value.isoformat()
        case _:
            return str(value)


def refusal(breaches: list[Breach], code: str, patch: Patch) -> ApiError:
    """Return the error for some breaches, in the words of the model's patch."""
    missing = next((b for b in breaches if b.value == "null"), None)
    if missing is not None and patch.null_text:
        text = patch.null_text.format(name=missing.member)
        return RefusedAs(patch.null_code, text)
    count = f"{len(breaches)} validation error{'s' if len(breaches) > 1 else ''} detected"
    return RefusedAs(patch.constraint_code or code, f"{count}: {'; '.join(map(str, breaches))}")
