"""The service models: botocore's data, without botocore, in a form that loads in a millisecond.

A model is read from botocore's ``service-2.json.gz`` once and kept as a compact file in the cache
directory, keyed by botocore's version. Such a file is::

    4 bytes   magic, ends in the format's number
    4 bytes   CRC-32 of the rest, big endian
    rest      MessagePack of ``_Compact``: metadata, operations, error codes, shapes

Shapes stay MessagePack until somebody asks for one, so that an idle server holds bytes, not trees.
A file that is damaged, or of another version, is built anew. Documentation is dropped.
"""

from __future__ import annotations

import contextlib
import gzip
import importlib.util
import os
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import orjson

from haar.wire.patches import Patch, patch_of

T = TypeVar("T")

_MAGIC = b"hmd\x03"


class XmlNamespace(msgspec.Struct, frozen=True):
    """An XML namespace with its prefix, if any."""

    uri: str = ""
    prefix: str = ""


def _namespace(raw: object) -> dict[str, Any] | None:
    """Return a namespace as the models write it: a text or a mapping."""
    return {"uri": raw} if isinstance(raw, str) else cast("dict[str, Any] | None", raw)


class Member(msgspec.Struct, frozen=True, array_like=True, rename="camel"):
    """A reference to a shape: a structure's member, or the elements of a list or map."""

    shape: str
    location: str = ""
    location_name: str = ""
    query_name: str = ""
    timestamp_format: str = ""
    flattened: bool = False
    xml_attribute: bool = False
    xml_namespace: XmlNamespace | None = None
    jsonvalue: bool = False
    streaming: bool = False
    idempotency_token: bool = False
    host_label: bool = False
    box: bool = False
    eventheader: bool = False
    eventpayload: bool = False


class ErrorTraits(msgspec.Struct, frozen=True, array_like=True, rename="camel"):
    """What a shape says of itself as an error: its legacy code, HTTP status and whose fault."""

    code: str = ""
    http_status_code: int = 0
    sender_fault: bool = False


class Shape(msgspec.Struct, frozen=True, array_like=True, rename="camel"):
    """A type of the model, with its traits; the names are the model's in snake case."""

    name: str
    type: str
    members: dict[str, Member] = {}
    required: tuple[str, ...] = ()
    payload: str = ""
    member: Member | None = None
    key: Member | None = None
    value: Member | None = None
    min: float | None = None
    max: float | None = None
    pattern: str = ""
    enum: tuple[str, ...] = ()
    sensitive: bool = False
    exception: bool = False
    fault: bool = False
    error: ErrorTraits | None = None
    flattened: bool = False
    location_name: str = ""
    timestamp_format: str = ""
    streaming: bool = False
    requires_length: bool = False
    eventstream: bool = False
    xml_namespace: XmlNamespace | None = None
    union: bool = False
    document: bool = False
    sparse: bool = False
    wrapper: bool = False
    box: bool = False


class OperationModel(msgspec.Struct, frozen=True, array_like=True):
    """An operation of the model.

    Attributes:
        name: as the model writes it.
        method: of HTTP.
        uri: path template and literal query parameters.
        status: of a success.
        input: name of the input shape, or empty.
        input_name: the name of the request's root element, where the model gives one.
        input_namespace: the namespace of that element.
        output: name of the output shape, or empty.
        output_wrapper: the element around the result of the query protocol.
        errors: names of the error shapes.
        authtype: ``none`` where no signature is needed.
        is_deprecated: an older operation of the same path may be.
        context: static parameters of the endpoint rules: a rank among operations of one path.
        checksum_algorithm_member: the input member that names the request's checksum.
        is_checksum_required: a checksum or Content-MD5 is.
        compressions: content encodings in which a client may compress the body.
    """

    name: str
    method: str
    uri: str
    status: int = 200
    input: str = ""
    input_name: str = ""
    input_namespace: XmlNamespace | None = None
    output: str = ""
    output_wrapper: str = ""
    errors: tuple[str, ...] = ()
    authtype: str = ""
    is_deprecated: bool = False
    context: int = 0
    checksum_algorithm_member: str = ""
    is_checksum_required: bool = False
    compressions: tuple[str, ...] = ()


class Metadata(msgspec.Struct, frozen=True, rename="camel"):
    """What the model says of the service as a whole."""

    protocol: str
    api_version: str
    endpoint_prefix: str
    protocols: tuple[str, ...] = ()
    service_id: str = ""
    json_version: str = ""
    target_prefix: str = ""
    signing_name: str = ""
    xml_namespace: Any = None
    aws_query_compatible: Any = None


class _Compact(msgspec.Struct):
    """The content of a cache file."""

    botocore: str
    metadata: Metadata
    operations: dict[str, OperationModel]
    errors: dict[str, str]
    shapes: dict[str, msgspec.Raw]


class UnknownModel(LookupError):
    """botocore has no model of that name."""


class ServiceModel:
    """One service's model.

    Attributes:
        name: botocore's name of the service (``lambda``, ``stepfunctions``).
        metadata: of the service as a whole.
        protocols: the wire protocols, in the model's order.
        signing_name: the service in a credential's scope.
        namespace: the XML namespace of its documents, or empty.
        is_query_compatible: whether errors keep their codes of the query protocol.
        operations: by name.
    """

    def __init__(
        self, name: str, compact: _Compact, elements: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        self.name = name
        self._compact = compact
        self._elements = elements or {}
        self.metadata = metadata = compact.metadata
        self.protocols = metadata.protocols or (metadata.protocol,)
        self.signing_name = metadata.signing_name or metadata.endpoint_prefix
        namespace = _namespace(metadata.xml_namespace) or {}
        self.namespace = str(namespace.get("uri", ""))
        self.is_query_compatible = metadata.aws_query_compatible is not None
        self.operations = compact.operations
        self._errors = compact.errors
        self._raw = compact.shapes
        self._shapes: dict[str, Shape] = {}
        self._patch = patch_of(name)

    def operation(self, name: str) -> OperationModel:
        """Return the operation.

        Raises:
            KeyError: the model has none of that name.
        """
        return self.operations[name]

    def shape(self, name: str) -> Shape:
        """Return the shape.

        Raises:
            KeyError: the model has none of that name.
        """
        shape = self._shapes.get(name)
        if shape is None:
            shape = _SHAPE.decode(self._raw[name])
            self._shapes[name] = shape = self._rename(_patched(shape, self._patch))
        return shape

    def renamed(self, elements: Mapping[str, tuple[str, ...]]) -> ServiceModel:
        """Return the model with other names on the wire, see ``Patch.query_elements``."""
        return ServiceModel(self.name, self._compact, elements)

    def _rename(self, shape: Shape) -> Shape:
        own = self._elements.get(shape.name, ())
        if shape.type == "structure":
            members = {name: self._named(member) for name, member in shape.members.items()}
            return msgspec.structs.replace(shape, members=members)
        if len(own) == 3 and shape.key and shape.value:
            key = msgspec.structs.replace(shape.key, location_name=own[1])
            value = msgspec.structs.replace(shape.value, location_name=own[2])
            return msgspec.structs.replace(shape, key=key, value=value)
        return shape

    def _named(self, member: Member) -> Member:
        elements = self._elements.get(member.shape)
        if elements is None:
            return member
        return msgspec.structs.replace(member, location_name=elements[0])

    def shape_names(self) -> list[str]:
        """Return the names of all shapes."""
        return list(self._raw)

    def error(self, code: str) -> Shape | None:
        """Return the shape of an error by its name or its legacy code, if it is modelled."""
        name = self._errors.get(code)
        return None if name is None else self.shape(name)


def _patched(shape: Shape, patch: Patch) -> Shape:
    """Return a shape with what the model does not say, or says otherwise than AWS does."""
    changed: dict[str, Any] = {}
    if shape.enum:
        is_open = shape.name in patch.open_enums
        changed["enum"] = () if is_open else patch.enums.get(shape.name, shape.enum)
    if shape.name in patch.own_required:
        own = patch.own_required[shape.name]
        changed["required"] = tuple(name for name in shape.required if name != own)
    if shape.name in patch.least_lengths:
        changed["min"] = patch.least_lengths[shape.name]
    return msgspec.structs.replace(shape, **changed) if changed else shape


_SHAPE = msgspec.msgpack.Decoder(Shape)
_FILE = msgspec.msgpack.Decoder(_Compact)
_ENCODER = msgspec.msgpack.Encoder()


class ModelCatalog:
    """Loads models when they are first asked for.

    Args:
        cache_dir: where compact files are kept; None builds each from botocore's file.
    """

    def __init__(self, cache_dir: Path | None) -> None:
        self._cache_dir = cache_dir
        self._root = find_botocore()
        self._version = botocore_version(self._root)
        self._models: dict[str, ServiceModel] = {}

    def service(self, name: str) -> ServiceModel:
        """Return a model by botocore's name of it.

        Raises:
            UnknownModel: botocore has none of that name.
        """
        model = self._models.get(name)
        if model is None:
            model = self._models[name] = ServiceModel(name, self._load(name))
        return model

    def names(self) -> list[str]:
        """Return the names of all models that botocore has."""
        return sorted(p.name for p in (self._root / "data").iterdir() if p.is_dir())

    def _load(self, name: str) -> _Compact:
        if self._cache_dir is None:
            return _FILE.decode(self._build(name))
        path = self._cache_dir / f"{name}.model"
        found = read_cache(path)
        if found is not None and found.botocore == self._version:
            return found
        body = self._build(name)
        write_cache(path, body)
        return _FILE.decode(body)

    def _build(self, name: str) -> bytes:
        directory = self._root / "data" / name
        versions = sorted(directory.glob("*/service-2.json.gz"))
        if not versions or directory.parent != self._root / "data":
            raise UnknownModel(name)
        raw = orjson.loads(gzip.decompress(versions[-1].read_bytes()))
        return _ENCODER.encode(compact(raw, self._version))


def find_botocore() -> Path:
    """Return botocore's directory, without importing it (which costs 100 ms and 20 MB).

    Raises:
        UnknownModel: botocore is not installed.
    """
    spec = importlib.util.find_spec("botocore")
    if spec is None or spec.origin is None:
        raise UnknownModel("botocore")
    return Path(spec.origin).parent


def botocore_version(root: Path) -> str:
    """Return botocore's version from its source."""
    found = re.search(r"__version__ = '([^']+)'", (root / "__init__.py").read_text())
    return found[1] if found else ""


def read_cache(path: Path) -> _Compact | None:
    """Return the content of a cache file, or None where it is missing or damaged."""
    try:
        raw = path.read_bytes()
        body = raw[8:]
        if raw[:4] != _MAGIC or zlib.crc32(body) != int.from_bytes(raw[4:8], "big"):
            return None
        return _FILE.decode(body)
    except (OSError, msgspec.DecodeError):
        return None


def write_cache(path: Path, body: bytes) -> None:
    """Write a cache file so that a reader sees the whole of it or nothing; failing is no harm."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_bytes(_MAGIC + zlib.crc32(body).to_bytes(4, "big") + body)
        scratch.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)


def from_json(name: str, raw: dict[str, Any]) -> ServiceModel:
    """Return the model of a ``service-2.json`` that is already parsed (tests make their own)."""
    return ServiceModel(name, _FILE.decode(_ENCODER.encode(compact(raw, ""))))


def compact(raw: dict[str, Any], version: str) -> _Compact:
    """Return what haar needs of a parsed ``service-2.json``."""
    shapes = {name: _shape(name, shape) for name, shape in raw["shapes"].items()}
    errors = {s.error.code: s.name for s in shapes.values() if s.error and s.error.code}
    errors |= {s.name: s.name for s in shapes.values() if s.exception or s.error}
    return _Compact(
        botocore=version,
        metadata=msgspec.convert(raw["metadata"], Metadata),
        operations={name: _operation(name, o) for name, o in raw["operations"].items()},
        errors=errors,
        shapes={name: msgspec.Raw(_ENCODER.encode(shape)) for name, shape in shapes.items()},
    )


def _shape(name: str, raw: dict[str, Any]) -> Shape:
    flat = {**raw, "name": name, "members": _members(raw.get("members", {}))}
    flat |= {part: _member(raw[part]) for part in ("member", "key", "value") if part in raw}
    if "xmlNamespace" in raw:
        flat["xmlNamespace"] = _namespace(raw["xmlNamespace"])
    return _by_name(Shape, flat)


def _members(raw: dict[str, Any]) -> dict[str, Member]:
    return {name: _member(member) for name, member in raw.items()}


def _member(raw: dict[str, Any]) -> Member:
    if "xmlNamespace" in raw:
        raw = {**raw, "xmlNamespace": _namespace(raw["xmlNamespace"])}
    return _by_name(Member, raw)


_FIELDS: dict[type, dict[str, str]] = {
    kind: {field.encode_name: field.name for field in msgspec.structs.fields(kind)}
    for kind in (Shape, Member, ErrorTraits)
}


def _by_name(kind: type[T], raw: dict[str, Any]) -> T:
    """Make a struct that is stored as an array from a mapping, leaving out what it has not."""
    names = _FIELDS[kind]
    known: dict[str, Any] = {names[key]: value for key, value in raw.items() if key in names}
    if isinstance(error := known.get("error"), dict):
        known["error"] = _by_name(ErrorTraits, cast("dict[str, Any]", error))
    if isinstance(space := known.get("xml_namespace"), dict):
        known["xml_namespace"] = msgspec.convert(space, XmlNamespace)
    return kind(**known)


def _operation(name: str, raw: dict[str, Any]) -> OperationModel:
    given, result = raw.get("input", {}), raw.get("output", {})
    checksum = raw.get("httpChecksum", {})
    space = _namespace(given.get("xmlNamespace"))
    return OperationModel(
        name=name,
        method=raw["http"]["method"],
        uri=raw["http"]["requestUri"],
        status=int(raw["http"].get("responseCode", 200)),
        input=given.get("shape", ""),
        input_name=given.get("locationName", ""),
        input_namespace=msgspec.convert(space, XmlNamespace) if space else None,
        output=result.get("shape", ""),
        output_wrapper=result.get("resultWrapper", ""),
        errors=tuple(error["shape"] for error in raw.get("errors", ())),
        authtype=raw.get("authtype", ""),
        is_deprecated=bool(raw.get("deprecated")),
        context=len(raw.get("staticContextParams", ())),
        checksum_algorithm_member=checksum.get("requestAlgorithmMember", ""),
        is_checksum_required=bool(
            raw.get("httpChecksumRequired") or checksum.get("requestChecksumRequired")
        ),
        compressions=tuple(raw.get("requestcompression", {}).get("encodings", ())),
    )
