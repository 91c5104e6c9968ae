"""The binding of the JSON and CBOR remote procedure calls: all members are in the body."""

from __future__ import annotations

from collections.abc import AsyncIterator
from zlib import crc32

from haar.kit.call import Members
from haar.kit.streams import ByteStream
from haar.wire import eventstream
from haar.wire.bindings.events import EventWriter, stream_member
from haar.wire.bindings.parts import BodyEncode, Bound, Encode, Parts
from haar.wire.bodies.tree import Malformed
from haar.wire.http import HeaderList, HttpRequest, HttpResponse
from haar.wire.models import Shape
from haar.wire.route import Routed

_EMPTY = Shape(name="", type="structure")


def bind(parts: Parts) -> Bound:
    """Return the operation's two functions."""
    read = parts.request.decoder(parts.model, parts.input or _EMPTY, parts.notes, None)
    write = parts.response.encoder(parts.model, parts.output or _EMPTY, None, "", "")

    def decode(request: HttpRequest, body: bytes | ByteStream, routed: Routed) -> Members:
        del request, routed
        if not isinstance(body, bytes):
            raise Malformed("")
        return read(body)

    if parts.output is not None and (stream := stream_member(parts, parts.output)):
        return Bound(decode, encode_events(parts, parts.output, stream), is_noting=True)
    encode = (
        encode_with_crc32(parts, write) if parts.patch.has_crc32 else encode_plain(parts, write)
    )
    return Bound(decode, encode, is_noting=True)


def encode_plain(parts: Parts, write: BodyEncode) -> Encode:
    """Return the encoder of most services."""
    media, id_header = (b"content-type", parts.media), parts.id_header
    extra = smithy_header(parts)

    def encode(result: Members, request_id: str) -> HttpResponse:
        headers: HeaderList = [media, (id_header, request_id.encode()), *extra]
        return HttpResponse(200, headers, write(result))

    return encode


def encode_with_crc32(parts: Parts, write: BodyEncode) -> Encode:
    """Return the encoder of services whose clients check ``x-amz-crc32``."""
    media, id_header = (b"content-type", parts.media), parts.id_header
    extra = smithy_header(parts)

    def encode(result: Members, request_id: str) -> HttpResponse:
        body = write(result)
        check = (b"x-amz-crc32", b"%d" % crc32(body))
        return HttpResponse(200, [media, (id_header, request_id.encode()), check, *extra], body)

    return encode


def encode_events(parts: Parts, shape: Shape, name: str) -> Encode:
    """Return the encoder of operations whose answer is a stream of events."""
    writer = EventWriter(parts, shape, name)
    media = (b"content-type", eventstream.MEDIA)
    extra = smithy_header(parts)

    async def messages(result: Members) -> AsyncIterator[bytes]:
        yield writer.first({k: v for k, v in result.items() if k != name}, shape)
        async for message in writer.messages(result[name]):
            yield message

    def encode(result: Members, request_id: str) -> HttpResponse:
        headers: HeaderList = [media, (parts.id_header, request_id.encode()), *extra]
        return HttpResponse(200, headers, messages(result))

    return encode


def smithy_header(parts: Parts) -> HeaderList:
    """Return the header by which CBOR answers are known."""
    return [(b"smithy-protocol", b"rpc-v2-cbor")] if parts.media == b"application/cbor" else []
