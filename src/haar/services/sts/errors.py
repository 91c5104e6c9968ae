"""Refusals of STS."""

from __future__ import annotations

from haar.kernel.errors import ApiError


class AccessKeyUnknown(ApiError):
    """An access key id that spells no account."""

    code = "ValidationError"
    message = "The access key ID is not valid."


class SessionsMayNot(ApiError):
    """Session credentials cannot make further ones."""

    code = "AccessDenied"
    message = "Cannot call GetSessionToken with session credentials"
    status = 403
