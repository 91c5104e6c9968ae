"""Compressed request bodies: read where the model allows them, and never beyond a bound."""

from __future__ import annotations

import gzip
import zlib

import pytest

from haar.kernel.errors import ApiError, RefusedAs
from haar.wire import compression
from haar.wire.http import HttpRequest
from haar.wire.models import from_json
from haar.wire.protocols import Codecs
from haar.wire.route import Routed, Router

BODY = b'{"data": "' + b"x" * 20_000 + b'"}'
MODEL = from_json(
    "packed",
    {
        "metadata": {"protocol": "json", "apiVersion": "1", "endpointPrefix": "x"},
        "operations": {
            name: {
                "name": name,
                "http": {"method": "POST", "requestUri": "/"},
                "input": {"shape": "In"},
                **traits,
            }
            for name, traits in (
                ("Packed", {"requestcompression": {"encodings": ["gzip"]}}),
                ("Plain", {}),
            )
        },
        "shapes": {
            "In": {"type": "structure", "members": {"data": {"shape": "Text"}}},
            "Text": {"type": "string"},
        },
    },
)


class Catalog:
    """The one model of these tests."""

    def service(self, name: str) -> object:
        return MODEL


def decode(operation: str, body: bytes, encoding: str) -> dict[str, object]:
    catalog = Catalog()
    codecs = Codecs(catalog, Router(catalog, []))  # type: ignore[arg-type]
    headers = {b"content-encoding": encoding.encode()}
    request = HttpRequest(
        method="POST",
        path=b"/",
        query=b"",
        headers=headers,
        header_list=[],
        body=body,
        peer="",
    )
    routed = Routed("packed", "packed", operation, "json-1.0")
    return codecs.of(routed).decode(request, body, routed)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "custom, gzip", "gzip,gzip"])
def test_a_compressed_body_is_read(encoding: str) -> None:
    """The last encoding is the client library's, and is taken off."""
    assert decode("Packed", gzip.compress(BODY), encoding) == {"data": "x" * 20_000}


@pytest.mark.parametrize("encoding", ["", "identity", "gzip, custom", "br"])
def test_another_encoding_is_the_callers(encoding: str) -> None:
    """What is not gzip at the end of the list is not ours to undo."""
    assert decode("Packed", BODY, encoding) == {"data": "x" * 20_000}


def test_an_operation_without_the_trait_takes_no_compressed_body() -> None:
    """Content-Encoding means something else there: S3 keeps it with the object."""
    with pytest.raises(ApiError) as refused:
        decode("Plain", gzip.compress(BODY), "gzip")
    assert refused.value.code == "SerializationException"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x1f\x8b",
        BODY,
        gzip.compress(BODY, mtime=0)[:-1],
        gzip.compress(BODY, mtime=0) + b"x",
        gzip.compress(BODY, mtime=0) + gzip.compress(b"", mtime=0),
        zlib.compress(BODY),
        gzip.compress(BODY, mtime=0)[:-8] + bytes(8),
    ],
)
def test_what_is_not_gzip_is_malformed(body: bytes) -> None:
    """Truncated, damaged or followed by something else, it is refused as a body is."""
    with pytest.raises(ApiError) as refused:
        decode("Packed", body, "gzip")
    assert refused.value.code == "SerializationException"


def test_a_bomb_is_refused_before_it_grows() -> None:
    """A small body cannot take more memory than the largest plain one."""
    bomb = gzip.compress(bytes(compression.EXPANDED_BYTES_MAX + 1))
    assert len(bomb) < 64 * 1024
    with pytest.raises(RefusedAs) as refused:
        compression.expand(bomb)
    assert (refused.value.code, refused.value.status) == ("RequestEntityTooLargeException", 413)
