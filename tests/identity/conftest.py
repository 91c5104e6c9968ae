"""A verifier with one known key, and the requests of AWS's own vectors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from haar.identity import principal as principals
from haar.identity.credentials import Credential, TokenInvalid
from haar.identity.sigv4 import Verifier
from haar.kernel.clock import VirtualClock
from haar.wire.http import HttpRequest

VECTORS = Path(__file__).parent / "vectors"
VECTOR_TIME_MS = 1_440_938_160_000  # 2015-08-30T12:36:00Z
ACCESS_KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


class FixedCredentials:
    """Knows the keys that it was given, with one token or, where that is None, with any."""

    def __init__(self, token: str | None = None, **secrets: str) -> None:
        self.secrets = secrets
        self.token = token

    def lookup(self, access_key_id: str, token: str = "") -> Credential | None:
        if self.token is not None and token != self.token:
            raise TokenInvalid
        secret = self.secrets.get(access_key_id)
        root = principals.root_of("000000000000", access_key_id)
        return Credential(access_key_id, secret, root) if secret else None


class Vector(NamedTuple):
    """One case of the suite: the request unsigned, and what becomes of it."""

    name: str
    request: bytes
    canonical: bytes
    to_sign: bytes
    authorization: bytes
    signed: bytes


def load(folder: Path) -> Vector:
    parts = [
        (folder / f"{folder.name}.{end}").read_bytes()
        for end in ("req", "creq", "sts", "authz", "sreq")
    ]
    # One `.sreq` of the suite carries another case's signature; the `.authz` is right in all.
    authorization, signed = parts[3], parts[4]
    at = signed.index(b"Signature=") + len(b"Signature=")
    parts[4] = signed[:at] + authorization[-64:] + signed[at + 64 :]
    return Vector(folder.name, *parts)


def vectors() -> list[Vector]:
    return [load(found.parent) for found in sorted(VECTORS.rglob("*.authz"))]


def parse(raw: bytes) -> HttpRequest:
    """Take a request of the suite apart, leniently: it has folded headers and bare spaces."""
    head, _, body = raw.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    method, _, rest = first.partition(b" ")
    target = rest.removesuffix(b" HTTP/1.1")
    path, _, query = target.partition(b"?")
    listed: list[tuple[bytes, bytes]] = []
    for line in lines:
        if line[:1] in b" \t" and listed:
            listed[-1] = (listed[-1][0], listed[-1][1] + b"\n" + line)
        else:
            name, _, value = line.partition(b":")
            listed.append((name.lower(), value))
    return make(method.decode("latin-1"), path, query, listed, body)


def make(
    method: str,
    path: bytes = b"/",
    query: bytes = b"",
    headers: list[tuple[bytes, bytes]] = [],  # noqa: B006  # only read
    body: object = b"",
) -> HttpRequest:
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        stripped = value.strip()
        joined[name] = joined[name] + b"," + stripped if name in joined else stripped
    return HttpRequest(
        method=method,
        path=path,
        query=query,
        headers=joined,
        header_list=headers,
        body=body,
        peer="127.0.0.1",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "vector" in metafunc.fixturenames:
        metafunc.parametrize("vector", vectors(), ids=lambda vector: vector.name)


@pytest.fixture(name="parse")
def fixture_parse() -> Callable[[bytes], HttpRequest]:
    return parse


@pytest.fixture(name="make", scope="session")
def fixture_make() -> Callable[..., HttpRequest]:
    return make


@pytest.fixture(scope="session")
def known_keys() -> type[FixedCredentials]:
    return FixedCredentials


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(VECTOR_TIME_MS)


@pytest.fixture
def verifier(clock: VirtualClock) -> Verifier:
    return Verifier(FixedCredentials(**{ACCESS_KEY: SECRET}), clock)
