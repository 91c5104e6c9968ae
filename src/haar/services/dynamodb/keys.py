"""Every key that DynamoDB stores, below ``dynamodb``.

===============================================  ===============================================
key                                              value
===============================================  ===============================================
``table``, account, region, name                 :class:`~.records.Table`
``tables``                                       counter: the number of the newest table
``tags``, account, region, name                  :class:`haar.kit.tags.Tags`, if there are any
``rows``, TABLE, 0, ``key of the item``          an item (:mod:`~.rows`)
``rows``, TABLE, INDEX, ``key of the entry``     what an index has of an item, in the same form
``count``, TABLE, INDEX                          counter: how many items or entries
``bytes``, TABLE, INDEX                          counter: their size
``collection``, TABLE, ``partition key``         counter: the size of an item collection, where the
                                                 table has local indexes
``token``, BUCKET, account, region, token        :class:`~.records.Token`
``bucket``, BUCKET                               empty: the bucket's end is scheduled
``expiry``, TABLE, SECONDS, ``key of the item``  empty: the item ends at that second
``streams``                                      counter: the number of the newest stream
``stream``, account, region, name, label         :class:`~.records.StreamState`
``changes``, STREAM, VERSION                     :class:`~.records.StreamChange`
``shards``, STREAM, VERSION                      :class:`~.records.Shard`: one begins here
``level``, TABLE, INDEX, kind                    :class:`~.records.Level`; kind is Read or Write
``journal``, TABLE, VERSION                      :class:`~.records.Entry`
``copies``                                       counter: the number of the newest backup or copy
``backup``, account, region, table, id           :class:`~.backups.records.Backup`
``backed``, BACKUP, ``key of the item``          a row of a backup, or for an incremental export
                                                 :class:`~.transfers.gathering.Changed`
``uses``, BACKUP                                 counter: tables that are being restored from it
``export``, account, region, table, id           :class:`~.transfers.records.Export`
``import``, account, region, table, id           :class:`~.transfers.records.Import`
``claim``, ``export`` or ``import``, account,    the ARN of what was asked for with a client's token
region, token                                    (:mod:`~.transfers.claims`)
``claims``, account, region                      empty: those of an older haar are there
``active``, ``export``, ``import`` or            counter: how many are under way
``restore``, account, region
===============================================  ===============================================

TABLE, INDEX, STREAM and BACKUP are numbers; INDEX 0 is the table itself. BUCKET is a span of ten
minutes. The keys of items and entries are raw bytes (:mod:`~.schema`) after the tuple, so are
SECONDS (8 bytes, big-endian) and VERSION (10 bytes, made by the store).
"""

from __future__ import annotations

from functools import lru_cache

from haar.kernel import arn as arns
from haar.store.api import Span, prefix_span
from haar.store.subspace import Subspace

_SPACE = Subspace("dynamodb")
_TABLE, _ROWS = "table", "rows"

NEWEST_TABLE = _SPACE.pack("tables")
NEWEST_STREAM = _SPACE.pack("streams")
_SECONDS_BYTES = 8
NEWEST_COPY = _SPACE.pack("copies")


@lru_cache(maxsize=4096)
def table(arn: str) -> bytes:
    """Return the key of a table, by the table's ARN."""
    return _SPACE.pack(_TABLE, *_place(arn))


def tables(account: str, region: str, after: str = "") -> Span:
    """Return the span of an account's tables in a region after a name."""
    whole = _SPACE.span(_TABLE, account, region)
    if not after:
        return whole
    return Span(_SPACE.pack(_TABLE, account, region, after) + b"\x00", whole.end)


def tags(arn: str) -> bytes:
    """Return the key of a table's tags."""
    return _SPACE.pack("tags", *_place(arn))


@lru_cache(maxsize=4096)
def rows(table_uid: int, index_uid: int = 0) -> bytes:
    """Return the prefix of a table's items or of an index's entries."""
    return _SPACE.pack(_ROWS, table_uid, index_uid)


def row_span(table_uid: int) -> Span:
    """Return the span of a table's items."""
    return prefix_span(rows(table_uid))


def all_rows(table_uid: int) -> Span:
    """Return the span of a table's items and of all its indexes' entries."""
    return _SPACE.span(_ROWS, table_uid)


@lru_cache(maxsize=4096)
def count(table_uid: int, index_uid: int = 0) -> bytes:
    """Return the key of the number of items or entries."""
    return _SPACE.pack("count", table_uid, index_uid)


def counts(table_uid: int) -> Span:
    """Return the span of a table's numbers of items and entries."""
    return _SPACE.span("count", table_uid)


@lru_cache(maxsize=4096)
def size(table_uid: int, index_uid: int = 0) -> bytes:
    """Return the key of the size of all items or entries."""
    return _SPACE.pack("bytes", table_uid, index_uid)


def sizes(table_uid: int) -> Span:
    """Return the span of a table's sizes."""
    return _SPACE.span("bytes", table_uid)


def collection(table_uid: int, partition: bytes) -> bytes:
    """Return the key of the size of an item collection."""
    return _SPACE.pack("collection", table_uid, partition)


def collections(table_uid: int) -> Span:
    """Return the span of the sizes of a table's item collections."""
    return _SPACE.span("collection", table_uid)


def token(bucket: int, account: str, region: str, text: str) -> bytes:
    """Return the key of a client's token."""
    return _SPACE.pack("token", bucket, account, region, text)


def tokens(bucket: int) -> Span:
    """Return the span of all tokens of a bucket."""
    return _SPACE.span("token", bucket)


def bucket(number: int) -> bytes:
    """Return the key that tells that a bucket's end is scheduled."""
    return _SPACE.pack("bucket", number)


@lru_cache(maxsize=4096)
def _expiry(table_uid: int) -> bytes:
    return _SPACE.pack("expiry", table_uid)


def expiry(table_uid: int, seconds: int, row_key: bytes) -> bytes:
    """Return the key that tells when an item ends."""
    place = seconds.to_bytes(_SECONDS_BYTES, "big")
    return _expiry(table_uid) + place + row_key[len(rows(table_uid)) :]


def expiries(table_uid: int, before_s: int | None = None) -> Span:
    """Return the span of a table's expiries, or of those before a second."""
    prefix = _expiry(table_uid)
    whole = prefix_span(prefix)
    if before_s is None:
        return whole
    return Span(whole.start, prefix + before_s.to_bytes(_SECONDS_BYTES, "big"))


def expiring(table_uid: int, key: bytes) -> tuple[int, bytes]:
    """Return the second of an expiry, and the key of its item's row."""
    start = len(_expiry(table_uid))
    end = start + _SECONDS_BYTES
    return int.from_bytes(key[start:end], "big"), rows(table_uid) + key[end:]


def stream(arn: str) -> bytes:
    """Return the key of a stream."""
    return _SPACE.pack("stream", *_place(arn), arn.rpartition("/")[2])


def streams(account: str, region: str) -> Span:
    """Return the span of an account's streams in a region."""
    return _SPACE.span("stream", account, region)


def streams_of(table_arn: str) -> Span:
    """Return the span of a table's streams."""
    return _SPACE.span("stream", *_place(table_arn))


@lru_cache(maxsize=4096)
def changes(stream_uid: int) -> bytes:
    """Return the prefix of a stream's log."""
    return _SPACE.pack("changes", stream_uid)


def changes_span(stream_uid: int) -> Span:
    """Return the span of a stream's log."""
    return prefix_span(changes(stream_uid))


def shards(stream_uid: int) -> bytes:
    """Return the prefix of where a stream's shards begin."""
    return _SPACE.pack("shards", stream_uid)


def shards_span(stream_uid: int) -> Span:
    """Return the span of where a stream's shards begin."""
    return prefix_span(shards(stream_uid))


@lru_cache(maxsize=4096)
def level(table_uid: int, index_uid: int, kind: str) -> bytes:
    """Return the key of how much is unspent of a provisioned capacity."""
    return _SPACE.pack("level", table_uid, index_uid, kind)


def levels(table_uid: int) -> Span:
    """Return the span of the levels of a table and of its indexes."""
    return _SPACE.span("level", table_uid)


def index_levels(table_uid: int, index_uid: int) -> Span:
    """Return the span of the levels of an index."""
    return _SPACE.span("level", table_uid, index_uid)


@lru_cache(maxsize=4096)
def journal(table_uid: int) -> bytes:
    """Return the prefix of the entries of a table's journal."""
    return _SPACE.pack("journal", table_uid)


def journal_span(table_uid: int) -> Span:
    """Return the span of a table's journal."""
    return prefix_span(journal(table_uid))


def backup(arn: str) -> bytes:
    """Return the key of a backup, by its ARN."""
    return _below_table(arn)


def backups(account: str, region: str, after: str = "") -> Span:
    """Return the span of an account's backups in a region after one of them."""
    return _listed("backup", account, region, after)


def export(arn: str) -> bytes:
    """Return the key of an export, by its ARN."""
    return _below_table(arn)


def exports(account: str, region: str, after: str = "") -> Span:
    """Return the span of an account's exports in a region after one of them."""
    return _listed("export", account, region, after)


def import_(arn: str) -> bytes:
    """Return the key of an import, by its ARN."""
    return _below_table(arn)


def imports(account: str, region: str, after: str = "") -> Span:
    """Return the span of an account's imports in a region after one of them."""
    return _listed("import", account, region, after)


def claim(kind: str, account: str, region: str, token: str) -> bytes:
    """Return the key of a client's token of an export or an import."""
    return _SPACE.pack("claim", kind, account, region, token)


def claims(account: str, region: str) -> bytes:
    """Return the key that tells that what an older haar was asked for has its rows of tokens."""
    return _SPACE.pack("claims", account, region)


def active(kind: str, account: str, region: str) -> bytes:
    """Return the key of the number of exports, imports or restores that are under way."""
    return _SPACE.pack("active", kind, account, region)


def _below_table(arn: str) -> bytes:
    parts = arns.parse(arn)
    _, table_name, kind, number = parts.resource.split("/")
    return _SPACE.pack(kind, parts.account, parts.region, table_name, number)


def _listed(kind: str, account: str, region: str, after: str) -> Span:
    # A client may say any place to begin at: it never leads out of its account.
    whole = _SPACE.span(kind, account, region)
    return Span(max(whole.start, _below_table(after) + b"\x00"), whole.end) if after else whole


@lru_cache(maxsize=64)
def backup_rows(backup_uid: int) -> bytes:
    """Return the prefix of a backup's rows."""
    return _SPACE.pack("backed", backup_uid)


def backup_span(backup_uid: int) -> Span:
    """Return the span of a backup's rows."""
    return prefix_span(backup_rows(backup_uid))


def backup_uses(backup_uid: int) -> bytes:
    """Return the key of the number of tables that are being restored from a backup."""
    return _SPACE.pack("uses", backup_uid)


def _place(arn: str) -> tuple[str, str, str]:
    parts = arns.parse(arn)
    return parts.account, parts.region, parts.resource.split("/")[1]
