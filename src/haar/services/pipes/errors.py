"""Refusals of Pipes."""

from __future__ import annotations

from haar.kernel.errors import ApiError


class ValidationFailed(ApiError):
    """A member's value does not do.

    Args:
        reason: what is wrong.
        field: the member, as the answer's ``fieldList`` names it.
    """

    code = "ValidationException"
    message = "{reason}"

    def __init__(self, reason: str, *, field: str = "") -> None:
        fields = [{"name": field, "message": reason}] if field else []
        super().__init__(members={"fieldList": fields}, reason=reason)


class NotFound(ApiError):
    """There is no such pipe."""

    code = "NotFoundException"
    message = "Pipe {name} does not exist."
    status = 404


class Conflict(ApiError):
    """The pipe is not in a state in which that can be done, or its name is taken."""

    code = "ConflictException"
    message = "{reason}"
    status = 409

    def __init__(self, reason: str, *, name: str) -> None:
        members = {"resourceId": name, "resourceType": "PIPE"}
        super().__init__(members=members, reason=reason)


class QuotaExceeded(ApiError):
    """As many pipes as allowed are there."""

    code = "ServiceQuotaExceededException"
    message = "Request would cause a service quota to be exceeded: {count_max} pipes."
    status = 402

    def __init__(self, *, name: str, count_max: int) -> None:
        members = {
            "resourceId": name,
            "resourceType": "PIPE",
            "serviceCode": "pipes",
            "quotaCode": "pipes-per-account",
        }
        super().__init__(members=members, count_max=count_max)
