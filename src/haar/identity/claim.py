"""What a signature claims: which key signed which headers, when, for which region and service.

A claim comes from the ``Authorization`` header or from a presigned query (:mod:`.presign`). For
many requests of one client on one day all of the header but the signature is the same text, so
that it is taken apart once and remembered.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from haar.identity.canonical import ALGORITHM, ALGORITHM_V4A, lines_of
from haar.identity.refusals import Family, Kind, refuse
from haar.identity.remembered import Remembered
from haar.identity.stamps import stamp_header
from haar.kernel.errors import RefusedAs
from haar.wire.http import HttpRequest

TERMINATOR = "aws4_request"
SIGNATURE_BYTES = 64

_ELEMENTS = {
    ALGORITHM: ("keyid", "date", "region", "service", "term"),
    ALGORITHM_V4A: ("keyid", "date", "service", "term"),
}
_REMEMBERED_MAX = 2048
_REMEMBERED_BYTES_MAX = 1024

_separators = re.compile(r"[, ]+")
is_region = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d{1,2}|aws-global").fullmatch


class Claim(NamedTuple):
    """Everything a signer says but the time and the signature.

    Attributes:
        access_key_id: the key that signed.
        date: of the scope, ``YYYYMMDD``.
        region: of the scope; empty in SigV4a, which tells a set of regions elsewhere.
        service: of the scope: the service's signing name.
        terminator: of the scope, ``aws4_request`` unless something is wrong.
        scope: the four joined by slashes.
        signed: names of the signed headers, lower case, sorted.
        signed_names: the same, joined by semicolons.
        lines: of those headers in the canonical request, ``%b`` for each value.
        is_sound: whether region and terminator are of their forms.
        algorithm: one of the two that are understood, unless there is a fault.
        is_asymmetric: whether it is SigV4a's.
        fault: what is wrong with algorithm or credential; told after the faults of time and
            headers, as AWS does.
    """

    access_key_id: str
    date: bytes
    region: str
    service: str
    terminator: str
    scope: bytes
    signed: tuple[bytes, ...]
    signed_names: bytes
    lines: bytes
    is_sound: bool
    algorithm: bytes = ALGORITHM
    is_asymmetric: bool = False
    fault: RefusedAs | None = None


class Claims:
    """Reads claims from ``Authorization`` headers, and remembers them by their text.

    The memory is of a pure function (equal text, equal claim), so that nothing in it grows old.
    """

    __slots__ = ("_remembered",)

    def __init__(self) -> None:
        self._remembered: Remembered[bytes, Claim] = Remembered(_REMEMBERED_MAX)

    def read(
        self, authorization: bytes, request: HttpRequest, family: Family
    ) -> tuple[Claim, bytes]:
        """Return the claim and the signature, 64 hexadecimal digits mostly.

        Raises:
            RefusedAs: a part lacks, or is not of its form.
        """
        # Every client puts the signature last; one that does not is only slower.
        head = authorization[:-SIGNATURE_BYTES]
        claim = self._remembered.get(head)
        if claim is not None and stamp_header(request):
            return claim, authorization[-SIGNATURE_BYTES:]
        claim, signature = _parse(authorization.decode("latin-1"), request, family)
        is_usual = claim.fault is None and authorization == head + signature
        if is_usual and len(head) <= _REMEMBERED_BYTES_MAX:
            self._remembered.keep(head, claim)
        return claim, signature


def _parse(header: str, request: HttpRequest, family: Family) -> tuple[Claim, bytes]:
    algorithm, _, rest = header.partition(" ")
    parts: dict[str, str] = {}
    for part in _separators.split(rest.strip(", ")):
        name, equals, value = part.partition("=")
        if not equals and part:
            problem = (
                f"'{part}' not a valid key=value pair (missing equal-sign) in Authorization "
                f"header: '{header}'."
            )
            raise refuse(Kind.INCOMPLETE, family, problems=problem)
        parts[name] = value
    _check_parts(parts, header, request, family)
    claim = claim_of(parts["Credential"], parts["SignedHeaders"], family, algorithm)
    return claim, parts["Signature"].encode("latin-1")


def _check_parts(parts: dict[str, str], header: str, request: HttpRequest, family: Family) -> None:
    problems = [
        f"Authorization header requires '{name}' parameter. "
        for name in ("Credential", "Signature", "SignedHeaders")
        if not parts.get(name)
    ]
    if not stamp_header(request):
        problems.append(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
        )
    if problems:
        text = "".join(problems) + f"Authorization={header}"
        raise refuse(Kind.INCOMPLETE, family, problems=text)


def claim_of(
    credential: str, signed_headers: str, family: Family, algorithm: str = ALGORITHM.decode()
) -> Claim:
    """Return the claim of a ``Credential`` and a ``SignedHeaders`` parameter.

    A credential is ``key id/date/region/service/aws4_request``; in SigV4a it names no region.
    """
    names = tuple(sorted(signed_headers.lower().encode("latin-1").split(b";")))
    elements = credential.split("/")
    fault = _fault_of(algorithm, elements, family)
    if fault is not None:
        return Claim(
            access_key_id="",
            date=b"",
            region="",
            service="",
            terminator="",
            scope=b"",
            signed=names,
            signed_names=b";".join(names),
            lines=lines_of(names),
            is_sound=False,
            algorithm=b"",
            fault=fault,
        )
    is_asymmetric = len(elements) == 4
    region = "" if is_asymmetric else elements[2]
    is_placed = is_asymmetric or is_region(region) is not None
    return Claim(
        access_key_id=elements[0],
        date=elements[1].encode("latin-1"),
        region=region,
        service=elements[-2],
        terminator=elements[-1],
        scope="/".join(elements[1:]).encode("latin-1"),
        signed=names,
        signed_names=b";".join(names),
        lines=lines_of(names),
        is_sound=elements[-1] == TERMINATOR and is_placed,
        algorithm=algorithm.encode("latin-1"),
        is_asymmetric=is_asymmetric,
    )


def _fault_of(algorithm: str, elements: list[str], family: Family) -> RefusedAs | None:
    expected = _ELEMENTS.get(algorithm.encode("latin-1", "replace"))
    if expected is None:
        return refuse(Kind.ALGORITHM, family, algorithm=algorithm)
    if len(elements) != len(expected):
        return refuse(
            Kind.CREDENTIAL_SHAPE,
            family,
            count=str(len(expected)),
            shape="/".join(expected),
            credential="/".join(elements),
        )
    return None
