"""Identities: who a key stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from haar.identity.credentials import account_of, is_account
from haar.kit.call import Call, Members
from haar.kit.operation import anything, operation
from haar.services.sts.errors import AccessKeyUnknown
from haar.store.api import Transaction

if TYPE_CHECKING:
    from types_boto3_sts.type_defs import GetAccessKeyInfoRequestTypeDef


@operation("GetCallerIdentity", members="", resource=anything, readonly=True)
def get_caller_identity(call: Call[Any], tx: Transaction) -> Members:
    """Tell who signed the request.

    Keys: none.

    Source: AWS docs, STS API reference, GetCallerIdentity.
    """
    who = call.principal
    return {"UserId": who.user_id, "Account": who.account, "Arn": who.arn}


@operation("GetAccessKeyInfo", members="AccessKeyId", resource=anything, readonly=True)
def get_access_key_info(call: Call[GetAccessKeyInfoRequestTypeDef], tx: Transaction) -> Members:
    """Tell the account of an access key, which its id spells out.

    Keys: none.

    Raises:
        AccessKeyUnknown: not the id of an access key.

    Source: AWS docs, STS API reference, GetAccessKeyInfo.
    """
    access_key_id = call.members["AccessKeyId"]
    account = access_key_id if is_account(access_key_id) else account_of(access_key_id)
    if account is None:
        raise AccessKeyUnknown
    return {"Account": account}
