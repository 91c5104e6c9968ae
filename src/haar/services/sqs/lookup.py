"""From a queue URL to the stored queue."""

from __future__ import annotations

from functools import lru_cache

from haar.kit.call import Call, Members, Scope
from haar.services.sqs import keys
from haar.services.sqs.errors import InvalidAddress, QueueDoesNotExist
from haar.services.sqs.records import QUEUE, Queue
from haar.store.api import Transaction

ARN_MAX = 256
URL_MAX = 1024
"""Longer ones name nothing, and would fill what remembers them."""


@lru_cache(maxsize=4096)  # a pure function, asked by every call
def place_of(url: str) -> tuple[str, str]:
    """Return account and name of a queue URL; its host and scheme tell nothing.

    Raises:
        InvalidAddress: a text that does not end in an account and a name.
    """
    parts = url.rstrip("/").split("/")
    if len(parts) < 3 or not (parts[-2].isdecimal() and len(parts[-2]) == 12) or not parts[-1]:
        raise InvalidAddress(address=url)
    return parts[-2], parts[-1]


@lru_cache(maxsize=4096)  # the same
def _arn_of(url: str, scope: Scope) -> str:
    account, name = place_of(url)
    return f"arn:{scope.partition}:sqs:{scope.region}:{account}:{name}"


def queue_arn(members: Members, scope: Scope) -> str:
    """Return the ARN of the queue that ``QueueUrl`` names.

    Raises:
        InvalidAddress: not a queue URL.
    """
    url: str = members["QueueUrl"]
    if len(url) > URL_MAX:
        raise InvalidAddress(address=url[:URL_MAX])
    return _arn_of(url, scope)


def named_arn(members: Members, scope: Scope) -> str:
    """Return the ARN of the queue that ``QueueName`` names.

    Raises:
        QueueDoesNotExist: of another account: who may not see a queue cannot tell it from none, and
            until the policies of queues let accounts in, nobody may.
    """
    if (members.get("QueueOwnerAWSAccountId") or scope.account) != scope.account:
        raise QueueDoesNotExist
    return scope.arn("sqs", members["QueueName"])


def url_of(call: Call[Members], arn: str) -> str:
    """Return the URL of a queue, on the host that the client spoke to."""
    account, name = arn.split(":", 5)[4:]
    return f"{call.endpoint}/{account}/{name}"


def find(tx: Transaction, arn: str) -> Queue | None:
    """Return the queue of an ARN, or None."""
    if len(arn) > ARN_MAX:
        return None
    raw = tx.get(keys.queue(arn))
    return None if raw is None else QUEUE.decode_hot(raw)


def load(tx: Transaction, arn: str) -> Queue:
    """Return the queue of an ARN.

    Raises:
        QueueDoesNotExist: there is none.
    """
    queue = find(tx, arn)
    if queue is None:
        raise QueueDoesNotExist
    return queue
