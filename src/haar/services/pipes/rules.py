"""What a pipe may be: the parts that are built, their parameters, defaults and bounds. Pure."""

from __future__ import annotations

from haar.kernel import arn as arns
from haar.kernel.errors import NotImplementedByHaar
from haar.kit.call import Members
from haar.services.pipes.errors import ValidationFailed

PIPES_MAX = 1000
"""Of an account in a region. Source: AWS docs, EventBridge quotas."""
TAGS_MAX = 50
BATCH_DEFAULT = 10
FIFO_BATCH_MAX = 10
QUEUE_TARGET_BATCH_MAX = 10

SOURCES = {"sqs"}
ENRICHMENTS = {"lambda"}
TARGETS = {"sqs": "SqsQueueParameters", "lambda": "LambdaFunctionParameters"}
"""From the service in a target's ARN to the member with its parameters."""

BUSY = frozenset({"CREATING", "UPDATING", "DELETING", "STARTING", "STOPPING"})
"""States that a pipe leaves by itself."""

PARAMETERS = (
    "SourceParameters.FilterCriteria SourceParameters.SqsQueueParameters "
    "EnrichmentParameters.InputTemplate TargetParameters.InputTemplate "
    "TargetParameters.SqsQueueParameters TargetParameters.LambdaFunctionParameters "
    "LogConfiguration.Level"
)
"""The honoured members inside of a pipe's parts."""


def refuse_unbuilt(members: Members, operation_name: str) -> None:
    """Refuse by name what haar does not have; its absence spelled out is fine.

    Raises:
        NotImplementedByHaar: names the first.
    """
    if members.get("KmsKeyIdentifier"):
        raise NotImplementedByHaar(what=f"the member KmsKeyIdentifier of {operation_name}")
    logging: Members = members.get("LogConfiguration", {})
    if logging.get("Level", "OFF") != "OFF":
        raise NotImplementedByHaar(what=f"the member LogConfiguration of {operation_name}")


def checked_source(arn: str) -> str:
    """Return the ARN of a source that is built.

    Raises:
        NotImplementedByHaar: names its kind.
    """
    if service_of(arn) not in SOURCES:
        raise NotImplementedByHaar(what=f"pipes from {service_of(arn)}")
    return arn


def checked_enrichment(arn: str) -> str:
    """Return the ARN of an enrichment that is built; empty for none.

    Raises:
        NotImplementedByHaar: names its kind.
    """
    if arn and service_of(arn) not in ENRICHMENTS:
        raise NotImplementedByHaar(what=f"pipes with an enrichment by {service_of(arn)}")
    return arn


def checked_target(arn: str) -> str:
    """Return the ARN of a target that is built.

    Raises:
        NotImplementedByHaar: names its kind.
    """
    if service_of(arn) not in TARGETS:
        raise NotImplementedByHaar(what=f"pipes to {service_of(arn)}")
    return arn


def service_of(arn: str) -> str:
    """Return the service of an ARN; of ``smk://…``, which is none, ``self-managed Kafka``."""
    return "self-managed Kafka" if arn.startswith("smk:") else arns.parse(arn).service


def is_fifo(arn: str) -> bool:
    """Tell whether an ARN is a FIFO queue's."""
    return arn.endswith(".fifo")


def source_parameters(given: Members, before: Members) -> Members:
    """Return a source's parameters: each object given replaces the whole one before it."""
    merged = {**before, **given}
    queue = merged.get("SqsQueueParameters", {})
    merged["SqsQueueParameters"] = {
        "BatchSize": BATCH_DEFAULT,
        "MaximumBatchingWindowInSeconds": 0,
        **queue,
    }
    return merged


def target_parameters(target: str, given: Members, before: Members) -> Members:
    """Return a target's parameters: each object given replaces the whole one before it.

    Parameters of another kind of target than this one go with the target that they were for.
    """
    own = TARGETS[service_of(target)]
    for name in given.keys() & set(TARGETS.values()) - {own}:
        raise ValidationFailed(
            f"{name} does not belong to a target of this kind.", field=f"TargetParameters.{name}"
        )
    kept = {name: value for name, value in before.items() if name in {own, "InputTemplate"}}
    merged = without_empty({**kept, **given})
    if own == "LambdaFunctionParameters":
        function = merged.get(own, {})
        merged[own] = {"InvocationType": "REQUEST_RESPONSE", **function}
    return merged


def enrichment_parameters(given: Members, before: Members) -> Members:
    """Return an enrichment's parameters."""
    return without_empty({**before, **given})


def without_empty(parameters: Members) -> Members:
    """Return parameters without a template that was set to nothing, which removes it."""
    return {
        name: value
        for name, value in parameters.items()
        if not (name == "InputTemplate" and not value)
    }


def refuse_batch(source: str, target: str, parameters: Members) -> None:
    """Refuse batches that are larger than the source gives or the target takes.

    Raises:
        ValidationFailed: too large.
    """
    size = parameters["SqsQueueParameters"]["BatchSize"]
    field = "SourceParameters.SqsQueueParameters.BatchSize"
    if is_fifo(source) and size > FIFO_BATCH_MAX:
        raise ValidationFailed(
            f"BatchSize of a FIFO queue must be at most {FIFO_BATCH_MAX}.", field=field
        )
    if service_of(target) == "sqs" and size > QUEUE_TARGET_BATCH_MAX:
        raise ValidationFailed(
            f"BatchSize must be at most {QUEUE_TARGET_BATCH_MAX}, the largest batch of the target.",
            field=field,
        )


def refuse_ungrouped(target: str, parameters: Members) -> None:
    """Refuse a FIFO queue as the target without a message group.

    Raises:
        ValidationFailed: ``MessageGroupId`` is missing.
    """
    if is_fifo(target) and not parameters.get("SqsQueueParameters", {}).get("MessageGroupId"):
        raise ValidationFailed(
            "MessageGroupId is required for a FIFO queue.",
            field="TargetParameters.SqsQueueParameters.MessageGroupId",
        )


def checked_tags(old: dict[str, str], given: dict[str, str]) -> dict[str, str]:
    """Return the tags with new ones added.

    Raises:
        ValidationFailed: more than :data:`TAGS_MAX` in all.
    """
    tags = {**old, **given}
    if len(tags) > TAGS_MAX:
        raise ValidationFailed(f"A pipe may have {TAGS_MAX} tags.", field="tags")
    return tags
