"""Filling a table with the items of a bucket.

Objects are read in the order of their keys; after each one its key and the counts are stored, so
that a run after a crash begins with the object that was under way. Items are put whole, so that
reading an object again changes nothing. A line that is no item of the table is counted as an error,
and the import goes on; what S3 refuses ends it, and its table goes.
"""

from __future__ import annotations

from functools import partial

import msgspec

from haar.kernel import arn as arns
from haar.kit.call import Scope
from haar.kit.cloud import Cloud
from haar.kit.jobs import Finish, Job, JobKind
from haar.services.dynamodb import keys, quotas, rows, texts
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.records import ACTIVE, TABLE, Table
from haar.services.dynamodb.row_bytes import checked_row
from haar.services.dynamodb.schema import check_index_keys, item_key
from haar.services.dynamodb.transfers.buckets import Bucket, BucketFailed
from haar.services.dynamodb.transfers.compression import NotReadable, unpacked
from haar.services.dynamodb.transfers.reading import Parser, lines_of
from haar.services.dynamodb.transfers.records import COMPLETED, FAILED, IMPORT, Counts, Import
from haar.services.dynamodb.values import Item, measure_item
from haar.store.api import Transaction

BATCH_ITEMS = 100


async def fill(job: Job, cloud: Cloud) -> Finish | None:
    """Do an import, or what is left of it after a crash."""
    raw = cloud.read(lambda tx: tx.get(keys.import_(job.key)))
    assert raw is not None, "an import is never removed"
    filler = _Filler(cloud, IMPORT.decode(raw))
    try:
        await filler.run()
    except BucketFailed as err:
        return partial(_fail, filler.ended(FAILED, (err.code, err.text)))
    return partial(_complete, filler.ended(COMPLETED))


def _fail(one: Import, tx: Transaction) -> None:
    tx.put(keys.import_(one.arn), IMPORT.encode(one))
    quotas.end(tx, quotas.IMPORT, one.arn)
    table = _table(tx, one)
    tx.clear(keys.table(table.arn))
    for span in (
        keys.all_rows(table.uid),
        keys.counts(table.uid),
        keys.sizes(table.uid),
        keys.collections(table.uid),
    ):
        tx.delete(span)


def _complete(one: Import, tx: Transaction) -> None:
    tx.put(keys.import_(one.arn), IMPORT.encode(one))
    quotas.end(tx, quotas.IMPORT, one.arn)
    done = msgspec.structs.replace(_table(tx, one), status=ACTIVE)
    tx.put(keys.table(done.arn), TABLE.encode(done))


def _table(tx: Transaction, one: Import) -> Table:
    raw = tx.get(keys.table(one.table_arn))
    assert raw is not None, "a table that is being made cannot be deleted"
    return TABLE.decode(raw)


def _keep(arn: str, record: bytes, tx: Transaction) -> None:
    tx.put(keys.import_(arn), record)


class _Filler:
    def __init__(self, cloud: Cloud, one: Import) -> None:
        own = arns.parse(one.arn)
        scope = Scope(own.account, own.region, own.partition)
        self._cloud = cloud
        self._import = one
        self._bucket = Bucket(cloud, one.source.bucket, one.caller, scope)
        self._table = cloud.read(lambda tx: _table(tx, one))

    def ended(self, status: str, failure: tuple[str, str] = ("", "")) -> Import:
        """Return the record of the import as it ended."""
        ended_ms = self._cloud.clock.now_ms()
        return msgspec.structs.replace(
            self._import, status=status, ended_ms=ended_ms, failure=failure
        )

    async def run(self) -> None:
        """Read every object that is left."""
        async for key in self._bucket.keys(self._import.source.prefix, self._import.done):
            counts = await self._read(key)
            self._import = msgspec.structs.replace(self._import, counts=counts, done=key)
            record = IMPORT.encode(self._import)
            await self._cloud.transact(partial(_keep, self._import.arn, record))

    async def _read(self, key: str) -> Counts:
        """Put the items of an object; return the counts with them."""
        source, counts = self._import.source, self._import.counts
        parser = Parser(source, self._table)
        batch: list[Item] = []
        try:
            pieces = unpacked(self._bucket.pieces(key), source.compression)
            async for line in lines_of(pieces):
                counts = msgspec.structs.replace(counts, size=counts.size + len(line) + 1)
                try:
                    batch += parser.items(line)
                except (
                    Invalid,
                    ValueError,
                ):  # base64's and the text's errors are of the second kind
                    counts = _counted(counts, imported=0, errors=1)
                if len(batch) >= BATCH_ITEMS:
                    counts = await self._put(batch, counts)
                    batch = []
        except NotReadable:
            counts = _counted(counts, imported=0, errors=1)
        return await self._put(batch, counts)

    async def _put(self, items: list[Item], counts: Counts) -> Counts:
        now_ms = self._cloud.clock.now_ms()
        table = self._table
        imported = await self._cloud.transact(
            lambda tx: sum([_put_one(tx, table, item, now_ms) for item in items])
        )
        return _counted(counts, imported=imported, errors=len(items) - imported)


def _counted(counts: Counts, *, imported: int, errors: int) -> Counts:
    return Counts(
        size=counts.size,
        read=counts.read + imported + errors,
        imported=counts.imported + imported,
        errors=counts.errors + errors,
    )


def _put_one(tx: Transaction, table: Table, item: Item, now_ms: int) -> bool:
    """Put an item; return whether it is one of the table."""
    try:
        row = checked_row(item, measure_item(item), texts.ITEM_TOO_LARGE)
        key = item_key(table, item)
        check_index_keys(table, item)
    except (Invalid, ValueError):
        return False
    rows.write(tx, table, key, tx.get(key), row, item, now_ms=now_ms)
    return True


FILLING = JobKind("dynamodb.import", handler=fill, concurrency=4)
