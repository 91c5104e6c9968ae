"""The errors that reach a client, and the one that means a bug.

::

    ApiError                     an AWS-shaped refusal: code, status, message
     ├─ <Service>.<Refusal>      one class per model error, in services/*/errors.py
     ├─ NotImplementedByHaar     501: an operation or a member that is not built
     └─ InternalFailure          500: a bug of ours, logged once by the gateway

A refusal's message is a constant of its class with named placeholders; the values ride as
keywords, so that log lines of one kind group together.
"""

from __future__ import annotations

from typing import Any, ClassVar


class ApiError(Exception):
    """A refusal that the client sees as an AWS error.

    Subclasses set ``code`` (the error's code on the wire), ``message`` (AWS's exact text, with
    ``{placeholders}``) and ``status``. The wire layer looks ``code`` up in the service's model and
    prefers the model's HTTP status, fault and legacy query code where it names them.

    Args:
        message: replaces the class's text, for texts that AWS builds from parts.
        members: further members of the error's shape (``CancellationReasons``, ``Item``, …).
        details: values of the placeholders.
    """

    code: ClassVar[str] = "InternalFailure"
    message: ClassVar[str] = ""
    status: ClassVar[int] = 400

    def __init__(
        self,
        message: str | None = None,
        *,
        members: dict[str, Any] | None = None,
        **details: object,
    ) -> None:
        self.text = message if message is not None else self.message.format_map(details)
        self.details = details
        self.members: dict[str, Any] = members or {}
        super().__init__(self.text)

    @property
    def is_server_fault(self) -> bool:
        """Whether the fault is ours (5xx) and a client may try again."""
        return self.status >= 500


class RefusedAs(ApiError):
    """A refusal whose code and status are known only at run time (wire and identity use it)."""

    def __init__(
        self, code: str, text: str, *, status: int = 400, members: dict[str, Any] | None = None
    ) -> None:
        super().__init__(text, members=members)
        self.code = code  # type: ignore[misc]  # the instance narrows its class's constant
        self.status = status  # type: ignore[misc]  # the same


class NotImplementedByHaar(ApiError):
    """An operation, or a member of one, that haar does not have (yet)."""

    code = "NotImplemented"
    message = "haar does not implement {what}."
    status = 501


class InternalFailure(ApiError):
    """A bug of ours. The text tells nothing; the log has the call's id and the traceback."""

    code = "InternalFailure"
    message = "The request processing has failed because of an unknown error, exception or failure."
    status = 500
