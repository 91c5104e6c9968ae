"""What a Distributed Map leaves: an array in the state's output, or files that a manifest lists.

Files are written after the last child has ended, from the children's rows, in item order; a crash
in between writes them again under the same names. A file is closed at :data:`FILE_BYTES_MAX` (AWS:
5 GB), so that memory is bounded. Items that no child got when a run failed are not listed (PENDING
is empty).
"""

from __future__ import annotations

import msgspec

from haar.kernel.errors import ApiError
from haar.kit.call import Scope
from haar.kit.cloud import Cloud
from haar.services.states import keys, names, values
from haar.services.states.ledger import read_input
from haar.services.states.records import (
    EXECUTIONS,
    ExecutionRecord,
    MapRunRecord,
    PlanRecord,
)
from haar.services.states.shapes import WriterShape
from haar.services.states.timestamps import text_of
from haar.services.states.values import is_array
from haar.store.api import Span, Transaction

FILE_BYTES_MAX = 32 * 1024 * 1024
_PAGE_ROWS = 500
_PAGE_BYTES = 4 * 1024 * 1024
_DATA_LIMIT = (
    "The state/task '{state}' returned a result with a size exceeding "
    "the maximum number of bytes service limit."
)


class ResultsFailed(Exception):
    """The results cannot be handed on."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(error)
        self.error = error
        self.cause = cause


class _Child(msgspec.Struct):
    status: str
    texts: list[str]


def _page(
    tx: Transaction, run: MapRunRecord, span: Span, transformation: str
) -> tuple[list[_Child], bytes]:
    """Return the result texts of some children, and the last key that was read."""
    found: list[_Child] = []
    last, size = b"", 0
    for row in tx.scan(span, limit=_PAGE_ROWS):
        last = row.key
        record = EXECUTIONS.decode(row.value)
        index = int(str(keys.name_of(row.key)[1]))
        found.append(_Child(record.status, _texts(tx, run, index, record, transformation)))
        size += sum(map(len, found[-1].texts))
        if size >= _PAGE_BYTES:
            break
    return found, last


def _texts(
    tx: Transaction, run: MapRunRecord, index: int, record: ExecutionRecord, transformation: str
) -> list[str]:
    if record.status != "SUCCEEDED" or transformation == "NONE":
        return [_record_text(tx, run, index)]
    output = record.output or "null"
    if transformation == "FLATTEN":
        value = values.read(output)
        if is_array(value):
            return [values.write(one) for one in value]
    return [output]


def _record_text(tx: Transaction, run: MapRunRecord, index: int) -> str:
    """Return a child's execution record as AWS writes it."""
    path = (run.uuid[: names.RUN_CHARACTERS], index)
    raw = tx.get(keys.execution(path))
    assert raw is not None, "the child was just listed"
    record = EXECUTIONS.decode(raw)
    is_done = record.status == "SUCCEEDED"
    reason = f"Execution is {record.status} and cannot be redriven"
    shown = {
        "Cause": None if is_done else record.cause or "",
        "Error": None if is_done else record.error or "",
        "ExecutionArn": names.child_arn(run, index),
        "Input": read_input(tx, path, record),
        "InputDetails": {"Included": True},
        "Name": names.child_name(run, index),
        "Output": record.output,
        "OutputDetails": {"Included": True} if is_done else None,
        "RedriveCount": 0,
        "RedriveStatus": "NOT_REDRIVABLE",
        "RedriveStatusReason": reason if is_done else "Redrive is not implemented by haar",
        "StartDate": text_of(record.start_ms),
        "StateMachineArn": names.child_machine_arn(run),
        "Status": record.status,
        "StopDate": text_of(record.stop_ms),
    }
    return values.write({name: value for name, value in shown.items() if value is not None})


async def gather_results(cloud: Cloud, run: MapRunRecord, shape: WriterShape | None) -> object:
    """Return the array of the children's results, in item order.

    Raises:
        ResultsFailed: more than a payload holds.
    """
    transformation = shape.transformation if shape else "COMPACT"
    texts: list[str] = []
    size = 2
    span = keys.children(run.uuid[: names.RUN_CHARACTERS])
    while True:
        page, last = cloud.read(
            lambda tx, span=span: _page(tx, run, span, transformation)  # type: ignore[misc]
        )
        for child in page:
            texts += child.texts
            size += sum(values.size(text) + 1 for text in child.texts)
        if size - 1 > values.PAYLOAD_BYTES_MAX and texts:
            cause = _DATA_LIMIT.format(state=run.state)
            raise ResultsFailed("States.DataLimitExceeded", cause)
        if not page:
            return values.read(f"[{','.join(texts)}]")
        span = span._replace(start=last + b"\x00")


class _File:
    """Texts on their way into files ``<folder>/<kind>_<n>.<ending>``."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.texts: list[str] = []
        self.size = 0
        self.written: list[dict[str, object]] = []

    def add(self, texts: list[str]) -> None:
        self.texts += texts
        self.size += sum(len(text) + 1 for text in texts)


class Exporter:
    """Writes the results of a Map Run to S3.

    Args:
        cloud: calls S3 in the name of the machine's role.
        run: the Map Run.
        plan: where to.
        shape: how.
    """

    def __init__(
        self, cloud: Cloud, run: MapRunRecord, plan: PlanRecord, shape: WriterShape
    ) -> None:
        self._cloud = cloud
        self._run = run
        self._shape = shape
        given = plan.writer or {}
        self._bucket = str(given.get("Bucket"))
        prefix = str(given.get("Prefix") or "").rstrip("/")
        self._folder = f"{prefix}/{run.uuid}" if prefix else run.uuid
        self._files = {kind: _File(kind) for kind in ("SUCCEEDED", "FAILED")}

    async def write(self) -> object:
        """Write all files and the manifest, and return the state's output.

        Raises:
            ResultsFailed: S3 refuses.
        """
        span = keys.children(self._run.uuid[: names.RUN_CHARACTERS])
        while True:
            page, last = self._cloud.read(
                lambda tx, span=span: _page(  # type: ignore[misc]
                    tx, self._run, span, self._shape.transformation
                )
            )
            if not page:
                break
            for child in page:
                self._files["SUCCEEDED" if child.status == "SUCCEEDED" else "FAILED"].add(
                    child.texts
                )
            for file in self._files.values():
                if file.size >= FILE_BYTES_MAX:
                    await self._close(file)
            span = span._replace(start=last + b"\x00")
        for file in self._files.values():
            if file.texts:
                await self._close(file)
        return await self._manifest()

    async def _close(self, file: _File) -> None:
        is_lines = self._shape.output_type == "JSONL"
        ending = "jsonl" if is_lines else "json"
        key = f"{self._folder}/{file.kind}_{len(file.written)}.{ending}"
        text = "\n".join(file.texts) if is_lines else f"[{','.join(file.texts)}]"
        body = text.encode()
        await self._put(key, body)
        file.written.append({"Key": key, "Size": len(body)})
        file.texts, file.size = [], 0

    async def _manifest(self) -> object:
        key = f"{self._folder}/manifest.json"
        manifest = {
            "DestinationBucket": self._bucket,
            "MapRunArn": names.map_run_arn(self._run),
            "ResultFiles": {
                "FAILED": self._files["FAILED"].written,
                "PENDING": [],
                "SUCCEEDED": self._files["SUCCEEDED"].written,
            },
        }
        await self._put(key, values.write(manifest).encode())
        return {
            "MapRunArn": names.map_run_arn(self._run),
            "ResultWriterDetails": {"Bucket": self._bucket, "Key": key},
        }

    async def _put(self, key: str, body: bytes) -> None:
        members = {"Bucket": self._bucket, "Key": key, "Body": body}
        scope = Scope(self._run.account, self._run.region)
        try:
            await self._cloud.invoke("s3", "PutObject", members, as_=self._run.role, scope=scope)
        except ApiError as err:
            raise ResultsFailed("States.ResultWriterFailed", f"{err.code}: {err.text}") from err
