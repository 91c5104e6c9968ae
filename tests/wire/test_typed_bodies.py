"""The decoder of right bodies takes nothing that the walk would read otherwise, or refuse."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from haar.wire.bodies.json import JsonScalars, document
from haar.wire.bodies.tree import Malformed, TreeDecoder
from haar.wire.bodies.typed import NOT_TAKEN, typed_decoder
from haar.wire.models import Member, ModelCatalog, ServiceModel, Shape

CATALOG = ModelCatalog(None)
OPERATIONS = [
    ("dynamodb", "PutItem"),
    ("dynamodb", "UpdateItem"),
    ("dynamodb", "Query"),
    ("dynamodb", "BatchGetItem"),
    ("dynamodb", "CreateTable"),
    ("dynamodb", "TransactWriteItems"),
    ("sqs", "SendMessage"),
    ("sqs", "SendMessageBatch"),
    ("sqs", "ReceiveMessage"),
    ("sqs", "SetQueueAttributes"),
    ("stepfunctions", "StartExecution"),
    ("stepfunctions", "CreateStateMachine"),
]
REFUSED = object()


def input_of(service: str, operation: str) -> tuple[ServiceModel, Shape]:
    model = CATALOG.service(service)
    return model, model.shape(model.operations[operation].input)


def walked(model: ServiceModel, shape: Shape, body: bytes) -> Any:
    """Return what the walk makes of a body; refused where it raises or notes a breach."""
    notes: list[bool] = []
    try:
        members = TreeDecoder(model, JsonScalars(), notes).structure(shape)(document(body))
    except Malformed:
        return REFUSED
    return REFUSED if notes else members


def check(model: ServiceModel, shape: Shape, body: bytes) -> bool:
    """Compare both readings; return whether the decoder took the body."""
    decode = typed_decoder(model, shape)
    assert decode is not None
    try:
        members = decode(body)
    except NOT_TAKEN:
        return False
    assert repr(members) == repr(walked(model, shape, body))
    return True


NUMBERS = st.sampled_from([0, 1, -1, 1.0, 1.5, 1e2, 10, 2**31, -(2**31), 2**63, 2**64, -1e300])
BASE64 = st.one_of(
    st.binary(max_size=6).map(lambda raw: base64.b64encode(raw).decode()),
    st.text("AQ+/-_= \n", max_size=6),
)
STRANGE = st.one_of(
    st.none(), st.booleans(), NUMBERS, st.text(max_size=4), st.just([]), st.just({})
)


def sometimes_strange(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 30).flatmap(lambda n: STRANGE if n == 30 else right)


def texts_of(shape: Shape) -> st.SearchStrategy[str]:
    plain = st.text(st.characters(codec="utf-8"), max_size=12)
    known = st.sampled_from(["abc", "a.b-c_d", "x" * 300, "", "arn:aws:states:a:1:b", "é\n"])
    return st.one_of(st.sampled_from(shape.enum), plain) if shape.enum else plain | known


def values_of(model: ServiceModel, member: Member, depth: int) -> st.SearchStrategy[Any]:
    """Yield values that are mostly of a member's type."""
    shape = model.shape(member.shape)
    inner: st.SearchStrategy[Any]
    match shape.type:
        case "structure":
            inner = structures_of(model, shape, depth - 1)
        case "list":
            assert shape.member is not None
            inner = st.lists(values_of(model, shape.member, depth - 1), max_size=3)
        case "map":
            assert shape.key is not None
            assert shape.value is not None
            keys = texts_of(model.shape(shape.key.shape))
            inner = st.dictionaries(keys, values_of(model, shape.value, depth - 1), max_size=3)
        case "blob":
            inner = BASE64
        case "boolean":
            inner = st.booleans()
        case "integer" | "long" | "float" | "double":
            inner = NUMBERS
        case _:
            inner = texts_of(shape)
    return sometimes_strange(inner)


def structures_of(model: ServiceModel, shape: Shape, depth: int) -> st.SearchStrategy[Any]:
    """Yield structures with all required members, mostly, and a stranger now and then."""
    if depth <= 0:
        return st.just({})
    needed, optional = {}, {"Stranger": STRANGE}
    for name, member in shape.members.items():
        kinds = needed if name in shape.required else optional
        kinds[name] = values_of(model, member, depth)
    return st.fixed_dictionaries(needed, optional=optional)


@st.composite
def cases(draw: st.DrawFn) -> tuple[ServiceModel, Shape, bytes]:
    model, shape = input_of(*draw(st.sampled_from(OPERATIONS)))
    tree = draw(structures_of(model, shape, 4))
    return model, shape, json.dumps(tree, ensure_ascii=draw(st.booleans())).encode()


@given(cases())
def test_what_is_taken_is_what_the_walk_reads(case: tuple[ServiceModel, Shape, bytes]) -> None:
    """Whatever is sent, the two readings agree, or the walk alone decides."""
    check(*case)


@pytest.mark.parametrize(
    ("operation", "body", "is_taken"),
    [
        ("PutItem", b'{"TableName":"abc","Item":{"a":{"S":"x"},"b":{"B":"AQ=="}}}', True),
        ("PutItem", b'{"TableName":"abc","TableName":"abd"}', False),
        ("PutItem", b'{"TableName":"abc","TableName":"abd","Item":{}}', True),
        ("PutItem", b'{"TableName":"abc","Item":null}', False),
        ("PutItem", b'{"TableName":"abc","Item":{"a":{"S":"\\ud800"}}}', False),
        ("PutItem", b'{"TableName":"abc","Item":{"a":{"S":"\xff"}}}', False),
        ("PutItem", b'{"TableName":"abc","Item":{"a":{"L":[null]}}}', False),
        ("PutItem", b'{"TableName":"abc","Item":{"a":{"BOOL":1}}}', False),
        ("PutItem", b'{"TableName":"abc","Item":{}} ', True),
        ("PutItem", b'{"TableName":"abc","Item":{}} x', False),
        ("PutItem", b'{"TableName":"abc","Item":{},"ReturnValues":"NEVER"}', False),
        ("Query", b'{"TableName":"abc","Limit":0}', False),
        ("Query", b'{"TableName":"abc","Limit":1.0}', False),
        ("Query", b'{"TableName":"abc","Limit":2147483648}', False),
        ("PutItem", b"", False),
        ("PutItem", b"[]", False),
    ],
)
def test_bodies_that_are_and_are_not_taken(operation: str, body: bytes, *, is_taken: bool) -> None:
    """Each kind of flaw is left to the walk; what is right is not."""
    assert check(*input_of("dynamodb", operation), body) is is_taken


@given(BASE64)
@example("AQ==\n")
@example("AQ=")
@example("AR==")
@example("A===")
def test_base64_is_read_alike(text: str) -> None:
    """No base64 is taken that the walk would refuse."""
    body = json.dumps({"TableName": "abc", "Item": {"a": {"B": text}}}).encode()
    check(*input_of("dynamodb", "PutItem"), body)


def test_a_nest_that_is_too_deep_is_not_taken() -> None:
    """Recursion ends in the walk's refusal, not in a crash."""
    body = b'{"TableName":"abc","Item":{"a":' + b'{"L":[' * 5000 + b"]}" * 5000 + b"}}"
    assert not check(*input_of("dynamodb", "PutItem"), body)


def test_shapes_without_a_type_have_no_decoder() -> None:
    """Timestamps are the walk's."""
    assert typed_decoder(*input_of("dynamodb", "ExportTableToPointInTime")) is None
