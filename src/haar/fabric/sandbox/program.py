"""What a sandbox runs, what it is asked, and how that went: values, no behaviour of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

INIT_LIMIT_S = 10.0
RESPONSE_BYTES_MAX = 6_291_556
"""6 MiB and 100 bytes: the number in AWS's own message."""


@dataclass(frozen=True, slots=True)
class Program:
    """One version of one function, ready to be started.

    Attributes:
        name: the function's ARN.
        argv: the first process: its full path and arguments.
        directory: where the code lies; the process begins there.
        scratch: where each process gets a directory of its own for temporary files.
        environment: makes the variables of a new process; called at each start, since credentials
            expire.
        timeout_s: of one invocation.
        memory_mb: more resident memory than that ends a process.
        disk_bytes_max: no file may grow larger.
        uses_socket: the program speaks the Runtime API on descriptor 3; else on a port of
            ``AWS_LAMBDA_RUNTIME_API``.
    """

    name: str
    argv: tuple[str, ...]
    directory: Path
    scratch: Path
    environment: Callable[[], dict[str, str]]
    timeout_s: float
    memory_mb: int
    disk_bytes_max: int
    uses_socket: bool


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event for a function.

    Attributes:
        request_id: told to the function; an asynchronous retry keeps it.
        payload: JSON.
        arn: as the caller named the function.
        wants_log: the end of the log is to be returned.
        client_context: JSON of the caller, or empty.
        trace_id: of the trace that this belongs to.
    """

    request_id: str
    payload: bytes
    arn: str
    wants_log: bool = False
    client_context: str = ""
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an invocation went.

    Attributes:
        payload: the function's JSON, or that of the error.
        error: empty, or AWS's word for it (``Unhandled``).
        log: the last bytes of the log, where they were asked for.
    """

    payload: bytes
    error: str = ""
    log: bytes = b""


@dataclass(slots=True)
class InitFailed(Exception):
    """A process that did not come to ask for its first invocation.

    Attributes:
        kind: AWS's error type, e.g. ``Runtime.ExitError``.
        payload: what the runtime said of it itself, as JSON; or empty.
        message: where the runtime said nothing.
        log: the end of what it wrote.
    """

    kind: str
    payload: bytes = b""
    message: str = ""
    log: bytes = field(default=b"", repr=False)
