"""Sessions: credentials that end by themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from haar.identity.credentials import SESSION_PREFIX, Credentials
from haar.kit.call import Call, Members
from haar.kit.cloud import Cloud
from haar.kit.operation import anything, operation
from haar.services.sts.errors import SessionsMayNot

if TYPE_CHECKING:
    from types_boto3_sts.type_defs import GetSessionTokenRequestTypeDef

ROOT_DURATION_S_MAX = 3600
DURATION_S_DEFAULT = 43_200


@operation("GetSessionToken", members="DurationSeconds", resource=anything)
async def get_session_token(call: Call[GetSessionTokenRequestTypeDef], cloud: Cloud) -> Members:
    """Give the caller credentials that end by themselves.

    Keys: none; the token carries everything.

    Raises:
        SessionsMayNot: the caller uses such credentials already.

    Source: AWS docs, STS API reference, GetSessionToken.
    """
    if call.principal.access_key_id.startswith(SESSION_PREFIX) or call.principal.kind == "role":
        raise SessionsMayNot
    asked_s = call.members.get("DurationSeconds", DURATION_S_DEFAULT)
    # A root's sessions last an hour at most, whatever is asked.
    duration_s = min(asked_s, ROOT_DURATION_S_MAX)
    made = cloud.part(Credentials).mint(call.principal, duration_s)
    return {
        "Credentials": {
            "AccessKeyId": made.access_key_id,
            "SecretAccessKey": made.secret,
            "SessionToken": made.token,
            "Expiration": datetime.fromtimestamp(made.expires_ms / 1000, UTC),
        }
    }
