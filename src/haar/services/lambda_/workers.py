"""Events that were taken for later: run, retried, given up.

A function that fails is tried again after :data:`rules.RETRY_MS`, :data:`rules.RETRIES_MAX` times;
an event for which there is no room waits longer and longer, and is not counted as a failure. What
is older than :data:`rules.AGE_MS_MAX` is given up. A crash between a run and its record runs the
event again: at least once, as on AWS.
"""

from __future__ import annotations

import msgspec

from haar.fabric import jobs
from haar.fabric.sandbox.program import Invocation
from haar.kernel.logs import Log
from haar.kit.cloud import Cloud
from haar.kit.jobs import Finish, Job, JobKind
from haar.services.lambda_ import rules
from haar.services.lambda_.errors import ResourceNotFound, TooManyRequests
from haar.services.lambda_.invocations import ASYNC_KIND
from haar.services.lambda_.lookup import load
from haar.services.lambda_.records import EVENT, Event
from haar.services.lambda_.running import Runner
from haar.store.api import Transaction

log = Log()

_CONCURRENCY = 64


async def run_event(job: Job, cloud: Cloud) -> Finish | None:
    """Run one event on the function as it is now; say when to try again, if at all."""
    event = EVENT.decode(job.payload)
    now_ms = cloud.clock.now_ms()
    if now_ms - event.accepted_ms > rules.AGE_MS_MAX:
        _give_up(event, "EventAgeExceeded")
        return None
    invocation = Invocation(
        request_id=event.request_id,
        payload=event.payload,
        arn=event.invoked_arn,
        client_context=event.client_context,
    )
    try:
        function = cloud.read(lambda tx: load(tx, event.arn))
        outcome = await cloud.part(Runner).invoke(function, invocation)
    except ResourceNotFound:
        _give_up(event, "ResourceNotFound")
        return None
    except TooManyRequests:
        later = msgspec.structs.replace(event, throttles=event.throttles + 1)
        return _again(later, now_ms + rules.throttled_ms(event.throttles))
    if not outcome.error:
        return None
    if event.failures >= rules.RETRIES_MAX:
        _give_up(event, "RetriesExhausted")
        return None
    failed = msgspec.structs.replace(event, failures=event.failures + 1, throttles=0)
    return _again(failed, cloud.clock.now_ms() + rules.RETRY_MS[event.failures])


def _again(event: Event, due_ms: int) -> Finish:
    def finish(tx: Transaction) -> None:
        jobs.schedule(
            tx,
            kind=ASYNC_KIND,
            key=event.request_id,
            due_ms=due_ms,
            payload=EVENT.encode(event),
        )

    return finish


def _give_up(event: Event, condition: str) -> None:
    log.warning(
        "asynchronous event given up",
        function=event.arn,
        request_id=event.request_id,
        condition=condition,
        failures=event.failures,
    )


ASYNC = JobKind(kind=ASYNC_KIND, handler=run_event, concurrency=_CONCURRENCY)
