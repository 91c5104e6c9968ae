"""Which operation a request means: service, model, operation, protocol, path labels.

====================================  ==================================================
what is looked at, in this order      what it tells
====================================  ==================================================
``X-Amz-Target: Prefix.Operation``    the JSON protocols
``Smithy-Protocol: rpc-v2-cbor``      the path is ``/service/<prefix>/operation/<name>``
credential scope                      the signing name; header, or ``X-Amz-Credential``
first labels of the host              the endpoint prefix, where nothing is signed
path                                  a REST model that has it, where nothing is signed
``Action`` in the query or the form   the query protocols
method, path, query, headers          the REST protocols (:mod:`haar.wire.paths`)
====================================  ==================================================

A request that names no service goes to the model that takes anonymous requests, if one does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote_to_bytes

from haar.kernel.errors import ApiError, RefusedAs
from haar.wire.bodies import json
from haar.wire.http import HttpRequest
from haar.wire.models import ModelCatalog, ServiceModel
from haar.wire.patches import patch_of
from haar.wire.paths import ConflictingQuery, PathTable, split

_ACTION = re.compile(rb"(?:^|&)Action=([^&]*)")
_JSON_MEDIA = frozenset(
    {b"application/json", b"application/x-amz-json-1.0", b"application/x-amz-json-1.1"}
)
_FORM = b"application/x-www-form-urlencoded"
_FIELDS_MAX = 1000
_CREDENTIAL_BYTES = 512

_UNKNOWN_TEXT = "The requested operation is not recognized by the service."


@dataclass(frozen=True, slots=True)
class Routed:
    """The operation that a request means.

    Attributes:
        service: haar's name of the service package (``lambda_``).
        model: botocore's name of the model (``lambda``).
        operation: the model's name of the operation.
        protocol: a row of :mod:`haar.wire.protocols`, e.g. ``json-1.0``.
        labels: the path's labels, percent-decoded.
        bucket: the label that came with the host name, or None.
    """

    service: str
    model: str
    operation: str
    protocol: str
    labels: dict[str, str] = field(default_factory=dict[str, str])
    bucket: str | None = None


@dataclass(frozen=True, slots=True)
class Guess:
    """What a request that could not be routed (yet) looks like.

    Attributes:
        model: its model where it names one.
        protocol: the row in which to refuse it.
    """

    model: ServiceModel | None
    protocol: str


class Front:
    """One registered model with what routing needs of it."""

    def __init__(self, service: str, model: ServiceModel) -> None:
        self.service = service
        self.model = model
        self.protocol = row_of(model)
        self.patch = patch_of(model.name)
        self._paths: PathTable | None = None

    @property
    def paths(self) -> PathTable:
        """The path templates, made when first needed."""
        if self._paths is None:
            self._paths = PathTable(self.model)
        return self._paths

    def routed(self, operation: str, protocol: str = "") -> Routed:
        """Return the answer for an operation without labels."""
        return Routed(self.service, self.model.name, operation, protocol or self.protocol)


class Router:
    """Names the operation of a request.

    Args:
        catalog: loads the models.
        registered: haar's name of each service, with the names of its models.
        domains: below which a host's first labels may be a path label (a bucket).
    """

    def __init__(
        self,
        catalog: ModelCatalog,
        registered: Iterable[tuple[str, Iterable[str]]],
        domains: Iterable[str] = (),
    ) -> None:
        self._fronts = [
            Front(service, catalog.service(name)) for service, names in registered for name in names
        ]
        self._domains = tuple(f".{domain.lower()}" for domain in domains)
        self._by_signing: dict[bytes, list[Front]] = {}
        self._by_target: dict[bytes, Front] = {}
        self._targets: dict[bytes, Routed] = {}
        for front in self._fronts:
            self._by_signing.setdefault(front.model.signing_name.encode(), []).append(front)
            if front.model.metadata.target_prefix:
                self._by_target[front.model.metadata.target_prefix.encode()] = front
        self._home = next((f for f in self._fronts if f.patch.is_anonymous_home), None)

    def route(self, request: HttpRequest) -> Routed:
        """Return the operation that a request means.

        Raises:
            ApiError: no registered model has it; the code is the protocol's.
        """
        target = request.headers.get(b"x-amz-target")
        if target is not None:
            if request.method != "POST" or request.headers.get(b"content-type") not in _JSON_MEDIA:
                refuse_other_media(request)
            found = self._targets.get(target)
            return found if found is not None else self._route_target(target, request)
        if b"smithy-protocol" in request.headers:
            return self._route_cbor(request)
        fronts = self._fronts_of(request)
        for front in fronts:
            routed = self._route_in(front, request)
            if routed is not None:
                return routed
        raise self._unknown(request, fronts[0] if fronts else None)

    def guess(self, request: HttpRequest) -> Guess:
        """Return the model and protocol in which a request wants to be refused."""
        target = request.headers.get(b"x-amz-target")
        if target is not None:
            front = self._by_target.get(target.rpartition(b".")[0])
            return Guess(front.model, front.protocol) if front else Guess(None, "json-1.0")
        if b"smithy-protocol" in request.headers:
            return Guess(None, "smithy-rpc-v2-cbor")
        fronts = self._fronts_of(request)
        if fronts:
            return Guess(fronts[0].model, protocol_of(fronts[0], request))
        is_form = action_of(request) is not None or is_unread_form(request)
        return Guess(None, "query" if is_form else "rest-json")

    def _route_target(self, target: bytes, request: HttpRequest) -> Routed:
        prefix, _, name = target.rpartition(b".")
        front = self._by_target.get(prefix)
        operation = name.decode("latin-1")
        if front is None or operation not in front.model.operations:
            json.refuse_unreadable(request.body)
            raise RefusedAs("UnknownOperationException", "")
        found = self._targets[target] = front.routed(operation)
        return found

    def _route_cbor(self, request: HttpRequest) -> Routed:
        parts = request.path.split(b"/")
        if len(parts) >= 5 and parts[-4] == b"service" and parts[-2] == b"operation":
            front = self._by_target.get(parts[-3])
            operation = parts[-1].decode("latin-1")
            if front is not None and operation in front.model.operations:
                return front.routed(operation, "smithy-rpc-v2-cbor")
        raise RefusedAs("UnknownOperationException", _UNKNOWN_TEXT, status=404)

    def _fronts_of(self, request: HttpRequest) -> list[Front]:
        service = signed_service(request)
        if service is not None:
            return self._by_signing.get(service, [])
        return self._fronts_of_unsigned(request)

    def _fronts_of_unsigned(self, request: HttpRequest) -> list[Front]:
        first = host_of(request).partition(".")[0]
        named = [f for f in self._fronts if f.model.metadata.endpoint_prefix == first]
        if named:
            return named
        action = action_of(request)
        if action is not None:
            able = [f for f in self._fronts if f.protocol in ("query", "ec2")]
            return [f for f in able if action in f.model.operations] or able
        home = [self._home] if self._home is not None else []
        if b"AWSAccessKeyId=" in request.query:  # an older presigned link, which only S3 takes
            return home
        return self._fronts_with_path(request) or home

    def _fronts_with_path(self, request: HttpRequest) -> list[Front]:
        """Return the models but the home that have an operation at the request's path."""
        able = [f for f in self._fronts if f is not self._home and f.protocol.startswith("rest-")]
        try:
            return [f for f in able if self._route_path(f, request) is not None]
        except ApiError:  # a path or query that cannot be read is nobody's: the home refuses it
            return []

    def _route_in(self, front: Front, request: HttpRequest) -> Routed | None:
        if front.protocol.startswith("rest-"):
            return self._route_path(front, request)
        if front.protocol in ("query", "ec2") or front.model.is_query_compatible:
            action = action_of(request)
            if action in front.model.operations:
                protocol = front.protocol if front.protocol == "ec2" else "query"
                return front.routed(str(action), protocol)
        return None

    def _route_path(self, front: Front, request: HttpRequest) -> Routed | None:
        path, bucket = request.path, None
        if front.patch.host_label:
            bucket = self._label_in_host(host_of(request), front.model.metadata.endpoint_prefix)
        segments = split(path)
        if bucket is not None:
            segments = (
                [bucket.encode(), *path[1:].split(b"/")] if len(path) > 1 else [bucket.encode()]
            )
        elif front.patch.host_label and path.count(b"/") > 1:
            segments = keep_slashes(path)
        try:
            found = front.paths.find(
                request.method, segments, parse_query(request.query), request.headers
            )
        except ConflictingQuery as conflict:
            text = f"Conflicting query string parameters: {conflict}"
            raise RefusedAs("InvalidArgument", text) from conflict
        except UnicodeDecodeError as error:
            raise RefusedAs("InvalidURI", "Couldn't parse the specified URI.") from error
        if found is None:
            return None
        return Routed(front.service, front.model.name, found[0], front.protocol, found[1], bucket)

    def _label_in_host(self, host: str, prefix: str) -> str | None:
        """Return what stands before a domain of ours, without ``s3`` or ``s3.<region>``."""
        for domain in self._domains:
            if host.endswith(domain):
                labels = host[: -len(domain)].split(".")
                if prefix in labels[-2:]:
                    labels = labels[: -1 - labels[::-1].index(prefix)]
                return ".".join(labels) or None
        return None

    def _unknown(self, request: HttpRequest, front: Front | None) -> ApiError:
        protocol = self.guess(request).protocol
        if protocol in ("query", "ec2"):
            text = f"Could not find operation {action_of(request) or ''}"
            return RefusedAs("InvalidAction", text)
        if front is not None and front.patch.host_label:
            text = "The specified method is not allowed against this resource."
            return RefusedAs(
                "MethodNotAllowed", text, status=405, members={"Method": request.method}
            )
        status = 404 if protocol.startswith("rest-") else 400
        return RefusedAs("UnknownOperationException", _UNKNOWN_TEXT, status=status)


def refuse_other_media(request: HttpRequest) -> None:
    """Refuse what is no call by ``X-Amz-Target``: another method, or a body of another kind.

    Raises:
        RefusedAs: it is none.
    """
    media = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    has_body = not isinstance(request.body, bytes) or bool(request.body)
    if request.method != "POST" or (has_body and media not in _JSON_MEDIA):
        raise RefusedAs("UnknownOperationException", "", status=404)


def protocol_of(front: Front, request: HttpRequest) -> str:
    """Return the protocol that a request without a target speaks to a model."""
    if front.model.is_query_compatible and (
        action_of(request) is not None or is_unread_form(request)
    ):
        return "query"
    return front.protocol


def is_unread_form(request: HttpRequest) -> bool:
    """Whether a form is arriving that is too long to be here, or in chunks: it has the action."""
    return (
        not isinstance(request.body, bytes)
        and request.method == "POST"
        and request.headers.get(b"content-type", b"").startswith(_FORM)
        and b"x-amz-target" not in request.headers
    )


def signed_service(request: HttpRequest) -> bytes | None:
    """Return the service that a request was signed for, or None where it does not say one."""
    _, _, told = request.headers.get(b"authorization", b"").partition(b"Credential=")
    credential = told[:_CREDENTIAL_BYTES].partition(b",")[0]
    if not told and b"X-Amz-Credential=" in request.query:
        _, _, told = request.query.partition(b"X-Amz-Credential=")
        credential = unquote_to_bytes(told[:_CREDENTIAL_BYTES].partition(b"&")[0])
    # key/date/region/service/terminator; signatures for many regions have no region in it.
    parts = credential.strip().split(b"/")
    return parts[-2] if len(parts) in (4, 5) and parts[-2] else None


def keep_slashes(path: bytes) -> list[bytes]:
    """Split a path whose greedy label keeps every slash: ``/b//x/`` has the key ``/x/``."""
    segments = path[1:].split(b"/")
    return segments[:1] if segments[1:] == [b""] else segments


def row_of(model: ServiceModel) -> str:
    """Return the protocol row in which a model is spoken unless a request says otherwise."""
    spoken = [p for p in model.protocols if p != "smithy-rpc-v2-cbor"] or ["smithy-rpc-v2-cbor"]
    if spoken[0] == "json":
        return f"json-{model.metadata.json_version or '1.0'}"
    return spoken[0]


def host_of(request: HttpRequest) -> str:
    """Return the host, lower case and without its port."""
    host = request.headers.get(b"host", b"").decode("latin-1").lower()
    return host.partition(":")[0] if not host.startswith("[") else ""


def action_of(request: HttpRequest) -> str | None:
    """Return ``Action`` of the query string or of a form body that is here already."""
    found = _ACTION.search(request.query)
    if found is None and isinstance(request.body, bytes):
        if not request.headers.get(b"content-type", _FORM).startswith(_FORM):
            return None
        found = _ACTION.search(request.body)
    return None if found is None else found[1].decode("latin-1")


def parse_query(raw: bytes) -> dict[str, str]:
    """Return decoded query parameters; the last value of each.

    Raises:
        RefusedAs: too many of them.
    """
    if not raw:
        return {}
    try:
        return dict(
            parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=_FIELDS_MAX)
        )
    except ValueError as error:
        raise RefusedAs("InvalidURI", "Couldn't parse the specified URI.") from error
