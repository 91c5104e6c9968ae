"""Signatures that ride in the query: links that somebody else may use for a while.

======================  ===================================================================
parameter               rule
======================  ===================================================================
``X-Amz-Algorithm``     ``AWS4-HMAC-SHA256``, or that of SigV4a
``X-Amz-Credential``    as in the header, percent-encoded
``X-Amz-Date``          ``YYYYMMDDTHHMMSSZ``
``X-Amz-Expires``       seconds, 0 to 604,800; S3 requires it, elsewhere its absence means
                        :data:`EXPIRES_S_DEFAULT`
``X-Amz-SignedHeaders`` names joined by semicolons
``X-Amz-Security-Token``  of sessions
``X-Amz-Content-Sha256``  what stands for the body, where the signer says it
``X-Amz-Region-Set``    of SigV4a: where the request may be used
``X-Amz-Signature``     not part of what is signed
======================  ===================================================================

Source: AWS docs, S3 API reference, "Authenticating Requests: Using Query Parameters".
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from haar.identity.canonical import ALGORITHMS
from haar.identity.claim import Claim, claim_of
from haar.identity.refusals import Family, Kind, refuse
from haar.identity.stamps import instant_of

EXPIRES_S_MAX = 7 * 24 * 3600
EXPIRES_S_DEFAULT = 15 * 60
"""Where a service other than S3 is asked without an expiry."""

_REQUIRED = ("Algorithm", "Credential", "Signature", "Date", "SignedHeaders")
_S3_REQUIRED = (
    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
    "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
)
_S3_ALGORITHM = 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256".'
_S3_CREDENTIAL = (
    "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "
    '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
)


class Presigned(NamedTuple):
    """A signature in a query.

    Attributes:
        claim: which key signed what.
        stamp: when, ``YYYYMMDDTHHMMSSZ``.
        expires_s: for how many seconds from then on.
        token: the session token, empty where there is none.
        signature: hexadecimal, as sent.
        payload: what stands for the body, empty where the query does not tell.
        regions: the set of regions of SigV4a.
    """

    claim: Claim
    stamp: bytes
    expires_s: int
    token: bytes
    signature: bytes
    payload: bytes
    regions: bytes


def is_presigned(query: bytes) -> bool:
    """Return whether a raw query has a signature of this version."""
    return b"X-Amz-Algorithm=" in query or b"X-Amz-Signature=" in query


def read(query: bytes, family: Family) -> Presigned:
    """Return the signature of a raw query.

    Raises:
        RefusedAs: a parameter lacks, or is not of its form.
    """
    found = _parameters(query)
    _check_present(found, family)
    stamp = found["Date"]
    if family == "rest-xml" and instant_of(stamp) is None:
        raise _malformed(
            "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"", family
        )
    return Presigned(
        claim=_claim(found, family),
        stamp=stamp,
        expires_s=_expires(found.get("Expires"), family),
        token=found.get("Security-Token", b""),
        signature=found["Signature"],
        payload=found.get("Content-Sha256", b""),
        regions=found.get("Region-Set", b""),
    )


def _claim(found: dict[str, bytes], family: Family) -> Claim:
    credential, names, algorithm = (
        found.get(name, b"").decode("latin-1")
        for name in ("Credential", "SignedHeaders", "Algorithm")
    )
    claim = claim_of(credential, names, family, algorithm)
    if claim.fault is None or family != "rest-xml":
        return claim
    is_known = algorithm.encode("latin-1") in ALGORITHMS
    raise _malformed(_S3_CREDENTIAL if is_known else _S3_ALGORITHM, family)


def _parameters(query: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for piece in query.split(b"&"):
        name, _, value = piece.partition(b"=")
        if name.startswith(b"X-Amz-"):
            found.setdefault(name[6:].decode("latin-1"), unquote_to_bytes(value))
    return found


def _check_present(found: dict[str, bytes], family: Family) -> None:
    if family == "rest-xml":
        if not all(found.get(name) for name in (*_REQUIRED, "Expires")):
            raise _malformed(_S3_REQUIRED, family)
        return
    problems = [
        f"AWS query-string parameters must include 'X-Amz-{name}'. "
        for name in _REQUIRED
        if not found.get(name)
    ]
    if problems:
        text = "".join(problems) + "Re-examine the query-string parameters."
        raise refuse(Kind.QUERY_PARAMETERS, family, problems=text)


def _expires(told: bytes | None, family: Family) -> int:
    if told is None:
        return EXPIRES_S_DEFAULT
    if not told.removeprefix(b"-").isdigit():
        raise _malformed("X-Amz-Expires should be a number", family)
    expires_s = int(told[:16])
    if told.startswith(b"-"):
        raise _malformed("X-Amz-Expires must be non-negative", family)
    if expires_s > EXPIRES_S_MAX:
        raise _malformed(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given "
            "X-Amz-Expires must be less than 604800 seconds",
            family,
        )
    return expires_s


def _malformed(problem: str, family: Family) -> Exception:
    return refuse(Kind.QUERY_PARAMETERS, family, problems=problem)
