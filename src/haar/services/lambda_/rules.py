"""Pure decisions of Lambda: names, bounds, variables, answers."""

from __future__ import annotations

import base64
import hashlib
import platform
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from haar.kernel.errors import NotImplementedByHaar
from haar.kit.call import Members, Scope
from haar.services.lambda_.errors import InvalidParameterValue, ResourceNotFound
from haar.services.lambda_.records import Function

LATEST = "$LATEST"

TIMEOUT_S = 3
TIMEOUT_S_MAX = 900
MEMORY_MB = 128
MEMORY_MB_MAX = 10_240
DISK_MB = 512
DISK_MB_MAX = 10_240
ZIP_BYTES_MAX = 52_428_800
SYNC_BYTES_MAX = 6_291_456
ASYNC_BYTES_MAX = 1_048_576
VARIABLES_BYTES_MAX = 4096
TAGS_MAX = 50

RETRIES_MAX = 2
RETRY_MS = (60_000, 120_000)
"""After the first failure of an asynchronous event, and after the second."""
AGE_MS_MAX = 6 * 3_600_000
THROTTLED_MS_MIN, THROTTLED_MS_MAX = 1_000, 300_000

DEFAULTS: dict[str, Any] = {
    "description": "",
    "timeout_s": TIMEOUT_S,
    "memory_mb": MEMORY_MB,
    "disk_mb": DISK_MB,
    "variables": {},
}
"""The fields of a record that a request need not set."""

RESERVED = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
        "AWS_LAMBDA_METADATA_API",
        "AWS_LAMBDA_METADATA_TOKEN",
        "AWS_LAMBDA_MAX_CONCURRENCY",
    }
)
"""Variables that are Lambda's own to set."""

_NAME = re.compile(
    r"(?:arn:(?P<partition>aws[a-zA-Z-]*):lambda:)?"
    r"(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[a-zA-Z0-9-_]+)(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9-_]+))?"
)
_NAME_MAX = 64


class Named(NamedTuple):
    """A function as a caller named it: the ARN without and the qualifier beside it."""

    arn: str
    name: str
    qualifier: str

    @property
    def qualified(self) -> str:
        """The ARN with the qualifier, if there was one."""
        return f"{self.arn}:{self.qualifier}" if self.qualifier else self.arn


def named(text: str, scope: Scope, qualifier: str = "") -> Named:
    """Return what function a name, a partial ARN or a full ARN means.

    Raises:
        InvalidParameterValue: none of the three; two qualifiers that differ.
    """
    match = _NAME.fullmatch(text)
    if match is None or len(match["name"]) > _NAME_MAX:
        raise InvalidParameterValue(reason=f"Invalid function name: {text}")
    own = match["qualifier"] or ""
    if own and qualifier and own != qualifier:
        reason = (
            "The derived qualifier from the function name does not match the specified qualifier."
        )
        raise InvalidParameterValue(reason=reason)
    place = Scope(
        match["account"] or scope.account,
        match["region"] or scope.region,
        match["partition"] or scope.partition,
    )
    return Named(place.arn("lambda", f"function:{match['name']}"), match["name"], own or qualifier)


def refuse_versions(function: Named) -> None:
    """Refuse a qualifier that names a version or an alias: there are none.

    Raises:
        ResourceNotFound: it is not ``$LATEST``.
    """
    if function.qualifier not in {"", LATEST}:
        raise ResourceNotFound(arn=function.qualified)


def refuse_set(members: Members, operation: str, *names: str) -> None:
    """Refuse members that ask for what haar does not have; empty values ask for nothing.

    Raises:
        NotImplementedByHaar: names the first.
    """
    for name in names:
        value: Any = members.get(name)
        if isinstance(value, dict):
            inner = cast("Members", value)
            refuse_set(inner, f"{name} of {operation}", *inner)
        elif value:
            raise NotImplementedByHaar(what=f"the member {name} of {operation}")


def checked_variables(environment: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the variables of an ``Environment`` member.

    Raises:
        InvalidParameterValue: a reserved name, or more than 4 KB.
    """
    variables = dict(environment.get("Variables") or {})
    reserved = sorted(variables.keys() & RESERVED)
    start = (
        "Lambda was unable to configure your environment variables because the environment "
        "variables you have provided "
    )
    if reserved:
        reason = (
            f"{start}contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
        raise InvalidParameterValue(reason=reason)
    if sum(len(key.encode()) + len(value.encode()) for key, value in variables.items()) > (
        VARIABLES_BYTES_MAX
    ):
        shown = "{" + ",".join(f'"{key}":"{value}"' for key, value in variables.items()) + "}"
        raise InvalidParameterValue(
            reason=f"{start}exceeded the 4KB limit. String measured: {shown}"
        )
    return variables


def refuse_beyond(member: str, value: int, limit: int) -> None:
    """Refuse a number above what AWS allows, where its model allows more.

    Raises:
        InvalidParameterValue: it is.
    """
    if value > limit:
        reason = f"'{member}' value failed to satisfy constraint: Member must have value less "
        raise InvalidParameterValue(reason=f"{reason}than or equal to {limit}")


def checked_architecture(members: Members) -> str:
    """Return the architecture that was asked for; empty where none was.

    Raises:
        NotImplementedByHaar: not this machine's.
    """
    asked: str = (members.get("Architectures") or [""])[0]
    if asked and asked != this_architecture():
        raise NotImplementedByHaar(
            what=f"the architecture {asked} on a machine that is {this_architecture()}"
        )
    return asked


def this_architecture() -> str:
    """Return this machine's architecture under AWS's name."""
    machine = platform.machine().lower()
    return "arm64" if machine in {"arm64", "aarch64"} else "x86_64"


def sha256(data: bytes) -> str:
    """Return the hash of a package, as ``CodeSha256`` shows it."""
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def file_name(code_sha256: str) -> str:
    """Return the same hash as a directory may be named."""
    return base64.b64decode(code_sha256).hex()


def timestamp(now_ms: int) -> str:
    """Return a time as Lambda writes it: ``2025-01-31T12:34:56.789+0000``."""
    at = datetime.fromtimestamp(now_ms / 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{now_ms % 1000:03d}+0000"


def log_stream(now_ms: int, unique: str) -> str:
    """Return the name of a process's log stream; ``unique`` is 32 hexadecimal digits."""
    return f"{datetime.fromtimestamp(now_ms / 1000, UTC):%Y/%m/%d}/[{LATEST}]{unique}"


def configuration(function: Function, *, arn: str = "") -> Members:
    """Return a function's FunctionConfiguration; ``arn`` replaces the one without qualifier."""
    members: Members = {
        "FunctionName": function.name,
        "FunctionArn": arn or function.arn,
        "Runtime": function.runtime,
        "Role": function.role,
        "Handler": function.handler,
        "CodeSize": function.code_bytes,
        "Description": function.description,
        "Timeout": function.timeout_s,
        "MemorySize": function.memory_mb,
        "LastModified": timestamp(function.modified_ms),
        "CodeSha256": function.code_sha256,
        "Version": LATEST,
        "TracingConfig": {"Mode": "PassThrough"},
        "RevisionId": function.revision,
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": [function.architecture],
        "EphemeralStorage": {"Size": function.disk_mb},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function.name}"},
    }
    if function.variables:
        members["Environment"] = {"Variables": function.variables}
    return members


def checked_tags(old: dict[str, str], new: dict[str, str]) -> dict[str, str]:
    """Return old and new tags together.

    Raises:
        InvalidParameterValue: a name that is AWS's own, or too many.
    """
    if any(name.lower().startswith("aws:") for name in new):
        raise InvalidParameterValue(reason="Tag keys must not begin with aws:")
    tags = {**old, **new}
    if len(tags) > TAGS_MAX:
        raise InvalidParameterValue(reason=f"A function has {TAGS_MAX} tags at most.")
    return tags


def throttled_ms(throttles: int) -> int:
    """Return how long an event waits after there was no room for it that often."""
    return min(THROTTLED_MS_MAX, THROTTLED_MS_MIN << min(throttles, 16))
