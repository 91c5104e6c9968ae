"""Event streams: botocore reads what haar writes, and haar reads nothing that is damaged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import botocore.eventstream
import botocore.loaders
import botocore.model
import botocore.parsers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haar.kernel.errors import RefusedAs
from haar.wire import eventstream
from haar.wire.eventstream import NotAnEvent, Number, Reader
from haar.wire.models import ModelCatalog
from haar.wire.protocols import Codecs
from haar.wire.route import Routed, Router

HEADERS = st.dictionaries(
    st.text(min_size=1, max_size=20).filter(lambda name: len(name.encode()) < 256),
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.binary(max_size=40)
    | st.text(max_size=40)
    | st.uuids()
    | st.datetimes(timezones=st.just(UTC)).map(
        lambda d: d.replace(microsecond=d.microsecond // 1000 * 1000)
    ),
    max_size=6,
)
SAMPLE = eventstream.encode({":message-type": "event", "n": 7}, b"payload")


@given(headers=HEADERS, payload=st.binary(max_size=100))
def test_botocore_reads_every_kind_of_header(headers: dict[str, Any], payload: bytes) -> None:
    """A message of haar is the same message to botocore."""
    buffer = botocore.eventstream.EventStreamBuffer()
    buffer.add_data(eventstream.encode(headers, payload))
    (event,) = list(buffer)
    assert event.payload == payload
    expected = {
        name: value.bytes
        if isinstance(value, UUID)
        else round(value.timestamp() * 1000)
        if isinstance(value, datetime)
        else value
        for name, value in headers.items()
    }
    assert event.headers == expected


@given(headers=HEADERS, payload=st.binary(max_size=100), cut=st.integers(1, 50))
def test_what_was_written_is_read_however_it_is_cut(
    headers: dict[str, Any], payload: bytes, cut: int
) -> None:
    """Messages come whole out of pieces of any size."""
    raw = eventstream.encode(headers, payload) * 2
    reader = Reader()
    found = [m for at in range(0, len(raw), cut) for m in reader.feed(raw[at : at + cut])]
    assert found == [(headers, payload)] * 2
    assert reader.is_between


@pytest.mark.parametrize(("bits", "value"), [(8, -128), (16, 32767), (32, -(2**31)), (64, 2**62)])
def test_a_number_is_as_wide_as_the_model_says(bits: int, value: int) -> None:
    """Clients read a long where the model has a long."""
    raw = eventstream.encode({"n": Number(value, bits)}, b"")
    assert len(raw) == 16 + 3 + bits // 8
    assert Reader().feed(raw)[0].headers == {"n": value}


@given(at=st.integers(0, len(SAMPLE) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed(at: int, bit: int) -> None:
    """No damaged message is taken for another; at most it looks unfinished."""
    raw = bytearray(SAMPLE)
    raw[at] ^= 1 << bit
    with pytest.raises(NotAnEvent):
        Reader().feed(bytes(raw))


@given(raw=st.binary(max_size=60))
def test_headers_of_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """A header's length, type or text that cannot be is a refusal."""
    try:
        eventstream.decode_headers(raw)
    except NotAnEvent:
        return


def test_a_message_that_says_it_is_huge_is_refused_at_once() -> None:
    """The length is bounded before a byte of the payload is waited for."""
    raw = eventstream.encode({}, bytes(eventstream.PAYLOAD_BYTES_MAX + 1))
    with pytest.raises(NotAnEvent):
        Reader().feed(raw[:12])


# --- whole answers


CATALOG = ModelCatalog(None)
CODECS = Codecs(CATALOG, Router(CATALOG, []))


async def of(*events: Any) -> AsyncIterator[Any]:
    """Yield events, and raise those that are refusals."""
    for event in events:
        if isinstance(event, Exception):
            raise event
        yield event


class Raw:
    """A body as botocore's event stream takes it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> list[bytes]:
        return [self._body]

    def close(self) -> None:
        return


def answer(model: str, operation: str, protocol: str, result: dict[str, Any]) -> Any:
    """Return an answer as botocore reads it: the members, with an EventStream among them."""
    response = CODECS.of(Routed(model, model, operation, protocol)).encode(result, "id")

    async def collect() -> bytes:
        assert not isinstance(response.body, bytes)
        return b"".join([piece async for piece in response.body])

    body = asyncio.run(collect())
    assert (b"content-type", eventstream.MEDIA) in response.headers
    data = botocore.loaders.Loader().load_service_model(model, "service-2")
    service = botocore.model.ServiceModel(data, model)
    shape = service.operation_model(operation).output_shape
    told = {
        "body": Raw(body),
        "headers": {k.decode(): v.decode() for k, v in response.headers},
        "status_code": response.status,
        "context": {"operation_name": operation},
    }
    return botocore.parsers.create_parser(service.metadata["protocol"]).parse(told, shape)


def test_events_with_a_payload_of_bytes() -> None:
    """Lambda's chunks and its last event."""
    events = [
        {"PayloadChunk": {"Payload": b"a\\xff"}},
        {"InvokeComplete": {"ErrorCode": "E", "LogResult": "x"}},
    ]
    parsed = answer(
        "lambda",
        "InvokeWithResponseStream",
        "rest-json",
        {"StatusCode": 200, "EventStream": of(*events)},
    )
    assert parsed["StatusCode"] == 200
    assert list(parsed["EventStream"]) == events


def test_events_of_xml_and_events_of_nothing() -> None:
    """S3 Select has bytes, an XML document, and events that only say that they came."""
    events = [
        {"Records": {"Payload": b"1,2\n"}},
        {"Cont": {}},
        {"Stats": {"Details": {"BytesScanned": 3, "BytesReturned": 4}}},
        {"End": {}},
    ]
    parsed = answer("s3", "SelectObjectContent", "rest-xml", {"Payload": of(*events)})
    assert list(parsed["Payload"]) == events


def test_a_remote_call_begins_with_its_members() -> None:
    """CloudWatch Logs answers over JSON: the first message holds what is no event."""
    events = [{"sessionStart": {"requestId": "r", "logGroupIdentifiers": ["g"]}}]
    parsed = answer("logs", "StartLiveTail", "json-1.1", {"responseStream": of(*events)})
    assert list(parsed["responseStream"]) == events  # botocore has asked for the first message


@pytest.mark.parametrize("code", ["SessionTimeoutException", "Unheard"])
def test_a_refusal_on_the_way_is_the_last_message(code: str) -> None:
    """A client that reads events learns why they end, be it in the model or not."""
    refusal = RefusedAs(code, "Too late.")
    parsed = answer("logs", "StartLiveTail", "json-1.1", {"responseStream": of(refusal)})
    with pytest.raises(botocore.exceptions.EventStreamError) as raised:
        list(parsed["responseStream"])
    assert raised.value.response["Error"] == {"Code": code, "Message": "Too late."}
