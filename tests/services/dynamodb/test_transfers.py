"""Exports to S3 and imports from it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
import zstandard
from botocore.exceptions import ClientError

from haar.kernel.errors import NotImplementedByHaar
from haar.services.dynamodb.transfers.compression import PLAIN_BYTES_MAX, Unzstd
from haar.services.dynamodb.transfers.extras import require
from haar.testing import Running

ITEMS = {
    f"item {number}": {
        "p": {"S": f"item {number}"},
        "raw": {"B": bytes([number % 256])},
        "nested": {"M": {"list": {"L": [{"N": str(number)}, {"NULL": True}]}}},
    }
    for number in range(700)
}
TABLE = {
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture
def s3(cloud: Running) -> Any:
    """A client of S3 with the bucket ``transfers``."""
    client = cloud.client("s3")
    client.create_bucket(Bucket="transfers")
    return client


def ended(describe: Callable[[], Any]) -> Any:
    """Return a description once it tells an end."""
    for _ in range(10_000):
        described = describe()
        if "EndTime" in described:
            return described
    raise AssertionError("it does not end")


def items_of(db: Any, table: str) -> dict[str, Any]:
    pages = db.get_paginator("scan").paginate(TableName=table)
    return {item["p"]["S"]: item for page in pages for item in page["Items"]}


def export(db: Any, table: str, **members: Any) -> Any:
    arn = db.describe_table(TableName=table)["Table"]["TableArn"]
    started = db.export_table_to_point_in_time(TableArn=arn, **members)["ExportDescription"]
    return ended(lambda: db.describe_export(ExportArn=started["ExportArn"])["ExportDescription"])


def import_(db: Any, table: str, **members: Any) -> Any:
    parameters = {"TableName": table, **TABLE}
    source = {"S3Bucket": "transfers", "S3KeyPrefix": members.pop("prefix")}
    started = db.import_table(S3BucketSource=source, TableCreationParameters=parameters, **members)[
        "ImportTableDescription"
    ]
    return ended(
        lambda: db.describe_import(ImportArn=started["ImportArn"])["ImportTableDescription"]
    )


def recoverable(db: Any, table: str) -> None:
    specification = {"PointInTimeRecoveryEnabled": True}
    db.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=specification)


def test_what_is_exported_can_be_imported(db: Any, s3: Any, table: str) -> None:
    """The manifests name every file with its sums, and an import of the files makes the table."""
    for item in ITEMS.values():
        db.put_item(TableName=table, Item=item)
    recoverable(db, table)
    token = {"S3Bucket": "transfers", "S3Prefix": "a/b", "ClientToken": "once"}
    done = export(db, table, **token)
    assert (done["ExportStatus"], done["ItemCount"]) == ("COMPLETED", len(ITEMS))
    assert export(db, table, **token)["ExportArn"] == done["ExportArn"]
    summary = json.loads(body(s3, done["ExportManifest"]))
    assert summary["itemCount"] == len(ITEMS)
    manifest = body(s3, summary["manifestFilesS3Key"])
    checksum = body(s3, summary["manifestFilesS3Key"].replace(".json", ".checksum"))
    assert base64.b64decode(checksum) == hashlib.md5(manifest).digest()
    files = [json.loads(line) for line in manifest.splitlines()]
    for file in files:
        data = body(s3, file["dataFileS3Key"])
        assert base64.b64decode(file["md5Checksum"]) == hashlib.md5(data).digest()
        assert len(gzip.decompress(data).splitlines()) == file["itemCount"]
    folder = files[0]["dataFileS3Key"].rpartition("/")[0]
    imported = import_(
        db,
        f"{table}-imported",
        prefix=folder,
        InputFormat="DYNAMODB_JSON",
        InputCompressionType="GZIP",
    )
    assert imported["ImportStatus"] == "COMPLETED"
    assert (imported["ImportedItemCount"], imported["ErrorCount"]) == (len(ITEMS), 0)
    assert items_of(db, f"{table}-imported") == ITEMS
    arn = done["TableArn"]
    assert [one["ExportArn"] for one in db.list_exports(TableArn=arn)["ExportSummaries"]] == [
        done["ExportArn"]
    ]


def body(s3: Any, key: str) -> bytes:
    return bytes(s3.get_object(Bucket="transfers", Key=key)["Body"].read())


def test_csv_is_imported_and_wrong_lines_are_counted(db: Any, cloud: Running) -> None:
    """Columns become strings, keys have their types; a line that is no item stops nothing."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="transfers")
    text = 'p;note\r\na;"x;y"\nb;\n;without a key\nc;1;too many\nd;last'
    s3.put_object(Bucket="transfers", Key="csv/one", Body=text.encode())
    options = {"Csv": {"Delimiter": ";"}}
    done = import_(db, "from-csv", prefix="csv/", InputFormat="CSV", InputFormatOptions=options)
    assert (done["ImportedItemCount"], done["ErrorCount"]) == (3, 2)
    assert items_of(db, "from-csv") == {
        "a": {"p": {"S": "a"}, "note": {"S": "x;y"}},
        "b": {"p": {"S": "b"}},
        "d": {"p": {"S": "d"}, "note": {"S": "last"}},
    }


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b'{"Other":{}}',
        b'{"Item":{"p":{"S":5}}}',
        b'{"Item":{"p":{"S":"x","N":"1"}}}',
        b'{"Item":{"p":{"S":"x"},"n":{"N":"many"}}}',
        b'{"Item":{"p":{"S":"x"},"b":{"B":"*"}}}',
        b'{"Item":{"p":{"S":"x"},"d":' + b'{"L":[' * 40 + b"]}" * 40 + b"}}",
        b'{"Item":{"q":{"S":"x"}}}',
        b"\xff\xfe",
    ],
)
def test_a_line_that_is_no_item_is_an_error(
    db: Any, cloud: Running, make_table: Callable[..., str], line: bytes
) -> None:
    """Whatever stands in a line, the other items are imported."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="transfers")
    name = make_table()
    prefix = f"lines/{name}"
    good = b'{"Item":{"p":{"S":"good"}}}\n'
    s3.put_object(Bucket="transfers", Key=prefix, Body=good + line + b"\n" + good)
    done = import_(db, f"{name}-lines", prefix=prefix, InputFormat="DYNAMODB_JSON")
    assert (done["ImportedItemCount"], done["ErrorCount"]) == (2, 1)


def test_what_s3_refuses_ends_it(db: Any, table: str) -> None:
    """An import without its bucket fails and leaves no table; so does an export fail."""
    recoverable(db, table)
    failed = export(db, table, S3Bucket="no-such-bucket")
    assert (failed["ExportStatus"], failed["FailureCode"]) == ("FAILED", "S3NoSuchBucket")
    started = db.import_table(
        S3BucketSource={"S3Bucket": "no-such-bucket"},
        InputFormat="DYNAMODB_JSON",
        TableCreationParameters={"TableName": "never", **TABLE},
    )["ImportTableDescription"]
    failed = ended(
        lambda: db.describe_import(ImportArn=started["ImportArn"])["ImportTableDescription"]
    )
    assert (failed["ImportStatus"], failed["FailureCode"]) == ("FAILED", "S3NoSuchBucket")
    with pytest.raises(ClientError, match="not found"):
        db.describe_table(TableName="never")


def test_imports_are_listed_a_page_at_a_time(db: Any, make_table: Callable[..., str]) -> None:
    """A page's token leads to the next one, whatever was imported, and the last page has none."""
    name = make_table()
    arns = []
    for number in range(3):
        parameters = {"TableName": f"{name}-{number}", **TABLE}
        started = db.import_table(
            S3BucketSource={"S3Bucket": "no-such-bucket"},
            InputFormat="CSV",
            TableCreationParameters=parameters,
        )["ImportTableDescription"]
        arns.append(started["ImportArn"])
    listed: list[str] = []
    page = db.list_imports(PageSize=1)
    while "NextToken" in page:
        listed += [one["ImportArn"] for one in page["ImportSummaryList"]]
        page = db.list_imports(PageSize=1, NextToken=page["NextToken"])
    listed += [one["ImportArn"] for one in page["ImportSummaryList"]]
    assert set(arns) <= set(listed)
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    "more",
    [
        {"TableCreationParameters": {"SSESpecification": {"Enabled": True}}},
        {"S3BucketSource": {"S3BucketOwner": "111111111111"}},
    ],
)
def test_what_an_import_does_not_have_is_refused(db: Any, more: dict[str, Any]) -> None:
    """Members inside of members are not ignored, either."""
    parameters = {"TableName": "never", **TABLE, **more.get("TableCreationParameters", {})}
    with pytest.raises(ClientError) as refused:
        db.import_table(
            S3BucketSource={"S3Bucket": "transfers", **more.get("S3BucketSource", {})},
            InputFormat="DYNAMODB_JSON",
            TableCreationParameters=parameters,
        )
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_a_line_that_is_no_csv_is_an_error(
    db: Any, s3: Any, make_table: Callable[..., str]
) -> None:
    """A carriage return inside of a line, or a quote that stays open, is counted as an error."""
    name = make_table()
    prefix = f"csv/{name}"
    s3.put_object(Bucket="transfers", Key=prefix, Body=b'p,q\na,1\nb\rc,2\n"e,4\nd,3\n')
    done = import_(db, f"{name}-csv", prefix=prefix, InputFormat="CSV")
    assert (done["ImportedItemCount"], done["ErrorCount"]) == (2, 2)


VALUES: dict[str, Any] = {
    "p": {"S": "every type"},
    'a "name" \n': {"S": 'text with "quotes", \\ and \u2028'},
    "null": {"NULL": True},
    "yes": {"BOOL": True},
    "no": {"BOOL": False},
    "numbers": {"L": [{"N": n} for n in ("103", "-1.5", "12345678901234567890123456789012345678")]},
    "small": {"N": "0." + "0" * 129 + "1"},
    "raw": {"B": b"\x00\xff raw"},
    "empty": {"S": ""},
    "map": {"M": {"in": {"M": {"it": {"L": []}}}}},
    "texts": {"SS": ["a", "b"]},
    "some": {"NS": ["1", "2.5"]},
    "blobs": {"BS": [b"a", b"b"]},
}


def test_ion_is_exported_and_imported(db: Any, s3: Any, table: str) -> None:
    """Every type goes through Ion and comes back; each line begins with Ion's marker."""
    db.put_item(TableName=table, Item=VALUES)
    db.put_item(TableName=table, Item={"p": {"S": "other"}})
    recoverable(db, table)
    done = export(db, table, S3Bucket="transfers", S3Prefix=table, ExportFormat="ION")
    assert (done["ExportStatus"], done["ExportFormat"]) == ("COMPLETED", "ION")
    summary = json.loads(body(s3, done["ExportManifest"]))
    assert summary["outputFormat"] == "ION"
    (file,) = map(json.loads, body(s3, summary["manifestFilesS3Key"]).splitlines())
    assert file["dataFileS3Key"].endswith(".ion.gz")
    lines = gzip.decompress(body(s3, file["dataFileS3Key"])).splitlines()
    assert b'$ion_1_0 {Item:{p:"other"}}' in lines
    folder = file["dataFileS3Key"].rpartition("/")[0]
    how = {"InputFormat": "ION", "InputCompressionType": "GZIP"}
    imported = import_(db, f"{table}-ion", prefix=folder, **how)
    assert (imported["ImportedItemCount"], imported["ErrorCount"]) == (2, 0)
    assert items_of(db, f"{table}-ion") == items_of(db, table)


@pytest.mark.parametrize(
    "line",
    [
        "$ion_1_0 {",
        "$ion_1_0 5",
        '$ion_1_0 {Other:{p:"x"}}',
        '$ion_1_0 {Item:["x"]}',
        '$ion_1_0 {Item:{p:"x",at:2007T}}',
        '$ion_1_0 {Item:{p:"x",n:1.5e0}}',
        '$ion_1_0 {Item:{p:"x",set:$dynamodb_SS::[1]}}',
        '$ion_1_0 {Item:{p:"x",set:$other::["a"]}}',
        '$ion_1_0 {Item:{p:"x",n:1d999}}',
        '$ion_1_0 {Item:{p:"x",deep:' + "[" * 50 + "]" * 50 + "}}",
        '$ion_1_0 {Item:{p:"x",deep:' + "[" * 90_000 + "]" * 90_000 + "}}",
        "$ion_1_0 {Item:{q:1}}",
    ],
)
def test_a_line_that_is_no_ion_of_an_item_is_an_error(
    db: Any, s3: Any, make_table: Callable[..., str], line: str
) -> None:
    """Whatever stands in a line, the other items are imported."""
    name = make_table()
    good = '$ion_1_0 {Item:{p:"good",n:7}}\n$ion_1_0\n'
    s3.put_object(Bucket="transfers", Key=f"ion/{name}", Body=(good + line + "\n" + good).encode())
    done = import_(db, f"{name}-ion", prefix=f"ion/{name}", InputFormat="ION")
    assert (done["ImportedItemCount"], done["ErrorCount"]) == (2, 1)
    assert items_of(db, f"{name}-ion") == {"good": {"p": {"S": "good"}, "n": {"N": "7"}}}


def test_zstd_is_imported(db: Any, s3: Any, table: str) -> None:
    """Frames one after the other, however small or well compressed."""
    lines = [json.dumps({"Item": {"p": {"S": f"{n} {'x' * 100}"}}}) + "\n" for n in range(900)]
    halves = ["".join(lines[:450]), "".join(lines[450:])]
    packed = b"".join(zstandard.compress(half.encode()) for half in halves)
    s3.put_object(Bucket="transfers", Key=f"zstd/{table}", Body=packed)
    how = {"InputFormat": "DYNAMODB_JSON", "InputCompressionType": "ZSTD"}
    done = import_(db, f"{table}-zstd", prefix=f"zstd/{table}", **how)
    assert (done["ImportedItemCount"], done["ErrorCount"]) == (900, 0)


@pytest.mark.parametrize(
    ("compression", "pack"), [("GZIP", gzip.compress), ("ZSTD", zstandard.compress)]
)
def test_an_object_that_is_not_compressed_so_is_an_error(
    db: Any, s3: Any, make_table: Callable[..., str], compression: str, pack: Any
) -> None:
    """Other bytes, or the first half of the right ones, are counted; other objects are read."""
    name = make_table()
    good = json.dumps({"Item": {"p": {"S": "good"}}}).encode()
    for key, data in (("a", b"no such bytes"), ("b", pack(good)[:-3]), ("c", pack(good))):
        s3.put_object(Bucket="transfers", Key=f"packed/{name}/{key}", Body=data)
    how = {"InputFormat": "DYNAMODB_JSON", "InputCompressionType": compression}
    done = import_(db, f"{name}-packed", prefix=f"packed/{name}/", **how)
    assert done["ErrorCount"] == 2
    assert items_of(db, f"{name}-packed").keys() == {"good"}


def test_few_bytes_of_zstd_do_not_fill_the_memory() -> None:
    """A frame that stands for a gigabyte comes in pieces of a few megabytes."""
    unpacker = Unzstd()
    packed = zstandard.ZstdCompressor(level=3).compress(bytes(256 * 1024 * 1024))
    sizes = [len(plain) for plain in unpacker.unpack(packed)]
    assert sum(sizes) == 256 * 1024 * 1024
    assert max(sizes) <= PLAIN_BYTES_MAX + 128 * 1024


@pytest.mark.parametrize("name", ["no_such_library", "no_such.library"])
def test_a_library_that_is_not_there_is_one_clear_refusal(name: str) -> None:
    """What needs it is refused by name, with the extra that brings it."""
    with pytest.raises(NotImplementedByHaar, match=r"ION unless haar\[transfers\] is installed"):
        require(name, "the InputFormat ION")
