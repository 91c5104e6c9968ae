"""Refusals of Lambda, with AWS's texts."""

from __future__ import annotations

from haar.kernel.errors import ApiError


class ResourceNotFound(ApiError):
    """There is no such function."""

    code = "ResourceNotFoundException"
    message = "Function not found: {arn}"
    status = 404

    def __init__(self, message: str | None = None, **details: object) -> None:
        super().__init__(message, members={"Type": "User"}, **details)


class ResourceConflict(ApiError):
    """There is a function of that name already."""

    code = "ResourceConflictException"
    message = "Function already exist: {name}"
    status = 409

    def __init__(self, message: str | None = None, **details: object) -> None:
        super().__init__(message, members={"Type": "User"}, **details)


class InvalidParameterValue(ApiError):
    """A member's value does not do; the text says which and why."""

    code = "InvalidParameterValueException"
    message = "{reason}"

    def __init__(self, message: str | None = None, **details: object) -> None:
        super().__init__(message, members={"Type": "User"}, **details)


class InvalidRequestContent(ApiError):
    """The payload is no JSON."""

    code = "InvalidRequestContentException"
    message = "Could not parse request body into json: Could not parse payload into json: {reason}"

    def __init__(self, message: str | None = None, **details: object) -> None:
        super().__init__(message, members={"Type": "User"}, **details)


class RequestTooLarge(ApiError):
    """The payload or the package is larger than may be sent."""

    code = "RequestTooLargeException"
    message = "Request must be smaller than {size_max} bytes for the {operation} operation"
    status = 413

    def __init__(self, message: str | None = None, **details: object) -> None:
        super().__init__(message, members={"Type": "User"}, **details)


class TooManyRequests(ApiError):
    """As many events as allowed are at work."""

    code = "TooManyRequestsException"
    message = "Rate Exceeded."
    status = 429

    def __init__(self) -> None:
        members = {"Reason": "ConcurrentInvocationLimitExceeded", "Type": "User"}
        super().__init__(members=members)


class PreconditionFailed(ApiError):
    """The function is not at the revision that the caller saw."""

    code = "PreconditionFailedException"
    message = (
        "The Revision Id provided does not match the latest Revision Id. Call the "
        "GetFunction/GetAlias API to retrieve the latest Revision Id"
    )
    status = 412

    def __init__(self) -> None:
        super().__init__(members={"Type": "User"})


class AccessDenied(ApiError):
    """A function of another account, which has no policy that would allow it."""

    code = "AccessDeniedException"
    message = "User: {user} is not authorized to perform: {action} on resource: {arn}"
    status = 403
