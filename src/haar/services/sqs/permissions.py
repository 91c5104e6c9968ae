"""AddPermission and RemovePermission: single statements of a queue's policy."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from haar.kit.call import Call, Members
from haar.kit.operation import operation
from haar.services.sqs import attributes, keys
from haar.services.sqs.errors import InvalidParameterValue, MissingParameter, OverLimit
from haar.services.sqs.lookup import load, queue_arn
from haar.services.sqs.records import QUEUE, Queue
from haar.store.api import Transaction

_LABEL = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_ACTIONS = frozenset(
    {
        "*",
        "AddPermission",
        "ChangeMessageVisibility",
        "DeleteMessage",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ListDeadLetterSourceQueues",
        "PurgeQueue",
        "ReceiveMessage",
        "RemovePermission",
        "SendMessage",
    }
)


def refused(name: str, value: object, reason: str) -> InvalidParameterValue:
    """Return the refusal of a member."""
    return InvalidParameterValue(value=value, name=name, reason=reason)


def policy_of(queue: Queue) -> dict[str, Any]:
    """Return a queue's policy, or the one that it begins with."""
    if queue.policy:
        policy: dict[str, Any] = json.loads(queue.policy)
        if isinstance(policy["Statement"], dict):
            policy["Statement"] = [policy["Statement"]]
        return policy
    return {"Version": "2012-10-17", "Id": f"{queue.arn}/SQSDefaultPolicy", "Statement": []}


def put_policy(tx: Transaction, queue: Queue, policy: dict[str, Any]) -> None:
    """Store a policy; without statements there is none.

    Raises:
        InvalidAttributeValue: it has become too long.
    """
    text = json.dumps(policy, separators=(",", ":")) if policy["Statement"] else ""
    changed = msgspec.structs.replace(queue, policy=attributes.checked_policy(text))
    tx.put(keys.queue(queue.arn), QUEUE.encode(changed))


def statement_of(queue: Queue, members: Members) -> dict[str, Any]:
    """Return the statement that a request asks for.

    Raises:
        InvalidParameterValue, MissingParameter, OverLimit: it is wrong.
    """
    label: str = members["Label"]
    if not _LABEL.fullmatch(label):
        reason = (
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )
        raise refused("Label", label, reason)
    accounts: list[str] = members["AWSAccountIds"]
    actions: list[str] = members["Actions"]
    for name, given in (("AWSAccountIds", accounts), ("Actions", actions)):
        if not given:
            raise MissingParameter(name=name)
    if len(actions) > attributes.ACTIONS_MAX:
        reason = f"{len(actions)} Actions were found, maximum allowed is {attributes.ACTIONS_MAX}."
        raise OverLimit(reason=reason)
    for account in accounts:
        if not _ACCOUNT.fullmatch(account):
            raise refused("PrincipalId", account, "Unable to verify.")
    for action in actions:
        if action not in _ACTIONS:
            raise refused("ActionName", action, "Please refer to the documentation for values.")
    return {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": _one_or_all([f"arn:aws:iam::{a}:root" for a in accounts])},
        "Action": _one_or_all([f"SQS:{action}" for action in actions]),
        "Resource": queue.arn,
    }


def _one_or_all(texts: list[str]) -> str | list[str]:
    return texts[0] if len(texts) == 1 else texts


@operation("AddPermission", members="QueueUrl Label AWSAccountIds Actions", resource=queue_arn)
def add_permission(call: Call[Members], tx: Transaction) -> Members:
    """Add a statement to the queue's policy that lets accounts do some actions.

    Keys: reads and writes ``queue``.

    Raises:
        QueueDoesNotExist: no such queue.
        InvalidParameterValue: the label is used; a label, account or action that is wrong.
        OverLimit: more than seven actions.

    Source: AWS docs, SQS API reference, AddPermission.
    """
    queue = load(tx, call.resource)
    statement, policy = statement_of(queue, call.members), policy_of(queue)
    if any(one.get("Sid") == statement["Sid"] for one in policy["Statement"]):
        raise refused("Label", statement["Sid"], "Already exists.")
    policy["Statement"].append(statement)
    put_policy(tx, queue, policy)
    return {}


@operation("RemovePermission", members="QueueUrl Label", resource=queue_arn)
def remove_permission(call: Call[Members], tx: Transaction) -> Members:
    """Remove a statement from the queue's policy.

    Keys: reads and writes ``queue``.

    Raises:
        QueueDoesNotExist: no such queue.
        InvalidParameterValue: no statement of that label.

    Source: AWS docs, SQS API reference, RemovePermission.
    """
    queue, label = load(tx, call.resource), call.members["Label"]
    policy = policy_of(queue)
    kept = [one for one in policy["Statement"] if one.get("Sid") != label]
    if len(kept) == len(policy["Statement"]):
        raise refused("Label", label, "can't find label on existing policy.")
    put_policy(tx, queue, {**policy, "Statement": kept})
    return {}


OPERATIONS = (add_permission, remove_permission)
