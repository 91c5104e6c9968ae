"""Who signed a request: Signature Version 4 by header, query and form, 4A, and S3's Version 2.

Both sides derive a key from the secret, one step per element of the scope, and sign the hash of
the canonical request (:mod:`.canonical`) with it::

    HMAC(HMAC(HMAC(HMAC("AWS4" + secret, date), region), service), "aws4_request")

The order of checks is AWS's, so that a request with several faults is refused for the same one:
form, date, signed headers, scope, access key, token, signature, body.

What the body must be is settled here too, because it is signed: bytes are checked against the
signed hash at once; for a stream, :class:`Authenticated` says what whoever reads it has to check.

Source: AWS docs, IAM user guide, "AWS Signature Version 4 for API requests"; S3 API reference,
"Authenticating Requests"; the order and the texts were recorded from DynamoDB.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from haar.identity import canonical, presign, sigv2, sigv4a
from haar.identity.claim import (
    TERMINATOR,
    Claim,
    Claims,
    claim_of,
    is_region,
)
from haar.identity.credentials import Credential, Credentials, TokenExpired, TokenInvalid
from haar.identity.mac import Mac
from haar.identity.payloads import (
    MODES,
    RAW_PATH_SERVICES,
    UNSIGNED_MODES,
    UNSIGNED_PAYLOAD,
    UNSIGNED_TRAILER,
    WITH_TRAILER,
    payload_of,
    presigned_payload_of,
)
from haar.identity.refusals import Family, Kind, refuse, shown
from haar.identity.remembered import Remembered
from haar.identity.stamps import (
    basic_format_of,
    extended_stamp_of,
    instant_of,
    stamp_header,
    stamp_of,
)
from haar.kernel.clock import Clock
from haar.kernel.errors import RefusedAs
from haar.kit.call import Principal, Scope
from haar.wire.http import HttpRequest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

SKEW_MS_MAX = 15 * 60 * 1000
SIGNING_KEYS_MAX = 10_000
STAMPS_MAX = 256

FORM_FIELDS = (
    "policy",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-signature",
)

SigningKey: TypeAlias = "Mac | EllipticCurvePublicKey"
"""What verifies: the derived key of Version 4, or the public key of Version 4A."""


def is_signed_by(key: SigningKey, signature: bytes, to_sign: bytes) -> bool:
    """Return whether ``signature`` is the key's of ``to_sign``, in time that tells nothing."""
    if isinstance(key, Mac):
        expected = key.hex(to_sign).encode()
        return hmac.compare_digest(expected, signature)
    return sigv4a.is_signature(key, signature, to_sign)


class ChunkSigning(NamedTuple):
    """What the signatures of an upload's chunks continue from.

    Each chunk's string to sign holds the signature before it; the first one's is ``seed``.

    Attributes:
        seed: the request's own signature, hexadecimal.
        key: the signing key; of SigV4a, the public one.
        stamp: ``YYYYMMDDTHHMMSSZ``.
        scope: of the request's credential.
        has_trailer: whether a signed trailer follows the last chunk.
    """

    seed: bytes
    key: SigningKey
    stamp: bytes
    scope: bytes
    has_trailer: bool

    def __repr__(self) -> str:
        return f"ChunkSigning(scope={self.scope!r})"  # a traceback must not show the key


class Authenticated(NamedTuple):
    """Who signed, where they sent it, and what is left to check of the body.

    Attributes:
        principal: who signed.
        scope: the principal's account, and the region that they signed for.
        service: the signing name that they signed for.
        body_sha256: the hash that a streamed body must turn out to have, hexadecimal; None where
            the body has been checked or is not signed.
        chunks: given where the body comes in signed chunks.
        is_chunked: whether the body comes in ``aws-chunked`` framing, signed or not.
    """

    principal: Principal
    scope: Scope
    service: str
    body_sha256: str | None = None
    chunks: ChunkSigning | None = None
    is_chunked: bool = False


class Proof(NamedTuple):
    """A claim with what it is proved by.

    Attributes:
        claim: what the signer says.
        stamp: the time of signing, ``YYYYMMDDTHHMMSSZ``.
        signature: hexadecimal, as sent.
        query: the canonical query.
        payload: the last part of the canonical request.
        is_told: whether ``payload`` is what the signer says, not what was computed of the body.
    """

    claim: Claim
    stamp: bytes
    signature: bytes
    query: bytes
    payload: bytes
    is_told: bool


class Signer(NamedTuple):
    """What follows from a key and a scope: kept, because deriving it costs four HMACs.

    Attributes:
        secret: the key's.
        key: what verifies.
        who: the answer to a request whose body has been checked.
    """

    secret: str
    key: SigningKey
    who: Authenticated

    def __repr__(self) -> str:
        return f"Signer({self.who.principal!r})"  # a traceback must not show the secret


class Verifier:
    """Verifies signatures.

    Args:
        credentials: know the secrets.
        clock: tells whether a request is of now.
        region: of requests that name none (S3's older presigned query) or several (SigV4a).
    """

    def __init__(
        self, credentials: Credentials, clock: Clock, *, region: str = "us-east-1"
    ) -> None:
        self._credentials = credentials
        self._clock = clock
        self._region = region
        self._claims = Claims()
        self._signers: Remembered[tuple[str, bytes], Signer] = Remembered(SIGNING_KEYS_MAX)
        self._stamps: Remembered[bytes, int] = Remembered(STAMPS_MAX)

    def now_ms(self) -> int:
        """Return the time that signatures are judged by."""
        return self._clock.now_ms()

    def verify(
        self,
        request: HttpRequest,
        *,
        service: str | None,
        family: Family,
        bucket: str | None = None,
    ) -> Authenticated:
        """Return who signed the request.

        The body of any request whose operation takes no stream must have been read: it is hashed
        here. A streamed one is left to its reader, with what to check in the result.

        Args:
            request: as it came.
            service: the signing name of the service it was sent to; None takes any.
            family: how the client reads errors.
            bucket: S3's, where the host name tells it.

        Raises:
            RefusedAs: the signature, the key, the time or the body is not right.
        """
        authorization = request.headers.get(b"authorization")
        is_presigned = bool(request.query) and presign.is_presigned(request.query)
        if authorization is None:
            if is_presigned:
                return self._by_query(request, service, family)
            if service in RAW_PATH_SERVICES and sigv2.is_presigned(request.query):
                return self._by_old_query(request, bucket, family)
            raise refuse(Kind.MISSING, family)
        if is_presigned:
            raise refuse(Kind.BOTH_FORMS, family)
        if not authorization.startswith(b"AWS4-"):
            raise strange_authorization(authorization, family)
        return self._by_header(request, authorization, service, family)

    def refuse_early(self, request: HttpRequest, family: Family) -> None:
        """Refuse what is wrong whatever the body is, before a long one is read into memory.

        Raises:
            RefusedAs: nobody signed; or, by header, the time, the key or its session is not right.
        """
        authorization = request.headers.get(b"authorization")
        if authorization is None:
            if not (presign.is_presigned(request.query) or sigv2.is_presigned(request.query)):
                raise refuse(Kind.MISSING, family)
            return
        if not authorization.startswith(b"AWS4-"):
            raise strange_authorization(authorization, family)
        claim, _ = self._claims.read(authorization, request, family)
        self._check_time(basic_format_of(stamp_header(request)), family)
        token = request.headers.get(b"x-amz-security-token", b"").decode("latin-1")
        self._credential(claim.access_key_id, token, family)

    def _by_header(
        self, request: HttpRequest, authorization: bytes, service: str | None, family: Family
    ) -> Authenticated:
        claim, signature = self._claims.read(authorization, request, family)
        stamp = basic_format_of(stamp_header(request))
        self._check_time(stamp, family)
        check_headers(request, claim, family)
        check_scope(claim, stamp, service, family)
        token = request.headers.get(b"x-amz-security-token", b"")
        signer = self._signer(claim, token, regions_of(request, claim), family)
        told = request.headers.get(b"x-amz-content-sha256")
        payload = payload_of(told, request, claim, family)
        query = canonical.query(request.query)
        proof = Proof(claim, stamp, signature, query, payload, told is not None)
        self._prove(request, proof, signer, family)
        return settled(request, proof, signer, family)

    def _by_query(self, request: HttpRequest, service: str | None, family: Family) -> Authenticated:
        asked = presign.read(request.query, family)
        claim, stamp = asked.claim, asked.stamp
        self._check_expiry(stamp, asked.expires_s, family)
        check_headers(request, claim, family)
        check_scope(claim, stamp, service, family)
        signer = self._signer(claim, asked.token, asked.regions, family)
        told = presigned_payload_of(asked, request)
        payload = payload_of(told, request, claim, family)
        query = canonical.query(request.query, without=b"X-Amz-Signature")
        proof = Proof(claim, stamp, asked.signature, query, payload, told is not None)
        self._prove(request, proof, signer, family)
        return settled(request, proof, signer, family)

    def _by_old_query(
        self, request: HttpRequest, bucket: str | None, family: Family
    ) -> Authenticated:
        link = sigv2.read(request, bucket, family)
        now_ms = self._clock.now_ms()
        if now_ms > link.expires_s * 1000:
            members = {"Expires": link.expires_s, "ServerTime": extended_stamp_of(now_ms)}
            raise refuse(Kind.QUERY_EXPIRED, family, members=members)
        credential = self._credential(link.access_key_id, link.token.decode("latin-1"), family)
        if not hmac.compare_digest(
            sigv2.signature_over(credential.secret, link.to_sign), link.signature
        ):
            members = {
                "AWSAccessKeyId": link.access_key_id,
                "SignatureProvided": link.signature.decode("latin-1"),
                **shown("StringToSign", link.to_sign),
            }
            raise refuse(Kind.SIGNATURE, family, members=members)
        where = Scope(credential.principal.account, self._region)
        is_chunked = request.headers.get(b"x-amz-content-sha256") == UNSIGNED_TRAILER
        return Authenticated(credential.principal, where, "s3", is_chunked=is_chunked)

    def verify_form(self, fields: Mapping[str, str], family: Family = "rest-xml") -> Authenticated:
        """Return who signed the policy of a form; the policy itself is not looked at.

        Raises:
            RefusedAs: nobody, or the signature, the key or its session is not right.
        """
        if "x-amz-signature" not in fields and "signature" in fields:
            return self._by_old_form(fields, family)
        missing = [name for name in FORM_FIELDS if not fields.get(name)]
        if len(missing) == len(FORM_FIELDS):
            raise refuse(Kind.MISSING, family)
        if missing:
            raise refuse(Kind.FORM_FIELDS, family, field=missing[0])
        claim = claim_of(fields["x-amz-credential"], "host", family, fields["x-amz-algorithm"])
        stamp = fields["x-amz-date"].encode()
        self._instant(stamp, family)
        check_scope(claim, stamp, "s3", family)
        token = fields.get("x-amz-security-token", "").encode()
        signer = self._signer(claim, token, b"", family)
        policy, signature = fields["policy"].encode(), fields["x-amz-signature"].encode()
        if claim.is_asymmetric or not is_signed_by(signer.key, signature, policy):
            raise refuse(Kind.SIGNATURE, family, members=told_of(claim.access_key_id, policy))
        return signer.who

    def _by_old_form(self, fields: Mapping[str, str], family: Family) -> Authenticated:
        access_key_id = fields.get("awsaccesskeyid", "")
        token, policy = fields.get("x-amz-security-token", ""), fields.get("policy", "").encode()
        credential = self._credential(access_key_id, token, family)
        expected = sigv2.signature_over(credential.secret, policy)
        if not policy or not hmac.compare_digest(expected, fields["signature"].encode()):
            raise refuse(Kind.SIGNATURE, family, members=told_of(access_key_id, policy))
        where = Scope(credential.principal.account, self._region)
        return Authenticated(credential.principal, where, "s3")

    def _check_time(self, stamp: bytes, family: Family) -> None:
        now_ms = self._clock.now_ms()
        signed_ms = self._instant(stamp, family)
        if signed_ms < now_ms - SKEW_MS_MAX:
            raise skewed(Kind.EXPIRED, stamp, now_ms, family)
        if signed_ms > now_ms + SKEW_MS_MAX:
            raise skewed(Kind.NOT_YET, stamp, now_ms, family)

    def _check_expiry(self, stamp: bytes, expires_s: int, family: Family) -> None:
        now_ms = self._clock.now_ms()
        signed_ms = self._instant(stamp, family)
        if signed_ms > now_ms + SKEW_MS_MAX:
            raise skewed(Kind.NOT_YET, stamp, now_ms, family)
        if now_ms > signed_ms + expires_s * 1000:
            raise skewed(Kind.QUERY_EXPIRED, stamp, now_ms, family, expires_s=expires_s)

    def _instant(self, stamp: bytes, family: Family) -> int:
        known = self._stamps.get(stamp)
        if known is not None:
            return known
        instant = instant_of(stamp)
        if instant is None:
            raise refuse(Kind.DATE_FORMAT, family, stamp=stamp.decode("latin-1"))
        return self._stamps.keep(stamp, instant)

    def _signer(self, claim: Claim, token: bytes, regions: bytes, family: Family) -> Signer:
        credential = self._credential(claim.access_key_id, token.decode("latin-1"), family)
        region = claim.region or self._region_in(regions, family)
        known = self._signers.get((claim.access_key_id, claim.scope))
        # A key that came back with another secret is another key.
        if known is None or known.secret != credential.secret:
            where = Scope(credential.principal.account, region)
            key = signing_key(credential.secret, claim)
            who = Authenticated(credential.principal, where, claim.service)
            return Signer(credential.secret, key, who)
        if known.who.scope.region != region:
            where = Scope(credential.principal.account, region)
            return known._replace(who=known.who._replace(scope=where))
        return known

    def _region_in(self, regions: bytes, family: Family) -> str:
        found = sigv4a.region_in(regions, self._region)
        if found is None:
            told = regions.decode("latin-1")
            problems = f"Credential should be scoped to a valid region, not '{told}'. "
            raise refuse(Kind.SCOPE, family, problems=problems.strip())
        return found

    def _credential(self, access_key_id: str, token: str, family: Family) -> Credential:
        try:
            found = self._credentials.lookup(access_key_id, token)
        except TokenInvalid as err:
            raise refuse(Kind.TOKEN_INVALID, family) from err
        except TokenExpired as err:
            raise refuse(Kind.TOKEN_EXPIRED, family) from err
        if found is None:
            members = {"AWSAccessKeyId": access_key_id}
            raise refuse(Kind.UNKNOWN_KEY, family, members=members)
        return found

    def _prove(self, request: HttpRequest, proof: Proof, signer: Signer, family: Family) -> None:
        claim = proof.claim
        text = canonical_request(request, proof)
        to_sign = canonical.string_to_sign(proof.stamp, claim.scope, text, claim.algorithm)
        if not is_signed_by(signer.key, proof.signature, to_sign):
            raise mismatch(proof, text, to_sign, family)
        # Kept only now: a stranger must not be able to push out the keys of those who sign.
        if (claim.access_key_id, claim.scope) not in self._signers:
            self._signers.keep((claim.access_key_id, claim.scope), signer)


def canonical_request(request: HttpRequest, proof: Proof) -> bytes:
    """Return the canonical form of the request, the six parts joined."""
    claim = proof.claim
    is_s3 = claim.service in RAW_PATH_SERVICES
    path = request.path if is_s3 else canonical.path_encoded_again(request.path)
    return b"%b\n%b\n%b\n%b\n%b\n%b" % (
        request.method.encode(),
        path or b"/",
        proof.query,
        canonical.header_block(request, claim.signed, claim.lines),
        claim.signed_names,
        proof.payload,
    )


def strange_authorization(authorization: bytes, family: Family) -> RefusedAs:
    """Return the refusal of an ``Authorization`` header of another kind."""
    is_old = authorization.startswith(b"AWS ")  # Signature Version 2
    if is_old and family == "rest-xml":
        return refuse(Kind.ALGORITHM, family)
    return refuse(Kind.AUTHORIZATION_TYPE, family)


def signing_key(secret: str, claim: Claim) -> SigningKey:
    """Return the key of the claim's date, region and service, or the public key of SigV4a."""
    if claim.is_asymmetric:
        return sigv4a.public_key(claim.access_key_id, secret)
    key = ("AWS4" + secret).encode()
    for step in claim.scope.split(b"/"):
        key = hmac.digest(key, step, "sha256")
    return Mac(key)


def check_headers(request: HttpRequest, claim: Claim, family: Family) -> None:
    """Refuse a request whose signature leaves out a header that it must cover.

    Raises:
        RefusedAs: ``host`` is not signed, or the operation's name, or, of S3, an ``x-amz-`` header.
    """
    if b"host" not in claim.signed:
        raise refuse(Kind.HOST_UNSIGNED, family)
    if b"x-amz-target" in request.headers and b"x-amz-target" not in claim.signed:
        raise refuse(Kind.TARGET_UNSIGNED, family)
    if claim.service not in RAW_PATH_SERVICES:
        return
    for name in request.headers:
        # Some clients add the token after signing; it is sealed and proves itself.
        if (
            name.startswith(b"x-amz-")
            and name not in claim.signed
            and name != b"x-amz-security-token"
        ):
            members = {"HeadersNotSigned": name.decode("latin-1")}
            raise refuse(Kind.HEADERS_UNSIGNED, family, members=members)


def regions_of(request: HttpRequest, claim: Claim) -> bytes:
    """Return the regions that a header of SigV4a tells; nothing where it was not signed."""
    is_told = claim.is_asymmetric and b"x-amz-region-set" in claim.signed
    return request.headers.get(b"x-amz-region-set", b"") if is_told else b""


def check_scope(claim: Claim, stamp: bytes, service: str | None, family: Family) -> None:
    """Refuse a signature made for something else than this request.

    Raises:
        RefusedAs: names every element of the scope that is wrong.
    """
    is_here = service is None or claim.service == service
    if claim.is_sound and is_here and claim.date == stamp[:8]:
        return
    if claim.fault is not None:
        raise claim.fault
    problems = scope_problems(claim, stamp, service)
    if family == "rest-xml":
        problems = "The authorization header is malformed; " + problems
    raise refuse(Kind.SCOPE, family, problems=problems.strip())


def scope_problems(claim: Claim, stamp: bytes, service: str | None) -> str:
    """Return a sentence for each wrong element of the scope."""
    problems = ""
    if not claim.is_asymmetric and not is_region(claim.region):
        problems += f"Credential should be scoped to a valid region, not '{claim.region}'. "
    if service is not None and claim.service != service:
        problems += f"Credential should be scoped to correct service: '{service}'. "
    if claim.terminator != TERMINATOR:
        problems += (
            f"Credential should be scoped with a valid terminator: '{TERMINATOR}', "
            f"not '{claim.terminator}'. "
        )
    if claim.date != stamp[:8]:
        date, day, whole = (part.decode("latin-1") for part in (claim.date, stamp[:8], stamp))
        problems += (
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{date}' != '{day}', from '{whole}'. "
        )
    return problems


def settled(request: HttpRequest, proof: Proof, signer: Signer, family: Family) -> Authenticated:
    """Return who signed, having checked the body or said what is left to check.

    Raises:
        RefusedAs: the body is not the one that was signed.
    """
    payload, claim = proof.payload, proof.claim
    if payload in MODES:
        chunks = None
        if payload not in UNSIGNED_MODES:
            has_trailer = payload in WITH_TRAILER
            chunks = ChunkSigning(
                proof.signature, signer.key, proof.stamp, claim.scope, has_trailer
            )
        return signer.who._replace(chunks=chunks, is_chunked=payload != UNSIGNED_PAYLOAD)
    if not isinstance(request.body, bytes):
        return signer.who._replace(body_sha256=payload.decode())
    if proof.is_told and sha256(request.body).hexdigest().encode() != payload:
        raise refuse(Kind.PAYLOAD_HASH, family)
    return signer.who


def skewed(
    kind: Kind, stamp: bytes, now_ms: int, family: Family, *, expires_s: int | None = None
) -> RefusedAs:
    """Return the refusal of a request that is not of now."""
    members: dict[str, object] = {
        "RequestTime": stamp.decode("latin-1"),
        "ServerTime": extended_stamp_of(now_ms),
        "MaxAllowedSkewMilliseconds": SKEW_MS_MAX,
    }
    if expires_s is not None:
        members = {"X-Amz-Expires": expires_s, "ServerTime": extended_stamp_of(now_ms)}
    return refuse(
        kind,
        family,
        members=members,
        stamp=stamp.decode("latin-1"),
        now=stamp_of(now_ms),
        earliest=stamp_of(now_ms - SKEW_MS_MAX),
        latest=stamp_of(now_ms + SKEW_MS_MAX),
    )


def told_of(access_key_id: str, to_sign: bytes) -> dict[str, object]:
    """Return what S3 tells of a policy whose signature is wrong."""
    return {"AWSAccessKeyId": access_key_id, **shown("StringToSign", to_sign)}


def mismatch(proof: Proof, canonical_text: bytes, to_sign: bytes, family: Family) -> RefusedAs:
    """Return the refusal of a wrong signature, with what should have been signed (S3 only)."""
    return refuse(
        Kind.SIGNATURE,
        family,
        members={
            "AWSAccessKeyId": proof.claim.access_key_id,
            "SignatureProvided": proof.signature.decode("latin-1"),
            **shown("StringToSign", to_sign),
            **shown("CanonicalRequest", canonical_text),
        },
    )
