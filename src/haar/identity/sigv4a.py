"""Signature Version 4A: asymmetric, so that verifiers in many regions need only a public key.

The key pair follows from the access key alone. For ``counter`` = 1, 2, … ::

    message  = 00000001 | "AWS4-ECDSA-P256-SHA256" | 00 | access key id | counter | 00000100
    k0       = HMAC-SHA-256("AWS4A" + secret, message)

until k0 ≤ n - 2, where n is the order of P-256; the private key is k0 + 1. The signature is ECDSA
of the same string to sign as in Version 4, in hexadecimal DER. The scope has no region; the header
(or parameter) ``X-Amz-Region-Set`` tells where the request may be used: names, ``*`` standing for
any characters.

Source: AWS docs, IAM user guide, "AWS Signature Version 4 for API requests", and the derivation
that AWS's signers publish.
"""

from __future__ import annotations

import binascii
import hmac
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from haar.identity.canonical import ALGORITHM_V4A
from haar.identity.claim import is_region

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_REGIONS_MAX = 64


def private_number(access_key_id: str, secret: str) -> int:
    """Return the private key of an access key, as a number."""
    key = ("AWS4A" + secret).encode()
    for counter in range(1, 255):
        message = b"\x00\x00\x00\x01%b\x00%b%c\x00\x00\x01\x00" % (
            ALGORITHM_V4A,
            access_key_id.encode(),
            counter,
        )
        candidate = int.from_bytes(hmac.digest(key, message, "sha256"))
        if candidate <= _ORDER - 2:
            return candidate + 1
    raise AssertionError("each candidate but one of 2^32 is in range")


def public_key(access_key_id: str, secret: str) -> EllipticCurvePublicKey:
    """Return the key that verifies an access key's signatures."""
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  # 40 ms

    number = private_number(access_key_id, secret)
    return ec.derive_private_key(number, ec.SECP256R1()).public_key()


def is_signature(key: EllipticCurvePublicKey, signature: bytes, to_sign: bytes) -> bool:
    """Return whether ``signature``, hexadecimal DER, is the key's of ``to_sign``."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # 40 ms
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  # the same
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415  # the same

    # Upper case would be a second spelling of the same signature.
    if signature != signature.lower():
        return False
    try:
        key.verify(binascii.unhexlify(signature), to_sign, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def region_in(region_set: bytes, home: str) -> str | None:
    """Return the region that a request with this set of regions acts in, None where in none.

    That is ``home`` where the set covers it, else the first region that is spelt out: like a
    scope's, it is one of ours.
    """
    patterns = region_set.decode("latin-1").replace(" ", "").split(",")[:_REGIONS_MAX]
    if any(fnmatchcase(home, pattern) for pattern in patterns):
        return home
    return next((pattern for pattern in patterns if is_region(pattern)), None)
