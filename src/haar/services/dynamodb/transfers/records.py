"""What is stored of exports and imports."""

from __future__ import annotations

import msgspec

from haar.kit.records import Codec

FULL, INCREMENTAL = "FULL_EXPORT", "INCREMENTAL_EXPORT"
NEW_IMAGE, NEW_AND_OLD_IMAGES = "NEW_IMAGE", "NEW_AND_OLD_IMAGES"
ION = "ION"
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
        kind: ``FULL_EXPORT`` or ``INCREMENTAL_EXPORT``.
        from_ms: of an incremental one, where its span begins; it ends before ``moment_ms``.
        view: of an incremental one, ``NEW_IMAGE`` or ``NEW_AND_OLD_IMAGES``.
        key_names: of an incremental one, the attributes of the table's key.
        form: ``DYNAMODB_JSON`` or ``ION``.
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
    kind: str = FULL
    from_ms: int = 0
    view: str = ""
    key_names: tuple[str, ...] = ()
    form: str = "DYNAMODB_JSON"

    @property
    def table_arn(self) -> str:
        """The table's ARN."""
        return self.arn.partition("/export/")[0]

    @property
    def _above(self) -> str:
        return f"{self.prefix.rstrip('/')}/AWSDynamoDB" if self.prefix else "AWSDynamoDB"

    @property
    def folder(self) -> str:
        """What the keys of its manifests begin with."""
        return f"{self._above}/{self.arn.rpartition('/')[2]}"

    def file(self, number: int) -> str:
        """Return the key of a data file; incremental exports have one folder for all of theirs."""
        ending = f"{number:08d}.{'ion' if self.form == ION else 'json'}.gz"
        if self.kind == INCREMENTAL:
            return f"{self._above}/data/{self.arn.rpartition('/')[2]}-{ending}"
        return f"{self.folder}/data/{ending}"

    @property
    def manifest(self) -> str:
        """The key of its summary."""
        return f"{self.folder}/manifest-summary.json"


class Source(msgspec.Struct, frozen=True, array_like=True):
    """What an import reads.

    Attributes:
        bucket: where the objects are.
        prefix: what their keys begin with.
        form: ``DYNAMODB_JSON``, ``CSV`` or ``ION``.
        compression: ``GZIP``, ``ZSTD`` or ``NONE``.
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
