"""Which operation of a REST model a method, path, query and headers mean.

Templates of one method form a trie of segments. Where several operations end at one node, the
choice is, in this order:

1. most literal query parameters of the template present (``?uploads``, ``?list-type=2``);
2. most *required* query parameters and headers present, all of them (``uploadId``,
   ``x-amz-copy-source``); where none has all of its own, the one that asks for fewest headers;
3. not deprecated, fewest static endpoint parameters, by name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from haar.wire.models import OperationModel, ServiceModel

_LABEL = re.compile(r"\{([^{}+]+)(\+?)\}")


class ConflictingQuery(Exception):
    """Query parameters that name two different operations.

    Args:
        names: the parameters.
    """

    def __init__(self, names: Collection[str]) -> None:
        self.names = sorted(names)
        super().__init__(", ".join(self.names))


@dataclass(frozen=True, slots=True)
class Candidate:
    """One operation at the end of a path.

    Attributes:
        name: of the operation.
        labels: names of the path's labels, in order.
        literals: query parameters of the template; None where any value will do.
        queries: required query parameters.
        headers: required headers, lower case.
        rank: the last resort of the choice; the lowest wins.
    """

    name: str
    labels: tuple[str, ...]
    literals: Mapping[str, str | None]
    queries: frozenset[str]
    headers: frozenset[bytes]
    rank: tuple[bool, int, str]


@dataclass(slots=True)
class Node:
    """A place in the trie of one method."""

    literals: dict[bytes, Node] = field(default_factory=dict[bytes, "Node"])
    label: Node | None = None
    greedy: Node | None = None
    ends: list[Candidate] = field(default_factory=list[Candidate])


Query = Mapping[str, str]
Found = tuple[Candidate, list[bytes]]


class PathTable:
    """All path templates of one REST model."""

    def __init__(self, model: ServiceModel) -> None:
        self._roots: dict[str, Node] = {}
        for operation in model.operations.values():
            self._add(operation, model)

    def _add(self, operation: OperationModel, model: ServiceModel) -> None:
        path, _, query = operation.uri.partition("?")
        node = self._roots.setdefault(operation.method, Node())
        labels: list[str] = []
        for segment in split(path.encode()):
            found = _LABEL.fullmatch(segment.decode())
            node = step(node, segment, found)
            if found:
                labels.append(found[1])
        node.ends.append(candidate(operation, model, tuple(labels), query))

    def find(
        self, method: str, segments: list[bytes], query: Query, headers: Mapping[bytes, bytes]
    ) -> tuple[str, dict[str, str]] | None:
        """Return the operation's name and the decoded labels, or None.

        Args:
            method: of HTTP.
            segments: the raw path, split.
            query: decoded parameters; the last value of each.
            headers: of the request.

        Raises:
            ConflictingQuery: the query names two operations.
            UnicodeDecodeError: a label is not UTF-8.
        """
        root = self._roots.get(method)
        if root is None:
            return None
        values: list[bytes] = []
        node = walk(root, segments, 0, values)
        if node is None:
            return None
        chosen = choose(node.ends, query, headers)
        if chosen is None:
            return None
        texts = [unquote_to_bytes(value).decode() for value in values]
        return chosen.name, dict(zip(chosen.labels, texts, strict=True))

    def methods(self, segments: list[bytes]) -> list[str]:
        """Return the methods that have an operation at that path."""
        return sorted(m for m, root in self._roots.items() if walk(root, segments, 0, []))


def split(path: bytes) -> list[bytes]:
    """Return the segments of a raw path; one slash at the end does not count.

    They are the segments of the path that was signed, so that nobody can lead a signed request to
    another operation by adding ``x/..`` to its path.
    """
    segments = normalised(path)[1:].split(b"/")
    if segments[-1] == b"":
        segments.pop()
    return segments


def normalised(path: bytes) -> bytes:
    """Return a raw path without repeated slashes and dot segments; ``/`` where it is empty."""
    if b"//" not in path and b"/." not in path and path:
        return path
    kept: list[bytes] = []
    for segment in path.split(b"/"):
        if segment == b"..":
            del kept[-1:]
        elif segment not in {b"", b"."}:
            kept.append(segment)
    end = b"/" if kept and path.endswith(b"/") else b""
    return b"/" + b"/".join(kept) + end


def step(node: Node, segment: bytes, label: re.Match[str] | None) -> Node:
    """Return the node below ``node`` for a template's segment, made where it is not there."""
    if label is None:
        return node.literals.setdefault(segment, Node())
    if label[2]:
        node.greedy = node.greedy or Node()
        return node.greedy
    node.label = node.label or Node()
    return node.label


def walk(node: Node, segments: list[bytes], at: int, values: list[bytes]) -> Node | None:
    """Return the node that the segments from ``at`` lead to; literals before labels."""
    if at == len(segments):
        return node if node.ends else None
    segment = segments[at]
    below = node.literals.get(segment)
    if below is not None and (found := walk(below, segments, at + 1, values)):
        return found
    if node.label is not None and segment:
        values.append(segment)
        if found := walk(node.label, segments, at + 1, values):
            return found
        values.pop()
    return None if node.greedy is None else walk_greedy(node.greedy, segments, at, values)


def walk_greedy(node: Node, segments: list[bytes], at: int, values: list[bytes]) -> Node | None:
    """Give a greedy label as many segments as leave a way to an end."""
    stops = range(len(segments), at, -1) if node.literals else (len(segments),)
    for stop in stops:
        values.append(b"/".join(segments[at:stop]))
        if found := walk(node, segments, stop, values):
            return found
        values.pop()
    return None


def candidate(
    operation: OperationModel, model: ServiceModel, labels: tuple[str, ...], query: str
) -> Candidate:
    """Return what tells an operation from others at the same path."""
    shape = model.shape(operation.input) if operation.input else None
    required = [shape.members[name] for name in shape.required] if shape else []
    parts = [part.partition("=") for part in query.split("&") if part]
    return Candidate(
        name=operation.name,
        labels=labels,
        literals={name: value if equals else None for name, equals, value in parts},
        queries=frozenset(m.location_name for m in required if m.location == "querystring"),
        headers=frozenset(
            m.location_name.lower().encode() for m in required if m.location == "header"
        ),
        rank=(operation.is_deprecated, operation.context, operation.name),
    )


def choose(ends: list[Candidate], query: Query, headers: Mapping[bytes, bytes]) -> Candidate | None:
    """Return the operation that is meant; the module's text has the rules.

    Raises:
        ConflictingQuery: the query names two operations.
    """
    if len(ends) == 1 and not ends[0].literals:
        return ends[0]
    # Most requests spell nothing out: they cost one look at each end.
    able = [end for end in ends if not end.literals or (query and has_literals(end, query))]
    if not able:
        return None
    most = max(len(end.literals) for end in able)
    refuse_conflicts(able)
    able = [end for end in able if len(end.literals) == most]
    if not most:
        # Nothing spelled out, and other operations here: the required parameters are the name.
        able = [end for end in able if end.queries <= query.keys()]
    return min(able, key=lambda end: preference(end, query, headers), default=None)


def has_literals(end: Candidate, query: Query) -> bool:
    """Whether the query has what the template spells out."""
    return all(
        name in query and (value is None or query[name] == value)
        for name, value in end.literals.items()
    )


def refuse_conflicts(able: list[Candidate]) -> None:
    """Refuse a query that spells out two different operations.

    Raises:
        ConflictingQuery: names the parameters.
    """
    sets = {frozenset(end.literals) for end in able if end.literals}
    if len(sets) > 1:
        raise ConflictingQuery({name for names in sets for name in names})


def preference(
    end: Candidate, query: Query, headers: Mapping[bytes, bytes]
) -> tuple[int, int, tuple[bool, int, str]]:
    """Return a key to sort by; the first is preferred."""
    asked = len(end.queries) + len(end.headers)
    is_met = end.queries <= query.keys() and end.headers <= headers.keys()
    return (0 if is_met else 1, -asked if is_met else asked, end.rank)
