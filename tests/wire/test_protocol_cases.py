"""botocore's own wire-protocol cases, used the other way round.

An input case's request decodes to the case's members. An output case's members encode to an answer
that botocore's parser reads as it reads the case's answer. What cannot apply to a server stands in
``tests/ledgers/protocol_cases.txt`` with its reason; a line there whose case passes is an error.
"""

from __future__ import annotations

import base64
import gzip
import json
import math
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import botocore.model
import botocore.parsers
import botocore.serialize
import pytest

from haar.kernel.errors import ApiError, RefusedAs
from haar.kit.streams import ByteStream, OnePiece
from haar.wire.constraints import Explainer
from haar.wire.http import HttpRequest, HttpResponse
from haar.wire.models import Member, ServiceModel, from_json
from haar.wire.paths import PathTable, split
from haar.wire.protocols import ROWS, Codec
from haar.wire.route import Routed, parse_query, row_of

CASES = Path(__file__).parent / "cases"
LEDGER = Path(__file__).parents[1] / "ledgers" / "protocol_cases.txt"


class Case(NamedTuple):
    name: str
    suite: dict[str, Any]
    case: dict[str, Any]


def cases_of(kind: str) -> Iterator[Case]:
    for path in sorted((CASES / kind).glob("*.json")):
        for number, suite in enumerate(json.loads(path.read_text())):
            for case_number, case in enumerate(suite["cases"]):
                told = case.get("id") or case_number
                yield Case(f"{kind}/{path.stem}/{number}/{case_number}/{told}", suite, case)


def read_ledger() -> dict[str, str]:
    lines = LEDGER.read_text().splitlines() if LEDGER.exists() else []
    pairs = [line.split("  # ", 1) for line in lines if line and not line.startswith("#")]
    return {name.strip(): reason for name, reason in pairs}


FRAME = (b"x-amzn-requestid", b"x-amz-request-id")
FILLED_IN = "00000000-0000-4000-8000-000000000000"
EXCUSED = read_ledger()


def model_of(case: Case) -> ServiceModel:
    given = case.case["given"]
    metadata = {"apiVersion": "1", "endpointPrefix": "x", **case.suite["metadata"]}
    return from_json(
        "case",
        {
            "metadata": metadata,
            "shapes": case.suite["shapes"],
            "operations": {given["name"]: given},
        },
    )


def codec_of(model: ServiceModel, case: Case) -> tuple[Codec, str]:
    protocol = row_of(model)
    if model.protocols[0] == "smithy-rpc-v2-cbor":
        protocol = "smithy-rpc-v2-cbor"
    operation = model.operation(case.case["given"]["name"])
    return Codec(ROWS[protocol], model, operation, Explainer(model)), protocol


def members_of(model: ServiceModel, member: Member, value: Any) -> Any:
    """Return a case's value as haar's services see it."""
    shape = model.shape(member.shape)
    if value is None or shape.document:
        return value
    if member.jsonvalue and member.location == "header":
        return json.loads(value)
    match shape.type:
        case "structure":
            return {
                name: members_of(model, inner, value[name])
                for name, inner in shape.members.items()
                if value.get(name) is not None
            }
        case "list":
            assert shape.member
            return [members_of(model, shape.member, v) for v in value]
        case "map":
            assert shape.value
            return {k: members_of(model, shape.value, v) for k, v in value.items()}
        case "timestamp":
            return datetime.fromtimestamp(value, UTC)
        case "blob":
            return value.encode()
        case kind:
            return float(value) if kind in ("float", "double") else value


def plain(value: Any) -> Any:
    """Return a value that compares: NaN is itself, streams are their bytes."""
    match value:
        case dict():
            return {k: plain(v) for k, v in value.items()}
        case list():
            return [plain(v) for v in value]
        case float() if math.isnan(value):
            return "NaN"
        case OnePiece():
            return value._data
        case _:
            return value


def request_of(case: Case, protocol: str) -> HttpRequest:
    sent = case.case["serialized"]
    path, _, query = sent.get("uri", "/").partition("?")
    body = sent.get("body", "")
    raw = base64.b64decode(body) if protocol == "smithy-rpc-v2-cbor" else body.encode()
    headers = {k.lower().encode(): v.encode() for k, v in sent.get("headers", {}).items()}
    if "requestcompression" in case.case["given"]:
        raw = gzip.compress(serialized(case))
    return HttpRequest(
        method=sent.get("method", "POST"),
        path=path.encode(),
        query=query.encode(),
        headers=headers,
        header_list=list(headers.items()),
        body=raw,
        peer="",
    )


def service_of(case: Case) -> botocore.model.ServiceModel:
    """Return botocore's own model of a case."""
    protocol = case.suite["metadata"]["protocols"][0]
    metadata = {"apiVersion": "1", "endpointPrefix": "x", "serviceId": "x"}
    return botocore.model.ServiceModel(
        {
            "metadata": metadata | case.suite["metadata"] | {"protocol": protocol},
            "shapes": case.suite["shapes"],
            "operations": {case.case["given"]["name"]: case.case["given"]},
        },
        "case",
    )


def serialized(case: Case) -> bytes:
    """Return the body that botocore makes of a case which leaves it out: the compressed ones."""
    service = service_of(case)
    serializer = botocore.serialize.create_serializer(case.suite["metadata"]["protocols"][0])
    operation = service.operation_model(case.case["given"]["name"])
    body = serializer.serialize_to_request(case.case["params"], operation)["body"]
    if isinstance(body, dict):
        return urllib.parse.urlencode(body).encode()
    return body.encode() if isinstance(body, str) else bytes(body)


def sent_members(model: ServiceModel, case: Case) -> Any:
    """Return what a server sees of a case's members.

    A client fills in tokens that are missing; a map of query parameters holds all that were sent.
    """
    name = case.case["given"].get("input", {}).get("shape")
    if not name:
        return {}
    members = members_of(model, Member(name), case.case["params"])
    shape = model.shape(name)
    tokens = [k for k, member in shape.members.items() if member.idempotency_token]
    members = dict.fromkeys(tokens, FILLED_IN) | members
    query = urllib.parse.parse_qs(
        case.case["serialized"].get("uri", "").partition("?")[2], keep_blank_values=True
    )
    for key, member in shape.members.items():
        inner = model.shape(member.shape)
        if query and inner.value and member.location == "querystring":
            is_list = model.shape(inner.value.shape).type == "list"
            members[key] = query if is_list else {k: v[0] for k, v in query.items()}
    return members


def labels_of(model: ServiceModel, request: HttpRequest) -> dict[str, str]:
    found = PathTable(model).find(
        request.method, split(request.path), parse_query(request.query), request.headers
    )
    assert found is not None, "the path leads to the operation"
    return found[1]


def decode(case: Case) -> tuple[Any, Any]:
    model = model_of(case)
    codec, protocol = codec_of(model, case)
    request = request_of(case, protocol)
    labels = labels_of(model, request) if protocol.startswith("rest") else {}
    routed = Routed("case", "case", case.case["given"]["name"], protocol, labels)
    body = request.body
    assert not isinstance(body, ByteStream)
    decoded = codec.decode(request, body, routed)
    return plain(decoded), plain(sent_members(model, case))


def run(case: Case, attempt: Any) -> None:
    """Run a case, or prove that its excuse still holds."""
    if case.name not in EXCUSED:
        got, expected = attempt(case)
        assert got == expected
        return
    try:
        got, expected = attempt(case)
    except (AssertionError, ApiError, KeyError, botocore.parsers.ResponseParserError):
        return
    assert got != expected, f"{case.name} passes: take it out of the ledger"


@pytest.mark.parametrize("case", list(cases_of("input")), ids=lambda case: case.name)
def test_a_request_decodes_to_the_members_it_was_made_of(case: Case) -> None:
    """What a client serializes is what a service reads."""
    run(case, decode)


def parsed(case: Case, status: int, headers: dict[str, str], body: bytes) -> Any:
    """Return an answer as botocore reads it."""
    service = service_of(case)
    operation = service.operation_model(case.case["given"]["name"])
    parser = botocore.parsers.create_parser(case.suite["metadata"]["protocols"][0])
    answer = {
        "body": body,
        "headers": botocore.compat.HTTPHeaders.from_pairs(headers.items()),
        "status_code": status,
        "context": {"operation_name": case.case["given"]["name"], "is_retryable": False},
    }
    result = parser.parse(answer, operation.output_shape)
    result.pop("ResponseMetadata", None)
    code = result.get("Error", {}).get("Code", "")
    if status >= 300:
        for shape in service.shape_names:
            if shape == code or getattr(service.shape_for(shape), "error_code", None) == code:
                result |= parser.parse(answer, service.shape_for(shape))
        result.pop("ResponseMetadata", None)
    return result


def ours(case: Case, response: HttpResponse) -> Any:
    assert isinstance(response.body, bytes)
    headers = {k.decode(): v.decode() for k, v in response.headers if k not in FRAME}
    return parsed(case, response.status, headers, response.body)


def theirs(case: Case) -> Any:
    answer = case.case["response"]
    body = answer.get("body", "")
    is_cbor = case.suite["metadata"]["protocols"][0] == "smithy-rpc-v2-cbor"
    raw = base64.b64decode(body) if is_cbor else body.encode()
    if not raw and case.suite["metadata"]["protocols"][0] == "query":
        return {}
    try:
        return parsed(case, answer["status_code"], answer.get("headers", {}), raw)
    except TypeError:
        return case.case["result"]  # botocore stumbles over an answer of its own


def encode(case: Case) -> tuple[Any, Any]:
    model = model_of(case)
    codec, protocol = codec_of(model, case)
    del protocol
    if "errorCode" in case.case or "error" in case.case:
        return plain(refuse(case, model, codec)), plain(told(model, case))
    shape = case.case["given"].get("output", {}).get("shape")
    result = members_of(model, Member(shape), case.case["result"]) if shape else {}
    response = codec.encode(result, "id")
    assert response.status == case.case["response"]["status_code"]
    return plain(ours(case, response)), plain(theirs(case))


def refuse(case: Case, model: ServiceModel, codec: Codec) -> Any:
    name = case.case["given"]["errors"][0]["shape"]
    members = members_of(model, Member(name), case.case.get("error", {}))
    text = case.case.get("errorMessage") or members.pop("Message", members.pop("message", ""))
    members = {k: v for k, v in members.items() if k not in ("Message", "message")}
    status = case.case["response"]["status_code"]
    error = RefusedAs(name, text, status=status, members=members)
    request = HttpRequest(
        method="POST", path=b"/", query=b"", headers={}, header_list=[], body=b"", peer=""
    )
    response = codec.refuse(error, "id", request)
    traits = model.shape(name).error
    assert response.status == ((traits and traits.http_status_code) or status)
    return of_error(ours(case, response))


def of_error(parsed: Any) -> Any:
    """Return what a client's code looks at: code and text, then the error's members."""
    error = parsed.pop("Error")
    kept = {"Code": error["Code"], "Message": error.get("Message") or ""}
    names = ("Message", "message", "Error")
    return kept, {k: v for k, v in parsed.items() if k not in names}


def told(model: ServiceModel, case: Case) -> Any:
    """Return what a case says that a client is told of an error."""
    name = case.case["given"]["errors"][0]["shape"]
    members = members_of(model, Member(name), case.case.get("error", {}))
    text = case.case.get("errorMessage", "")
    kept = {k: v for k, v in members.items() if k not in ("Message", "message")}
    return {"Code": case.case["errorCode"], "Message": text}, kept


@pytest.mark.parametrize("case", list(cases_of("output")), ids=lambda case: case.name)
def test_members_encode_to_what_a_client_reads_them_from(case: Case) -> None:
    """What a service returns is what botocore parses."""
    run(case, encode)


def test_every_excuse_names_a_case_and_a_reason() -> None:
    """The ledger holds no line that means nothing."""
    names = {case.name for kind in ("input", "output") for case in cases_of(kind)}
    assert set(EXCUSED) <= names
    assert all(EXCUSED.values())
