"""What a request is refused for, in which order, and in whose words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import pytest

from haar.identity.refusals import ROWS, TEXTS, Family, Kind
from haar.identity.sigv4 import Verifier
from haar.kernel.clock import VirtualClock
from haar.kernel.errors import ApiError
from haar.wire.http import HttpRequest

Make = Callable[..., HttpRequest]

STAMP = "20150830T123600Z"
GOOD = {
    "Credential": "AKIDEXAMPLE/20150830/us-east-1/dynamodb/aws4_request",
    "SignedHeaders": "host;x-amz-date",
    "Signature": "0" * 64,
}


def authorization(**parts: str | None) -> str:
    joined = {**GOOD, **parts}
    given = ", ".join(f"{name}={value}" for name, value in joined.items() if value is not None)
    return f"AWS4-HMAC-SHA256 {given}"


def refused(
    verifier: Verifier,
    make: Make,
    header: str | None,
    *,
    stamp: str | None = STAMP,
    query: bytes = b"",
    family: Family = "json",
    **headers: str,
) -> ApiError:
    pairs = {"host": "127.0.0.1:4566", "x-amz-date": stamp, "authorization": header, **headers}
    listed = [(k.replace("_", "-").encode(), v.encode()) for k, v in pairs.items() if v is not None]
    with pytest.raises(ApiError) as caught:
        verifier.verify(make("POST", b"/", query, listed, b"{}"), service="dynamodb", family=family)
    return caught.value


@pytest.mark.parametrize(
    ("changed", "code", "text"),
    [
        (
            {"header": None},
            "MissingAuthenticationTokenException",
            "Request is missing Authentication Token",
        ),
        (
            {"header": "Basic dGVzdA=="},
            "MissingAuthenticationTokenException",
            "Request is missing Authentication Token",
        ),
        (
            {"header": authorization(), "query": b"X-Amz-Algorithm=AWS4-HMAC-SHA256"},
            "InvalidSignatureException",
            (
                "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP "
                "header."
            ),
        ),
        (
            {"header": "AWS4-HMAC-SHA256 Credential=a/b/c/d/e", "stamp": None},
            "IncompleteSignatureException",
            (
                "Authorization header requires 'Signature' parameter. "
                "Authorization header requires 'SignedHeaders' parameter. "
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' "
                "header. "
                "Authorization=AWS4-HMAC-SHA256 Credential=a/b/c/d/e"
            ),
        ),
        (
            {"header": "AWS4-HMAC-SHA256 Credential"},
            "IncompleteSignatureException",
            (
                "'Credential' not a valid key=value pair (missing equal-sign) in Authorization "
                "header: 'AWS4-HMAC-SHA256 Credential'."
            ),
        ),
        (
            {"header": authorization(), "stamp": "201"},
            "IncompleteSignatureException",
            (
                "Date must be in ISO-8601 'basic format'. Got '201'. "
                "See http://en.wikipedia.org/wiki/ISO_8601"
            ),
        ),
        (
            {"header": authorization(), "stamp": "20150830T122059Z"},
            "InvalidSignatureException",
            (
                "Signature expired: 20150830T122059Z is now earlier than 20150830T122100Z "
                "(20150830T123600Z - 15 min.)"
            ),
        ),
        (
            {"header": authorization(), "stamp": "20150830T125101Z"},
            "InvalidSignatureException",
            (
                "Signature not yet current: 20150830T125101Z is still later than 20150830T125100Z "
                "(20150830T123600Z + 15 min.)"
            ),
        ),
        (
            {"header": authorization(SignedHeaders="x-amz-date")},
            "InvalidSignatureException",
            "'Host' must be a 'SignedHeader' in the AWS Authorization.",
        ),
        (
            {"header": authorization().replace("SHA256", "SHA25")},
            "IncompleteSignatureException",
            "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' (only AWS4-HMAC-SHA256 for now). ",
        ),
        (
            {"header": authorization(Credential="a/b/c/d")},
            "IncompleteSignatureException",
            (
                "Credential must have exactly 5 slash-delimited elements, e.g. "
                "keyid/date/region/service/term, got 'a/b/c/d'"
            ),
        ),
        (
            {"header": authorization(Credential="a/b/c/d/e")},
            "InvalidSignatureException",
            (
                "Credential should be scoped to a valid region, not 'c'. "
                "Credential should be scoped to correct service: 'dynamodb'. "
                "Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. "
                "Date in Credential scope does not match YYYYMMDD from "
                "ISO-8601 version of date from HTTP: 'b' != '20150830', from '20150830T123600Z'."
            ),
        ),
        (
            {"header": authorization(Credential=GOOD["Credential"].replace("AKID", "AKIX"))},
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        (
            {"header": authorization()},
            "InvalidSignatureException",
            (
                "The request signature we calculated does not match the signature you provided. "
                "Check your AWS Secret Access Key and signing method. "
                "Consult the service documentation for details."
            ),
        ),
    ],
)
def test_json_services_refuse_in_the_recorded_words(
    verifier: Verifier, make: Make, changed: dict[str, Any], code: str, text: str
) -> None:
    """Code, status and text of each refusal are those recorded from DynamoDB."""
    error = refused(verifier, make, **changed)
    assert (error.code, error.status, error.text) == (code, 400, text)


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ({"stamp": "20150830T122059Z"}, {"SignedHeaders": "x-amz-date"}),
        ({"stamp": "201"}, {"Credential": "a/b/c/d"}),
        ({"SignedHeaders": "x-amz-date"}, {"Credential": "a/b/c/d"}),
        ({"SignedHeaders": "x-amz-date"}, {"Credential": "a/20150830/c/dynamodb/aws4_request"}),
        (
            {"Credential": "a/20150830/c/dynamodb/aws4_request"},
            {"Signature": "1" * 64},
        ),
    ],
)
def test_the_first_fault_is_told(
    verifier: Verifier, make: Make, first: dict[str, str], later: dict[str, str]
) -> None:
    """A request with several faults is refused for the one that AWS checks first."""

    def tell(parts: dict[str, str]) -> str:
        rest = {name: value for name, value in parts.items() if name != "stamp"}
        stamp = parts.get("stamp", STAMP)
        return refused(verifier, make, authorization(**rest), stamp=stamp).text

    assert tell({**later, **first}) == tell(first)


@pytest.mark.parametrize(
    ("family", "kind", "code", "status"),
    [
        ("json", "missing", "MissingAuthenticationTokenException", 400),
        ("rest-json", "missing", "MissingAuthenticationTokenException", 403),
        ("query", "missing", "MissingAuthenticationToken", 403),
        ("rest-xml", "missing", "AccessDenied", 403),
        ("query", "unknown-key", "InvalidClientTokenId", 403),
        ("rest-json", "unknown-key", "UnrecognizedClientException", 403),
        ("rest-xml", "unknown-key", "InvalidAccessKeyId", 403),
        ("ec2", "unknown-key", "AuthFailure", 401),
        ("query", "signature", "SignatureDoesNotMatch", 403),
        ("rest-json", "signature", "InvalidSignatureException", 403),
        ("rest-xml", "signature", "SignatureDoesNotMatch", 403),
        ("query", "incomplete", "IncompleteSignature", 400),
        ("rest-xml", "expired", "RequestTimeTooSkewed", 403),
        ("query", "token-expired", "ExpiredToken", 403),
        ("json", "token-expired", "ExpiredTokenException", 400),
        ("rest-xml", "token-expired", "ExpiredToken", 400),
        ("rest-xml", "payload-hash", "XAmzContentSHA256Mismatch", 400),
        ("json", "denied", "AccessDeniedException", 400),
        ("rest-json", "denied", "AccessDeniedException", 403),
        ("query", "denied", "AccessDenied", 403),
        ("ec2", "denied", "UnauthorizedOperation", 403),
    ],
)
def test_each_family_of_protocols_has_its_own_code(
    family: Family, kind: str, code: str, status: int
) -> None:
    """The same fault has the code and the status that each protocol's clients look for."""
    answer = ROWS[Kind(kind)][family]
    assert (answer.code, answer.status) == (code, status)


def test_a_long_body_is_not_read_for_a_stranger(verifier: Verifier, make: Make) -> None:
    """What no body could make right is refused before it is read; the rest waits for it."""

    def early(header: str | None, stamp: str = STAMP, query: bytes = b"") -> None:
        pairs = {"host": "127.0.0.1", "x-amz-date": stamp, "authorization": header}
        listed = [(k.encode(), v.encode()) for k, v in pairs.items() if v is not None]
        verifier.refuse_early(make("POST", b"/", query, listed, b""), "json")

    early(authorization())  # its signature is wrong, which only the body can tell
    early(None, query=b"X-Amz-Algorithm=AWS4-HMAC-SHA256")
    early(None, query=b"AWSAccessKeyId=AKIDEXAMPLE")
    for header, stamp, code in (
        (None, STAMP, "MissingAuthenticationTokenException"),
        ("Basic dGVzdA==", STAMP, "MissingAuthenticationTokenException"),
        (authorization(), "20150830T122059Z", "InvalidSignatureException"),
        (authorization(Credential="AKIX/a/b/dynamodb/c"), STAMP, "UnrecognizedClientException"),
    ):
        with pytest.raises(ApiError) as caught:
            early(header, stamp)
        assert caught.value.code == code


def test_the_operations_name_must_be_signed(verifier: Verifier, make: Make) -> None:
    """A signed request cannot be led to another operation by another ``X-Amz-Target``."""
    error = refused(verifier, make, authorization(), x_amz_target="DynamoDB_20120810.DeleteTable")
    assert error.code == "InvalidSignatureException"
    assert "'X-Amz-Target' must be a 'SignedHeader'" in error.text


@pytest.mark.parametrize(
    ("header", "code", "text"),
    [
        ("AWS AKIDEXAMPLE:c2ln", "InvalidRequest", "Please use AWS4-HMAC-SHA256."),
        ("Basic dGVzdA==", "InvalidArgument", "Unsupported Authorization Type"),
        (authorization(), "InvalidRequest", "Missing required header for this request"),
    ],
)
def test_s3_refuses_in_its_own_words(
    verifier: Verifier, make: Make, header: str, code: str, text: str
) -> None:
    """Older signatures, other schemes, and a body whose hash is not told."""
    pairs = {"host": "127.0.0.1", "x-amz-date": STAMP, "authorization": header}
    listed = [(k.encode(), v.replace("dynamodb", "s3").encode()) for k, v in pairs.items()]
    with pytest.raises(ApiError, match=text) as caught:
        verifier.verify(make("PUT", b"/b/k", b"", listed), service="s3", family="rest-xml")
    assert (caught.value.code, caught.value.status) == (code, 400)


def test_the_table_has_no_gap() -> None:
    """Every fault can be told to every family."""
    assert set(ROWS) == set(TEXTS) == set(Kind)
    assert all(set(row) == set(get_args(Family)) for row in ROWS.values())
    assert all(answer.code for row in ROWS.values() for answer in row.values())


@pytest.mark.parametrize("off_s", [-900, 0, 900])
def test_a_clock_may_be_off_by_fifteen_minutes(
    verifier: Verifier, clock: VirtualClock, make: Make, off_s: int
) -> None:
    """Inside the window only the signature is wrong."""
    clock.advance(off_s * 1000)
    assert "does not match" in refused(verifier, make, authorization()).text


def test_s3_is_told_what_should_have_been_signed(verifier: Verifier, make: Make) -> None:
    """S3's refusal carries the canonical request, so that a wrong signer can be mended."""
    error = refused(verifier, make, authorization(), family="rest-xml")
    assert error.members["AWSAccessKeyId"] == "AKIDEXAMPLE"
    assert error.members["StringToSign"].startswith("AWS4-HMAC-SHA256\n20150830T123600Z\n")
    assert error.members["CanonicalRequest"].startswith("POST\n/\n\nhost:127.0.0.1:4566\n")
    for name in ("StringToSign", "CanonicalRequest"):
        shown = bytes.fromhex(error.members[f"{name}Bytes"])
        assert shown == error.members[name].encode()


def test_a_service_that_hashes_bodies_takes_no_word_for_it(verifier: Verifier, make: Make) -> None:
    """Outside of S3 a body cannot be left unsigned."""
    error = refused(verifier, make, authorization(), x_amz_content_sha256="UNSIGNED-PAYLOAD")
    assert error.code == "InvalidSignatureException"
    assert "UNSIGNED-PAYLOAD" in error.text
