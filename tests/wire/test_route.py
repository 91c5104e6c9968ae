"""Routing, proved by what botocore itself sends for every operation of the models."""

from __future__ import annotations

from typing import Any

import botocore.loaders
import botocore.model
import botocore.serialize
import pytest

from haar.kernel.errors import ApiError
from haar.wire.http import HttpRequest
from haar.wire.models import ModelCatalog
from haar.wire.route import Router

NAMES = {
    "sts": "sts",
    "s3": "s3",
    "sqs": "sqs",
    "dynamodb": "dynamodb",
    "lambda": "lambda_",
    "pipes": "pipes",
    "stepfunctions": "states",
    "kinesis": "kinesis",
    "events": "events",
    "sns": "sns",
}
# Told apart by the endpoint alone: one of an express zone, one of an object lambda.
SAME_ON_THE_WIRE = {
    "ListDirectoryBuckets": "ListBuckets",
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
    "InvokeAsync": "InvokeAsync",
}


def router() -> Router:
    return Router(
        ModelCatalog(None), [(haar, [name]) for name, haar in NAMES.items()], ["s3.example.com"]
    )


ROUTER = router()


def load(name: str) -> botocore.model.ServiceModel:
    return botocore.model.ServiceModel(
        botocore.loaders.Loader().load_service_model(name, "service-2"), name
    )


def sample(shape: Any) -> Any:
    """Return the least that a shape asks for."""
    match shape.type_name:
        case "structure":
            return {name: sample(shape.members[name]) for name in shape.required_members}
        case "list":
            return [sample(shape.member)]
        case "map":
            return {"k": sample(shape.value)}
        case "integer" | "long" | "float" | "double":
            return 1
        case "boolean":
            return True
        case "timestamp":
            return 0
        case "blob":
            return b"x"
        case _:
            return "text"


def request_of(name: str, operation: Any, host: bytes = b"localhost:4566") -> HttpRequest:
    model = operation.service_model
    serializer = botocore.serialize.create_serializer(model.metadata["protocol"], False)
    sent = serializer.serialize_to_request(
        sample(operation.input_shape) if operation.input_shape else {}, operation
    )
    path, _, query = sent["url_path"].partition("?")
    pairs = sent["query_string"]
    more = "&".join(f"{k}={v}" for k, v in pairs.items()) if isinstance(pairs, dict) else pairs
    body = sent["body"]
    if isinstance(body, dict):
        body = "&".join(f"{k}={v}" for k, v in body.items())
    scope = f"Credential=AKID/20260101/us-east-1/{model.signing_name}/aws4_request"
    headers = {k.lower().encode(): str(v).encode() for k, v in dict(sent["headers"]).items()}
    headers |= {b"host": host, b"authorization": f"AWS4-HMAC-SHA256 {scope}, x".encode()}
    return HttpRequest(
        method=sent["method"],
        path=path.encode(),
        query="&".join(part for part in (query, more) if part).encode(),
        headers=headers,
        header_list=list(headers.items()),
        body=body.encode() if isinstance(body, str) else body,
        peer="127.0.0.1",
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_operation_of_a_model_is_found_by_what_botocore_sends(name: str) -> None:
    """What botocore sends for an operation means that operation and no other."""
    model = load(name)
    wrong: dict[str, str] = {}
    for operation in model.operation_names:
        try:
            routed = ROUTER.route(request_of(name, model.operation_model(operation)))
        except ApiError as refusal:
            wrong[operation] = refusal.code
            continue
        assert routed.service == NAMES[name]
        if routed.operation != SAME_ON_THE_WIRE.get(operation, operation):
            wrong[operation] = routed.operation
    assert wrong == {}


def post(body: bytes = b"{}", **headers: str) -> HttpRequest:
    request = get(b"/", **{"content_type": "application/x-amz-json-1.0", **headers}, method="POST")
    request.body = body
    return request


def get(path: bytes, query: bytes = b"", **headers: str) -> HttpRequest:
    named = {k.replace("_", "-").encode(): v.encode() for k, v in headers.items()}
    method = named.pop(b"method", b"GET").decode()
    named.setdefault(b"host", b"localhost:4566")
    named.setdefault(b"authorization", b"AWS4-HMAC-SHA256 Credential=A/20260101/r/s3/aws4_request")
    return HttpRequest(
        method=method,
        path=path,
        query=query,
        headers=named,
        header_list=list(named.items()),
        body=b"",
        peer="",
    )


@pytest.mark.parametrize(
    ("request_", "operation", "labels"),
    [
        (get(b"/"), "ListBuckets", {}),
        (get(b"/b"), "ListObjects", {"Bucket": "b"}),
        (get(b"/b/"), "ListObjects", {"Bucket": "b"}),
        (get(b"/b", b"list-type=2&prefix=x"), "ListObjectsV2", {"Bucket": "b"}),
        (get(b"/b", b"versions"), "ListObjectVersions", {"Bucket": "b"}),
        (get(b"/b/k/"), "GetObject", {"Bucket": "b", "Key": "k/"}),
        (get(b"/b//k"), "GetObject", {"Bucket": "b", "Key": "/k"}),
        (get(b"/b/a%2Fb%20c+d"), "GetObject", {"Bucket": "b", "Key": "a/b c+d"}),
        (get(b"/b/k", b"x-id=GetObject"), "GetObject", {"Bucket": "b", "Key": "k"}),
        (get(b"/b/k", b"uploadId=u"), "ListParts", {"Bucket": "b", "Key": "k"}),
        (get(b"/b/k", b"acl="), "GetObjectAcl", {"Bucket": "b", "Key": "k"}),
        (get(b"/b/k", method="PUT"), "PutObject", {"Bucket": "b", "Key": "k"}),
        (
            get(b"/b/k", method="PUT", x_amz_copy_source="/a/b"),
            "CopyObject",
            {"Bucket": "b", "Key": "k"},
        ),
        (
            get(b"/b/k", b"partNumber=1&uploadId=u", method="PUT"),
            "UploadPart",
            {"Bucket": "b", "Key": "k"},
        ),
        (
            get(b"/b/k", b"partNumber=1&uploadId=u", method="PUT", x_amz_copy_source="/a/b"),
            "UploadPartCopy",
            {"Bucket": "b", "Key": "k"},
        ),
        (get(b"/", host="my.bucket.s3.example.com"), "ListObjects", {"Bucket": "my.bucket"}),
        (get(b"/k/x/", host="b.s3.example.com:99"), "GetObject", {"Bucket": "b", "Key": "k/x/"}),
        (get(b"/", host="s3.example.com"), "ListBuckets", {}),
        (get(b"/b/k", authorization=""), "GetObject", {"Bucket": "b", "Key": "k"}),
        (
            get(
                b"/b/k", b"X-Amz-Credential=A%2F20260101%2Fr%2Fs3%2Faws4_request", authorization=""
            ),
            "GetObject",
            {"Bucket": "b", "Key": "k"},
        ),
    ],
)
def test_s3_requests_mean_the_operation_that_the_reference_says(
    request_: HttpRequest, operation: str, labels: dict[str, str]
) -> None:
    """Path and virtual-host style, sub-resources and copy headers choose the S3 operation."""
    routed = ROUTER.route(request_)
    assert (routed.operation, routed.labels) == (operation, labels)


@pytest.mark.parametrize(
    ("request_", "code", "status"),
    [
        (post(x_amz_target="Nobody.Nothing"), "UnknownOperationException", 400),
        (post(x_amz_target="AmazonSQS.Nothing"), "UnknownOperationException", 400),
        (post(b"{", x_amz_target="AmazonSQS.Nothing"), "SerializationException", 400),
        (get(b"/", x_amz_target="AmazonSQS.ListQueues"), "UnknownOperationException", 404),
        (
            post(x_amz_target="AmazonSQS.ListQueues", content_type="text/plain"),
            "UnknownOperationException",
            404,
        ),
        (get(b"/service/a/operation/b", smithy_protocol="x"), "UnknownOperationException", 404),
        (get(b"/b/k", method="POST"), "MethodNotAllowed", 405),
        (get(b"/b/k", b"acl&tagging"), "InvalidArgument", 400),
        (get(b"/b/%ff"), "InvalidURI", 400),
        (
            get(b"/", b"Action=Nope", authorization="x Credential=A/2/r/sts/aws4_request"),
            "InvalidAction",
            400,
        ),
        (
            get(b"/nope", authorization="x Credential=A/2/r/lambda/aws4_request"),
            "UnknownOperationException",
            404,
        ),
        (
            get(b"/", authorization="x Credential=A/2/r/nobody/aws4_request"),
            "UnknownOperationException",
            404,
        ),
    ],
)
def test_what_no_model_has_is_refused_in_the_words_of_its_protocol(
    request_: HttpRequest, code: str, status: int
) -> None:
    """A request that means nothing gets the error code that AWS gives for it."""
    with pytest.raises(ApiError) as refusal:
        ROUTER.route(request_)
    assert (refusal.value.code, refusal.value.status) == (code, status)
