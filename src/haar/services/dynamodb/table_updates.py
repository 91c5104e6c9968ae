"""UpdateTable: capacity, class, protection, and global indexes made or removed on a live table."""

from __future__ import annotations

from typing import Any

import msgspec

from haar.kit.call import Call, Members
from haar.kit.operation import inside, operation
from haar.services.dynamodb import backfills, definitions, keys, texts
from haar.services.dynamodb.definitions import ON_DEMAND, Kinds
from haar.services.dynamodb.descriptions import describe
from haar.services.dynamodb.errors import Invalid, LimitExceeded
from haar.services.dynamodb.lookup import load_named, named_table_arn, refuse_unready
from haar.services.dynamodb.provisioning import Units, changed, checked_units
from haar.services.dynamodb.records import ACTIVE, CREATING, TABLE, Index, Table
from haar.services.dynamodb.schema import index_named
from haar.services.dynamodb.tables import refuse_unbuilt, with_stream
from haar.store.api import Transaction

_SETTINGS = (
    "BillingMode ProvisionedThroughput OnDemandThroughput TableClass DeletionProtectionEnabled "
    "GlobalSecondaryIndexUpdates StreamSpecification SSESpecification"
)
_INSIDE = " ".join(
    (
        "SSESpecification.Enabled",
        inside("GlobalSecondaryIndexUpdates.Create", definitions.INDEX_MEMBERS),
        inside(
            "GlobalSecondaryIndexUpdates.Update",
            "IndexName ProvisionedThroughput OnDemandThroughput",
        ),
        "GlobalSecondaryIndexUpdates.Delete",
    )
)
_replace = msgspec.structs.replace


@operation(
    "UpdateTable",
    members=f"TableName AttributeDefinitions {_SETTINGS} {_INSIDE}",
    resource=named_table_arn,
)
def update_table(call: Call[Members], tx: Transaction) -> Members:
    """Change a table. A new index is CREATING until it has all items, while the table works on.

    Keys: reads and writes ``table``; clears ``rows``, ``count``, ``bytes`` of an index; reads and
    writes ``stream``; writes ``shards``; schedules ``dynamodb.backfill``, ``dynamodb.stream``.

    Raises:
        TableNotFound: no such table.
        Invalid: settings that AWS does not take.
        LimitExceeded: more than one index made or removed at once.
        TooManyUnits: more capacity than a table may have.
        TooManyDecreases: it has been lowered too often today.

    Source: AWS docs, DynamoDB API reference, UpdateTable.
    """
    members = call.members
    refuse_unbuilt(call)
    if all(members.get(name) in (None, []) for name in _SETTINGS.split()):
        raise Invalid(texts.UPDATE_NOTHING)
    old = load_named(tx, call.resource)
    refuse_unready(old)
    kinds = _kinds(old, members)
    new = _with_units(_with_settings(old, members), members, call.now_ms)
    new = with_stream(tx, new, members, call.now_ms)
    removed: Index | None = None
    updates: list[Members] = members.get("GlobalSecondaryIndexUpdates", [])
    if sum("Update" not in update for update in updates) > 1:
        raise LimitExceeded
    for update in updates:
        new, gone = _with_index(tx, new, update, kinds, call.now_ms)
        removed = gone or removed
    _check_index_units(new)
    new = _with_definitions(new, kinds, removed)
    tx.put(keys.table(new.arn), TABLE.encode(new))
    described = describe(tx, new, call.now_ms)
    if removed is not None:
        backfills.remove(tx, new, removed)
    return {"TableDescription": described}


def _kinds(table: Table, members: Members) -> Kinds:
    """Return the types of all attributes that the table or the request defines.

    Raises:
        Invalid: the request gives one another type.
    """
    kinds = {part.name: part.kind for part in table.definitions}
    for name, kind in definitions.kinds_of(members.get("AttributeDefinitions", [])).items():
        if kinds.setdefault(name, kind) != kind:
            raise Invalid(
                texts.REDEFINED,
                old=_shown_schema(table, {}),
                new=_shown_schema(table, {name: kind}),
            )
    return kinds


def _shown_schema(table: Table, kinds: Kinds) -> str:
    parts = [(part, "HASH") for part in table.schema.hash]
    parts += [(part, "RANGE") for part in table.schema.range]
    inside = [f"key{{{p.name}:{kinds.get(p.name, p.kind)}:{role}}}" for p, role in parts]
    return f"Schema:[SchemaElement: {', SchemaElement: '.join(inside)}]"


def _with_settings(table: Table, members: Members) -> Table:
    most = Units(table.max_read_units, table.max_write_units)
    if "OnDemandThroughput" in members:
        most = definitions.demand_units(members)
    return _replace(
        table,
        table_class=members.get("TableClass", table.table_class),
        is_protected=members.get("DeletionProtectionEnabled", table.is_protected),
        max_read_units=most.read,
        max_write_units=most.write,
    )


def _with_units(table: Table, members: Members, now_ms: int) -> Table:
    """Return a table with the billing and the capacity that a request gives.

    Raises:
        Invalid: they do not go together, or change nothing.
    """
    billing = members.get("BillingMode", table.billing)
    if billing == table.billing and "ProvisionedThroughput" not in members:
        return table
    units = definitions.units_of(members, billing)
    if billing == table.billing and units == (table.read_units, table.write_units):
        raise Invalid(texts.UNITS_UNCHANGED, read=units.read, write=units.write)
    if billing == ON_DEMAND != table.billing:
        indexes = [_replace(index, read_units=0, write_units=0) for index in table.indexes]
        free = _replace(table, indexes=tuple(indexes), read_units=0, write_units=0)
        return _replace(free, billing=billing, on_demand_ms=now_ms)
    return _replace(table, billing=billing, **changed(table, units, now_ms))


def _with_index(
    tx: Transaction, table: Table, update: Members, kinds: Kinds, now_ms: int
) -> tuple[Table, Index | None]:
    """Return the table after one of GlobalSecondaryIndexUpdates, and the index that it removed."""
    if len(update) != 1:
        raise Invalid(texts.INDEX_ACTION)
    if "Update" in update:
        return _with_changed_index(table, update["Update"], now_ms), None
    if "Create" in update:
        return _with_new_index(tx, table, update["Create"], kinds, now_ms), None
    index = _global_named(table, update["Delete"]["IndexName"])
    if any(one.status != ACTIVE and one is not index for one in table.indexes):
        raise LimitExceeded
    return _replace(table, indexes=tuple(i for i in table.indexes if i is not index)), index


def _with_changed_index(table: Table, update: Members, now_ms: int) -> Table:
    index = _global_named(table, update["IndexName"])
    fields: dict[str, Any] = {}
    units = update.get("ProvisionedThroughput")
    if units is not None:
        if table.billing == ON_DEMAND:
            raise Invalid(texts.INDEX_UNITS_GIVEN, index=index.name)
        fields = changed(index, checked_units(units), now_ms)
    if "OnDemandThroughput" in update:
        most = definitions.demand_units(update)
        fields["max_read_units"], fields["max_write_units"] = most
    new = _replace(index, **fields)
    return _replace(table, indexes=tuple(new if i is index else i for i in table.indexes))


def _with_new_index(
    tx: Transaction, table: Table, create: Members, kinds: Kinds, now_ms: int
) -> Table:
    if any(index.status != ACTIVE for index in table.indexes):
        raise LimitExceeded
    if any(index.name == create["IndexName"] for index in table.indexes):
        raise Invalid(texts.INDEX_TWICE, index=create["IndexName"])
    if sum(not index.is_local for index in table.indexes) >= definitions.GLOBAL_INDEXES_MAX:
        raise Invalid(texts.TOO_MANY_GSI)
    made = definitions.global_index(table.newest_index + 1, create, kinds, table.billing)
    index = _replace(made, status=CREATING)
    new = _replace(table, indexes=(*table.indexes, index), newest_index=index.uid)
    backfills.begin(tx, new, str(index.uid), now_ms)
    return new


def _global_named(table: Table, name: str) -> Index:
    index = index_named(table, name)
    if index.is_local:
        raise Invalid(texts.NO_INDEX, index=name)
    return index


def _check_index_units(table: Table) -> None:
    if table.billing != ON_DEMAND:
        for index in table.indexes:
            if not index.is_local and not index.read_units:
                raise Invalid(texts.INDEX_UNITS_MISSING, index=index.name)


def _with_definitions(table: Table, kinds: Kinds, removed: Index | None) -> Table:
    """Return a table that defines the attributes of its keys and no others.

    Raises:
        Invalid: the request defines others, or too many names are projected.
    """
    schemas = [table.schema, *(index.schema for index in table.indexes)]
    used = {part.name for schema in schemas for part in schema.parts}
    freed = () if removed is None else removed.schema.parts
    gone = {part.name for part in freed} - used
    kept = {name: kind for name, kind in kinds.items() if name not in gone}
    definitions.check_whole(kept, table.schema, table.indexes)
    return _replace(table, definitions=definitions.definitions_of(kept))
