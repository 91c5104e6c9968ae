"""What a binding is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from haar.kit.call import Members
from haar.kit.streams import ByteStream
from haar.wire.http import HttpRequest, HttpResponse
from haar.wire.models import OperationModel, ServiceModel, Shape
from haar.wire.patches import Patch
from haar.wire.route import Routed

Decode = Callable[[HttpRequest, bytes | ByteStream, Routed], Members]
Encode = Callable[[Members, str], HttpResponse]

BodyDecode = Callable[[bytes], Members]
BodyEncode = Callable[[Members], bytes]


class Body(Protocol):
    """One of the four encodings of a body."""

    def decoder(
        self, model: ServiceModel, shape: Shape, notes: list[bool], names: frozenset[str] | None
    ) -> BodyDecode:
        """Return the function from bytes to the members of a structure."""
        ...

    def encoder(
        self,
        model: ServiceModel,
        shape: Shape,
        names: frozenset[str] | None,
        root: str,
        namespace: str,
    ) -> BodyEncode:
        """Return the function from the members of a structure to bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """One operation in one protocol.

    Attributes:
        model: the service's.
        operation: of that model.
        patch: what the model does not say.
        notes: gets an element for each breached constraint.
        request: the encoding of request bodies.
        response: the encoding of response bodies.
        media: the response's content type.
        id_header: the header that carries the request's id.
        is_ec2: the names and the answers of the EC2 dialect.
    """

    model: ServiceModel
    operation: OperationModel
    patch: Patch
    notes: list[bool]
    request: Body
    response: Body
    media: bytes
    id_header: bytes
    is_ec2: bool = False

    @property
    def input(self) -> Shape | None:
        """The input's shape, if there is input."""
        return self.model.shape(self.operation.input) if self.operation.input else None

    @property
    def output(self) -> Shape | None:
        """The output's shape, if there is output."""
        return self.model.shape(self.operation.output) if self.operation.output else None

    @property
    def namespace(self) -> str:
        """The XML namespace of answers."""
        return self.patch.namespace or self.model.namespace


@dataclass(frozen=True, slots=True)
class Bound:
    """What a binding makes of an operation.

    Attributes:
        decode: from a request to members.
        encode: from members and the request's id to an answer.
        is_noting: whether ``decode`` notes every breached constraint.
        wants_stream: whether a member is the body itself, as a stream.
    """

    decode: Decode
    encode: Encode
    is_noting: bool = False
    wants_stream: bool = False
