"""Principals: who asks, made from accounts, roles and ARNs."""

from __future__ import annotations

import base64
from functools import lru_cache
from hashlib import sha256

from haar.kernel import arn as arns
from haar.kit.call import Principal

UNKNOWN = "unknown"
"""The kind of a caller whom nothing allows: an ARN that names nobody haar knows."""


def root_of(account: str, access_key_id: str = "") -> Principal:
    """Return the root of an account."""
    return Principal("root", f"arn:aws:iam::{account}:root", account, account, access_key_id)


@lru_cache(maxsize=4096)  # a pure function of its arguments; every call from inside asks it
def of_role(arn: str, session: str, access_key_id: str = "") -> Principal:
    """Return the session of a role, or whoever else ``arn`` names.

    Args:
        arn: of a role (``arn:aws:iam::ACCOUNT:role/PATH/NAME``), of a session of one, or of an
            account's root.
        session: the session's name, where ``arn`` is of a role.
        access_key_id: the key that signed; empty for calls from inside.
    """
    try:
        parts = arns.parse(arn)
    except arns.NotAnArn:
        return Principal(UNKNOWN, arn, "", "", access_key_id)
    kind, _, name = parts.resource.partition("/")
    if (parts.service, parts.resource) == ("iam", "root"):
        return root_of(parts.account, access_key_id)
    if (parts.service, kind) == ("sts", "assumed-role") and "/" in name:
        role, _, session = name.partition("/")
        return _session_of(parts.account, role, session, access_key_id)
    if (parts.service, kind) == ("iam", "role") and name:
        return _session_of(parts.account, name.rpartition("/")[2], session, access_key_id)
    return Principal(UNKNOWN, arn, parts.account, "", access_key_id)


def _session_of(account: str, role: str, session: str, access_key_id: str) -> Principal:
    return Principal(
        kind="role",
        arn=f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
        account=account,
        user_id=f"{role_id(account, role)}:{session}",
        access_key_id=access_key_id,
    )


def role_id(account: str, role: str) -> str:
    """Return the unique id of a role: until IAM keeps roles, a fact of its account and name."""
    digest = sha256(f"{account}/{role}".encode()).digest()
    return "AROA" + base64.b32encode(digest).decode()[:17]
