"""Tags of pipes."""

from __future__ import annotations

import msgspec

from haar.kernel.errors import NotImplementedByHaar
from haar.kit.call import Call, Members, Scope
from haar.kit.operation import operation
from haar.kit.tags import without
from haar.services.pipes import rules
from haar.services.pipes.errors import NotFound
from haar.services.pipes.lookup import load, put
from haar.services.pipes.records import Pipe
from haar.store.api import Transaction


def tagged_arn(members: Members, scope: Scope) -> str:
    """Return the ARN that a request names.

    Raises:
        NotImplementedByHaar: of something else than a pipe.
    """
    arn: str = members["resourceArn"]
    if ":pipe/" not in arn:
        raise NotImplementedByHaar(what=f"the tags of {arn.split(':', 5)[5]}")
    return arn


def own(call: Call[Members], tx: Transaction) -> Pipe:
    """Return the pipe of a call.

    Raises:
        NotFound: no such pipe in this account and region.
    """
    name = call.resource.rpartition("/")[2]
    if call.resource != call.scope.arn("pipes", f"pipe/{name}"):
        raise NotFound(name=name)
    return load(tx, call.resource)


@operation("TagResource", members="resourceArn tags", resource=tagged_arn)
def tag_resource(call: Call[Members], tx: Transaction) -> Members:
    """Add tags to a pipe.

    Keys: reads and writes ``pipe``.

    Raises:
        NotFound: no such pipe.
        ValidationFailed: more tags than allowed.

    Source: AWS docs, EventBridge Pipes API reference, TagResource.
    """
    pipe = own(call, tx)
    put_tags(tx, pipe, rules.checked_tags(pipe.tags, call.members["tags"]))
    return {}


@operation("UntagResource", members="resourceArn tagKeys", resource=tagged_arn)
def untag_resource(call: Call[Members], tx: Transaction) -> Members:
    """Remove tags from a pipe.

    Keys: reads and writes ``pipe``.

    Raises:
        NotFound: no such pipe.

    Source: AWS docs, EventBridge Pipes API reference, UntagResource.
    """
    pipe = own(call, tx)
    put_tags(tx, pipe, without(pipe.tags, call.members["tagKeys"]))
    return {}


@operation("ListTagsForResource", members="resourceArn", resource=tagged_arn, readonly=True)
def list_tags_for_resource(call: Call[Members], tx: Transaction) -> Members:
    """Return the tags of a pipe.

    Keys: reads ``pipe``.

    Raises:
        NotFound: no such pipe.

    Source: AWS docs, EventBridge Pipes API reference, ListTagsForResource.
    """
    return {"tags": own(call, tx).tags}


def put_tags(tx: Transaction, pipe: Pipe, tags: dict[str, str]) -> None:
    """Replace the tags of a pipe; what runs is not disturbed."""
    put(tx, msgspec.structs.replace(pipe, tags=tags))
