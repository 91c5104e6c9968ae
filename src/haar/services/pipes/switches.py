"""Starting and stopping pipes."""

from __future__ import annotations

import msgspec

from haar.kit.call import Call, Members
from haar.kit.operation import operation
from haar.services.pipes.lookup import brief, demand, load, pipe_arn, refuse_busy
from haar.store.api import Transaction


@operation("StartPipe", members="Name", resource=pipe_arn)
def start_pipe(call: Call[Members], tx: Transaction) -> Members:
    """Start a pipe; it is STARTING until its runner has seen the source.

    Keys: reads and writes ``pipe``; schedules a job.

    Raises:
        NotFound: no such pipe.
        Conflict: it is on its way to another state.

    Source: AWS docs, EventBridge Pipes API reference, StartPipe.
    """
    return switch(call, tx, desired="RUNNING", on_the_way="STARTING")


@operation("StopPipe", members="Name", resource=pipe_arn)
def stop_pipe(call: Call[Members], tx: Transaction) -> Members:
    """Stop a pipe; it is STOPPING until its passes at work have ended.

    Keys: reads and writes ``pipe``; schedules a job.

    Raises:
        NotFound: no such pipe.
        Conflict: it is on its way to another state.

    Source: AWS docs, EventBridge Pipes API reference, StopPipe.
    """
    return switch(call, tx, desired="STOPPED", on_the_way="STOPPING")


def switch(call: Call[Members], tx: Transaction, *, desired: str, on_the_way: str) -> Members:
    """Demand a state, unless the pipe is in it."""
    pipe = load(tx, call.resource)
    refuse_busy(pipe)
    if pipe.current == desired:
        return brief(pipe)
    return demand(tx, call, msgspec.structs.replace(pipe, desired=desired, current=on_the_way))
