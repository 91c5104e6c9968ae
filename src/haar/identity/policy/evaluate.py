"""The decision: may this principal do this action on these resources?

Until IAM keeps users, roles and policies, the rule is short, and everything else is denied:

=======================================  ==========================================
principal                                may
=======================================  ==========================================
the root of an account                   everything on resources of its account
a session of a role, a service of ours   everything on resources of its account
anybody else                             nothing
anybody                                  what :data:`UNDENIABLE` names
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
UNDENIABLE = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})
"""Actions that need no permission: AWS docs, STS API reference, the pages of both."""


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
_FOREIGN_ROLE = "Cross-account pass role is not allowed."
_NO_IDENTITY_POLICY = "no identity-based policy"
_NO_RESOURCE_POLICY = "no resource-based policy"


def decide(principal: Principal, action: str, resources: Sequence[str]) -> Decision:
    """Return whether ``principal`` may do ``action`` on all of ``resources``.

    Args:
        principal: who asks.
        action: with its prefix, ``sqs:SendMessage``.
        resources: ARNs, or ``*``.
    """
    if principal.kind not in _TRUSTED_KINDS:
        if action in UNDENIABLE:
            return Decision(True, "the action needs no permission")  # noqa: FBT003
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


def refuse_foreign_roles(
    principal: Principal, roles: Sequence[str], family: Family = "json"
) -> None:
    """Return if every role that is handed to a service is of the caller's account.

    Whatever runs with a role has that role's rights, so that a foreign one would be a way in.

    Raises:
        RefusedAs: one is of another account.

    Source: AWS docs, IAM user guide, "Grant a user permissions to pass a role to a service".
    """
    for role in roles:
        parts = role.split(":", 5)
        if len(parts) > 4 and parts[4] != principal.account:
            raise refuse(Kind.DENIED, family, explanation=_FOREIGN_ROLE)


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
