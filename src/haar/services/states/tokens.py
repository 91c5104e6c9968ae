"""Task tokens: what a callback task hands out, and what its answer comes back with.

A token names its wait and proves that this haar made it, so that nothing is stored for it: base64
of the MessagePack array [execution ARN, frame, ticket, proof]. The proof is keyed by a secret of
the execution's (of the outermost one's, for children of a Distributed Map).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

import msgspec

_PROOF_BYTES = 16


class Token(msgspec.Struct, frozen=True, array_like=True):
    """A parsed token; not to be believed before :func:`is_genuine`."""

    arn: str
    frame: int
    ticket: int
    proof: bytes


class BadToken(ValueError):
    """A text that is no token."""


_DECODER = msgspec.msgpack.Decoder(Token)


def _proof(secret: str, arn: str, frame: int, ticket: int) -> bytes:
    text = f"{arn}/{frame}/{ticket}"
    return hashlib.blake2b(text.encode(), key=secret.encode(), digest_size=_PROOF_BYTES).digest()


def make(secret: str, arn: str, frame: int, ticket: int) -> str:
    """Return the token of one wait of one frame."""
    token = Token(arn, frame, ticket, _proof(secret, arn, frame, ticket))
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(token)).decode()


def parse(text: str) -> Token:
    """Return what a token says.

    Raises:
        BadToken: it is none.
    """
    try:
        return _DECODER.decode(base64.urlsafe_b64decode(text.encode()))
    except (ValueError, binascii.Error, msgspec.DecodeError) as err:
        raise BadToken(text) from err


def is_genuine(token: Token, secret: str) -> bool:
    """Tell whether a token was made with a secret."""
    wanted = _proof(secret, token.arn, token.frame, token.ticket)
    return hmac.compare_digest(wanted, token.proof)
