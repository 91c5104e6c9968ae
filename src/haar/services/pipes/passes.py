"""One pass of a pipe: a batch of messages is enriched, delivered and removed from its queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haar.kit.cloud import Cloud
from haar.services.pipes.callers import Caller
from haar.services.pipes.events import Event
from haar.services.pipes.lookup import moment
from haar.services.pipes.records import Pipe
from haar.services.pipes.rules import service_of
from haar.services.pipes.stages import (
    Enrichment,
    FunctionTarget,
    QueueTarget,
    Target,
    failed_messages,
)


class Passes:
    """Carries batches through the stages of a pipe.

    Args:
        cloud: has the time and the other services.
        pipe: as it was when it was started.
    """

    def __init__(self, cloud: Cloud, pipe: Pipe) -> None:
        self._cloud = cloud
        self._pipe = pipe
        caller = Caller(cloud, pipe.role)
        self._enrichment = (
            Enrichment(caller, pipe.enrichment, pipe.enrichment_parameters)
            if pipe.enrichment
            else None
        )
        self._target = target_of(caller, pipe)

    async def carry(self, batch: list[Event]) -> set[str]:
        """Take a batch to the target; return the ids of the messages that it did not take.

        Raises:
            PassFailed: a stage failed, and all of the batch with it.
            ApiError: a stage was refused.
        """
        events: list[Any] = list(batch)
        if self._enrichment is not None:
            events = await self._enrichment.enrich(events, self._reserved())
            if not events:
                return set()
        failed = await self._target.deliver(events, self._reserved())
        return failed_messages(batch, failed) if failed else set()

    def _reserved(self) -> Mapping[str, str]:
        """Return the reserved variables: the time is that of the stage."""
        pipe, now = self._pipe, moment(self._cloud.clock.now_ms())
        told = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "aws.pipes.pipe-arn": pipe.arn,
            "aws.pipes.pipe-name": pipe.name,
            "aws.pipes.source-arn": pipe.source,
            "aws.pipes.enrichment-arn": pipe.enrichment,
            "aws.pipes.target-arn": pipe.target,
            "aws.pipes.event.ingestion-time": told,
        }


def target_of(caller: Caller, pipe: Pipe) -> Target:
    """Return the target of a pipe."""
    kind = QueueTarget if service_of(pipe.target) == "sqs" else FunctionTarget
    return kind(caller, pipe.target, pipe.target_parameters)
