"""Pipes: create, describe, update, delete, list."""

from __future__ import annotations

import msgspec

from haar.fabric import jobs
from haar.kit import pages
from haar.kit.call import Call, Members
from haar.kit.operation import anything, operation
from haar.services.pipes import filters, keys, rules
from haar.services.pipes.errors import Conflict, QuotaExceeded, ValidationFailed
from haar.services.pipes.lookup import (
    DRIVE_KIND,
    brief,
    demand,
    described,
    listed,
    load,
    pipe_arn,
    put,
    refuse_busy,
)
from haar.services.pipes.records import PIPE, Pipe
from haar.store.api import Span, Transaction

PAGE_MAX = 100
SCANNED_MAX = 1000
"""Pipes that one page looks at: with a rare filter it may be short, and has a token then."""


@operation(
    "CreatePipe",
    members="Name Description DesiredState Source Enrichment Target RoleArn Tags KmsKeyIdentifier "
    f"{rules.PARAMETERS}",
    resource=pipe_arn,
)
def create_pipe(call: Call[Members], tx: Transaction) -> Members:
    """Make a pipe; it is CREATING until its runner has seen the source.

    Keys: reads and writes ``pipe``; schedules a job.

    Raises:
        Conflict: there is one of that name.
        ValidationFailed: parameters that do not go together.
        QuotaExceeded: too many pipes.
        NotImplementedByHaar: a source, enrichment, target or member that is not built.

    Source: AWS docs, EventBridge Pipes API reference, CreatePipe.
    """
    members, arn = call.members, call.resource
    rules.refuse_unbuilt(members, call.operation)
    if tx.get(keys.pipe(arn)) is not None:
        raise Conflict(f"Pipe {members['Name']} already exists.", name=members["Name"])
    pipe = Pipe(
        arn=arn,
        name=members["Name"],
        role=members["RoleArn"],
        source=rules.checked_source(members["Source"]),
        target=rules.checked_target(members["Target"]),
        enrichment=rules.checked_enrichment(members.get("Enrichment", "")),
        created_ms=call.now_ms,
        modified_ms=call.now_ms,
        desired=members.get("DesiredState", "RUNNING"),
        current="CREATING",
        description=members.get("Description", ""),
        tags=rules.checked_tags({}, members.get("Tags", {})),
    )
    pipe = with_parameters(pipe, members)
    refuse_too_many(call, tx)
    put(tx, pipe)
    jobs.schedule(tx, kind=DRIVE_KIND, key=arn, due_ms=call.now_ms)
    return brief(pipe)


def with_parameters(pipe: Pipe, members: Members) -> Pipe:
    """Return a pipe with the parameters that a request gives, checked.

    Raises:
        ValidationFailed: they do not go together, or a filter is no pattern.
    """
    source = rules.source_parameters(members.get("SourceParameters", {}), pipe.source_parameters)
    target = rules.target_parameters(
        pipe.target, members.get("TargetParameters", {}), pipe.target_parameters
    )
    rules.refuse_batch(pipe.source, pipe.target, source)
    rules.refuse_ungrouped(pipe.target, target)
    filters.compiled(source)
    return msgspec.structs.replace(
        pipe,
        source_parameters=source,
        target_parameters=target,
        enrichment_parameters=rules.enrichment_parameters(
            members.get("EnrichmentParameters", {}), pipe.enrichment_parameters
        ),
    )


def refuse_too_many(call: Call[Members], tx: Transaction) -> None:
    """Refuse a pipe beyond the account's quota.

    Raises:
        QuotaExceeded: there are as many as may be.
    """
    others = tx.scan(keys.pipes(call.account, call.region), limit=rules.PIPES_MAX)
    if sum(1 for _ in others) >= rules.PIPES_MAX:
        raise QuotaExceeded(name=call.members["Name"], count_max=rules.PIPES_MAX)


@operation("DescribePipe", members="Name", resource=pipe_arn, readonly=True)
def describe_pipe(call: Call[Members], tx: Transaction) -> Members:
    """Tell all of a pipe.

    Keys: reads ``pipe``.

    Raises:
        NotFound: no such pipe.

    Source: AWS docs, EventBridge Pipes API reference, DescribePipe.
    """
    return described(load(tx, call.resource))


@operation(
    "UpdatePipe",
    members="Name Description DesiredState Enrichment Target RoleArn KmsKeyIdentifier "
    f"{rules.PARAMETERS}",
    resource=pipe_arn,
)
def update_pipe(call: Call[Members], tx: Transaction) -> Members:
    """Change what is given, each object of parameters as a whole; passes at work end as they began.

    Keys: reads and writes ``pipe``; schedules a job.

    Raises:
        NotFound: no such pipe.
        Conflict: it is on its way to another state.
        ValidationFailed: parameters that do not go together.
        NotImplementedByHaar: an enrichment, target or member that is not built.

    Source: AWS docs, EventBridge Pipes API reference, UpdatePipe.
    """
    members = call.members
    rules.refuse_unbuilt(members, call.operation)
    old = load(tx, call.resource)
    refuse_busy(old)
    new = msgspec.structs.replace(
        old,
        role=members["RoleArn"],
        target=rules.checked_target(members.get("Target", old.target)),
        enrichment=rules.checked_enrichment(members.get("Enrichment", old.enrichment)),
        description=members.get("Description", old.description),
        desired=members.get("DesiredState", old.desired),
        current="UPDATING",
    )
    return demand(tx, call, with_parameters(new, members))


@operation("DeletePipe", members="Name", resource=pipe_arn)
def delete_pipe(call: Call[Members], tx: Transaction) -> Members:
    """Remove a pipe once its passes at work have ended.

    Keys: reads and writes ``pipe``; schedules a job.

    Raises:
        NotFound: no such pipe.
        Conflict: it is on its way to another state.

    Source: AWS docs, EventBridge Pipes API reference, DeletePipe.
    """
    pipe = load(tx, call.resource)
    if pipe.current == "DELETING":
        return brief(pipe)
    refuse_busy(pipe)
    return demand(tx, call, msgspec.structs.replace(pipe, desired="DELETED", current="DELETING"))


@operation(
    "ListPipes",
    members="NamePrefix DesiredState CurrentState SourcePrefix TargetPrefix NextToken Limit",
    resource=anything,
    readonly=True,
)
def list_pipes(call: Call[Members], tx: Transaction) -> Members:
    """List pipes by name, those that have what is asked for.

    Keys: reads ``pipe``.

    Raises:
        ValidationFailed: a token that was not given out.

    Source: AWS docs, EventBridge Pipes API reference, ListPipes.
    """
    limit = call.members.get("Limit", PAGE_MAX)
    found: list[Members] = []
    last = b""
    for scanned, (key, value) in enumerate(tx.scan(page_span(call))):
        if len(found) == limit or scanned == SCANNED_MAX:
            return {"Pipes": found, "NextToken": pages.make(call, last)}
        last = key
        pipe = PIPE.decode(value)
        if is_asked_for(pipe, call.members):
            found.append(listed(pipe))
    return {"Pipes": found}


def page_span(call: Call[Members]) -> Span:
    """Return the rows that a page begins with.

    Raises:
        ValidationFailed: a token that was not given out.
    """
    whole = keys.pipes(call.account, call.region)
    try:
        return pages.rest_of(call, call.members.get("NextToken"), whole)
    except pages.BadToken:
        raise ValidationFailed("Invalid NextToken.", field="NextToken") from None


def is_asked_for(pipe: Pipe, members: Members) -> bool:
    """Tell whether a pipe has what a listing asks for."""
    return (
        pipe.name.startswith(members.get("NamePrefix", ""))
        and pipe.source.startswith(members.get("SourcePrefix", ""))
        and pipe.target.startswith(members.get("TargetPrefix", ""))
        and members.get("DesiredState", pipe.desired) == pipe.desired
        and members.get("CurrentState", pipe.current) == pipe.current
    )
