"""From the name in a request to the stored pipe, and what the API tells of it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from haar.fabric import jobs
from haar.kit.call import Call, Members, Scope
from haar.services.pipes import keys
from haar.services.pipes.errors import Conflict, NotFound
from haar.services.pipes.records import PIPE, Pipe
from haar.services.pipes.rules import BUSY
from haar.store.api import Transaction

DRIVE_KIND = "pipes.drive"
"""The job that brings a pipe to where it is wanted, and keeps it running."""


def pipe_arn(members: Members, scope: Scope) -> str:
    """Return the ARN of the pipe that a request names."""
    return scope.arn("pipes", f"pipe/{members['Name']}")


def find(tx: Transaction, arn: str) -> Pipe | None:
    """Return the pipe of an ARN, if there is one."""
    raw = tx.get(keys.pipe(arn))
    return None if raw is None else PIPE.decode(raw)


def load(tx: Transaction, arn: str) -> Pipe:
    """Return the pipe of an ARN.

    Raises:
        NotFound: there is none.
    """
    found = find(tx, arn)
    if found is None:
        raise NotFound(name=arn.rpartition("/")[2])
    return found


def put(tx: Transaction, pipe: Pipe) -> None:
    """Store a pipe."""
    tx.put(keys.pipe(pipe.arn), PIPE.encode(pipe))


def demand(tx: Transaction, call: Call[Members], pipe: Pipe) -> Members:
    """Store what is newly wanted of a pipe, with the job that sees to it; return the answer."""
    wanted = msgspec.structs.replace(
        pipe, revision=pipe.revision + 1, modified_ms=call.now_ms, reason=""
    )
    put(tx, wanted)
    jobs.schedule(tx, kind=DRIVE_KIND, key=pipe.arn, due_ms=call.now_ms)
    return brief(wanted)


def refuse_busy(pipe: Pipe) -> None:
    """Refuse what cannot be done while a pipe is on its way to another state.

    Raises:
        Conflict: it is.
    """
    if pipe.current in BUSY:
        raise Conflict(f"Pipe {pipe.name} is in state {pipe.current}.", name=pipe.name)


def brief(pipe: Pipe) -> Members:
    """Return what most answers tell of a pipe."""
    return {
        "Arn": pipe.arn,
        "Name": pipe.name,
        "DesiredState": pipe.desired,
        "CurrentState": pipe.current,
        "CreationTime": moment(pipe.created_ms),
        "LastModifiedTime": moment(pipe.modified_ms),
    }


def listed(pipe: Pipe) -> Members:
    """Return what ListPipes tells of a pipe."""
    told = {**brief(pipe), "Source": pipe.source, "Target": pipe.target}
    if pipe.enrichment:
        told["Enrichment"] = pipe.enrichment
    if pipe.reason:
        told["StateReason"] = pipe.reason
    return told


def described(pipe: Pipe) -> Members:
    """Return all there is to tell of a pipe."""
    told = {
        **listed(pipe),
        "RoleArn": pipe.role,
        "SourceParameters": pipe.source_parameters,
        "TargetParameters": pipe.target_parameters,
        "Tags": pipe.tags,
    }
    if pipe.description:
        told["Description"] = pipe.description
    if pipe.enrichment_parameters:
        told["EnrichmentParameters"] = pipe.enrichment_parameters
    return told


def moment(time_ms: int) -> datetime:
    """Return a stored time as the API tells it."""
    return datetime.fromtimestamp(time_ms / 1000, UTC)
