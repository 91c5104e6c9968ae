"""What DynamoDB stores besides items: tables, their tags, the tokens of transactions."""

from __future__ import annotations

from functools import cached_property

import msgspec

from haar.kit.records import Codec

ACTIVE, CREATING = "ACTIVE", "CREATING"


class KeyPart(msgspec.Struct, frozen=True, array_like=True):
    """One attribute of a key.

    Attributes:
        name: the attribute's.
        kind: ``S``, ``N`` or ``B``.
    """

    name: str
    kind: str


class Schema(msgspec.Struct, frozen=True, array_like=True):
    """The key of a table (one or two attributes) or of an index (global ones: up to four each).

    Attributes:
        hash: which partition an item is in.
        range: where it stands there.
    """

    hash: tuple[KeyPart, ...]
    range: tuple[KeyPart, ...] = ()

    @property
    def parts(self) -> tuple[KeyPart, ...]:
        """All attributes, in their order."""
        return self.hash + self.range


class Index(msgspec.Struct, frozen=True, array_like=True):
    """A secondary index.

    Attributes:
        uid: its number in its table, from 1.
        name: the index's.
        is_local: shares its partition keys with the table.
        schema: its key.
        projection: ``ALL``, ``KEYS_ONLY`` or ``INCLUDE``.
        included: the attributes that INCLUDE names.
        read_units: provisioned, 0 on demand.
        write_units: provisioned, 0 on demand.
        max_read_units: bound on demand, 0 for none.
        max_write_units: bound on demand, 0 for none.
        status: ``ACTIVE``, or ``CREATING`` while it lacks items that were there before it.
    """

    uid: int
    name: str
    is_local: bool
    schema: Schema
    projection: str
    included: tuple[str, ...] = ()
    read_units: int = 0
    write_units: int = 0
    max_read_units: int = 0
    max_write_units: int = 0
    status: str = ACTIVE


class TimeToLive(msgspec.Struct, frozen=True, array_like=True):
    """When items end by themselves.

    Attributes:
        name: the attribute with the second at which an item ends.
        is_enabled: whether it is looked at.
        changed_ms: when that was last changed.
    """

    name: str
    is_enabled: bool
    changed_ms: int


class Table(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """A table: a hot row, read by each call.

    Attributes:
        uid: its number, in the keys of its rows; never used again.
        id: AWS's TableId, a UUID.
        arn: the table's.
        name: the table's.
        status: ``ACTIVE`` or ``DELETING``.
        created_ms: when.
        definitions: of all key attributes, in the client's order.
        schema: its key.
        indexes: its secondary indexes.
        billing: ``PROVISIONED`` or ``PAY_PER_REQUEST``.
        read_units: provisioned, 0 on demand.
        write_units: provisioned, 0 on demand.
        max_read_units: bound on demand, 0 for none.
        max_write_units: bound on demand, 0 for none.
        on_demand_ms: when it was last set to be on demand, 0 for never.
        table_class: ``STANDARD`` or ``STANDARD_INFREQUENT_ACCESS``.
        is_protected: it cannot be deleted.
        time_to_live: None where it was never set.
        units_raised_ms: when provisioned figures last grew, 0 for never.
        units_lowered_ms: when provisioned figures last fell, 0 for never.
        newest_index: the largest number of an index that it ever had.
    """

    uid: int
    id: str
    arn: str
    name: str
    status: str
    created_ms: int
    definitions: tuple[KeyPart, ...]
    schema: Schema
    indexes: tuple[Index, ...] = ()
    billing: str = "PROVISIONED"
    read_units: int = 0
    write_units: int = 0
    max_read_units: int = 0
    max_write_units: int = 0
    on_demand_ms: int = 0
    table_class: str = ""
    is_protected: bool = False
    time_to_live: TimeToLive | None = None
    units_raised_ms: int = 0
    units_lowered_ms: int = 0
    newest_index: int = 0

    @cached_property
    def key_names(self) -> frozenset[str]:
        """The attributes of the table's own key."""
        return frozenset(part.name for part in self.schema.parts)

    @cached_property
    def has_local_indexes(self) -> bool:
        """Whether its items form collections whose size is bounded."""
        return any(index.is_local for index in self.indexes)


class Token(msgspec.Struct, frozen=True, array_like=True):
    """A transaction that was done under a client's token.

    Attributes:
        fingerprint: of the request.
        done_ms: when it was done.
    """

    fingerprint: bytes
    done_ms: int


class Tags(msgspec.Struct, frozen=True, array_like=True):
    """The tags of a table."""

    tags: dict[str, str]


TABLE = Codec(Table)
TOKEN = Codec(Token)
TAGS = Codec(Tags)
