"""API calls as JSON documents: the part of the cloud that workflows translate their calls by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from haar.kit.call import Members


class Documents(ABC):
    """Translates JSON values to members and back; found by ``cloud.part(Documents)``.

    The gateway has it made from the services' models (:mod:`haar.wire.documents`), which services
    do not know.
    """

    @abstractmethod
    def decode(self, model: str, operation: str, document: Any) -> Members:
        """Return the members of a request, checked against the model.

        Args:
            model: botocore's name of the service.
            operation: the model's operation name.
            document: a JSON value; it stays as it is.

        Raises:
            ApiError: not an object, unknown or wrongly typed members, breached constraints.
            KeyError: the model has no such operation.
        """

    @abstractmethod
    def encode(self, model: str, operation: str, result: Members) -> dict[str, Any]:
        """Return a result, in which no stream is left, as a JSON object."""
