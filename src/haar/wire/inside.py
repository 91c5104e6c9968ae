"""Members that services hand to each other, held against the model as those on the wire are.

Nothing is decoded: a blob is bytes (or a stream), a timestamp is a moment, and every member has its
name in the model. Types and constraints are the model's, and so are the words of a refusal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from haar.kernel.errors import RefusedAs
from haar.kit.call import Members
from haar.wire.bodies.tree import Convert, Malformed, TreeDecoder, keep, unlike
from haar.wire.constraints import Explainer, refusal
from haar.wire.models import Member, ModelCatalog, ServiceModel, Shape
from haar.wire.patches import patch_of
from haar.wire.protocols import ROWS
from haar.wire.route import row_of


class InsideChecks:
    """Checks members of any operation of any model.

    Args:
        catalog: loads the models.
    """

    def __init__(self, catalog: ModelCatalog) -> None:
        self._catalog = catalog
        self._made: dict[str, _ModelChecks] = {}

    def check(self, model: str, operation: str, members: Members) -> None:
        """Return if the members are as the model wants them.

        Raises:
            ApiError: values of other types than the model's, or breached constraints; in the words
                of the service.
        """
        made = self._made.get(model)
        if made is None:
            made = self._made[model] = _ModelChecks(self._catalog.service(model))
        made.check(operation, members)


class _ModelChecks:
    """The checks of one model, compiled shape by shape when they are first wanted."""

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._row = ROWS[row_of(model)]
        self._notes: list[bool] = []
        self._walks = _Walks(model, _Scalars(), self._notes)
        self._explainer = Explainer(model)

    def check(self, operation: str, members: Members) -> None:
        name = self._model.operation(operation).input
        if not name:
            return
        shape = self._model.shape(name)
        self._notes.clear()
        try:
            self._walks.structure(shape)(members)
        except (Malformed, RecursionError) as error:
            raise RefusedAs(self._row.malformed, str(error)) from error
        if self._notes:
            self._refuse(shape, members)

    def _refuse(self, shape: Shape, members: Members) -> None:
        breaches = self._explainer.breaches(shape, members)
        if breaches:
            raise refusal(breaches, self._row.breached, patch_of(self._model.name))


class _Scalars:
    """What is decoded already."""

    def blob(self, value: Any) -> Any:
        """Return bytes."""
        if value.__class__ is not bytes:
            raise Malformed(unlike(value, "ByteBuffer"))
        return value

    def timestamp(self, value: Any) -> Any:
        """Return a moment."""
        if not isinstance(value, datetime):
            raise Malformed(unlike(value, "Timestamp"))
        return value


class _Walks(TreeDecoder):
    """The model's own names, and streams as they are."""

    def of(self, member: Member) -> Convert:
        """Return the closure of a member."""
        return keep if self._model.shape(member.shape).streaming else super().of(member)

    def name_of(self, name: str, member: Member) -> str:
        """Return a member's name in the model."""
        del member
        return name
