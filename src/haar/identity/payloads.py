"""The last part of a canonical request: the body's hash, or the word that stands for it.

==============================================  ==============================================
``x-amz-content-sha256``                        the body
==============================================  ==============================================
64 hexadecimal digits                           has that hash
``UNSIGNED-PAYLOAD``                            is not signed
``STREAMING-UNSIGNED-PAYLOAD-TRAILER``          comes in chunks, with a checksum at its end
``STREAMING-AWS4-…-PAYLOAD``                    comes in signed chunks (:mod:`.chunks`)
``STREAMING-AWS4-…-PAYLOAD-TRAILER``            the same, and the trailer is signed
==============================================  ==============================================

Only S3 takes another word than a hash, and only S3 must be told one.

Source: AWS docs, S3 API reference, "Signature calculations for the Authorization header".
"""

from __future__ import annotations

import re
from hashlib import sha256

from haar.identity.claim import Claim
from haar.identity.presign import Presigned
from haar.identity.refusals import Family, Kind, refuse
from haar.wire.http import HttpRequest

UNSIGNED_PAYLOAD = b"UNSIGNED-PAYLOAD"
UNSIGNED_TRAILER = b"STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED_CHUNKS = b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_CHUNKS_AND_TRAILER = b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"

ECDSA_CHUNKS = b"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"
ECDSA_CHUNKS_AND_TRAILER = b"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER"

UNSIGNED_MODES = frozenset({UNSIGNED_PAYLOAD, UNSIGNED_TRAILER})
HMAC_MODES = frozenset({SIGNED_CHUNKS, SIGNED_CHUNKS_AND_TRAILER})
ECDSA_MODES = frozenset({ECDSA_CHUNKS, ECDSA_CHUNKS_AND_TRAILER})
MODES = UNSIGNED_MODES | HMAC_MODES | ECDSA_MODES
WITH_TRAILER = frozenset({SIGNED_CHUNKS_AND_TRAILER, ECDSA_CHUNKS_AND_TRAILER})
RAW_PATH_SERVICES = frozenset({"s3", "s3express"})
"""Signing names of S3: paths are signed as sent, every ``x-amz-`` header is signed, and a word may
stand for the body's hash."""

_is_sha256 = re.compile(rb"[0-9a-f]{64}").fullmatch


def payload_of(told: bytes | None, request: HttpRequest, claim: Claim, family: Family) -> bytes:
    """Return the last part of the canonical request: the body's hash, or what stands for it.

    Args:
        told: what the signer says; None leaves it to be computed.
        request: whose body it is.
        claim: of which service and algorithm.
        family: how the client reads errors.

    Raises:
        RefusedAs: S3, or a stream, is told no hash, or a mode that it does not take.
    """
    if told is None:
        if claim.service in RAW_PATH_SERVICES or not isinstance(request.body, bytes):
            raise refuse(Kind.PAYLOAD_UNHASHED, family)
        return sha256(request.body).hexdigest().encode()
    if not _is_sha256(told) and not is_mode(told, claim):
        raise refuse(Kind.PAYLOAD_MODE, family, mode=told.decode("latin-1"))
    return told


def is_mode(told: bytes, claim: Claim) -> bool:
    """Return whether a word may stand for the body's hash: S3's alone, and of the algorithm."""
    if claim.service not in RAW_PATH_SERVICES:
        return False
    return told in UNSIGNED_MODES or told in (ECDSA_MODES if claim.is_asymmetric else HMAC_MODES)


def presigned_payload_of(asked: Presigned, request: HttpRequest) -> bytes | None:
    """Return what a presigned request says of its body, None where it says nothing.

    S3 takes any body where nothing is said: whoever makes a link for an upload does not know it.
    """
    if asked.payload:
        return asked.payload
    if b"x-amz-content-sha256" in asked.claim.signed:
        return request.headers.get(b"x-amz-content-sha256")
    return UNSIGNED_PAYLOAD if asked.claim.service in RAW_PATH_SERVICES else None
