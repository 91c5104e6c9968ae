"""Bodies and members that no client library sends: refused in the words of their protocol.

Requests of all seven protocols are made by botocore, then broken: bytes are cut, doubled, replaced;
values change their type; structures nest deeper than any model. Whatever comes of it is either read
as members, or a refusal below 500 that botocore's own parser understands.
"""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Any, NamedTuple

import botocore.loaders
import botocore.model
import botocore.parsers
import botocore.serialize
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haar.kernel.errors import ApiError
from haar.kit.streams import ByteStream
from haar.wire.bodies import cbor
from haar.wire.http import HttpRequest, HttpResponse
from haar.wire.models import ModelCatalog
from haar.wire.protocols import Codecs
from haar.wire.route import Router

FRONTS = {
    "json-1.0": ("dynamodb", "json", ("PutItem", "Query", "CreateTable", "TransactWriteItems")),
    "json-1.1": ("kinesis", "json", ("PutRecords", "CreateStream", "StartStreamEncryption")),
    "rest-json": ("lambda", "rest-json", ("CreateFunction", "Invoke", "ListFunctions")),
    "rest-xml": (
        "s3",
        "rest-xml",
        ("DeleteObjects", "PutBucketLifecycleConfiguration", "ListParts"),
    ),
    "query": ("sns", "query", ("Publish", "SetTopicAttributes", "PublishBatch")),
    "ec2": ("ec2", "ec2", ("RunInstances", "CreateTags", "DescribeInstances")),
    "smithy-rpc-v2-cbor": (
        "cloudwatch",
        "smithy-rpc-v2-cbor",
        ("PutMetricData", "GetMetricData", "DescribeAlarms"),
    ),
}
CATALOG = ModelCatalog(None)
ROUTER = Router(CATALOG, [(name, [name]) for name, _, _ in FRONTS.values()], ["s3.example.com"])
CODECS = Codecs(CATALOG, ROUTER)

FUZZ = settings(
    max_examples=int(os.environ.get("HAAR_FUZZ_EXAMPLES", "50")),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class Sent(NamedTuple):
    """A request as botocore makes it."""

    protocol: str
    operation: str
    method: str
    path: bytes
    query: bytes
    headers: dict[bytes, bytes]
    body: bytes


def sample(shape: Any, depth: int = 0) -> Any:
    """Return a value that fills a shape, members and all, some levels deep."""
    match shape.type_name:
        case "structure" if depth < 5:
            return {name: sample(inner, depth + 1) for name, inner in shape.members.items()}
        case "list" if depth < 5:
            return [sample(shape.member, depth + 1)]
        case "map" if depth < 5:
            return {"k": sample(shape.value, depth + 1)}
        case "structure" | "map":
            return {}
        case "list":
            return []
        case kind:
            return SCALARS.get(kind, "text")


SCALARS: dict[str, Any] = {
    "integer": 1,
    "long": 1,
    "float": 1.5,
    "double": 1.5,
    "boolean": True,
    "timestamp": 0,
    "blob": b"blob",
}


def sent(protocol: str, operation: str) -> Sent:
    """Return the request that botocore makes of a full sample."""
    name, wire_protocol, _ = FRONTS[protocol]
    data = botocore.loaders.Loader().load_service_model(name, "service-2")
    model = botocore.model.ServiceModel(data, name)
    found = model.operation_model(operation)
    made = botocore.serialize.create_serializer(wire_protocol, False).serialize_to_request(
        sample(found.input_shape), found
    )
    body = made["body"]
    if isinstance(body, dict):
        body = "&".join(f"{k}={v}" for k, v in body.items()).replace(" ", "+")
    raw = body.encode() if isinstance(body, str) else bytes(body or b"")
    path, _, query = made["url_path"].partition("?")
    extra = made.get("query_string") or {}
    more = extra.items() if isinstance(extra, dict) else extra
    pairs = [*([query] if query else ()), *(f"{k}={v}" for k, v in more)]
    headers = {k.lower().encode(): str(v).encode() for k, v in made["headers"].items()}
    headers[b"host"] = b"localhost"
    scope = model.signing_name
    headers[b"authorization"] = b"AWS4-HMAC-SHA256 Credential=A/20260101/r/%s/aws4_request" % (
        scope.encode()
    )
    return Sent(
        protocol, operation, made["method"], path.encode(), "&".join(pairs).encode(), headers, raw
    )


REQUESTS = [
    sent(protocol, operation)
    for protocol, (_, _, operations) in FRONTS.items()
    for operation in operations
]
BY_PROTOCOL = {
    protocol: [request for request in REQUESTS if request.protocol == protocol]
    for protocol in FRONTS
}


def handle(sent: Sent) -> HttpResponse | None:
    """Route and decode a request; return the refusal, or None where it was read."""
    digest = base64.b64encode(hashlib.md5(sent.body).digest())  # the body's own, broken or not
    request = HttpRequest(
        method=sent.method,
        path=sent.path,
        query=sent.query,
        headers={**sent.headers, b"content-md5": digest},
        header_list=list(sent.headers.items()),
        body=sent.body,
        peer="127.0.0.1",
    )
    routed = None
    try:
        routed = ROUTER.route(request)
        codec = CODECS.of(routed)
        assert not isinstance(request.body, ByteStream)
        members = codec.decode(request, request.body, routed)
        assert isinstance(members, dict)
    except ApiError as refusal:
        codec = CODECS.fallback(request) if routed is None else CODECS.of(routed)
        return codec.refuse(refusal, "id", request)
    return None


def check(sent: Sent, *, is_known: bool = True) -> None:
    """Hold an answer to what a client of the protocol understands, if that is still known."""
    refused = handle(sent)
    if refused is None:
        return
    assert 400 <= refused.status < 500, refused.body
    assert isinstance(refused.body, bytes)
    if not is_known or refused.body == b"<UnknownOperationException/>\n":
        return  # the latter is AWS's own: the JSON services' answer to what is no call of theirs
    headers = {k.decode(): v.decode() for k, v in refused.headers}
    parser = botocore.parsers.create_parser(FRONTS[sent.protocol][1])
    answer = {"body": refused.body, "headers": headers, "status_code": refused.status}
    told = parser.parse(answer | {"context": {"operation_name": "X"}}, None)
    assert told["Error"]["Code"] not in ("", str(refused.status)), refused.body


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: f"{r.protocol}-{r.operation}")
def test_an_unbroken_request_is_read(request_: Sent) -> None:
    """What is broken below was whole: it reaches its operation's constraints."""
    refused = handle(request_)
    if refused is not None:
        assert isinstance(refused.body, bytes)
        words = (b"constraint", b"Member", b"did not validate")
        assert any(word in refused.body for word in words), refused.body


TEXT_JUNK = rb"\0 < > & &#0; { } [ \" \u0000 = % %zz %00 + . .. 1e999 - null ]]> \ud800 NaN".split()
JUNK = st.sampled_from(
    [
        *TEXT_JUNK,
        b"9" * 400,
        b"<!DOCTYPE a>",
        b"<![CDATA[",
        b"\0",
        b"\xff",
        b"\xc3\x28",
        b"\xed\xa0\x80",
        b"\x5f\x9f\xbf",
    ]
)


@st.composite
def broken(draw: st.DrawFn, raw: bytes) -> bytes:
    """Bytes with some places cut out, doubled, or replaced by junk."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(raw)))
        end = draw(st.integers(start, min(len(raw), start + 24)))
        kind = draw(st.sampled_from(["cut", "junk", "double", "swap", "bytes", "end"]))
        match kind:
            case "cut":
                raw = raw[:start] + raw[end:]
            case "junk":
                raw = raw[:start] + draw(JUNK) + raw[end:]
            case "double":
                raw = raw[:end] + raw[start:]
            case "swap":
                raw = raw[:start] + raw[start:end][::-1] + raw[end:]
            case "bytes":
                raw = raw[:start] + draw(st.binary(max_size=8)) + raw[end:]
            case _:
                raw = raw[:start]
    return raw


@pytest.mark.parametrize("protocol", list(FRONTS))
@given(data=st.data())
@FUZZ
def test_a_broken_body_is_read_or_refused(protocol: str, data: st.DataObject) -> None:
    """Bytes in the wrong place end in a refusal of the protocol, never in a failure."""
    request = data.draw(st.sampled_from(BY_PROTOCOL[protocol]))
    check(request._replace(body=data.draw(broken(request.body))))


@pytest.mark.parametrize("protocol", list(FRONTS))
@given(data=st.data())
@FUZZ
def test_a_broken_head_is_read_or_refused(protocol: str, data: st.DataObject) -> None:
    """Neither path, query nor a header's value can make the routing fail."""
    request = data.draw(st.sampled_from(BY_PROTOCOL[protocol]))
    name = data.draw(st.sampled_from(sorted(request.headers)))
    value = data.draw(broken(request.headers[name]))
    is_known = name not in (b"authorization", b"x-amz-target", b"smithy-protocol")
    check(request._replace(headers=request.headers | {name: value}), is_known=is_known)
    check(request._replace(path=b"/" + data.draw(broken(request.path[1:] or b"/a/b"))))
    check(request._replace(query=data.draw(broken(request.query or b"a=b&c=d"))))


TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["", "\0", "NaN", "2026-13-01T00:00:00Z", "9" * 400, "AAAA====", "\u2028"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["S", "N", "B", "L", "M", "k", "", "Records", "Data"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


def swap(tree: Any, draw: st.DrawFn) -> Any:
    """Return a tree with one or more values replaced by any tree."""
    if draw(st.integers(0, 5)) == 0:
        return draw(TREES)
    match tree:
        case dict():
            return {key: swap(value, draw) for key, value in tree.items()}
        case list():
            return [swap(value, draw) for value in tree]
        case _:
            return tree


def dumps(tree: Any) -> bytes:
    try:
        return orjson.dumps(tree)
    except TypeError:  # beyond 64 bits
        return orjson.dumps(str(tree))


@pytest.mark.parametrize("protocol", ["json-1.0", "json-1.1", "rest-json"])
@given(data=st.data())
@FUZZ
def test_json_values_of_other_types_are_refused(protocol: str, data: st.DataObject) -> None:
    """A value of another type than the model's is no reason to fail."""
    request = data.draw(st.sampled_from([r for r in BY_PROTOCOL[protocol] if r.body[:1] == b"{"]))
    check(request._replace(body=dumps(swap(orjson.loads(request.body), data.draw))))


@given(data=st.data())
@FUZZ
def test_cbor_values_of_other_types_are_refused(data: st.DataObject) -> None:
    """CBOR has more types than JSON; none of them surprises the decoder."""
    request = data.draw(st.sampled_from(BY_PROTOCOL["smithy-rpc-v2-cbor"]))
    tree = swap(cbor.loads(request.body), data.draw)
    try:
        body = cbor.dumps(tree)
    except OverflowError:
        return
    check(request._replace(body=body))


DEEP = 100_000


@pytest.mark.parametrize("depth", [20, 100, 240, 330, 400, 490, 1000, DEEP])
@pytest.mark.parametrize("protocol", list(FRONTS))
def test_nesting_is_bounded(protocol: str, depth: int) -> None:
    """A body as deep as it is long is refused; it takes no stack and no time."""
    nests = {
        "json-1.0": b'{"TableName":"abc","Item":{"k":' + b'{"M":{"k":' * depth,
        "json-1.1": b'{"Records":' + b"[" * depth,
        "rest-json": b'{"Code":' + b"[{" * depth,
        "rest-xml": b"<Delete>" * depth,
        "query": b"&A" + b".a" * depth + b"=1",
        "ec2": b"&A" + b".a" * depth + b"=1",
        "smithy-rpc-v2-cbor": b"\xa1\x61a" * depth,
    }
    closings = {
        "json-1.0": b'{"S":"x"}' + b"}}" * depth + b"}}",
        "json-1.1": b"]" * depth + b"}",
        "rest-xml": b"</Delete>" * depth,
    }
    for request in BY_PROTOCOL[protocol]:
        start = request.body if protocol in ("query", "ec2") else b""
        check(request._replace(body=start + nests[protocol]))
        check(request._replace(body=start + nests[protocol] + closings.get(protocol, b"")))


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "&%c;&%c;">' % (c + 1, c, c) for c in range(97, 120))
    + b"]><Delete><Object><Key>&x;</Key></Object></Delete>"
)


@pytest.mark.parametrize(
    "body",
    [
        LAUGHS,
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><Delete/>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete>&x;</Delete>',
        b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1/">%p;]><Delete/>',
        b"<Delete><Object><Key>&nbsp;</Key></Object></Delete>",
        b"<Delete" + b' a="1"' * 3 + b"/>",
        "<Delete/>".encode("utf-16"),
        b'<?xml version="1.0" encoding="utf-7"?><Delete>+AGE-</Delete>',
        b'<?xml version="1.0" encoding="zlib"?><Delete>\xff</Delete>',
        b"",
        b"<Delete>" + b"<Object/>" * 250_000 + b"</Delete>",
    ],
)
def test_xml_is_only_a_document(body: bytes) -> None:
    """No entities, no external files, no other encodings, no millions of elements."""
    refused = handle(BY_PROTOCOL["rest-xml"][0]._replace(body=body))
    assert refused is not None
    assert refused.status == 400
    assert isinstance(refused.body, bytes)
    assert b"MalformedXML" in refused.body or b"InvalidArgument" in refused.body


def test_huge_numbers_are_refused_at_once() -> None:
    """Thousands of digits are no number of any model, and cost no time."""
    digits = b"9" * 100_000
    for protocol, body in (
        ("json-1.1", b'{"Limit":%s}' % digits),
        ("query", b"Action=Publish&Version=2010-03-31&MaxItems=" + digits),
        ("ec2", b"Action=RunInstances&Version=2016-11-15&MinCount=%s&MaxCount=1" % digits),
    ):
        check(BY_PROTOCOL[protocol][0]._replace(body=body))
    paged = next(r for r in BY_PROTOCOL["rest-xml"] if r.operation == "ListParts")
    check(paged._replace(query=b"uploadId=a&max-parts=" + digits))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"authorization", b"AWS4-HMAC-SHA256 " + b"Credential=" * 5000),
        (b"authorization", b"AWS4-HMAC-SHA256 Credential=" + b"/" * 60_000),
        (b"x-amz-object-attributes", b"a" + b" " * 60_000 + b"b"),
        (b"x-amz-object-attributes", b'"' + b'\\",' * 20_000),
        (b"x-amz-object-attributes", b'","' * 20_000),
        (b"content-type", b"application/x-www-form-urlencoded;" + b" " * 60_000),
    ],
    ids=["credentials", "slashes", "blanks", "escapes", "quotes", "media"],
)
def test_no_header_keeps_the_loop_busy(name: bytes, value: bytes) -> None:
    """What is read of a head costs as much as it is long, not its square: this test ends."""
    for request in REQUESTS:
        check(request._replace(headers=request.headers | {name: value}), is_known=False)
    scope = b"AWS4-HMAC-SHA256 Credential=A/20260101/r/s3/aws4_request"
    headers = {b"host": b"x", b"authorization": scope, name: value}
    listed = REQUESTS[0]._replace(method="GET", path=b"/b/k", query=b"attributes", body=b"")
    check(listed._replace(headers=headers), is_known=False)


@pytest.mark.parametrize("query", [b"/" * 16_000, b"%2F" * 5_000, b"&" * 16_000, b"+" * 16_000])
def test_no_query_keeps_the_loop_busy(query: bytes) -> None:
    """The same for a query, signed or not."""
    for prefix in (b"X-Amz-Credential=", b"Action=", b""):
        for request in REQUESTS:
            headers = {k: v for k, v in request.headers.items() if k != b"authorization"}
            check(request._replace(headers=headers, query=prefix + query), is_known=False)
