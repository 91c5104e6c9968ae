"""Functions: create, describe, reconfigure, list, delete."""

from __future__ import annotations

from typing import Any

import msgspec

from haar.fabric.sandbox import runtimes
from haar.kernel.entropy import uuid4
from haar.kernel.errors import NotImplementedByHaar
from haar.kit import pages
from haar.kit.call import Call, Members
from haar.kit.cloud import Cloud
from haar.kit.operation import anything, operation
from haar.kit.tags import read_tags, write_tags
from haar.services.lambda_ import keys, rules
from haar.services.lambda_.errors import InvalidParameterValue, ResourceConflict
from haar.services.lambda_.lookup import (
    function_arn,
    load,
    own,
    qualified_arn,
    refuse_latest,
    refuse_revision,
)
from haar.services.lambda_.packages import fetch, keep, prove, refer
from haar.services.lambda_.records import CODE, FUNCTION, Code, Function
from haar.services.lambda_.running import Runner
from haar.store.api import Transaction
from haar.store.blobs import Blob
from haar.store.layers import references

_PAGE_MAX = 50
_CONFIGURED = (
    "Role Handler Description Timeout MemorySize VpcConfig Environment Runtime DeadLetterConfig "
    "KMSKeyArn TracingConfig Layers FileSystemConfigs ImageConfig EphemeralStorage SnapStart "
    "LoggingConfig"
)


def refuse_unbuilt(members: Members, operation_name: str) -> None:
    """Refuse by name what haar does not have; its absence spelled out is fine.

    Raises:
        NotImplementedByHaar: names the first.
    """
    rules.refuse_set(
        members,
        operation_name,
        *("Publish", "VpcConfig", "DeadLetterConfig", "KMSKeyArn", "Layers"),
        *("FileSystemConfigs", "ImageConfig"),
    )
    defaults = (
        ("PackageType", None, "Zip"),
        ("TracingConfig", "Mode", "PassThrough"),
        ("SnapStart", "ApplyOn", "None"),
        ("LoggingConfig", "LogFormat", "Text"),
    )
    for name, inner, default in defaults:
        value = part(members, name).get(inner) if inner else members.get(name)
        if value not in {None, default}:
            shown = f"{name}.{inner}" if inner else name
            raise NotImplementedByHaar(what=f"the value {value} of {shown} of {operation_name}")
    logging = part(members, "LoggingConfig")
    rules.refuse_set(logging, operation_name, "ApplicationLogLevel", "SystemLogLevel", "LogGroup")


def part(members: Members, name: str) -> Members:
    """Return a structure of a request; an empty one where there is none."""
    inner: Members | None = members.get(name)
    return inner or {}


async def checked_settings(members: Members) -> dict[str, Any]:
    """Return the fields of a record that a request sets, checked.

    Raises:
        InvalidParameterValue: beyond AWS's bounds.
        NotImplementedByHaar: a runtime that this machine does not have.
    """
    if "Runtime" in members:
        try:
            await runtimes.find(members["Runtime"])
        except runtimes.NotHere as reason:
            raise NotImplementedByHaar(f"{reason}.") from None
    disk = part(members, "EphemeralStorage").get("Size")
    for name, value, limit in (
        ("Timeout", members.get("Timeout"), rules.TIMEOUT_S_MAX),
        ("MemorySize", members.get("MemorySize"), rules.MEMORY_MB_MAX),
        ("EphemeralStorage.Size", disk, rules.DISK_MB_MAX),
    ):
        rules.refuse_beyond(name, value or 0, limit)
    settings = {
        "role": members.get("Role"),
        "handler": members.get("Handler"),
        "description": members.get("Description"),
        "timeout_s": members.get("Timeout"),
        "memory_mb": members.get("MemorySize"),
        "runtime": members.get("Runtime"),
        "disk_mb": disk,
    }
    if "Environment" in members:
        settings["variables"] = rules.checked_variables(members["Environment"])
    return {name: value for name, value in settings.items() if value is not None}


@operation(
    "CreateFunction",
    members=f"FunctionName Code Publish PackageType Tags Architectures {_CONFIGURED}",
    resource=function_arn,
)
async def create_function(call: Call[Members], cloud: Cloud) -> Members:
    """Make a function. It is Active at once: its code has been unpacked by then.

    Keys: writes ``function``, ``code``, ``tags``.

    Raises:
        ResourceConflict: there is one of that name.
        InvalidParameterValue: no package, or not a good one; settings out of bounds.

    Source: AWS docs, Lambda API reference, CreateFunction.
    """
    members, arn = call.members, own(call)
    refuse_unbuilt(members, call.operation)
    if not members.get("Runtime") or not members.get("Handler"):
        reason = (
            "Runtime and Handler are mandatory parameters for functions created with deployment "
            "packages."
        )
        raise InvalidParameterValue(reason=reason)
    settings = await checked_settings(members)
    architecture = rules.checked_architecture(members) or rules.this_architecture()
    tags = rules.checked_tags({}, members.get("Tags", {}))
    cloud.read(lambda tx: refuse_taken(tx, arn))  # before the package is worked on
    archive = await fetch(call, cloud, members["Code"])
    code_sha256 = rules.sha256(archive)
    function = Function(
        arn=arn,
        name=rules.named(arn, call.scope).name,
        architecture=architecture,
        code_sha256=code_sha256,
        code_bytes=len(archive),
        revision=uuid4(call.entropy),
        modified_ms=call.now_ms,
        **{**rules.DEFAULTS, **settings},
    )
    await prove(cloud, archive, code_sha256)
    blob = await keep(cloud, archive)
    await refer(cloud, blob, lambda tx: put_new(tx, function, blob, tags))
    return rules.configuration(function)


def refuse_taken(tx: Transaction, arn: str) -> None:
    """Refuse a name that is taken.

    Raises:
        ResourceConflict: it is.
    """
    if tx.get(keys.function(arn)) is not None:
        raise ResourceConflict(name=arn.rpartition(":")[2])


def put_new(tx: Transaction, function: Function, blob: Blob, tags: dict[str, str]) -> None:
    """Store a new function.

    Raises:
        ResourceConflict: there is one of that name.
    """
    refuse_taken(tx, function.arn)
    tx.put(keys.function(function.arn), FUNCTION.encode(function))
    tx.put(keys.code(function.arn), CODE.encode(Code(blob)))
    write_tags(tx, keys.tags(function.arn), tags)


@operation("GetFunction", members="FunctionName Qualifier", resource=qualified_arn, readonly=True)
def get_function(call: Call[Members], tx: Transaction) -> Members:
    """Describe a function, with its tags. haar tells no ``Location`` to fetch the code from.

    Keys: reads ``function``, ``tags``.

    Raises:
        ResourceNotFound: no such function.

    Source: AWS docs, Lambda API reference, GetFunction.
    """
    arn = own(call)
    result: Members = {"Configuration": described(call, load(tx, arn)), "Code": {}}
    tags = read_tags(tx, keys.tags(arn))
    return {**result, "Tags": tags} if tags else result


@operation(
    "GetFunctionConfiguration",
    members="FunctionName Qualifier",
    resource=qualified_arn,
    readonly=True,
)
def get_function_configuration(call: Call[Members], tx: Transaction) -> Members:
    """Describe a function.

    Keys: reads ``function``.

    Raises:
        ResourceNotFound: no such function.

    Source: AWS docs, Lambda API reference, GetFunctionConfiguration.
    """
    return described(call, load(tx, own(call)))


def described(call: Call[Members], function: Function) -> Members:
    """Return a function's configuration; its ARN has the qualifier if the request had one."""
    return rules.configuration(function, arn=call.resource)


@operation(
    "UpdateFunctionConfiguration",
    members=f"FunctionName RevisionId {_CONFIGURED}",
    resource=function_arn,
)
async def update_function_configuration(call: Call[Members], cloud: Cloud) -> Members:
    """Change settings; events that are at work end under the old ones.

    Keys: reads and writes ``function``.

    Raises:
        ResourceNotFound: no such function.
        InvalidParameterValue: settings out of bounds.
        PreconditionFailed: the function has changed since ``RevisionId``.

    Source: AWS docs, Lambda API reference, UpdateFunctionConfiguration.
    """
    members, arn = call.members, own(call)
    refuse_unbuilt(members, call.operation)
    settings = await checked_settings(members)
    revision = uuid4(call.entropy)

    def change(tx: Transaction) -> Function:
        old = load(tx, arn)
        refuse_revision(members, old)
        new: Function = msgspec.structs.replace(
            old, revision=revision, modified_ms=call.now_ms, **settings
        )
        tx.put(keys.function(arn), FUNCTION.encode(new))
        return new

    new = await cloud.transact(change)
    cloud.part(Runner).sandboxes.retire(arn, but=revision)
    return rules.configuration(new)


@operation(
    "ListFunctions", members="FunctionVersion Marker MaxItems", resource=anything, readonly=True
)
def list_functions(call: Call[Members], tx: Transaction) -> Members:
    """List functions by name; with ``FunctionVersion=ALL`` too, since each has one version.

    Keys: reads ``function``, a page at a time.

    Raises:
        InvalidParameterValue: a marker that haar did not make.

    Source: AWS docs, Lambda API reference, ListFunctions.
    """
    members = call.members
    span = keys.functions(call.account, call.region)
    try:
        span = pages.rest_of(call, members.get("Marker"), span)
    except pages.BadToken:
        raise InvalidParameterValue(reason="Invalid Marker") from None
    size: int = min(members.get("MaxItems", _PAGE_MAX), _PAGE_MAX)
    rows = list(tx.scan(span, limit=size + 1))
    is_all = members.get("FunctionVersion") == "ALL"
    found = [FUNCTION.decode(row.value) for row in rows[:size]]
    result: Members = {
        "Functions": [
            rules.configuration(f, arn=f"{f.arn}:{rules.LATEST}" if is_all else f.arn)
            for f in found
        ]
    }
    if len(rows) > size:
        result["NextMarker"] = pages.make(call, rows[size - 1].key)
    return result


@operation("DeleteFunction", members="FunctionName Qualifier", resource=qualified_arn)
async def delete_function(call: Call[Members], cloud: Cloud) -> Members:
    """Delete a function; events that are at work still end.

    Keys: clears ``function``, ``code``, ``tags``.

    Raises:
        ResourceNotFound: no such function.
        InvalidParameterValue: ``$LATEST`` alone.

    Source: AWS docs, Lambda API reference, DeleteFunction.
    """
    arn = own(call)
    refuse_latest(call.members, arn)

    def remove(tx: Transaction) -> Code:
        load(tx, arn)
        code = CODE.decode(tx.get(keys.code(arn)) or b"")
        for key in (keys.function(arn), keys.code(arn), keys.tags(arn)):
            tx.clear(key)
        references.forget(tx, code.blob)
        return code

    code = await cloud.transact(remove)
    await cloud.blobs.remove(code.blob)
    cloud.part(Runner).sandboxes.retire(arn)
    return {"StatusCode": 204}
