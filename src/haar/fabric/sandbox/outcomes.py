"""The texts that the platform, and not the function, answers and logs: AWS's own.

Source: AWS docs, Lambda developer guide; answers recorded from AWS.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from haar.fabric.sandbox.output import TAIL_BYTES
from haar.fabric.sandbox.processes import Ending
from haar.fabric.sandbox.program import (
    RESPONSE_BYTES_MAX,
    InitFailed,
    Invocation,
    Outcome,
)

TIMED_OUT = "Sandbox.Timedout"
EXITED = "Runtime.ExitError"


def _error(kind: str, message: str) -> bytes:
    return orjson.dumps({"errorType": kind, "errorMessage": message})


RESPONSE_TOO_LARGE = _error(
    "Function.ResponseSizeTooLarge",
    f"Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes).",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a REPORT line tells. ``init_ms`` is 0 but for a process's first event."""

    took_ms: float
    init_ms: float
    peak_kb: int
    memory_mb: int


def timed_out(invocation: Invocation, timeout_s: float) -> bytes:
    """Return the payload of a time-out."""
    message = (
        f"RequestId: {invocation.request_id} Error: Task timed out after {timeout_s:.2f} seconds"
    )
    return _error(TIMED_OUT, message)


def exited(invocation: Invocation, reason: str) -> bytes:
    """Return the payload of a process that ended instead of answering."""
    return _error(EXITED, f"RequestId: {invocation.request_id} Error: {reason}")


def unsaid(kind: str, request_id: str) -> bytes:
    """Return the payload of an error that the runtime told without a body."""
    return _error(kind or "Runtime.Unknown", f"RequestId: {request_id} Error: {kind or 'unknown'}")


def exit_reason(ending: Ending | None) -> str:
    """Return how a process ended, in AWS's words."""
    if ending is None or (not ending.signal and not ending.status):
        return "Runtime exited without providing a reason"
    if ending.signal:
        word = _SIGNALS.get(ending.signal, f"signal {ending.signal}")
        return f"Runtime exited with error: signal: {word}"
    return f"Runtime exited with error: exit status {ending.status}"


# Go's words for signals, since AWS's supervisor is written in it.
_SIGNALS = {
    4: "illegal instruction",
    6: "aborted",
    8: "floating point exception",
    9: "killed",
    11: "segmentation fault",
    13: "broken pipe",
    15: "terminated",
}


def of_init(
    failure: InitFailed, invocation: Invocation, timeout_s: float, memory_mb: int
) -> Outcome:
    """Return the outcome of the invocation for which a process should have started."""
    if failure.payload:
        payload = failure.payload
    elif failure.kind == TIMED_OUT:
        payload = timed_out(invocation, timeout_s)
    else:
        message = f"RequestId: {invocation.request_id} Error: {failure.message}"
        payload = _error(failure.kind, message)
    log = b""
    if invocation.wants_log:
        begun = failure.log + start_line(invocation)
        log = with_report(begun, invocation, Measured(0.0, 0.0, 0, memory_mb))
    return Outcome(payload, "Unhandled", log)


def start_line(invocation: Invocation) -> bytes:
    """Return the line that opens an invocation's log."""
    return f"START RequestId: {invocation.request_id} Version: $LATEST\n".encode()


def timeout_line(now_ms: int, invocation: Invocation, timeout_s: float) -> bytes:
    """Return the line that tells of a time-out."""
    at = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return (
        f"{at}Z {invocation.request_id} Task timed out after {timeout_s:.2f} seconds\n\n".encode()
    )


def with_report(log: bytes, invocation: Invocation, measured: Measured) -> bytes:
    """Return the end of an invocation's log with the lines that close it."""
    if log and not log.endswith(b"\n"):
        log += b"\n"
    init = f"Init Duration: {measured.init_ms:.2f} ms\t" if measured.init_ms else ""
    closing = (
        f"END RequestId: {invocation.request_id}\n"
        f"REPORT RequestId: {invocation.request_id}\tDuration: {measured.took_ms:.2f} ms\t"
        f"Billed Duration: {math.ceil(measured.took_ms)} ms\tMemory Size: {measured.memory_mb} MB\t"
        f"Max Memory Used: {math.ceil(measured.peak_kb / 1024)} MB\t{init}\n"
    )
    return (log + closing.encode())[-TAIL_BYTES:]
