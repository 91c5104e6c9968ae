"""The refusals of Step Functions: AWS's codes and texts, one class each."""

from __future__ import annotations

from collections.abc import Sequence

from haar.kernel.errors import ApiError


class InvalidArn(ApiError):
    """An ARN that is none, or of another kind of resource."""

    code = "InvalidArn"
    message = "Invalid Arn: '{arn}'"


class InvalidName(ApiError):
    """A name with characters that are not allowed."""

    code = "InvalidName"
    message = "Invalid Name: '{name}'"


class InvalidToken(ApiError):
    """A page token that was not given out."""

    code = "InvalidToken"
    message = "Invalid Token: '{token}'"


class InvalidDefinition(ApiError):
    """A definition with problems."""

    code = "InvalidDefinition"
    message = "Invalid State Machine Definition: '{problems}'"

    @classmethod
    def of(cls, problems: Sequence[tuple[str, str, str | None]]) -> InvalidDefinition:
        """Return the refusal for problems given as (code, message, place)."""
        # AWS prints the place of a problem that has none as Java prints null.
        texts = [f"{code}: {message} at {place or 'null'}" for code, message, place in problems]
        return cls(problems=", ".join(texts))


class InvalidExecutionInput(ApiError):
    """An input that is not JSON, or too large."""

    code = "InvalidExecutionInput"
    message = "Invalid State Machine Execution Input: '{reason}'"


class StateMachineDoesNotExist(ApiError):
    """No such state machine in that account and region."""

    code = "StateMachineDoesNotExist"
    message = "State Machine Does Not Exist: '{arn}'"


class StateMachineAlreadyExists(ApiError):
    """The name is taken by a state machine that differs."""

    code = "StateMachineAlreadyExists"
    message = "State Machine Already Exists: '{arn}'"


class StateMachineDeleting(ApiError):
    """The state machine is on its way out."""

    code = "StateMachineDeleting"
    message = "State Machine is being deleted: '{arn}'"


class ExecutionDoesNotExist(ApiError):
    """No such execution."""

    code = "ExecutionDoesNotExist"
    message = "Execution Does Not Exist: '{arn}'"


class ExecutionAlreadyExists(ApiError):
    """The name is taken by an execution that is closed or has another input."""

    code = "ExecutionAlreadyExists"
    message = "Execution Already Exists: '{arn}'"


class MissingRequiredParameter(ApiError):
    """An update that changes nothing."""

    code = "MissingRequiredParameter"
    message = (
        "Either the definition, the role ARN, the LoggingConfiguration, "
        "or the TracingConfiguration must be specified"
    )


class InvalidOutput(ApiError):
    """A task's output that is not JSON."""

    code = "InvalidOutput"
    message = "Invalid Task Output: '{reason}'"


class TaskDoesNotExist(ApiError):
    """A token of an execution that is gone."""

    code = "TaskDoesNotExist"
    message = "Task does not exist"


class TaskTimedOut(ApiError):
    """A token that nobody waits for any more."""

    code = "TaskTimedOut"
    message = "Task Timed Out: 'Provided task does not exist anymore'"


class ResourceNotFound(ApiError):
    """No such map run, or nothing to tag."""

    code = "ResourceNotFound"
    message = "Resource not found: '{arn}'"


class ValidationException(ApiError):
    """A combination of members that makes no sense."""

    code = "ValidationException"
    message = "{reason}"


class TooManyTags(ApiError):
    """More than 50 tags on a resource."""

    code = "TooManyTags"
    message = "Too many tags on resource '{arn}'"
