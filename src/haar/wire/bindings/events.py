"""Event streams of answers: what an operation yields, as messages of the stream.

An operation gives an asynchronous iterator of events for the member that is a stream. An event is a
dict with one key, the event's name in the model: ``{"PayloadChunk": {"Payload": b"…"}}``. A refusal
that it raises on its way becomes the stream's last message::

    event       :message-type event      :event-type <name>      members, or the one payload member
    exception   :message-type exception  :exception-type <code>  the refusal's members
    error       :message-type error      :error-code  :error-message; where the model has no shape
    the first   :event-type initial-response, in protocols that have no other place for members
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from haar.kernel.errors import ApiError
from haar.kit.call import Members
from haar.wire import eventstream
from haar.wire.bindings.parts import Parts
from haar.wire.bodies import json
from haar.wire.models import Member, Shape

BITS = {"byte": 8, "short": 16, "integer": 32, "long": 64}
"""Type of a shape → how wide it is in a header."""

Write = Callable[[Members], bytes]
"""From an event's members to its message."""


def stream_member(parts: Parts, shape: Shape) -> str:
    """Return the name of the member that is a stream of events, or nothing."""
    for name, member in shape.members.items():
        if parts.model.shape(member.shape).eventstream:
            return name
    return ""


class EventWriter:
    """Writes the events of one operation.

    Args:
        parts: the operation in its protocol.
        shape: the output's.
        name: the member that is the stream.
    """

    def __init__(self, parts: Parts, shape: Shape, name: str) -> None:
        self._parts = parts
        self._union = parts.model.shape(shape.members[name].shape)
        self._made: dict[str, Write] = {}

    def first(self, others: Members, shape: Shape) -> bytes:
        """Return the message with the members that are no events."""
        names = frozenset(others)
        body = self._parts.response.encoder(self._parts.model, shape, names, shape.name, "")
        return eventstream.encode(self._headers("initial-response"), body(others))

    def _headers(self, name: str, media: str = "") -> dict[str, eventstream.Value]:
        media = media or self._parts.media.decode("ascii")
        return {":message-type": "event", ":event-type": name, ":content-type": media}

    async def messages(self, events: AsyncIterator[Members]) -> AsyncIterator[bytes]:
        """Yield the messages of what an operation yields."""
        try:
            async for event in events:
                ((name, members),) = event.items()
                yield self._event(name)(members)
        except ApiError as refusal:
            yield self._refusal(refusal)

    def _event(self, name: str) -> Write:
        write = self._made.get(name)
        if write is None:
            shape = self._parts.model.shape(self._union.members[name].shape)
            write = self._made[name] = self._writer(name, shape)
        return write

    def _writer(self, name: str, shape: Shape) -> Write:
        headed = {
            key: BITS.get(self._parts.model.shape(member.shape).type)
            for key, member in shape.members.items()
            if member.eventheader
        }
        payload = next((k for k, member in shape.members.items() if member.eventpayload), "")
        media, body = (
            self._payload(shape.members[payload], payload) if payload else self._document(shape)
        )
        fixed = self._headers(name, media)
        if not payload and len(headed) == len(shape.members):
            del fixed[":content-type"]
            body = no_payload

        def write(members: Members) -> bytes:
            told: dict[str, eventstream.Value] = {
                key: eventstream.Number(members[key], bits) if bits else members[key]
                for key, bits in headed.items()
                if members.get(key) is not None
            }
            return eventstream.encode(fixed | told, body(members))

        return write

    def _document(self, shape: Shape) -> tuple[str, Write]:
        names = frozenset(key for key, member in shape.members.items() if not member.eventheader)
        parts = self._parts
        write = parts.response.encoder(parts.model, shape, names, shape.name, parts.namespace)
        return "", write

    def _payload(self, member: Member, name: str) -> tuple[str, Write]:
        parts = self._parts
        shape = parts.model.shape(member.shape)
        match shape.type:
            case "blob":
                return "application/octet-stream", lambda members: bytes(members.get(name) or b"")
            case "string":
                return "text/plain", lambda members: str(members.get(name) or "").encode()
            case "structure" if not shape.document:
                root = member.location_name or name
                write = parts.response.encoder(parts.model, shape, None, root, parts.namespace)
                return "", lambda members: write(members.get(name) or {})
            case _:
                return "application/json", lambda members: json.dumps(members.get(name))

    def _refusal(self, refusal: ApiError) -> bytes:
        member = self._union.members.get(refusal.code)
        if member is None:
            told: dict[str, eventstream.Value] = {
                ":message-type": "error",
                ":error-code": refusal.code,
                ":error-message": refusal.text,
            }
            return eventstream.encode(told, b"")
        shape = self._parts.model.shape(member.shape)
        message = "Message" if "Message" in shape.members else "message"
        _, write = self._document(shape)
        told = {
            ":message-type": "exception",
            ":exception-type": refusal.code,
            ":content-type": self._parts.media.decode("ascii"),
        }
        return eventstream.encode(told, write({message: refusal.text, **refusal.members}))


def no_payload(members: Any) -> bytes:
    """Return nothing: an event whose members are all headers, or that has none."""
    del members
    return b""
