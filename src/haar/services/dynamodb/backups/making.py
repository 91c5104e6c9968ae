"""Tables that restores make: the record of the table that was, with what a client overrides."""

from __future__ import annotations

import msgspec

from haar.kernel.entropy import uuid4
from haar.kit.call import Call, Members
from haar.kit.operation import inside
from haar.services.dynamodb import keys, quotas, rows, texts
from haar.services.dynamodb.definitions import ON_DEMAND, index_units, units_of
from haar.services.dynamodb.errors import Invalid, TargetExists
from haar.services.dynamodb.provisioning import Units
from haar.services.dynamodb.records import ACTIVE, CREATING, TABLE, Index, Restored, Table
from haar.store.api import Transaction

OVERRIDES = (
    "BillingModeOverride LocalSecondaryIndexOverride ProvisionedThroughputOverride "
    + inside("GlobalSecondaryIndexOverride", "IndexName KeySchema Projection ProvisionedThroughput")
)
_INDEXES = (("LocalSecondaryIndexOverride", True), ("GlobalSecondaryIndexOverride", False))


def make_table(
    call: Call[Members], tx: Transaction, arn: str, was: Table, restored: Restored
) -> Table:
    """Put the record of the table that is restored, CREATING, and return it.

    Raises:
        TargetExists: there is a table of that name.
        TooManyTables: the account has 2,500.
        TooManyAtOnce: as many restores are under way as there may be.
        Invalid: overrides that AWS does not take.
    """
    name = arn.rpartition("/")[2]
    if tx.get(keys.table(arn)) is not None:
        raise TargetExists(table=name)
    quotas.refuse_full(tx, call.scope)
    quotas.begin(tx, call.scope, quotas.RESTORE)
    indexes = tuple(_kept(was, call.members))
    schemas = (was.schema, *(index.schema for index in indexes))
    used = {part.name for schema in schemas for part in schema.parts}
    tx.add(keys.NEWEST_TABLE, 1)
    table = Table(
        uid=rows.counter(tx, keys.NEWEST_TABLE),
        id=uuid4(call.entropy),
        arn=arn,
        name=name,
        status=CREATING,
        created_ms=call.now_ms,
        definitions=tuple(part for part in was.definitions if part.name in used),
        schema=was.schema,
        indexes=indexes,
        billing=was.billing,
        read_units=was.read_units,
        write_units=was.write_units,
        max_read_units=was.max_read_units,
        max_write_units=was.max_write_units,
        on_demand_ms=call.now_ms if was.billing == ON_DEMAND else 0,
        table_class=was.table_class,
        newest_index=was.newest_index,
        restored=restored,
    )
    table = _billed(table, call.members)
    tx.put(keys.table(arn), TABLE.encode(table))
    return table


def _kept(was: Table, members: Members) -> list[Index]:
    """Return the indexes of the new table: those of the old one that the client names, or all."""
    kept = list(was.indexes)
    billing = members.get("BillingModeOverride", was.billing)
    given: dict[str, Members] = {}
    for member, is_local in _INDEXES:
        if member not in members:
            continue
        named = {index["IndexName"]: index for index in members[member]}
        given |= named
        known = {index.name for index in was.indexes if index.is_local is is_local}
        if not named.keys() <= known:
            raise Invalid(texts.RESTORE_INDEXES)
        kept = [i for i in kept if i.is_local is not is_local or i.name in named]
    return [_restored(index, given.get(index.name, {}), billing) for index in kept]


def _restored(index: Index, given: Members, billing: str) -> Index:
    """Return an index as the new table has it, with the capacity that a client gives it."""
    units = Units(index.read_units, index.write_units)
    is_changed = billing == ON_DEMAND or not units.read or "ProvisionedThroughput" in given
    if is_changed and not index.is_local:
        units = index_units({"IndexName": index.name, **given}, billing)
    return msgspec.structs.replace(
        index,
        status=ACTIVE,
        read_units=units.read,
        write_units=units.write,
        units_raised_ms=0,
        units_lowered_ms=0,
        decreases=0,
    )


def _billed(table: Table, members: Members) -> Table:
    billing = members.get("BillingModeOverride")
    if billing is None and "ProvisionedThroughputOverride" not in members:
        return table
    billing = billing or table.billing
    given: Members = {}
    if "ProvisionedThroughputOverride" in members:
        given["ProvisionedThroughput"] = members["ProvisionedThroughputOverride"]
    elif billing != ON_DEMAND and table.read_units:
        return msgspec.structs.replace(table, billing=billing)
    units = units_of(given, billing)
    return msgspec.structs.replace(
        table, billing=billing, read_units=units.read, write_units=units.write
    )
