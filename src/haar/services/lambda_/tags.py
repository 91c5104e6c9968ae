"""Tags of functions."""

from __future__ import annotations

from haar.kernel.errors import NotImplementedByHaar
from haar.kit.call import Call, Members, Scope
from haar.kit.operation import operation
from haar.services.lambda_ import keys, rules
from haar.services.lambda_.lookup import load, own
from haar.services.lambda_.records import TAGS, Tags
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
    raw = tx.get(keys.tags(arn))
    return TAGS.decode(raw).tags if raw is not None else {}


def put_tags(tx: Transaction, arn: str, tags: dict[str, str]) -> None:
    """Replace the tags of a function."""
    if tags:
        tx.put(keys.tags(arn), TAGS.encode(Tags(tags)))
    else:
        tx.clear(keys.tags(arn))


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
    put_tags(tx, arn, rules.checked_tags(tags_of(tx, arn), call.members["Tags"]))
    return {}


@operation("UntagResource", members="Resource TagKeys", resource=tagged_arn)
def untag_resource(call: Call[Members], tx: Transaction) -> Members:
    """Remove tags from a function.

    Keys: reads ``function``; reads and writes ``tags``.

    Raises:
        ResourceNotFound: no such function.

    Source: AWS docs, Lambda API reference, UntagResource.
    """
    arn, gone = own(call), set(call.members["TagKeys"])
    put_tags(tx, arn, {k: v for k, v in tags_of(tx, arn).items() if k not in gone})
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
