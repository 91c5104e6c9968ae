"""What Lambda stores: functions, their code, their tags."""

from __future__ import annotations

import msgspec

from haar.kit.records import Codec
from haar.store.blobs import Blob


class Function(msgspec.Struct, frozen=True, array_like=True):
    """The configuration of a function's ``$LATEST``: a hot row, read by each invocation.

    Attributes:
        arn: without a qualifier.
        name: the function's.
        role: the ARN of the role that it runs as.
        runtime: AWS's name.
        handler: as the runtime understands it.
        description: free text.
        timeout_s: of one invocation.
        memory_mb: of one process.
        disk_mb: the largest file that it may write.
        architecture: ``x86_64`` or ``arm64``, as declared.
        variables: the function's environment.
        code_sha256: base64, of the package.
        code_bytes: the package's size.
        revision: changes with each change.
        modified_ms: when that was.
    """

    arn: str
    name: str
    role: str
    runtime: str
    handler: str
    description: str
    timeout_s: int
    memory_mb: int
    disk_mb: int
    architecture: str
    variables: dict[str, str]
    code_sha256: str
    code_bytes: int
    revision: str
    modified_ms: int


class Code(msgspec.Struct, frozen=True, array_like=True):
    """The package of a function.

    Attributes:
        blob: the zip.
    """

    blob: Blob


class Event(msgspec.Struct, frozen=True, array_like=True):
    """An event that was acknowledged and is to be run: the payload of a ``lambda.async`` job.

    Attributes:
        arn: of the function, without a qualifier.
        invoked_arn: as the caller named it.
        request_id: the same in each attempt.
        payload: JSON.
        client_context: of the caller.
        accepted_ms: when it was acknowledged.
        failures: how often the function has failed with it.
        throttles: how often there was no room for it since the last failure.
    """

    arn: str
    invoked_arn: str
    request_id: str
    payload: bytes
    client_context: str
    accepted_ms: int
    failures: int = 0
    throttles: int = 0


FUNCTION = Codec(Function)
CODE = Codec(Code)
EVENT = Codec(Event)
