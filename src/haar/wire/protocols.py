"""The protocols: a table of bindings and bodies, and the codec that a row makes for an operation.

======================  ========  =========  ==========  ==================
row                     binding   request    response    malformed body
======================  ========  =========  ==========  ==================
``json-1.0``            target    JSON       JSON        SerializationException
``json-1.1``            target    JSON       JSON        SerializationException
``smithy-rpc-v2-cbor``  target    CBOR       CBOR        SerializationException
``rest-json``           rest      JSON       JSON        SerializationException
``rest-xml``            rest      XML        XML         MalformedXML
``query``               form      form       XML         MalformedInput
``ec2``                 form      form       XML         MalformedInput
======================  ========  =========  ==========  ==================

A codec is compiled when its operation is first asked for, and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from haar.kernel.errors import ApiError, RefusedAs
from haar.kit.call import Members
from haar.kit.streams import ByteStream
from haar.wire import compression, digests, refusals
from haar.wire.bindings import form as form_binding
from haar.wire.bindings import rest, target
from haar.wire.bindings.parts import Body, BodyDecode, BodyEncode, Bound, Parts
from haar.wire.bodies import cbor, form, json, xml
from haar.wire.bodies.tree import Malformed, MalformedParameter
from haar.wire.constraints import Explainer, refusal
from haar.wire.http import HttpRequest, HttpResponse
from haar.wire.models import ModelCatalog, OperationModel, ServiceModel, Shape
from haar.wire.patches import NO_PATCH, Patch, patch_of
from haar.wire.route import Routed, Router


class JsonBody:
    """JSON in both directions."""

    def decoder(
        self, model: ServiceModel, shape: Shape, notes: list[bool], names: frozenset[str] | None
    ) -> BodyDecode:
        """Return the function from bytes to members."""
        return json.decoder(model, shape, notes, names)

    def encoder(
        self,
        model: ServiceModel,
        shape: Shape,
        names: frozenset[str] | None,
        root: str,
        namespace: str,
    ) -> BodyEncode:
        """Return the function from members to bytes."""
        del root, namespace
        return json.encoder(model, shape, names)


class CborBody:
    """CBOR in both directions."""

    def decoder(
        self, model: ServiceModel, shape: Shape, notes: list[bool], names: frozenset[str] | None
    ) -> BodyDecode:
        """Return the function from bytes to members."""
        del names
        return cbor.decoder(model, shape, notes)

    def encoder(
        self,
        model: ServiceModel,
        shape: Shape,
        names: frozenset[str] | None,
        root: str,
        namespace: str,
    ) -> BodyEncode:
        """Return the function from members to bytes."""
        del model, shape, names, root, namespace
        return cbor.dumps


class XmlBody:
    """XML in both directions."""

    def decoder(
        self, model: ServiceModel, shape: Shape, notes: list[bool], names: frozenset[str] | None
    ) -> BodyDecode:
        """Return the function from bytes to members."""
        del notes
        return xml.decoder(model, shape, names)

    def encoder(
        self,
        model: ServiceModel,
        shape: Shape,
        names: frozenset[str] | None,
        root: str,
        namespace: str,
    ) -> BodyEncode:
        """Return the function from members to bytes."""
        return xml.encoder(model, shape, names, root, namespace)


class FormBody(XmlBody):
    """A form in, XML out."""

    def __init__(self, *, is_ec2: bool = False) -> None:
        self._is_ec2 = is_ec2

    def decoder(
        self, model: ServiceModel, shape: Shape, notes: list[bool], names: frozenset[str] | None
    ) -> BodyDecode:
        """Return the function from bytes to members."""
        del notes, names
        return form.decoder(model, shape, is_ec2=self._is_ec2)


@dataclass(frozen=True, slots=True)
class Row:
    """One protocol: a line of the table.

    Attributes:
        bind: the binding.
        body: the encoding.
        media: content type of answers.
        id_header: the header with the request's id.
        malformed: code of the refusal of a body that cannot be read.
        breached: code of the refusal of members that breach constraints.
        style: how errors are written.
        is_ec2: the EC2 dialect of forms.
    """

    bind: Callable[[Parts], Bound]
    body: Body
    media: bytes
    id_header: bytes
    malformed: str
    breached: str
    style: refusals.Style
    is_ec2: bool = False


def _json(version: str) -> Row:
    return Row(
        bind=target.bind,
        body=JsonBody(),
        media=f"application/x-amz-json-{version}".encode(),
        id_header=b"x-amzn-requestid",
        malformed="SerializationException",
        breached="ValidationException",
        style=refusals.as_json(version),
    )


ROWS: Mapping[str, Row] = {
    "json-1.0": _json("1.0"),
    "json-1.1": _json("1.1"),
    "smithy-rpc-v2-cbor": Row(
        bind=target.bind,
        body=CborBody(),
        media=b"application/cbor",
        id_header=b"x-amzn-requestid",
        malformed="SerializationException",
        breached="ValidationException",
        style=refusals.as_cbor,
    ),
    "rest-json": Row(
        bind=rest.bind,
        body=JsonBody(),
        media=b"application/json",
        id_header=b"x-amzn-requestid",
        malformed="SerializationException",
        breached="ValidationException",
        style=refusals.as_rest_json,
    ),
    "rest-xml": Row(
        bind=rest.bind,
        body=XmlBody(),
        media=b"application/xml",
        id_header=b"x-amz-request-id",
        malformed="MalformedXML",
        breached="ValidationError",
        style=refusals.as_rest_xml,
    ),
    "query": Row(
        bind=form_binding.bind,
        body=FormBody(),
        media=b"text/xml",
        id_header=b"x-amzn-requestid",
        malformed="MalformedInput",
        breached="ValidationError",
        style=refusals.as_query,
    ),
    "ec2": Row(
        bind=form_binding.bind,
        body=FormBody(is_ec2=True),
        media=b"text/xml;charset=UTF-8",
        id_header=b"x-amzn-requestid",
        malformed="MalformedInput",
        breached="InvalidParameterValue",
        style=refusals.as_ec2,
        is_ec2=True,
    ),
}

_MALFORMED_XML = (
    "The XML you provided was not well-formed or did not validate against our published schema"
)


class Codec:
    """Translates between bytes and members for one operation in one protocol.

    Args:
        row: the protocol.
        model: the service's model; None where a request names no service.
        operation: None where only refusals can be written.
        explainer: finds breaches of constraints; comes with a model.

    Attributes:
        signing_name: the service in a credential's scope; empty without a model.
        wants_stream: whether :meth:`decode` takes the body as a stream, however long. All others
            need bytes.
    """

    __slots__ = (
        "_bound",
        "_explainer",
        "_input",
        "_is_compressible",
        "_needs_digest",
        "_notes",
        "_patch",
        "_row",
        "model",
        "operation",
        "signing_name",
        "wants_stream",
    )

    def __init__(
        self,
        row: Row,
        model: ServiceModel | None,
        operation: OperationModel | None,
        explainer: Explainer | None,
        patch: Patch = NO_PATCH,
    ) -> None:
        self._row = row
        self._patch = patch
        self._notes: list[bool] = []
        self.model = model
        self.operation = operation
        self.signing_name = model.signing_name if model is not None else ""
        self._explainer = explainer
        self._bound: Bound | None = None
        self._input: Shape | None = None
        self._is_compressible = False
        self.wants_stream = False
        self._needs_digest = (
            patch.has_digests and operation is not None and operation.is_checksum_required
        )
        if model is not None and operation is not None:
            self._bound = bound = row.bind(self._parts(model, operation))
            self._input = model.shape(operation.input) if operation.input else None
            if self._input is not None and explainer is not None:
                is_settled = not bound.is_noting and explainer.is_settled(self._input)
                self._explainer = None if is_settled else explainer
            self.wants_stream = bound.wants_stream
            self._is_compressible = "gzip" in operation.compressions

    def _parts(self, model: ServiceModel, operation: OperationModel) -> Parts:
        row = self._row
        return Parts(
            model=model,
            operation=operation,
            patch=self._patch,
            notes=self._notes,
            request=row.body,
            response=row.body,
            media=row.media,
            id_header=row.id_header,
            is_ec2=row.is_ec2,
        )

    def decode(self, request: HttpRequest, body: bytes | ByteStream, routed: Routed) -> Members:
        """Return the request's members, checked against the model's constraints.

        Raises:
            ApiError: a body that cannot be read, or members that breach constraints; in the words
                of the protocol and the service.
        """
        bound = self._bound
        assert bound is not None, "only an operation's codec decodes"
        if self._needs_digest and isinstance(body, bytes):
            digests.verify(request, body)
        try:
            if self._is_compressible and isinstance(body, bytes) and compression.take_off(request):
                body = compression.expand(body)
            members = bound.decode(request, body, routed)
        except (Malformed, RecursionError) as error:
            self._notes.clear()
            raise self._malformed(error) from error
        if self._notes or not bound.is_noting:
            self._notes.clear()
            self._refuse_breaches(members)
        return members

    def refuse_unreadable(self, request: HttpRequest) -> None:
        """Refuse a JSON document that is none: AWS's JSON services read before they ask who asks.

        Raises:
            RefusedAs: it is none.
        """
        is_json = self._row.bind is target.bind and isinstance(self._row.body, JsonBody)
        if is_json and b"content-encoding" not in request.headers:
            json.refuse_unreadable(request.body)

    def _malformed(self, error: Malformed | RecursionError) -> ApiError:
        patch = self._patch
        if isinstance(error, MalformedParameter) and patch.parameter_code:
            told = patch.parameter_text.format(name=error.name)
            return RefusedAs(patch.parameter_code, told, members={"ArgumentName": error.name})
        code = self._row.malformed
        text = str(error) if isinstance(error, Malformed) else ""
        return RefusedAs(code, text or (_MALFORMED_XML if code == "MalformedXML" else ""))

    def _refuse_breaches(self, members: Members) -> None:
        if self._input is None or self._explainer is None:
            return
        breaches = self._explainer.breaches(self._input, members)
        if breaches:
            raise refusal(breaches, self._row.breached, self._patch)

    def encode(self, result: Members, request_id: str) -> HttpResponse:
        """Return the answer of a success."""
        assert self._bound is not None, "only an operation's codec encodes"
        return self._bound.encode(result, request_id)

    def refuse(self, error: ApiError, request_id: str, request: HttpRequest) -> HttpResponse:
        """Return the answer of a refusal, with the model's status, fault and codes."""
        told = refusals.tell(error, self.model, self._patch, request_id, request)
        return self._row.style(told, self.model, self._patch)


class Codecs:
    """All codecs, each made when first asked for.

    Args:
        catalog: loads the models.
        router: guesses the protocol of requests that it could not route.
    """

    def __init__(self, catalog: ModelCatalog, router: Router) -> None:
        self._catalog = catalog
        self._router = router
        self._made: dict[tuple[str, str, str], Codec] = {}
        self._explainers: dict[str, Explainer] = {}
        self._fallbacks: dict[tuple[str, str], Codec] = {}

    def of(self, routed: Routed) -> Codec:
        """Return the codec of an operation."""
        key = (routed.model, routed.operation, routed.protocol)
        codec = self._made.get(key)
        return codec if codec is not None else self._make(key)

    def _make(self, key: tuple[str, str, str]) -> Codec:
        name, operation, protocol = key
        model, patch = self._catalog.service(name), patch_of(name)
        if protocol == "query" and patch.query_elements:
            model = model.renamed(patch.query_elements)
        explainer = self._explainers.get(name)
        if explainer is None:
            explainer = self._explainers[name] = Explainer(model)
        codec = self._made[key] = Codec(
            ROWS[protocol], model, model.operation(operation), explainer, patch
        )
        return codec

    def fallback(self, request: HttpRequest) -> Codec:
        """Return a codec that refuses a request in its own protocol, whatever it asked for."""
        guess = self._router.guess(request)
        name = guess.model.name if guess.model is not None else ""
        codec = self._fallbacks.get((name, guess.protocol))
        if codec is None:
            patch = patch_of(name) if name else refusals.BARE
            codec = Codec(ROWS[guess.protocol], guess.model, None, None, patch)
            self._fallbacks[name, guess.protocol] = codec
        return codec
