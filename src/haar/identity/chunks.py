r"""The signatures of an upload's chunks: a chain that begins with the request's own.

Each link is signed together with the one before it, so that no chunk can be changed, left out,
repeated or moved::

    chunk    AWS4-HMAC-SHA256-PAYLOAD \n stamp \n scope \n before \n sha256("") \n sha256(chunk)
    trailer  AWS4-HMAC-SHA256-TRAILER \n stamp \n scope \n before \n sha256(trailer lines)

In SigV4a the names begin with ``AWS4-ECDSA-P256-SHA256``, and a chunk's signature is filled up
with ``*`` to a fixed length, so that the length of the whole upload is known before it is signed;
what the next link continues from is without them.

Source: AWS docs, S3 API reference, "Signature calculations for the Authorization header:
transferring payload in multiple chunks", and the same "with trailing headers".
"""

from __future__ import annotations

from haar.identity.canonical import ALGORITHM, ALGORITHM_V4A, EMPTY_SHA256
from haar.identity.mac import Mac
from haar.identity.refusals import Family, Kind, refuse, shown
from haar.identity.sigv4 import ChunkSigning, is_signed_by


class ChunkChain:
    """Verifies an upload's chunks, one after the other; of one request only.

    Args:
        signing: what the chain begins with.
        family: how the client reads errors.
    """

    def __init__(self, signing: ChunkSigning, family: Family = "rest-xml") -> None:
        self._signing = signing
        self._family: Family = family
        self._before = signing.seed
        self._algorithm = ALGORITHM if isinstance(signing.key, Mac) else ALGORITHM_V4A

    def verify_chunk(self, sha256_hex: str, signature: str) -> None:
        """Check the next chunk's signature; the last chunk is empty.

        Raises:
            RefusedAs: it is wrong.
        """
        hashes = EMPTY_SHA256 + b"\n" + sha256_hex.encode()
        self._verify(b"-PAYLOAD", hashes, signature)

    def verify_trailer(self, sha256_hex: str, signature: str) -> None:
        """Check the signature of the trailer, which follows the last chunk's.

        Raises:
            RefusedAs: it is wrong.
        """
        self._verify(b"-TRAILER", sha256_hex.encode(), signature)

    def _verify(self, what: bytes, hashes: bytes, signature: str) -> None:
        signing = self._signing
        to_sign = b"\n".join(
            [self._algorithm + what, signing.stamp, signing.scope, self._before, hashes]
        )
        given = signature.rstrip("*").encode("latin-1", "replace")
        if not is_signed_by(signing.key, given, to_sign):
            raise refuse(
                Kind.SIGNATURE,
                self._family,
                members={"SignatureProvided": signature, **shown("StringToSign", to_sign)},
            )
        self._before = given
