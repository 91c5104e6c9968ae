"""STS through boto3: who am I, and credentials that end by themselves."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from haar.kernel.clock import SystemClock, VirtualClock
from haar.testing import running


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_root_is_told_who_it_is(haar: Any) -> None:
    """GetCallerIdentity names the account's root."""
    who = haar.client("sts").get_caller_identity()
    assert who["Account"] == "000000000000"
    assert who["Arn"] == "arn:aws:iam::000000000000:root"
    assert who["UserId"] == "000000000000"


def test_session_credentials_sign_for_who_asked_for_them(haar: Any) -> None:
    """GetSessionToken's keys are the caller's, for an hour at most where it is root."""
    made = haar.client("sts").get_session_token(DurationSeconds=43_200)["Credentials"]
    session = haar.client(
        "sts",
        aws_access_key_id=made["AccessKeyId"],
        aws_secret_access_key=made["SecretAccessKey"],
        aws_session_token=made["SessionToken"],
    )
    assert session.get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"
    assert session.get_access_key_info(AccessKeyId=made["AccessKeyId"])["Account"] == "0" * 12
    with pytest.raises(ClientError) as refused:
        session.get_session_token()
    assert code_of(refused) == "AccessDenied"


@pytest.mark.parametrize("token", [None, "AAAA", ""])
def test_a_session_key_needs_its_token(haar: Any, token: str | None) -> None:
    """Without its token, or with another, a session's key is nobody's."""
    made = haar.client("sts").get_session_token()["Credentials"]
    session = haar.client(
        "sts",
        aws_access_key_id=made["AccessKeyId"],
        aws_secret_access_key=made["SecretAccessKey"],
        aws_session_token=token,
    )
    with pytest.raises(ClientError) as refused:
        session.get_caller_identity()
    assert code_of(refused) == "InvalidClientTokenId"


def test_an_access_key_that_is_none_is_refused(haar: Any) -> None:
    """GetAccessKeyInfo reads the account from the id, and refuses what has none."""
    with pytest.raises(ClientError) as refused:
        haar.client("sts").get_access_key_info(AccessKeyId="NOTANACCESSKEYID")
    assert code_of(refused) == "ValidationError"


def test_what_is_not_built_is_refused_by_name(haar: Any) -> None:
    """AssumeRole answers 501 and says its name, and a device's code is not ignored."""
    sts = haar.client("sts")
    with pytest.raises(ClientError, match="AssumeRole") as refused:
        sts.assume_role(RoleArn="arn:aws:iam::000000000000:role/worker", RoleSessionName="s1")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    with pytest.raises(ClientError, match=r"TokenCode|SerialNumber") as refused:
        sts.get_session_token(SerialNumber="GAHT12345678", TokenCode="123456")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("decode_authorization_message", {"EncodedMessage": "x"}),
        ("get_federation_token", {"Name": "ann"}),
        (
            "assume_role_with_web_identity",
            {
                "RoleArn": "arn:aws:iam::000000000000:role/worker",
                "RoleSessionName": "s1",
                "WebIdentityToken": "a.b.c.d",
            },
        ),
    ],
)
def test_other_operations_are_refused_by_name(
    haar: Any, operation: str, members: dict[str, str]
) -> None:
    """Also those that are called without a signature."""
    with pytest.raises(ClientError, match="haar does not implement") as refused:
        getattr(haar.client("sts"), operation)(**members)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


@pytest.mark.parametrize(
    ("service", "operation", "code", "status", "text"),
    [
        ("sts", "get_caller_identity", "ExpiredToken", 403, "included in the request is expired"),
        ("s3", "list_buckets", "ExpiredToken", 400, "The provided token has expired."),
        ("dynamodb", "list_tables", "ExpiredTokenException", 400, "in the request is expired"),
        ("lambda", "list_functions", "ExpiredTokenException", 403, "in the request is expired"),
    ],
)
def test_a_session_that_has_ended_is_told_so(
    service: str, operation: str, code: str, status: int, text: str
) -> None:
    """A second before its end it signs; from then on it is refused in the protocol's words."""
    # A little behind the clients' clock, so that the session ends before their signatures do.
    clock = VirtualClock(SystemClock().now_ms() - 60_000)
    with running(wall=clock) as haar:
        made = haar.client("sts").get_session_token(DurationSeconds=900)["Credentials"]
        session = haar.client(
            service,
            aws_access_key_id=made["AccessKeyId"],
            aws_secret_access_key=made["SecretAccessKey"],
            aws_session_token=made["SessionToken"],
        )
        clock.advance(898_000)
        getattr(session, operation)()
        clock.advance(2_000)
        with pytest.raises(ClientError, match=text) as refused:
            getattr(session, operation)()
    answer = refused.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)


def test_wrong_secrets_and_unknown_keys_are_refused(haar: Any) -> None:
    """A wrong secret does not match, and an unknown key is told so."""
    with pytest.raises(ClientError) as refused:
        haar.client("sts", aws_secret_access_key="wrong").get_caller_identity()
    assert code_of(refused) == "SignatureDoesNotMatch"
    with pytest.raises(ClientError) as refused:
        haar.client("sts", aws_access_key_id="AKIAEXAMPLEEXAMPLE00").get_caller_identity()
    assert code_of(refused) == "InvalidClientTokenId"
