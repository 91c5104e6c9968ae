"""What DynamoDB stores besides items: tables, their tags, the tokens of transactions, journals."""

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
        units_raised_ms: when provisioned figures last grew, 0 for never.
        units_lowered_ms: when provisioned figures last fell, 0 for never.
        decreases: how often they fell on the day when they last did.
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
    units_raised_ms: int = 0
    units_lowered_ms: int = 0
    decreases: int = 0


class TimeToLive(msgspec.Struct, frozen=True, array_like=True):
    """When items end by themselves.

    Attributes:
        name: the attribute with the second at which an item ends.
        is_enabled: whether it is looked at.
        changed_ms: when that was last changed.
        is_filling: items that were there before are still being looked at.
    """

    name: str
    is_enabled: bool
    changed_ms: int
    is_filling: bool = False


class Stream(msgspec.Struct, frozen=True, array_like=True):
    """The newest stream of a table.

    Attributes:
        uid: its number, in the keys of its log; never used again.
        label: the last part of its ARN.
        view: ``KEYS_ONLY``, ``NEW_IMAGE``, ``OLD_IMAGE`` or ``NEW_AND_OLD_IMAGES``.
        is_enabled: whether changes go into it.
    """

    uid: int
    label: str
    view: str
    is_enabled: bool = True


class Restored(msgspec.Struct, frozen=True, array_like=True):
    """What a table was restored from.

    Attributes:
        table_arn: of the table that was.
        at_ms: the moment, as it was then.
        backup_arn: of the backup; empty for one to a point in time.
    """

    table_arn: str
    at_ms: int
    backup_arn: str = ""


class Table(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """A table: a hot row, read by each call.

    Attributes:
        uid: its number, in the keys of its rows; never used again.
        id: AWS's TableId, a UUID.
        arn: the table's.
        name: the table's.
        status: ``ACTIVE``, or ``CREATING`` while it is restored.
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
        stream: None where it never had one.
        recovery_days: how far back it can be recovered, 0 for not at all.
        recovery_ms: since when it can.
        pins: copies of it that are under way.
        decreases: how often provisioned figures fell on the day when they last did.
        restored: None where it was not.
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
    stream: Stream | None = None
    recovery_days: int = 0
    recovery_ms: int = 0
    pins: int = 0
    decreases: int = 0
    restored: Restored | None = None

    @property
    def is_journaled(self) -> bool:
        """Whether its journal is kept (:mod:`.journal`)."""
        return bool(self.recovery_days or self.pins)

    @cached_property
    def key_names(self) -> frozenset[str]:
        """The attributes of the table's own key."""
        return frozenset(part.name for part in self.schema.parts)

    @cached_property
    def projections(self) -> dict[int, frozenset[str]]:
        """Index → the attributes that it has, where it does not have all."""
        return {
            index.uid: frozenset(
                (*self.key_names, *(part.name for part in index.schema.parts), *index.included)
            )
            for index in self.indexes
        }

    @cached_property
    def has_local_indexes(self) -> bool:
        """Whether its items form collections whose size is bounded."""
        return any(index.is_local for index in self.indexes)

    @cached_property
    def has_expiries(self) -> bool:
        """Whether its items may end by themselves."""
        return self.time_to_live is not None and self.time_to_live.is_enabled

    @cached_property
    def has_stream(self) -> bool:
        """Whether changes go into a stream."""
        return self.stream is not None and self.stream.is_enabled

    @cached_property
    def has_followers(self) -> bool:
        """Whether anything but counts changes with its items."""
        return bool(self.indexes) or self.has_expiries or self.has_stream


class StreamState(msgspec.Struct, frozen=True, array_like=True):
    """A stream, which outlives its table by a day.

    Attributes:
        uid: its number.
        table_arn: of its table.
        label: the last part of its ARN.
        view: what it has of each change.
        schema: the table's key.
        created_ms: when it began.
        ended_ms: when it was disabled, 0 while it is not.
        trimmed: the version of the last change that was removed; empty where none was.
    """

    uid: int
    table_arn: str
    label: str
    view: str
    schema: Schema
    created_ms: int
    ended_ms: int = 0
    trimmed: bytes = b""

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"{self.table_arn}/stream/{self.label}"


class Shard(msgspec.Struct, frozen=True, array_like=True):
    """Where a shard of a stream begins.

    Attributes:
        opened_ms: when.
        is_end: the stream ends here instead.
    """

    opened_ms: int
    is_end: bool = False


class StreamChange(msgspec.Struct, frozen=True, array_like=True):
    """A change of an item in a stream's log.

    Attributes:
        name: ``INSERT``, ``MODIFY`` or ``REMOVE``.
        at_ms: when.
        keys: JSON of the item's key.
        new: JSON of the item afterwards, where the view has it.
        old: JSON of the item before, where the view has it.
        size: of key and images, in bytes.
        is_expiry: the item's time had come.
    """

    name: str
    at_ms: int
    keys: bytes
    new: bytes | None
    old: bytes | None
    size: int
    is_expiry: bool = False


class Token(msgspec.Struct, frozen=True, array_like=True):
    """A transaction that was done under a client's token.

    Attributes:
        fingerprint: of the request.
        done_ms: when it was done.
    """

    fingerprint: bytes
    done_ms: int


class Level(msgspec.Struct, frozen=True, array_like=True):
    """How much is unspent of a provisioned capacity.

    Attributes:
        held: thousandths of a unit; below zero where more was spent than there was.
        at_ms: when that was so.
    """

    held: int
    at_ms: int


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """What a row was before a change; or, with ``copy``, where an older haar began a copy.

    Attributes:
        at_ms: when it was changed.
        key: of the row, without its table's prefix.
        row: as it was; None where there was none.
        copy: the number of a copy, 0 for a change.
    """

    at_ms: int
    key: bytes = b""
    row: bytes | None = None
    copy: int = 0


TABLE = Codec(Table)
TOKEN = Codec(Token)
STREAM = Codec(StreamState)
SHARD = Codec(Shard)
CHANGE = Codec(StreamChange)
ENTRY = Codec(Entry)
LEVEL = Codec(Level)
