"""Tags of functions."""

from __future__ import annotations

from haar.kernel.errors import NotImplementedByHaar
from haar.kit.call import Call, Members, Scope
from haar.kit.operation import operation
from haar.kit.tags import read_tags, without, write_tags
from haar.services.lambda_ import keys, rules
from haar.services.lambda_.lookup import load, own
from haar.store.api import Transaction


def tagged_arn(members: Members, scope: Scope) -> str:
    """Return the ARN that a request names.

    Raises:
        NotImplementedByHaar: of something else than a function.
    """
    arn: str = members["Resource"]
    if ":function:" not in arn:
        raise NotImplementedByHaar(what=f"the tags of {arn.split(':')[5]}")
    return arn


def tags_of(tx: Transaction, arn: str) -> dict[str, str]:
    """Return the tags of a function.

    Raises:
        ResourceNotFound: no such function.
    """
    load(tx, arn)
    return read_tags(tx, keys.tags(arn))


@operation("TagResource", members="Resource Tags", resource=tagged_arn)
def tag_resource(call: Call[Members], tx: Transaction) -> Members:
    """Add tags to a function.

    Keys: reads ``function``; reads and writes ``tags``.

    Raises:
        ResourceNotFound: no such function.
        InvalidParameterValue: more tags than allowed.

    Source: AWS docs, Lambda API reference, TagResource.
    """
    arn = own(call)
    tags = rules.checked_tags(tags_of(tx, arn), call.members["Tags"])
    write_tags(tx, keys.tags(arn), tags)
    return {}


@operation("UntagResource", members="Resource TagKeys", resource=tagged_arn)
def untag_resource(call: Call[Members], tx: Transaction) -> Members:
    """Remove tags from a function.

    Keys: reads ``function``; reads and writes ``tags``.

    Raises:
        ResourceNotFound: no such function.

    Source: AWS docs, Lambda API reference, UntagResource.
    """
    arn = own(call)
    write_tags(tx, keys.tags(arn), without(tags_of(tx, arn), call.members["TagKeys"]))
    return {}


@operation("ListTags", members="Resource", resource=tagged_arn, readonly=True)
def list_tags(call: Call[Members], tx: Transaction) -> Members:
    """Return the tags of a function.

    Keys: reads ``function``, ``tags``.

    Raises:
        ResourceNotFound: no such function.

    Source: AWS docs, Lambda API reference, ListTags.
    """
    return {"Tags": tags_of(tx, own(call))}
