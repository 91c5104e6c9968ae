"""The code of a function: UpdateFunctionCode."""

from __future__ import annotations

import msgspec

from haar.kernel.entropy import uuid4
from haar.kit.call import Call, Members
from haar.kit.cloud import Cloud
from haar.kit.operation import operation
from haar.services.lambda_ import keys, rules
from haar.services.lambda_.lookup import function_arn, load, own, refuse_revision
from haar.services.lambda_.packages import fetch, keep, prove, refer
from haar.services.lambda_.records import CODE, FUNCTION, Code, Function
from haar.services.lambda_.running import Runner
from haar.store.api import Transaction
from haar.store.layers import references


@operation(
    "UpdateFunctionCode",
    members="FunctionName ZipFile S3Bucket S3Key S3ObjectVersion S3ObjectStorageMode ImageUri "
    "Architectures Publish DryRun RevisionId SourceKMSKeyArn",
    resource=function_arn,
)
async def update_function_code(call: Call[Members], cloud: Cloud) -> Members:
    """Give a function another package; events that are at work end on the old one.

    Keys: reads and writes ``function``; writes ``code``.

    Raises:
        ResourceNotFound: no such function.
        InvalidParameterValue: no package, or not a good one.
        PreconditionFailed: the function has changed since ``RevisionId``.

    Source: AWS docs, Lambda API reference, UpdateFunctionCode.
    """
    members, arn = call.members, own(call)
    rules.refuse_set(members, call.operation, "Publish")
    architecture = rules.checked_architecture(members)
    refuse_revision(members, cloud.read(lambda tx: load(tx, arn)))
    archive = await fetch(call, cloud, members)
    code_sha256, revision = rules.sha256(archive), uuid4(call.entropy)
    await prove(cloud, archive, code_sha256)

    def changed(old: Function) -> Function:
        refuse_revision(members, old)
        return msgspec.structs.replace(
            old,
            architecture=architecture or old.architecture,
            code_sha256=code_sha256,
            code_bytes=len(archive),
            revision=revision,
            modified_ms=call.now_ms,
        )

    if members.get("DryRun"):
        return rules.configuration(changed(cloud.read(lambda tx: load(tx, arn))))
    blob = await keep(cloud, archive)

    def change(tx: Transaction) -> tuple[Function, Code]:
        new = changed(load(tx, arn))
        replaced = CODE.decode(tx.get(keys.code(arn)) or b"")
        tx.put(keys.function(arn), FUNCTION.encode(new))
        tx.put(keys.code(arn), CODE.encode(Code(blob)))
        references.forget(tx, replaced.blob)
        return new, replaced

    new, replaced = await refer(cloud, blob, change)
    await cloud.blobs.remove(replaced.blob)
    cloud.part(Runner).sandboxes.retire(arn, but=revision)
    return rules.configuration(new)
