"""Refusals of SQS, with AWS's texts."""

from __future__ import annotations

from haar.kernel.errors import ApiError


class QueueDoesNotExist(ApiError):
    """There is no such queue."""

    code = "QueueDoesNotExist"
    message = "The specified queue does not exist."


class QueueNameExists(ApiError):
    """There is a queue of that name with other attributes."""

    code = "QueueNameExists"
    message = (
        "A queue already exists with the same name and a different value for attribute {attribute}"
    )


class QueueDeletedRecently(ApiError):
    """A queue of that name was deleted a moment ago."""

    code = "QueueDeletedRecently"
    message = (
        "You must wait 60 seconds after deleting a queue before you can create another with the "
        "same name."
    )


class PurgeQueueInProgress(ApiError):
    """The queue was purged a moment ago."""

    code = "PurgeQueueInProgress"
    message = "Only one PurgeQueue operation on {queue} is allowed every 60 seconds."


class InvalidAddress(ApiError):
    """A queue URL that is none."""

    code = "InvalidAddress"
    message = "The address {address} is not valid for this endpoint."


class InvalidAttributeName(ApiError):
    """An attribute that a queue of that kind does not have."""

    code = "InvalidAttributeName"
    message = "Unknown Attribute {name}."


class InvalidAttributeValue(ApiError):
    """A value that an attribute cannot have."""

    code = "InvalidAttributeValue"
    message = "Invalid value for the parameter {name}."


class InvalidParameterValue(ApiError):
    """A member's value does not do; the text says which and why."""

    code = "InvalidParameterValue"
    message = "Value {value} for parameter {name} is invalid. Reason: {reason}"


class MissingParameter(ApiError):
    """A member that must be there is not, or is empty."""

    code = "MissingParameter"
    message = "The request must contain the parameter {name}."


class InvalidMessageContents(ApiError):
    """Characters that a message may not have."""

    code = "InvalidMessageContents"
    message = (
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | "
        "#xE000 to #xFFFD | #x10000 to #x10FFFF"
    )


class UnsupportedOperation(ApiError):
    """What SQS itself does not do."""

    code = "UnsupportedOperation"
    message = "{reason}"


class OverLimit(ApiError):
    """A quota of SQS is used up."""

    code = "OverLimit"
    message = "{reason}"


class ReceiptHandleIsInvalid(ApiError):
    """A text that is no receipt handle of that queue."""

    code = "ReceiptHandleIsInvalid"
    message = 'The input receipt handle "{handle}" is not a valid receipt handle.'


class MessageNotInflight(ApiError):
    """The message may be received already, or was received again."""

    code = "MessageNotInflight"
    message = "The specified message isn't in flight."


class EmptyBatchRequest(ApiError):
    """A batch without entries."""

    code = "EmptyBatchRequest"
    message = "There should be at least one {entry} in the request."


class TooManyEntriesInBatchRequest(ApiError):
    """A batch of more entries than allowed."""

    code = "TooManyEntriesInBatchRequest"
    message = "Maximum number of entries per request are 10. You have sent {count}."


class BatchEntryIdsNotDistinct(ApiError):
    """Two entries of one id."""

    code = "BatchEntryIdsNotDistinct"
    message = "Id {id} repeated."


class InvalidBatchEntryId(ApiError):
    """An id that an entry cannot have."""

    code = "InvalidBatchEntryId"
    message = (
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
        "It can be at most 80 letters long."
    )


class BatchRequestTooLong(ApiError):
    """The messages of a batch are too long together."""

    code = "BatchRequestTooLong"
    message = "Batch requests cannot be longer than {size_max} bytes. You have sent {size} bytes."


class ResourceNotFound(ApiError):
    """A queue or a task of the move operations is not there."""

    code = "ResourceNotFoundException"
    message = "The resource that you specified for the {name} parameter doesn't exist."


class RequestThrottled(ApiError):
    """Too many calls a second."""

    code = "RequestThrottled"
    message = "Rate exceeded"
