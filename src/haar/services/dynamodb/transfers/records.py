"""What is stored of exports and imports."""

from __future__ import annotations

import msgspec

from haar.kit.records import Codec

IN_PROGRESS, COMPLETED, FAILED = "IN_PROGRESS", "COMPLETED", "FAILED"


class Export(msgspec.Struct, frozen=True, array_like=True):
    """An export.

    Attributes:
        uid: its number, and that of the copy that it is made from.
        arn: the export's.
        table_id: of the table.
        caller: in whose name the bucket is written.
        bucket: where it goes.
        prefix: below which.
        token: the client's.
        started_ms: when it was asked for.
        moment_ms: the table is exported as it was then.
        status: ``IN_PROGRESS``, ``COMPLETED`` or ``FAILED``.
        ended_ms: when it ended, 0 before.
        count: of items.
        size: of items, in bytes.
        failure: code and text.
    """

    uid: int
    arn: str
    table_id: str
    caller: str
    bucket: str
    prefix: str
    token: str
    started_ms: int
    moment_ms: int
    status: str = IN_PROGRESS
    ended_ms: int = 0
    count: int = 0
    size: int = 0
    failure: tuple[str, str] = ("", "")

    @property
    def table_arn(self) -> str:
        """The table's ARN."""
        return self.arn.partition("/export/")[0]

    @property
    def folder(self) -> str:
        """What the keys of its objects begin with."""
        above = f"{self.prefix.rstrip('/')}/" if self.prefix else ""
        return f"{above}AWSDynamoDB/{self.arn.rpartition('/')[2]}"

    @property
    def manifest(self) -> str:
        """The key of its summary."""
        return f"{self.folder}/manifest-summary.json"


class Source(msgspec.Struct, frozen=True, array_like=True):
    """What an import reads.

    Attributes:
        bucket: where the objects are.
        prefix: what their keys begin with.
        form: ``DYNAMODB_JSON`` or ``CSV``.
        compression: ``GZIP`` or ``NONE``.
        delimiter: of CSV.
        header: the names of CSV's columns; empty where its first line has them.
    """

    bucket: str
    prefix: str
    form: str
    compression: str = "NONE"
    delimiter: str = ","
    header: tuple[str, ...] = ()


class Counts(msgspec.Struct, frozen=True, array_like=True):
    """How far an import is.

    Attributes:
        size: bytes that were read.
        read: items that were read.
        imported: items that were put.
        errors: items that could not be.
    """

    size: int = 0
    read: int = 0
    imported: int = 0
    errors: int = 0


class Import(msgspec.Struct, frozen=True, array_like=True):
    """An import.

    Attributes:
        arn: the import's.
        table_id: of the table that is made.
        caller: in whose name the bucket is read.
        token: the client's.
        source: what is read.
        asked: the members that make the table, as JSON.
        started_ms: when it was asked for.
        status: ``IN_PROGRESS``, ``COMPLETED`` or ``FAILED``.
        ended_ms: when it ended, 0 before.
        counts: of all objects that are done.
        done: the key of the last object that is done.
        failure: code and text.
    """

    arn: str
    table_id: str
    caller: str
    token: str
    source: Source
    asked: bytes
    started_ms: int
    status: str = IN_PROGRESS
    ended_ms: int = 0
    counts: Counts = Counts()
    done: str = ""
    failure: tuple[str, str] = ("", "")

    @property
    def table_arn(self) -> str:
        """The table's ARN."""
        return self.arn.partition("/import/")[0]


EXPORT = Codec(Export)
IMPORT = Codec(Import)
