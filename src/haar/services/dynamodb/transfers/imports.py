"""Imports: ask for one, describe and list them. :mod:`.filling` does the work."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import orjson

from haar.fabric import jobs
from haar.kernel.errors import NotImplementedByHaar
from haar.kit import pages
from haar.kit.call import Call, Members, Scope
from haar.kit.operation import anything, inside, operation
from haar.services.dynamodb import keys, quotas, rows
from haar.services.dynamodb.errors import ImportConflict, ImportNotFound, TableExists
from haar.services.dynamodb.listings import is_of, page_of, rest_of
from haar.services.dynamodb.lookup import arn_of
from haar.services.dynamodb.records import CREATING, TABLE
from haar.services.dynamodb.tables import DEFINED, checked_table, refuse_unbuilt
from haar.services.dynamodb.times import moment
from haar.services.dynamodb.transfers import ion
from haar.services.dynamodb.transfers.claims import claim, claimed
from haar.services.dynamodb.transfers.compression import ZSTD_LIBRARY
from haar.services.dynamodb.transfers.extras import require
from haar.services.dynamodb.transfers.filling import FILLING
from haar.services.dynamodb.transfers.records import FAILED, IMPORT, Import, Source
from haar.store.api import Transaction

_TOKEN_MIN = 56  # characters, two digits each
_PAGE_MAX = 25


def new_table_arn(members: Members, scope: Scope) -> str:
    """Name the table that an import makes."""
    return arn_of(members["TableCreationParameters"]["TableName"], scope)


def import_arn(members: Members, scope: Scope) -> str:
    """Name the import of a request."""
    del scope
    return str(members["ImportArn"])


@operation(
    "ImportTable",
    members=(
        "ClientToken S3BucketSource InputFormat InputFormatOptions InputCompressionType "
        f"{inside('TableCreationParameters', DEFINED)}"
    ),
    resource=new_table_arn,
)
def import_table(call: Call[Members], tx: Transaction) -> Members:
    """Make a table of the items in a bucket. It is CREATING until they are there.

    Keys: reads and writes ``table``, ``import``, ``claim``; writes jobs; adds to ``tables``.

    Raises:
        Invalid: settings of the table that AWS does not take.
        TableExists: there is one of that name.
        ImportConflict: the token has been used for another import.
        TooManyAtOnce: 50 are under way.

    Source: AWS docs, DynamoDB API reference, ImportTable.
    """
    asked: Members = call.members["TableCreationParameters"]
    _refuse_unbuilt(call, asked)
    earlier = _by_token(call, tx)
    if earlier is not None:
        return {"ImportTableDescription": _described(earlier)}
    source = _source(call.members)
    if tx.get(keys.table(call.resource)) is not None:
        raise TableExists(table=asked["TableName"])
    quotas.refuse_full(tx, call.scope)
    quotas.begin(tx, call.scope, quotas.IMPORT)
    tx.add(keys.NEWEST_TABLE, 1)
    made = checked_table(replace(call, members=asked), rows.counter(tx, keys.NEWEST_TABLE))
    table = msgspec.structs.replace(made, status=CREATING)
    tx.put(keys.table(table.arn), TABLE.encode(table))
    started = Import(
        arn=f"{table.arn}/import/0{call.now_ms}-{call.entropy.bytes(4).hex()}",
        table_id=table.id,
        caller=call.principal.arn,
        token=call.members.get("ClientToken", ""),
        source=source,
        asked=orjson.dumps(asked),
        started_ms=call.now_ms,
    )
    tx.put(keys.import_(started.arn), IMPORT.encode(started))
    claim(call, tx, "import", started.arn)
    jobs.schedule(tx, kind=FILLING.kind, key=started.arn, due_ms=call.now_ms)
    return {"ImportTableDescription": _described(started)}


def _refuse_unbuilt(call: Call[Members], asked: Members) -> None:
    refuse_unbuilt(replace(call, members=asked))
    if call.members["S3BucketSource"].get("S3BucketOwner", call.account) != call.account:
        raise NotImplementedByHaar(what="the S3BucketOwner that is another account")


def _source(members: Members) -> Source:
    if members["InputFormat"] == "ION":
        require(ion.LIBRARY, "the InputFormat ION")
    if members.get("InputCompressionType") == "ZSTD":
        require(ZSTD_LIBRARY, "the InputCompressionType ZSTD")
    options: Members = members.get("InputFormatOptions", {}).get("Csv", {})
    return Source(
        bucket=members["S3BucketSource"]["S3Bucket"],
        prefix=members["S3BucketSource"].get("S3KeyPrefix", ""),
        form=members["InputFormat"],
        compression=members.get("InputCompressionType", "NONE"),
        delimiter=options.get("Delimiter", ","),
        header=tuple(options.get("HeaderList", ())),
    )


def _by_token(call: Call[Members], tx: Transaction) -> Import | None:
    """Return the import that was asked for with the same token, lately."""
    known = claimed(call, tx, "import", keys.import_, IMPORT)
    if known is None:
        return None
    asked = orjson.dumps(call.members["TableCreationParameters"])
    if (known.asked, known.source) != (asked, _source(call.members)):
        raise ImportConflict
    return known


def _described(one: Import) -> Members:
    source = one.source
    described: Members = {
        "ImportArn": one.arn,
        "ImportStatus": one.status,
        "TableArn": one.table_arn,
        "TableId": one.table_id,
        "S3BucketSource": _bucket(source),
        "InputFormat": source.form,
        "InputCompressionType": source.compression,
        "TableCreationParameters": orjson.loads(one.asked),
        "StartTime": moment(one.started_ms),
        "ProcessedSizeBytes": one.counts.size,
        "ProcessedItemCount": one.counts.read,
        "ImportedItemCount": one.counts.imported,
        "ErrorCount": one.counts.errors,
    }
    if one.token:
        described["ClientToken"] = one.token
    if source.form == "CSV":
        csv: Members = {"Delimiter": source.delimiter}
        described["InputFormatOptions"] = {"Csv": csv}
        if source.header:
            csv["HeaderList"] = list(source.header)
    if one.ended_ms:
        described["EndTime"] = moment(one.ended_ms)
    if one.status == FAILED:
        described["FailureCode"], described["FailureMessage"] = one.failure
    return described


def _bucket(source: Source) -> Members:
    bucket: Members = {"S3Bucket": source.bucket}
    if source.prefix:
        bucket["S3KeyPrefix"] = source.prefix
    return bucket


@operation("DescribeImport", members="ImportArn", resource=import_arn, readonly=True)
def describe_import(call: Call[Members], tx: Transaction) -> Members:
    """Describe an import, with its counts so far.

    Keys: reads ``import``.

    Raises:
        ImportNotFound: no such import.

    Source: AWS docs, DynamoDB API reference, DescribeImport.
    """
    raw = tx.get(keys.import_(call.resource)) if is_of(call.resource, "import") else None
    if raw is None:
        raise ImportNotFound(arn=call.resource)
    return {"ImportTableDescription": _described(IMPORT.decode(raw))}


@operation("ListImports", members="TableArn PageSize NextToken", resource=anything, readonly=True)
def list_imports(call: Call[Members], tx: Transaction) -> Members:
    """List the imports of a table or of the account, a page at a time.

    Keys: reads ``import``.

    Raises:
        Invalid: a token that haar did not make for this listing.

    Source: AWS docs, DynamoDB API reference, ListImports.
    """
    members = call.members
    limit = members.get("PageSize", _PAGE_MAX)
    token = text_of(members["NextToken"]) if "NextToken" in members else None
    left = rest_of(call, token, keys.imports(call.account, call.region))
    every = (IMPORT.decode(row.value) for row in tx.scan(left))
    wanted = (one for one in every if members.get("TableArn", one.table_arn) == one.table_arn)
    page, last = page_of(wanted, limit)
    result: Members = {"ImportSummaryList": list(map(_summary, page))}
    if last:
        result["NextToken"] = hex_of(pages.make(call, keys.import_(last)))
    return result


def hex_of(token: str) -> str:
    """Return a token as the model has it here: hexadecimal, 16 digits at a time, 112 at least."""
    length = max(_TOKEN_MIN, -(-len(token) // 8) * 8)
    return token.ljust(length).encode().hex()


def text_of(digits: str) -> str:
    """Return the token of such digits."""
    return bytes.fromhex(digits).decode("latin-1").rstrip()


def _summary(one: Import) -> Members:
    summary: Members = {
        "ImportArn": one.arn,
        "ImportStatus": one.status,
        "TableArn": one.table_arn,
        "S3BucketSource": _bucket(one.source),
        "InputFormat": one.source.form,
        "StartTime": moment(one.started_ms),
    }
    if one.ended_ms:
        summary["EndTime"] = moment(one.ended_ms)
    return summary
