"""API calls as JSON documents, whatever the service's own protocol: what workflows call by.

=============  ===================================================================
in a document  is
=============  ===================================================================
a member       under its name in the model, with a capital first letter
a blob         text: base64 where it is that, else its UTF-8; any other JSON value
               is its own text (``Payload: {…}``); in answers UTF-8, else base64 [nv]
a stream       text (never base64), or any other JSON value's own text [nv]
a timestamp    ISO 8601 text in answers; text or a number of seconds in requests
=============  ===================================================================

Requests are checked against the model's constraints as those on the wire are.

Source: AWS docs, Step Functions developer guide, "Learning to use AWS service SDK integrations".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

from haar.kernel.errors import RefusedAs
from haar.kernel.json_values import is_object
from haar.kit.call import Members
from haar.kit.documents import Documents
from haar.wire import timestamps
from haar.wire.bodies.json import JsonScalars
from haar.wire.bodies.tree import Convert, Malformed, TreeDecoder
from haar.wire.constraints import Explainer, refusal
from haar.wire.models import Member, ModelCatalog, ServiceModel, Shape
from haar.wire.patches import patch_of


def capitalized(name: str) -> str:
    """Return a member's name as documents have it."""
    return name[:1].upper() + name[1:]


class ModelDocuments(Documents):
    """Documents of any operation of any model.

    Args:
        catalog: loads the models.
    """

    def __init__(self, catalog: ModelCatalog) -> None:
        self._catalog = catalog
        self._made: dict[str, _Translator] = {}

    def decode(self, model: str, operation: str, document: Any) -> Members:
        """Return the members of a request, checked against the model."""
        return self._of(model).decode(operation, document)

    def encode(self, model: str, operation: str, result: Members) -> dict[str, Any]:
        """Return a result as a JSON object."""
        return self._of(model).encode(operation, result)

    def _of(self, model: str) -> _Translator:
        made = self._made.get(model)
        if made is None:
            made = self._made[model] = _Translator(self._catalog.service(model))
        return made


class _Translator:
    """The documents of one model."""

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._notes: list[bool] = []
        self._decoder = _Decoder(model, _Scalars(), self._notes)
        self._encoder = _Encoder(model)
        self._explainer = Explainer(model)

    def decode(self, operation: str, document: Any) -> Members:
        name = self._model.operation(operation).input
        shape = self._model.shape(name) if name else None
        if shape is None:
            return {}
        self._notes.clear()
        try:
            members: Members = self._decoder.structure(shape)(_copy_of(document, shape))
        except (Malformed, RecursionError) as error:
            raise RefusedAs("SerializationException", str(error)) from error
        if self._notes:
            breaches = self._explainer.breaches(shape, members)
            if breaches:
                raise refusal(breaches, "ValidationException", patch_of(self._model.name))
        return members

    def encode(self, operation: str, result: Members) -> dict[str, Any]:
        name = self._model.operation(operation).output
        if not name:
            return {}
        found: dict[str, Any] = self._encoder.structure(self._model.shape(name))(result)
        return found


def _copy_of(document: Any, shape: Shape) -> Any:
    """Return a document's copy, with its own members under their documents' names."""
    if not is_object(document):
        raise Malformed("The parameters must be an object")
    copy = {capitalized(name): value for name, value in document.items()}
    unknown = sorted(copy.keys() - {capitalized(name) for name in shape.members})
    if unknown:
        raise Malformed(f"The field '{unknown[0]}' is not supported by Step Functions")
    return orjson.loads(orjson.dumps(copy))


class _Scalars(JsonScalars):
    def blob(self, value: Any) -> bytes:
        """Return the bytes of a text in base64, of a plain one, or of a JSON value."""
        if not isinstance(value, str):
            return orjson.dumps(value)
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            return value.encode()


class _Decoder(TreeDecoder):
    """Names of documents instead of those of a protocol."""

    def of(self, member: Member) -> Convert:
        """Return the closure of a member."""
        return _stream if self._model.shape(member.shape).streaming else super().of(member)

    def name_of(self, name: str, member: Member) -> str:
        """Return a member's name in documents."""
        del member
        return capitalized(name)


def _stream(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else orjson.dumps(value)


class _Encoder:
    """Compiles the way from members to documents."""

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._made: dict[str, Convert] = {}

    def structure(self, shape: Shape) -> Convert:
        made = self._made.get(shape.name)
        if made is not None:
            return made
        table: dict[str, tuple[str, Convert]] = {}

        def convert(value: Any) -> Any:
            return {
                name: inner(value[key])
                for key, (name, inner) in table.items()
                if value.get(key) is not None
            }

        self._made[shape.name] = convert
        for name, member in shape.members.items():
            table[name] = (capitalized(name), self._of(member))
        return convert

    def _of(self, member: Member) -> Convert:
        shape = self._model.shape(member.shape)
        match shape.type:
            case "structure" if not shape.document:
                return self.structure(shape)
            case "list" if shape.member is not None:
                return _each(self._of(shape.member))
            case "map" if shape.value is not None:
                return _each_value(self._of(shape.value))
            case _:
                return _scalar


def _each(inner: Convert) -> Callable[[list[Any]], list[Any]]:
    return lambda items: [inner(item) for item in items]


def _each_value(inner: Convert) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda pairs: {key: inner(value) for key, value in pairs.items()}


def _scalar(value: Any) -> Any:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return timestamps.to_iso8601(value)
    return value
