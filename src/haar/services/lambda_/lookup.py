"""From the name in a request to the stored function."""

from __future__ import annotations

from haar.kernel import arn as arns
from haar.kit.call import Call, Members, Scope
from haar.services.lambda_ import keys, rules
from haar.services.lambda_.errors import (
    AccessDenied,
    InvalidParameterValue,
    PreconditionFailed,
    ResourceNotFound,
)
from haar.services.lambda_.records import FUNCTION, Function
from haar.store.api import Transaction


def function_arn(members: Members, scope: Scope) -> str:
    """Return the ARN of the function that a request names, without a qualifier."""
    return rules.named(members["FunctionName"], scope).arn


def qualified_arn(members: Members, scope: Scope) -> str:
    """Return the ARN of the function that a request names, with its qualifier."""
    return rules.named(members["FunctionName"], scope, members.get("Qualifier", "")).qualified


def own(call: Call[Members]) -> str:
    """Return the ARN of the call's function without its qualifier.

    Raises:
        AccessDenied: a function of another account.
        ResourceNotFound: of another region; a version or an alias, since there are none.
    """
    parts = arns.parse(call.resource)
    if parts.account != call.account:
        raise AccessDenied(
            user=call.principal.arn, action=f"lambda:{call.operation}", arn=call.resource
        )
    if parts.region != call.region:
        raise ResourceNotFound(
            f"Functions from '{parts.region}' are not reachable in this region ('{call.region}')"
        )
    function = rules.named(call.resource, call.scope)
    rules.refuse_versions(function)
    return function.arn


def load(tx: Transaction, arn: str) -> Function:
    """Return the function of an ARN without a qualifier.

    Raises:
        ResourceNotFound: there is none.
    """
    raw = tx.get(keys.function(arn))
    if raw is None:
        raise ResourceNotFound(arn=arn)
    return FUNCTION.decode_hot(raw)


def refuse_revision(members: Members, function: Function) -> None:
    """Refuse a change that was made for another revision.

    Raises:
        PreconditionFailed: ``RevisionId`` is given, and another.
    """
    if members.get("RevisionId", function.revision) != function.revision:
        raise PreconditionFailed


def refuse_latest(members: Members, arn: str) -> None:
    """Refuse to delete ``$LATEST`` alone.

    Raises:
        InvalidParameterValue: the request names it.
    """
    if rules.LATEST in (members.get("Qualifier"), members["FunctionName"].rpartition(":")[2]):
        reason = "$LATEST version cannot be deleted without deleting the function."
        raise InvalidParameterValue(reason=reason, arn=arn)
