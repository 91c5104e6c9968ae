"""The job of a pipe: brings it to where it is wanted, and keeps it running.

There is one job under the ARN of each pipe that is wanted otherwise than it is, or that runs. It is
scheduled by the call that wants something, and it lasts as long as the pipe runs: after a crash it
is due again, and the pipe goes on.

==============  ==================================  ==============================================
wanted          the job does                        and ends when
==============  ==================================  ==============================================
``RUNNING``     sees the source, says RUNNING,      another revision is wanted: the next job has
                reads and delivers                  been scheduled by then; or the pipe gives up
``STOPPED``     says STOPPED                        at once: a runner before it has ended
``DELETED``     removes the pipe                    at once, likewise
==============  ==================================  ==============================================
"""

from __future__ import annotations

from functools import partial

import msgspec

from haar.kernel.errors import ApiError
from haar.kit.cloud import Cloud
from haar.kit.jobs import Finish, Job, JobKind
from haar.services.pipes import keys
from haar.services.pipes.flow import Flow
from haar.services.pipes.lookup import DRIVE_KIND, find, put
from haar.services.pipes.records import Pipe
from haar.store.api import Transaction

RUNNING_MAX = 10_000
"""Pipes of all accounts that run at once; more wait for room."""
REASON_LENGTH_MAX = 512

FAILED = {"CREATING": "CREATE_FAILED", "STARTING": "START_FAILED", "UPDATING": "UPDATE_FAILED"}


async def drive(job: Job, cloud: Cloud) -> Finish | None:
    """Bring a pipe to where it is wanted; while it is wanted running, run it."""
    pipe = cloud.read(lambda tx: find(tx, job.key))
    if pipe is None:
        return None
    if pipe.desired == "DELETED":
        return lambda tx: tx.clear(keys.pipe(job.key))
    if pipe.desired == "STOPPED":
        return partial(settle, pipe=pipe, current="STOPPED")
    return await keep_running(pipe, cloud)


async def keep_running(pipe: Pipe, cloud: Cloud) -> Finish | None:
    """Run a pipe until it is wanted otherwise or gives up."""
    flow = Flow(cloud, pipe)
    if pipe.current != "RUNNING":
        try:
            await flow.open()
        except ApiError as refusal:
            reason = f"{refusal.code}: {refusal.text}"
            current = FAILED.get(pipe.current, "START_FAILED")
            return partial(settle, pipe=pipe, current=current, reason=reason)
        await cloud.transact(partial(settle, pipe=pipe, current="RUNNING"))
    await flow.run()
    if flow.reason:
        return partial(settle, pipe=pipe, current="STOPPED", desired="STOPPED", reason=flow.reason)
    return None


def settle(tx: Transaction, pipe: Pipe, current: str, desired: str = "", reason: str = "") -> None:
    """Say where a pipe is, unless another revision is wanted by now."""
    found = find(tx, pipe.arn)
    if found is not None and found.revision == pipe.revision:
        put(
            tx,
            msgspec.structs.replace(
                found,
                current=current,
                desired=desired or found.desired,
                reason=reason[:REASON_LENGTH_MAX],
            ),
        )


DRIVE = JobKind(kind=DRIVE_KIND, handler=drive, concurrency=RUNNING_MAX)
