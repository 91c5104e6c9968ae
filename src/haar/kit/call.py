"""A call: a decoded request that has been authenticated, checked and authorized.

Having a :class:`Call` *is* being authorized: the gateway makes one only after the policy decided on
``resources``. An operation acts on ``call.resource`` and on no second reading of the members.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from haar.kernel.entropy import Entropy

Members = dict[str, Any]
"""The members of a shape under AWS's names.

Values are str, int, float, bool, bytes, aware datetime, list and dict. A streaming blob of a
request is a :class:`haar.kit.streams.ByteStream`; of a result, the same or bytes. A result's stream
of events is an asynchronous iterator of dicts with one key, the event's name; a refusal that it
raises is the last event. It is driven without a task of its own, as byte streams are.
"""

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    Attributes:
        kind: ``root``, ``user``, ``role`` (a session of a role) or ``service``.
        arn: the principal's ARN, as GetCallerIdentity tells it.
        account: 12 digits.
        user_id: the unique id (``AIDA…``, ``AROA…:session``; the account's number for root).
        access_key_id: the key that signed; empty for calls from inside.
    """

    kind: str
    arn: str
    account: str
    user_id: str
    access_key_id: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a request was sent: what the resource functions of operations build ARNs from."""

    account: str
    region: str
    partition: str = "aws"

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of ``resource`` in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


@dataclass(slots=True)
class Call(Generic[M]):
    """One authorized request.

    Attributes:
        service: haar's name of the service package, e.g. ``sqs``.
        operation: the model's operation name.
        members: the decoded members, checked against the model's constraints.
        principal: who asks.
        scope: account and region of the request.
        resources: the ARNs that the policy decided on, in the order the operation named them.
        request_id: the id in the answer and in the audit record.
        now_ms: when the call was accepted; the only time that an operation's body may use.
        entropy: the only randomness that an operation may use.
        endpoint: ``http://host:port`` that the client spoke to, for URLs in answers; no slash at
            the end.
    """

    service: str
    operation: str
    members: M
    principal: Principal
    scope: Scope
    resources: tuple[str, ...]
    request_id: str
    now_ms: int
    entropy: Entropy
    endpoint: str

    @property
    def resource(self) -> str:
        """The first (mostly only) resource that the policy decided on."""
        return self.resources[0]

    @property
    def account(self) -> str:
        """The account that the request acts in: 12 digits."""
        return self.scope.account

    @property
    def region(self) -> str:
        """The region of the request, e.g. ``us-east-1``."""
        return self.scope.region
