r"""The canonical form of a request, made once from its raw bytes.

A canonical request is six parts joined by line feeds; both sides hash it and sign the hash:

==================  ========================================================================
part                rule
==================  ========================================================================
method              as sent
path                S3: as sent, because ``a//b`` and ``a/./b`` are keys.
                    Others: dot segments and repeated slashes removed, then encoded once more
                    (``%3A`` becomes ``%253A``)
query               names and values decoded and encoded again, sorted as bytes; ``=`` added
                    where it lacks; ``X-Amz-Signature`` left out
headers             ``name:value\n`` of each signed header, sorted by name; runs of white space in
                    a value become one blank; repeated headers joined by commas as they came
signed headers      their names joined by semicolons
payload             hexadecimal SHA-256 of the body, or the word that stands for it
==================  ========================================================================

Source: AWS docs, IAM user guide, "Create a signed AWS API request".
"""

from __future__ import annotations

import re
from hashlib import sha256
from urllib.parse import quote_from_bytes, unquote_to_bytes

from haar.wire.http import HttpRequest
from haar.wire.paths import normalised

ALGORITHM = b"AWS4-HMAC-SHA256"
ALGORITHM_V4A = b"AWS4-ECDSA-P256-SHA256"
ALGORITHMS = frozenset({ALGORITHM, ALGORITHM_V4A})
EMPTY_SHA256 = sha256(b"").hexdigest().encode()

_plain_path = re.compile(rb"[A-Za-z0-9\-._~/]*").fullmatch
_plain_text = re.compile(rb"[A-Za-z0-9\-._~]*").fullmatch
_blanks = re.compile(rb"[ \t\r\n]+")


def path_encoded_again(raw: bytes) -> bytes:
    """Return the form of a path that every service but S3 signs."""
    if raw == b"/":
        return raw
    raw = normalised(raw)
    return raw if _plain_path(raw) else quote_from_bytes(raw, safe="/~").encode()


def query(raw: bytes, *, without: bytes = b"") -> bytes:
    """Return the query in canonical order and encoding, without the parameter of that name."""
    if not raw:
        return raw
    pairs: list[tuple[bytes, bytes]] = []
    for piece in raw.split(b"&"):
        name, _, value = piece.partition(b"=")
        if piece and name != without:
            pairs.append((_recoded(name), _recoded(value)))
    pairs.sort()
    return b"&".join([name + b"=" + value for name, value in pairs])


def _recoded(text: bytes) -> bytes:
    if _plain_text(text):
        return text
    return quote_from_bytes(unquote_to_bytes(text), safe="-_.~").encode()


def lines_of(names: tuple[bytes, ...]) -> bytes:
    """Return the lines of headers, with ``%b`` where each value goes."""
    return b"".join([name.replace(b"%", b"%%") + b":%b\n" for name in names])


def header_block(request: HttpRequest, names: tuple[bytes, ...], lines: bytes) -> bytes:
    """Return the lines of the headers called ``names``, in that order.

    A signed header that did not arrive counts as empty: the signature then does not match.

    Args:
        request: has the headers.
        names: lower case.
        lines: :func:`lines_of` them.
    """
    headers = request.headers
    told = headers.get(b"host", b"")
    host = canonical_host(told, is_tls=request.is_tls)
    if host != told:
        headers = {**headers, b"host": host}
    values = tuple(map(headers.get, names))
    if None in values:
        values = tuple([value or b"" for value in values])
    block = lines % values
    # One look at the whole block: values with blanks to take out are rare.
    if b"  " in block or b"\t" in block or b"\r" in block or block.count(b"\n") != len(names):
        block = lines % tuple([_blanks.sub(b" ", value or b"").strip() for value in values])
    return block


def canonical_host(host: bytes, *, is_tls: bool) -> bytes:
    """Return the host in lower case, without the port that goes without saying."""
    return host.lower().removesuffix(b":443" if is_tls else b":80")


def string_to_sign(
    stamp: bytes, scope: bytes, canonical_request: bytes, algorithm: bytes = ALGORITHM
) -> bytes:
    """Return what the signing key signs.

    Args:
        stamp: the time of signing, ``YYYYMMDDTHHMMSSZ``.
        scope: ``date/region/service/aws4_request``.
        canonical_request: the six parts.
        algorithm: the signature's.
    """
    digest = sha256(canonical_request).hexdigest().encode()
    return b"%b\n%b\n%b\n%b" % (algorithm, stamp, scope, digest)
