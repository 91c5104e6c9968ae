"""Every registered operation, tried by those who may not: a new operation is here by existing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from haar.app import services
from haar.kit.call import Principal
from haar.kit.operation import Operation
from haar.kit.service import Service
from haar.testing import Running

OTHER = "222222222222"
USER = Principal("user", f"arn:aws:iam::{OTHER}:user/ann", OTHER, "AIDAEXAMPLE")

PERMITTED = {("sts", "GetCallerIdentity")}
"""AWS documents that nobody can be denied these."""

MISTAKEN = {
    "InvalidArgument",
    "InvalidParameterValue",
    "InvalidParameterValueException",
    "ResourceNotFoundException",
    "ValidationException",
}
"""Codes of members that no operation takes, whoever asks: they prove nothing of a denial."""

REFUSALS = {
    "json": {
        "unsigned": ("MissingAuthenticationTokenException", 400),
        "wrong": ("InvalidSignatureException", 400),
        "unknown": ("UnrecognizedClientException", 400),
        "expired": ("InvalidSignatureException", 400),
        "denied": ("AccessDeniedException", 400),
    },
    "sqs": {  # in JSON, with the codes of the query protocol
        "unsigned": ("MissingAuthenticationToken", 400),
        "wrong": ("SignatureDoesNotMatch", 400),
        "unknown": ("InvalidClientTokenId", 400),
        "expired": ("SignatureDoesNotMatch", 400),
        "denied": ("AccessDenied", 400),
    },
    "query": {
        "unsigned": ("MissingAuthenticationToken", 403),
        "wrong": ("SignatureDoesNotMatch", 403),
        "unknown": ("InvalidClientTokenId", 403),
        "expired": ("SignatureDoesNotMatch", 403),
        "denied": ("AccessDenied", 403),
    },
    "rest-json": {
        "unsigned": ("MissingAuthenticationTokenException", 403),
        "wrong": ("InvalidSignatureException", 403),
        "unknown": ("UnrecognizedClientException", 403),
        "expired": ("InvalidSignatureException", 403),
        "denied": ("AccessDeniedException", 403),
    },
    "rest-xml": {
        "unsigned": ("AccessDenied", 403),
        "wrong": ("SignatureDoesNotMatch", 403),
        "unknown": ("InvalidAccessKeyId", 403),
        "expired": ("RequestTimeTooSkewed", 403),
        "denied": ("AccessDenied", 403),
    },
}


class Case(NamedTuple):
    """One operation of one model."""

    service: Service
    operation: Operation

    @property
    def model(self) -> str:
        return self.operation.model or self.service.models[0]

    @property
    def name(self) -> str:
        return self.operation.name


CASES = [
    pytest.param(Case(service, operation), id=f"{service.name}-{operation.name}")
    for service in services()
    for operation in service.operations
]
EVERY_OPERATION = pytest.mark.parametrize("case", CASES)


class Callers:
    """Clients by model and keys, each made once."""

    def __init__(self) -> None:
        self._made: dict[object, Any] = {}

    def client(self, cloud: Running, model: str, *keys: str, unsigned: bool = False) -> Any:
        known = (cloud.endpoint, model, keys, unsigned)
        if known not in self._made:
            options = {
                "parameter_validation": False,
                "retries": {"total_max_attempts": 1},
                "inject_host_prefix": False,
                **({"signature_version": UNSIGNED} if unsigned else {}),
            }
            names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
            given = dict(zip(names, keys, strict=False))
            self._made[known] = cloud.client(model, config=Config(**options), **given)
        return self._made[known]


@pytest.fixture(scope="module")
def callers() -> Callers:
    return Callers()


def refused(client: Any, case: Case, members: dict[str, Any]) -> tuple[str, int]:
    """Return code and status of the refusal that a client of AWS reads."""
    with pytest.raises(ClientError) as caught:
        client._make_api_call(case.name, members)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def assert_denied(client: Any, case: Case, members: dict[str, Any]) -> None:
    """Check that a call is denied; skip where the example of its members is not a good one."""
    code, status = refused(client, case, members)
    if (code, status) != expected(client, case, "denied"):
        assert 400 <= status < 500
        assert code in MISTAKEN, code
        pytest.skip(f"{code}: give an example of {case.name}'s members in conftest.NAMED")


def expected(client: Any, case: Case, how: str) -> tuple[str, int]:
    model = client.meta.service_model
    protocol = "json" if model.protocol.startswith("json") else model.protocol
    code, status = REFUSALS["sqs" if case.model == "sqs" else protocol][how]
    # An answer to HEAD has no body: clients make the code from the status.
    is_head = model.operation_model(case.name).http["method"] == "HEAD"
    return (str(status) if is_head else code), status


def members_of(examples: Callable[..., Any], client: Any, case: Case, account: str) -> Any:
    endpoint = client.meta.endpoint_url
    return examples(client.meta.service_model, account, endpoint).of(case.name)


@EVERY_OPERATION
@pytest.mark.parametrize(
    ("how", "keys"),
    [
        ("unsigned", ()),
        ("wrong", ("test", "wrong")),
        ("unknown", ("AKIAIOSFODNN7EXAMPLE", "test")),
        ("expired", ("test", "test")),
    ],
)
def test_without_a_good_signature_it_is_refused(
    cloud: Running,
    late_cloud: Running,
    callers: Callers,
    examples: Any,
    case: Case,
    how: str,
    keys: tuple[str, ...],
) -> None:
    """Unsigned, wrongly signed, by an unknown key, or an hour late: refused as AWS words it."""
    where = late_cloud if how == "expired" else cloud
    client = callers.client(where, case.model, *keys, unsigned=how == "unsigned")
    members = members_of(examples, client, case, "000000000000")
    assert refused(client, case, members) == expected(client, case, how)


@pytest.fixture(scope="module")
def user_keys(cloud: Running) -> tuple[str, str, str]:
    """Keys of a principal whom no policy allows anything."""

    async def mint() -> tuple[str, str, str]:
        made = cloud.app.credentials.mint(USER, 3600)
        return made.access_key_id, made.secret, made.token

    keys: tuple[str, str, str] = cloud.run(mint())
    return keys


@EVERY_OPERATION
def test_whom_no_policy_allows_it_denies(
    cloud: Running, callers: Callers, examples: Any, case: Case, user_keys: tuple[str, str, str]
) -> None:
    """A principal without a policy may do nothing, but for what AWS permits everybody."""
    client = callers.client(cloud, case.model, *user_keys)
    members = members_of(examples, client, case, OTHER)
    if (case.service.name, case.name) in PERMITTED:
        client._make_api_call(case.name, members)
        return
    assert_denied(client, case, members)


@pytest.fixture(scope="module")
def photos(cloud: Running) -> None:
    """A bucket of the account 000000000000."""
    if any(service.name == "s3" for service in services()):
        cloud.client("s3").create_bucket(Bucket="photos")


@EVERY_OPERATION
def test_another_accounts_resources_are_denied(
    cloud: Running, callers: Callers, examples: Any, case: Case, photos: None
) -> None:
    """Whoever names a resource of another account, by ARN, by URL or by its bucket, is denied."""
    client = callers.client(cloud, case.model, OTHER, "test")
    members = members_of(examples, client, case, "000000000000")
    names_another = "000000000000" in json.dumps(members, default=repr)
    is_of_a_bucket = "Bucket" in members and case.name != "CreateBucket"
    if names_another or is_of_a_bucket:
        assert_denied(client, case, members)
