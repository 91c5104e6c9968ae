"""Why a request is refused before any service sees it, in the words of each protocol.

The verifier says *what* is wrong (a :class:`Kind`); the table says how a client of each family of
protocols is told: code, status and, where the families differ, the text. ``{name}`` in a text is
filled in by the verifier. What AWS does not document is a guess kept in this table alone.

Source: recorded answers of DynamoDB; AWS docs, "Common errors" of IAM, Lambda, EC2 and S3.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal, NamedTuple

from haar.kernel.errors import RefusedAs

Family = Literal["json", "query", "rest-json", "rest-xml", "ec2"]
"""How a client reads errors: a protocol without its version. CBOR answers as ``json``."""


class Kind(StrEnum):
    """What is wrong with a request's signature, credentials, rights or moment."""

    MISSING = "missing"
    BOTH_FORMS = "both-forms"
    INCOMPLETE = "incomplete"
    ALGORITHM = "algorithm"
    CREDENTIAL_SHAPE = "credential-shape"
    DATE_FORMAT = "date-format"
    EXPIRED = "expired"
    NOT_YET = "not-yet"
    QUERY_PARAMETERS = "query-parameters"
    QUERY_EXPIRED = "query-expired"
    OLD_QUERY = "old-query"
    FORM_FIELDS = "form-fields"
    AUTHORIZATION_TYPE = "authorization-type"
    HOST_UNSIGNED = "host-unsigned"
    TARGET_UNSIGNED = "target-unsigned"
    HEADERS_UNSIGNED = "headers-unsigned"
    SCOPE = "scope"
    UNKNOWN_KEY = "unknown-key"
    SIGNATURE = "signature"
    TOKEN_INVALID = "token-invalid"  # noqa: S105  # the name of a refusal
    TOKEN_EXPIRED = "token-expired"  # noqa: S105  # the name of a refusal
    PAYLOAD_UNHASHED = "payload-unhashed"
    PAYLOAD_MODE = "payload-mode"
    PAYLOAD_HASH = "payload-hash"
    DENIED = "denied"
    THROTTLED = "throttled"
    LATE = "late"


class Answer(NamedTuple):
    """How one family of protocols is told: ``text`` replaces the kind's own where it has one."""

    code: str
    status: int
    text: str = ""


_EXPIRED = "Signature expired: {stamp} is now earlier than {earliest} ({now} - 15 min.)"
_NOT_YET = "Signature not yet current: {stamp} is still later than {latest} ({now} + 15 min.)"
_S3_SKEWED = "The difference between the request time and the current time is too large."

TEXTS: dict[Kind, str] = {
    Kind.MISSING: "Request is missing Authentication Token",
    Kind.BOTH_FORMS: (
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
    ),
    Kind.AUTHORIZATION_TYPE: "Request is missing Authentication Token",
    Kind.INCOMPLETE: "{problems}",
    Kind.ALGORITHM: (
        "Unsupported AWS 'algorithm': '{algorithm}' (only AWS4-HMAC-SHA256 for now). "
    ),
    Kind.CREDENTIAL_SHAPE: (
        "Credential must have exactly {count} slash-delimited elements, "
        "e.g. {shape}, got '{credential}'"
    ),
    Kind.DATE_FORMAT: (
        "Date must be in ISO-8601 'basic format'. Got '{stamp}'. "
        "See http://en.wikipedia.org/wiki/ISO_8601"
    ),
    Kind.EXPIRED: _EXPIRED,
    Kind.NOT_YET: _NOT_YET,
    Kind.QUERY_PARAMETERS: "{problems}",
    Kind.QUERY_EXPIRED: _EXPIRED,
    Kind.OLD_QUERY: "{problems}",
    Kind.FORM_FIELDS: (
        "Bucket POST must contain a field named '{field}'.  "
        "If it is specified, please check the order of the fields."
    ),
    Kind.HOST_UNSIGNED: "'Host' must be a 'SignedHeader' in the AWS Authorization.",
    # By analogy with the text above: AWS documents that every ``x-amz-`` header must be signed.
    Kind.TARGET_UNSIGNED: "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.",
    Kind.HEADERS_UNSIGNED: "There were headers present in the request which were not signed",
    Kind.SCOPE: "{problems}",
    Kind.UNKNOWN_KEY: "The security token included in the request is invalid.",
    Kind.SIGNATURE: (
        "The request signature we calculated does not match the signature you provided. Check "
        "your AWS Secret Access Key and signing method. Consult the service documentation for "
        "details."
    ),
    Kind.TOKEN_INVALID: "The security token included in the request is invalid",
    Kind.TOKEN_EXPIRED: "The security token included in the request is expired",
    Kind.PAYLOAD_UNHASHED: "Missing required header for this request: x-amz-content-sha256",
    Kind.PAYLOAD_MODE: (
        "The value of x-amz-content-sha256 must be the SHA-256 of the body, not '{mode}'."
    ),
    Kind.PAYLOAD_HASH: (
        "The provided 'x-amz-content-sha256' header does not match what was computed."
    ),
    Kind.DENIED: "{explanation}",
    Kind.THROTTLED: "Rate exceeded",
    Kind.LATE: "The deadline that the client set for this attempt (amz-sdk-request) has passed.",
}


Row = dict[Family, Answer]


def _row(json: str, query: str, s3: Answer, *, ec2: Answer | None = None) -> Row:
    """Return a row: the JSON families share a code, query and EC2 mostly do."""
    return {
        "json": Answer(json, 400),
        "rest-json": Answer(json, 403),
        "query": Answer(query, 403),
        "ec2": ec2 or Answer(query, 403),
        "rest-xml": s3,
    }


_INCOMPLETE = "IncompleteSignatureException"
_INVALID = "InvalidSignatureException"
_UNRECOGNIZED = "UnrecognizedClientException"
_MISMATCH = "SignatureDoesNotMatch"
_MISSING = ("MissingAuthenticationTokenException", "MissingAuthenticationToken")
_NOT_EC2 = Answer("AuthFailure", 401)


def _malformed(s3_code: str, s3_text: str = "") -> Row:
    # Query services answer 400 here, alone among the 403s of authentication.
    bad = Answer("IncompleteSignature", 400)
    return {
        **_row(_INCOMPLETE, "", Answer(s3_code, 400, s3_text), ec2=bad),
        "query": bad,
    }


def _mismatched(s3: Answer, *, ec2: Answer | None = None) -> Row:
    return _row(_INVALID, _MISMATCH, s3, ec2=ec2)


_HEADER = "AuthorizationHeaderMalformed"
_QUERY = "AuthorizationQueryParametersError"

ROWS: dict[Kind, Row] = {
    Kind.MISSING: _row(*_MISSING, Answer("AccessDenied", 403, "Access Denied")),
    Kind.AUTHORIZATION_TYPE: _row(
        *_MISSING, Answer("InvalidArgument", 400, "Unsupported Authorization Type")
    ),
    Kind.BOTH_FORMS: _mismatched(
        Answer(
            "InvalidArgument",
            400,
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature "
            "query string parameter or the Authorization header should be specified",
        )
    ),
    Kind.INCOMPLETE: _malformed(_HEADER),
    Kind.ALGORITHM: _malformed(
        "InvalidRequest",
        "The authorization mechanism you have provided is not supported. "
        "Please use AWS4-HMAC-SHA256.",
    ),
    Kind.CREDENTIAL_SHAPE: _malformed(
        _HEADER,
        "The authorization header is malformed; the Credential is mal-formed; expecting "
        '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    ),
    Kind.DATE_FORMAT: {
        **_malformed(
            "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"
        ),
        "rest-xml": Answer(
            "AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header"
        ),
    },
    Kind.EXPIRED: _mismatched(
        Answer("RequestTimeTooSkewed", 403, _S3_SKEWED),
        ec2=Answer("RequestExpired", 400, "Request has expired."),
    ),
    Kind.NOT_YET: _mismatched(
        Answer("RequestTimeTooSkewed", 403, _S3_SKEWED),
        ec2=Answer("RequestExpired", 400, "Request has expired."),
    ),
    Kind.QUERY_PARAMETERS: _malformed(_QUERY),
    Kind.QUERY_EXPIRED: _mismatched(
        Answer("AccessDenied", 403, "Request has expired"),
        ec2=Answer("RequestExpired", 400, "Request has expired."),
    ),
    Kind.OLD_QUERY: _mismatched(Answer("AccessDenied", 403)),
    Kind.FORM_FIELDS: _malformed("InvalidArgument"),
    Kind.HOST_UNSIGNED: _mismatched(Answer("AccessDenied", 403)),
    Kind.TARGET_UNSIGNED: _mismatched(Answer("AccessDenied", 403)),
    Kind.HEADERS_UNSIGNED: _mismatched(Answer("AccessDenied", 403)),
    Kind.SCOPE: _mismatched(Answer(_HEADER, 400)),
    Kind.UNKNOWN_KEY: _row(
        _UNRECOGNIZED,
        "InvalidClientTokenId",
        Answer(
            "InvalidAccessKeyId",
            403,
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        ec2=Answer(
            "AuthFailure", 401, "AWS was not able to validate the provided access credentials"
        ),
    ),
    Kind.SIGNATURE: _mismatched(
        Answer(
            _MISMATCH,
            403,
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
        ),
    ),
    Kind.TOKEN_INVALID: _row(
        _UNRECOGNIZED,
        "InvalidClientTokenId",
        Answer("InvalidToken", 400, "The provided token is malformed or otherwise not valid."),
        ec2=_NOT_EC2,
    ),
    Kind.TOKEN_EXPIRED: _row(
        "ExpiredTokenException",
        "ExpiredToken",
        Answer("ExpiredToken", 400, "The provided token has expired."),
        ec2=Answer("RequestExpired", 400, "Request has expired."),
    ),
    Kind.PAYLOAD_UNHASHED: _mismatched(Answer("InvalidRequest", 400)),
    Kind.PAYLOAD_MODE: _mismatched(Answer("InvalidArgument", 400)),
    Kind.PAYLOAD_HASH: _mismatched(Answer("XAmzContentSHA256Mismatch", 400)),
    Kind.DENIED: _row(
        "AccessDeniedException",
        "AccessDenied",
        Answer("AccessDenied", 403),
        ec2=Answer("UnauthorizedOperation", 403),
    ),
    Kind.THROTTLED: {
        "json": Answer("ThrottlingException", 400),
        "rest-json": Answer("TooManyRequestsException", 429),
        "query": Answer("Throttling", 400),
        "ec2": Answer("RequestLimitExceeded", 503, "Request limit exceeded."),
        "rest-xml": Answer("SlowDown", 503, "Please reduce your request rate."),
    },
    Kind.LATE: _row(
        "RequestTimeoutException",
        "RequestTimeout",
        Answer("RequestTimeout", 400),
    ),
}


def shown(name: str, text: bytes) -> dict[str, str]:
    """Return members that show a text, and each of its bytes, as S3 does for wrong signers."""
    return {name: text.decode("latin-1"), f"{name}Bytes": text.hex(" ")}


def refuse(
    kind: Kind, family: Family, *, members: dict[str, Any] | None = None, **details: str
) -> RefusedAs:
    """Return the refusal as clients of that family of protocols know it.

    Args:
        kind: what is wrong.
        family: how the client reads errors.
        members: further members of the error (S3's ``AWSAccessKeyId``, …).
        details: values of the text's placeholders.
    """
    answer = ROWS[kind][family]
    text = (answer.text or TEXTS[kind]).format_map(details)
    # Only S3's errors have members of their own here; elsewhere they would be noise.
    return RefusedAs(
        answer.code,
        text,
        status=answer.status,
        members=members if family == "rest-xml" else None,
    )
