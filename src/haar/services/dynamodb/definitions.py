"""From CreateTable's members to the parts of a table's record, checked in AWS's order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from haar.kit.call import Members
from haar.services.dynamodb import texts
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.provisioning import Units, checked_units
from haar.services.dynamodb.records import Index, KeyPart, Schema

GLOBAL_INDEXES_MAX = 20
LOCAL_INDEXES_MAX = 5
INCLUDED_MAX = 100
GLOBAL_KEY_PARTS_MAX = 4
ON_DEMAND, PROVISIONED = "PAY_PER_REQUEST", "PROVISIONED"

Kinds = dict[str, str]
"""Key attributes: name → ``S``, ``N`` or ``B``."""


def kinds_of(definitions: list[dict[str, str]]) -> Kinds:
    """Return the types of AttributeDefinitions.

    Raises:
        Invalid: a name comes twice.
    """
    kinds: Kinds = {}
    for definition in definitions:
        name = definition["AttributeName"]
        if name in kinds:
            raise Invalid(texts.DEFINITION_TWICE, name=name)
        kinds[name] = definition["AttributeType"]
    return kinds


def definitions_of(kinds: Kinds) -> tuple[KeyPart, ...]:
    """Return the record's form of attribute definitions."""
    return tuple(KeyPart(name, kind) for name, kind in kinds.items())


def table_schema(elements: list[dict[str, str]], kinds: Kinds) -> Schema:
    """Return the key of a table.

    Raises:
        Invalid: it is none.
    """
    if len(elements) > 2:
        raise Invalid(texts.TOO_MANY_KEYS, shown=_shown(elements))
    _check_order(elements)
    if any(element["AttributeName"] not in kinds for element in elements):
        raise Invalid(texts.NO_INDEX_KEY_DEFINITION)
    return _schema(elements, kinds)


def _check_order(elements: list[dict[str, str]]) -> None:
    if elements[0]["KeyType"] != "HASH":
        raise Invalid(texts.FIRST_NOT_HASH)
    if len(elements) == 2:
        if elements[1]["KeyType"] != "RANGE":
            raise Invalid(texts.SECOND_NOT_RANGE)
        if elements[0]["AttributeName"] == elements[1]["AttributeName"]:
            raise Invalid(texts.SAME_KEYS)


def _shown(elements: list[dict[str, str]]) -> str:
    inside = [
        f"KeySchemaElement(attributeName={element['AttributeName']}, keyType={element['KeyType']})"
        for element in elements
    ]
    return f"[{', '.join(inside)}]"


def _schema(elements: list[dict[str, str]], kinds: Kinds) -> Schema:
    parts: dict[str, list[KeyPart]] = {"HASH": [], "RANGE": []}
    for element in elements:
        name = element["AttributeName"]
        parts[element["KeyType"]].append(KeyPart(name, kinds[name]))
    return Schema(tuple(parts["HASH"]), tuple(parts["RANGE"]))


def units_of(members: Members, billing: str) -> Units:
    """Return the provisioned capacity of a table.

    Raises:
        Invalid: given on demand, or missing otherwise.
    """
    given = members.get("ProvisionedThroughput")
    if billing == ON_DEMAND:
        if given is not None:
            raise Invalid(texts.UNITS_GIVEN)
        return Units()
    if given is None:
        raise Invalid(texts.UNITS_MISSING)
    return checked_units(given)


def local_indexes(members: Members, kinds: Kinds, schema: Schema) -> list[Index]:
    """Return the local indexes of a new table, numbered from 1.

    Raises:
        Invalid: one that AWS does not take.
    """
    given: list[Members] | None = members.get("LocalSecondaryIndexes")
    if given is None:
        return []
    if not given:
        raise Invalid(texts.EMPTY_INDEXES, kind="LocalSecondaryIndexes")
    if not schema.range:
        raise Invalid(texts.LSI_WITHOUT_RANGE)
    found: list[Index] = []
    for uid, index in enumerate(given, 1):
        _refuse_taken(index["IndexName"], found)
        own = _index_schema(index, kinds)
        _check_local(index["IndexName"], own, schema)
        found.append(_index(uid, index, own, is_local=True, units=Units()))
    if len(found) > LOCAL_INDEXES_MAX:
        raise Invalid(texts.TOO_MANY_LSI)
    return found


def _check_local(name: str, own: Schema, schema: Schema) -> None:
    if len(own.hash) != 1 or len(own.range) > 1:
        raise Invalid(texts.INDEX_SCHEMA, index=name)
    if not own.range:
        raise Invalid(texts.LSI_NO_RANGE, index=name)
    found, expected = own.hash[0].name, schema.hash[0].name
    if found != expected:
        raise Invalid(texts.LSI_OTHER_HASH, index=name, found=found, expected=expected)


def global_indexes(members: Members, kinds: Kinds, local: list[Index], billing: str) -> list[Index]:
    """Return the global indexes of a new table, numbered after the local ones.

    Raises:
        Invalid: one that AWS does not take.
    """
    given: list[Members] | None = members.get("GlobalSecondaryIndexes")
    if given is None:
        return []
    if not given:
        raise Invalid(texts.EMPTY_INDEXES, kind="GlobalSecondaryIndexes")
    found: list[Index] = []
    for uid, index in enumerate(given, len(local) + 1):
        _refuse_taken(index["IndexName"], [*local, *found])
        found.append(global_index(uid, index, kinds, billing))
    if len(found) > GLOBAL_INDEXES_MAX:
        raise Invalid(texts.TOO_MANY_GSI)
    return found


def global_index(uid: int, index: Members, kinds: Kinds, billing: str) -> Index:
    """Return one global index.

    Raises:
        Invalid: AWS does not take it.
    """
    own = _index_schema(index, kinds)
    if max(len(own.hash), len(own.range)) > GLOBAL_KEY_PARTS_MAX:
        raise Invalid(texts.INDEX_SCHEMA, index=index["IndexName"])
    units = index_units(index, billing)
    return _index(uid, index, own, is_local=False, units=units)


def _index_schema(index: Members, kinds: Kinds) -> Schema:
    elements = index["KeySchema"]
    names = [element["AttributeName"] for element in elements]
    order = [element["KeyType"] for element in elements]
    if order[0] != "HASH":
        raise Invalid(texts.FIRST_NOT_HASH)
    if order != sorted(order) or len(set(names)) != len(names):
        raise Invalid(texts.INDEX_SCHEMA, index=index["IndexName"])
    missing = [name for name in names if name not in kinds]
    if missing:
        shown = ", ".join(kinds)
        raise Invalid(texts.KEY_UNDEFINED, keys=", ".join(missing), definitions=shown)
    return _schema(elements, kinds)


def index_units(index: Members, billing: str) -> Units:
    """Return the provisioned capacity of a global index.

    Raises:
        Invalid: given on demand, or missing otherwise.
    """
    given = index.get("ProvisionedThroughput")
    if billing == ON_DEMAND:
        if given is not None:
            raise Invalid(texts.INDEX_UNITS_GIVEN, index=index["IndexName"])
        return Units()
    if given is None:
        raise Invalid(texts.INDEX_UNITS_MISSING, index=index["IndexName"])
    return checked_units(given)


def _index(uid: int, index: Members, schema: Schema, *, is_local: bool, units: Units) -> Index:
    projection, included = _projection(index["Projection"])
    most = demand_units(index)
    return Index(
        uid=uid,
        name=index["IndexName"],
        is_local=is_local,
        schema=schema,
        projection=projection,
        included=included,
        read_units=units.read,
        write_units=units.write,
        max_read_units=most.read,
        max_write_units=most.write,
    )


INDEX_MEMBERS = "IndexName KeySchema Projection ProvisionedThroughput OnDemandThroughput"
"""What a client may say of a global index."""


def demand_units(members: Members) -> Units:
    """Return the bounds of OnDemandThroughput, 0 for none; a client lifts a bound by -1."""
    bounds: Members | None = members.get("OnDemandThroughput")
    if bounds is None:
        return Units()
    return Units(
        max(bounds.get("MaxReadRequestUnits", 0), 0), max(bounds.get("MaxWriteRequestUnits", 0), 0)
    )


def _projection(projection: Members) -> tuple[str, tuple[str, ...]]:
    kind = projection.get("ProjectionType")
    names = projection.get("NonKeyAttributes")
    if kind is None:
        raise Invalid(texts.PROJECTION_UNKNOWN)
    if kind == "INCLUDE":
        if names is None:
            raise Invalid(texts.PROJECTION_NAMES_MISSING)
        return kind, tuple(dict.fromkeys(names))
    if names is not None:
        raise Invalid(texts.PROJECTION_NAMES_GIVEN, projection=kind)
    return kind, ()


def _refuse_taken(name: str, indexes: list[Index]) -> None:
    if any(index.name == name for index in indexes):
        raise Invalid(texts.INDEX_TWICE, index=name)


def check_whole(kinds: Kinds, schema: Schema, indexes: Iterable[Index]) -> None:
    """Check what no part of a table shows alone: unused definitions, the sum of projections.

    Raises:
        Invalid: attributes are defined that are no keys, or too many names are projected.
    """
    found = list(indexes)
    used = {part.name for one in [schema, *(i.schema for i in found)] for part in one.parts}
    if len(used) != len(kinds):
        if not found:
            raise Invalid(texts.DEFINITIONS_UNUSED)
        shown: dict[str, Any] = {"definitions": ", ".join(kinds), "used": ", ".join(sorted(used))}
        raise Invalid(texts.DEFINITIONS_SPARE, **shown)
    if sum(len(index.included) for index in found) > INCLUDED_MAX:
        raise Invalid(texts.PROJECTION_TOO_MANY)
