"""Who may do what, until IAM lands."""

from __future__ import annotations

import pytest

from haar.identity import principal as principals
from haar.identity.policy.evaluate import (
    authorize,
    decide,
    explain,
    refuse_foreign_roles,
)
from haar.kernel.errors import ApiError
from haar.kit.call import Principal

ROOT = principals.root_of("111111111111")
ROLE = principals.of_role("arn:aws:iam::111111111111:role/worker", "run-1")
SERVICE = Principal("service", "sqs.amazonaws.com", "111111111111", "")
USER = Principal("user", "arn:aws:iam::111111111111:user/ann", "111111111111", "AIDAEXAMPLE")
OWN = "arn:aws:sqs:us-east-1:111111111111:orders"
OTHERS = "arn:aws:sqs:us-east-1:222222222222:orders"
BUCKET = "arn:aws:s3:::photos"


@pytest.mark.parametrize(
    ("principal", "resources", "is_allowed"),
    [
        (ROOT, [OWN], True),
        (ROOT, ["*"], True),
        (ROOT, [BUCKET, BUCKET + "/a:b:c:222222222222:d"], True),
        (ROOT, [OTHERS], False),
        (ROOT, [OWN, OTHERS], False),
        (ROOT, [], True),
        (ROLE, [OWN], True),
        (ROLE, [OTHERS], False),
        (SERVICE, [OWN], True),
        (SERVICE, [OTHERS], False),
        (USER, [OWN], False),
        (USER, ["*"], False),
        (USER, [], False),
        (principals.of_role("nobody", "s"), [OWN], False),
    ],
)
def test_the_decision(principal: Principal, resources: list[str], is_allowed: bool) -> None:
    """Root, role sessions and services act on their own account; nobody else does anything."""
    assert decide(principal, "sqs:SendMessage", resources).is_allowed is is_allowed


def test_a_denial_is_explained_as_aws_does() -> None:
    """The text names who, what, on which resource, and the policy that is missing."""
    decision = decide(USER, "sqs:SendMessage", [OWN])
    assert explain(USER, "sqs:SendMessage", decision) == (
        "User: arn:aws:iam::111111111111:user/ann is not authorized to perform: sqs:SendMessage "
        f"on resource: {OWN} because no identity-based policy allows the sqs:SendMessage action"
    )


def test_another_accounts_resource_is_denied_by_name() -> None:
    """The refusal names the resource of the other account, and the policy that would allow it."""
    with pytest.raises(ApiError, match=OTHERS) as denied:
        authorize(ROOT, "sqs:SendMessage", [OWN, OTHERS], "query")
    assert (denied.value.code, denied.value.status) == ("AccessDenied", 403)
    assert "because no resource-based policy allows the sqs:SendMessage action" in denied.value.text


def test_nobody_can_be_denied_to_ask_who_they_are() -> None:
    """GetCallerIdentity needs no permission, unlike its neighbours."""
    assert decide(USER, "sts:GetCallerIdentity", ["*"]).is_allowed
    assert not decide(USER, "sts:GetAccessKeyInfo", ["*"]).is_allowed


def test_a_role_of_another_account_cannot_be_handed_on() -> None:
    """What runs with a role has its rights: only the account's own may be given to a service."""
    refuse_foreign_roles(ROOT, ["arn:aws:iam::111111111111:role/worker", "worker"])
    with pytest.raises(ApiError, match="Cross-account pass role is not allowed") as denied:
        refuse_foreign_roles(ROOT, ["arn:aws:iam::222222222222:role/worker"])
    assert denied.value.code == "AccessDeniedException"
