"""Tags of tables."""

from __future__ import annotations

from haar.kit.call import Call, Members, Scope
from haar.kit.operation import operation
from haar.kit.tags import read_tags, without, write_tags
from haar.services.dynamodb import keys, texts
from haar.services.dynamodb.errors import Invalid, TagsNotFound
from haar.services.dynamodb.lookup import arn_of
from haar.store.api import Transaction

TAGS_MAX = 50


def tagged_arn(members: Members, scope: Scope) -> str:
    """Name the table whose tags a request is about.

    Raises:
        Invalid: not the ARN of a table.
    """
    arn: str = members["ResourceArn"]
    if not arn.startswith("arn:"):
        raise Invalid(texts.TABLE_ARN, arn=arn)
    return arn_of(arn, scope)


def checked_tags(old: dict[str, str], tags: list[dict[str, str]]) -> dict[str, str]:
    """Return old and new tags together.

    Raises:
        Invalid: one name twice, or too many.
    """
    new = {tag["Key"]: tag["Value"] for tag in tags}
    if len(new) != len(tags):
        raise Invalid(texts.TAGS_TWICE)
    together = {**old, **new}
    if len(together) > TAGS_MAX:
        raise Invalid(texts.TAGS_TOO_MANY)
    return together


def _tags_of(tx: Transaction, arn: str) -> dict[str, str]:
    if tx.get(keys.table(arn)) is None:
        raise TagsNotFound(arn=arn)
    return read_tags(tx, keys.tags(arn))


@operation("TagResource", members="ResourceArn Tags", resource=tagged_arn)
def tag_resource(call: Call[Members], tx: Transaction) -> Members:
    """Add tags to a table.

    Keys: reads ``table``; reads and writes ``tags``.

    Raises:
        TagsNotFound: no such table.
        Invalid: one name twice, or too many tags.

    Source: AWS docs, DynamoDB API reference, TagResource.
    """
    arn = call.resource
    tags = checked_tags(_tags_of(tx, arn), call.members["Tags"])
    write_tags(tx, keys.tags(arn), tags)
    return {}


@operation("UntagResource", members="ResourceArn TagKeys", resource=tagged_arn)
def untag_resource(call: Call[Members], tx: Transaction) -> Members:
    """Remove tags from a table.

    Keys: reads ``table``; reads and writes ``tags``.

    Raises:
        TagsNotFound: no such table.

    Source: AWS docs, DynamoDB API reference, UntagResource.
    """
    arn = call.resource
    write_tags(tx, keys.tags(arn), without(_tags_of(tx, arn), call.members["TagKeys"]))
    return {}


@operation(
    "ListTagsOfResource", members="ResourceArn NextToken", resource=tagged_arn, readonly=True
)
def list_tags_of_resource(call: Call[Members], tx: Transaction) -> Members:
    """Return the tags of a table; all are on the first page.

    Keys: reads ``table``, ``tags``.

    Raises:
        TagsNotFound: no such table.

    Source: AWS docs, DynamoDB API reference, ListTagsOfResource.
    """
    tags = _tags_of(tx, call.resource)
    return {"Tags": [{"Key": name, "Value": value} for name, value in tags.items()]}
