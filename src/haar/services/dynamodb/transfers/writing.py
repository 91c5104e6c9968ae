"""Writing an export to S3: data files, then the manifests that name them.

The names of all objects follow from the export, so that a run after a crash writes the same ones
again.

==========================================  ====================================================
object                                      content
==========================================  ====================================================
``_started``                                nothing
``data/NUMBER.json.gz`` (or ``.ion.gz``)    a line an item, or a change of one (:mod:`.lines`)
``manifest-files.json``                     a line a data file: its key, count, MD5 and ETag
``manifest-summary.json``                   what was exported, when, and how much
``manifest-….checksum``                     the MD5 of the manifest beside it, in base64
==========================================  ====================================================

Source: AWS docs, DynamoDB developer guide, "DynamoDB table export output format".
"""

from __future__ import annotations

import asyncio
import base64
import gzip
from functools import partial
from hashlib import md5
from typing import Any

import msgspec
import orjson

from haar.kernel import arn as arns
from haar.kit.call import Scope
from haar.kit.cloud import Cloud
from haar.kit.jobs import Finish, Job, JobKind
from haar.services.dynamodb import keys, quotas
from haar.services.dynamodb.backups.copies import EXPORT_KIND
from haar.services.dynamodb.times import moment
from haar.services.dynamodb.transfers.buckets import Bucket, BucketFailed
from haar.services.dynamodb.transfers.lines import maker_of
from haar.services.dynamodb.transfers.records import COMPLETED, EXPORT, FAILED, INCREMENTAL, Export
from haar.store.api import Span, Transaction

FILE_BYTES = 16 * 1024 * 1024
READ_BYTES = 1024 * 1024


class _File:
    """A data file that is being filled."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.size = 0

    def add(self, line: bytes) -> None:
        """Add a line."""
        self.lines.append(line)
        self.size += len(line)


async def write(job: Job, cloud: Cloud) -> Finish | None:
    """Bring an export's copy to S3 and tell how it ended."""
    raw = cloud.read(lambda tx: tx.get(keys.export(job.key)))
    if raw is None:
        return None
    export = EXPORT.decode(raw)
    try:
        done = await _Writer(cloud, export).run()
    except BucketFailed as err:
        done = msgspec.structs.replace(export, status=FAILED, failure=(err.code, err.text))
    done = msgspec.structs.replace(done, ended_ms=cloud.clock.now_ms())
    return partial(_finish, done)


def _finish(export: Export, tx: Transaction) -> None:
    tx.put(keys.export(export.arn), EXPORT.encode(export))
    tx.delete(keys.backup_span(export.uid))
    quotas.end(tx, quotas.EXPORT, export.arn)


class _Writer:
    def __init__(self, cloud: Cloud, export: Export) -> None:
        own = arns.parse(export.arn)
        scope = Scope(own.account, own.region, own.partition)
        self._cloud = cloud
        self._export = export
        self._bucket = Bucket(cloud, export.bucket, export.caller, scope)
        self._line_of = maker_of(export)
        self._files: list[dict[str, Any]] = []
        self._count = 0
        self._size = 0

    async def run(self) -> Export:
        """Write everything; return the export as it ended."""
        folder = self._export.folder
        await self._bucket.put(f"{folder}/_started", b"")
        await self._write_data()
        lines = b"".join([orjson.dumps(file) + b"\n" for file in self._files])
        await self._put_manifest("manifest-files", lines)
        await self._put_manifest("manifest-summary", orjson.dumps(self._summary()))
        return msgspec.structs.replace(
            self._export, status=COMPLETED, count=self._count, size=self._size
        )

    async def _write_data(self) -> None:
        file, after = _File(), b""
        while True:
            rows = self._cloud.read(partial(self._rows, after=after))
            for key, value in rows:
                after = key
                made = self._line_of(value)
                if made is not None:
                    file.add(made[0])
                    self._size += made[1]
            if file.lines and (file.size >= FILE_BYTES or not rows):
                await self._put_file(file)
                file = _File()
            if not rows:
                return

    def _rows(self, tx: Transaction, after: bytes) -> list[tuple[bytes, bytes]]:
        span = keys.backup_span(self._export.uid)
        if after:
            span = Span(after + b"\x00", span.end)
        found: list[tuple[bytes, bytes]] = []
        size = 0
        for row in tx.scan(span):
            found.append(row)
            size += len(row.value)
            if size >= READ_BYTES:
                break
        return found

    async def _put_file(self, file: _File) -> None:
        key = self._export.file(len(self._files))
        body = await asyncio.to_thread(_compressed, file.lines)
        etag = await self._bucket.put(key, body)
        self._count += len(file.lines)
        self._files.append(
            {
                "itemCount": len(file.lines),
                "md5Checksum": _checksum(body),
                "etag": etag,
                "dataFileS3Key": key,
            }
        )

    def _summary(self) -> dict[str, Any]:
        export = self._export
        return {
            "version": "2023-08-01",
            "exportArn": export.arn,
            "startTime": _time(export.started_ms),
            "endTime": _time(self._cloud.clock.now_ms()),
            "tableArn": export.table_arn,
            "tableId": export.table_id,
            **self._moments(),
            "s3Bucket": export.bucket,
            "s3Prefix": export.prefix or None,
            "s3SseAlgorithm": None,
            "s3SseKmsKeyId": None,
            "manifestFilesS3Key": f"{export.folder}/manifest-files.json",
            "billedSizeBytes": self._size,
            "itemCount": self._count,
            "outputFormat": export.form,
            "exportType": export.kind,
        }

    def _moments(self) -> dict[str, str]:
        export = self._export
        if export.kind != INCREMENTAL:
            return {"exportTime": _time(export.moment_ms)}
        return {
            "exportFromTime": _time(export.from_ms),
            "exportToTime": _time(export.moment_ms),
            "outputView": export.view,
        }

    async def _put_manifest(self, name: str, body: bytes) -> None:
        folder = self._export.folder
        await self._bucket.put(f"{folder}/{name}.json", body)
        await self._bucket.put(f"{folder}/{name}.checksum", _checksum(body).encode())


def _compressed(lines: list[bytes]) -> bytes:
    # No time in the header: the same items are the same bytes.
    return gzip.compress(b"".join(lines), compresslevel=6, mtime=0)


def _checksum(body: bytes) -> str:
    return base64.b64encode(md5(body, usedforsecurity=False).digest()).decode()


def _time(at_ms: int) -> str:
    return moment(at_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


WRITING = JobKind(EXPORT_KIND, handler=write, concurrency=4)
