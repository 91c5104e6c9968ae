"""A pipe that cannot go on stops by itself, on a clock that the test moves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import botocore.auth
import pytest

from haar.kernel.clock import SystemClock, VirtualClock
from haar.testing import running

STEP_MS = 5_000
STEPS_MAX = 2_000


def test_a_pipe_that_is_always_refused_stops_and_says_why(
    monkeypatch: pytest.MonkeyPatch, pipeline_of: Any
) -> None:
    """Its target is not there: after refusals in a row it is STOPPED, and nothing is lost."""
    clock = VirtualClock(SystemClock().now_ms())
    monkeypatch.setattr(
        botocore.auth,
        "get_current_datetime",
        lambda *, remove_tzinfo=True: datetime.fromtimestamp(clock.now_ms() / 1000, UTC).replace(
            tzinfo=None if remove_tzinfo else UTC
        ),
    )
    with running(clock=clock) as haar:
        pipeline = pipeline_of(haar)
        source, source_arn = pipeline.queue("source", VisibilityTimeout="0")
        pipeline.create(source_arn, "arn:aws:sqs:us-east-1:000000000000:none")
        pipeline.comes_to("RUNNING")
        pipeline.send(source, "kept")
        for _ in range(STEPS_MAX):
            told = pipeline.described()
            if told["CurrentState"] == "STOPPED":
                break
            haar.run(advanced(clock))
        assert told["CurrentState"] == "STOPPED"
        assert told["DesiredState"] == "STOPPED"
        assert told["StateReason"].startswith("QueueDoesNotExist")
        assert pipeline.left(source) == 1


async def advanced(clock: VirtualClock) -> None:
    """Move the time, on the loop of the haar."""
    clock.advance(STEP_MS)
