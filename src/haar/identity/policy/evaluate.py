"""The decision: may this principal do this action on these resources?

Until IAM keeps users, roles and policies, the rule is short, and everything else is denied:

=======================================  ==========================================
principal                                may
=======================================  ==========================================
the root of an account                   everything on resources of its account
a session of a role, a service of ours   everything on resources of its account
anybody else                             nothing
=======================================  ==========================================

Roles are accepted as names: whoever can name a role of the account has the account's rights.

``*`` and resources whose ARN has no account are of the caller's own account. The ARNs of S3
buckets are such: who owns a bucket stands in its record only, so that S3 itself must compare the
bucket's owner with the call's account.

Source: AWS docs, IAM user guide, "Policy evaluation logic"; the texts from "Troubleshoot access
denied error messages".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from haar.identity.refusals import Family, Kind, refuse
from haar.kit.call import Principal

_TRUSTED_KINDS = frozenset({"root", "role", "service"})


class Decision(NamedTuple):
    """What was decided, and why.

    Attributes:
        is_allowed: the decision.
        reason: the rule that decided, in a few words.
        resource: the resource that was denied, empty where all are allowed.
    """

    is_allowed: bool
    reason: str
    resource: str = ""


_ALLOWED = Decision(is_allowed=True, reason="the account's own resources")
_NO_IDENTITY_POLICY = "no identity-based policy"
_NO_RESOURCE_POLICY = "no resource-based policy"


def decide(principal: Principal, action: str, resources: Sequence[str]) -> Decision:
    """Return whether ``principal`` may do ``action`` on all of ``resources``.

    Args:
        principal: who asks.
        action: with its prefix, ``sqs:SendMessage``; the rules above do not look at it yet.
        resources: ARNs, or ``*``.
    """
    del action
    if principal.kind not in _TRUSTED_KINDS:
        return Decision(False, _NO_IDENTITY_POLICY, resources[0] if resources else "*")  # noqa: FBT003
    account = principal.account
    for resource in resources:
        # "arn:partition:service:region:account:…"; "*" has no fifth part.
        parts = resource.split(":", 5)
        if len(parts) > 4 and parts[4] != account and parts[4]:
            return Decision(False, _NO_RESOURCE_POLICY, resource)  # noqa: FBT003
    return _ALLOWED


def explain(principal: Principal, action: str, decision: Decision) -> str:
    """Return AWS's sentence for a denial, or one for the log where the action is allowed."""
    if decision.is_allowed:
        return f"User: {principal.arn} is authorized to perform: {action}: {decision.reason}"
    return (
        f"User: {principal.arn} is not authorized to perform: {action} "
        f"on resource: {decision.resource} because {decision.reason} allows the {action} action"
    )


def authorize(
    principal: Principal, action: str, resources: Sequence[str], family: Family = "json"
) -> None:
    """Return if the principal may do the action on all of the resources.

    Args:
        principal: who asks.
        action: with its prefix, ``sqs:SendMessage``.
        resources: ARNs, or ``*``.
        family: how the client reads errors.

    Raises:
        RefusedAs: access is denied, with AWS's explanation.
    """
    decision = decide(principal, action, resources)
    if not decision.is_allowed:
        raise refuse(Kind.DENIED, family, explanation=explain(principal, action, decision))
