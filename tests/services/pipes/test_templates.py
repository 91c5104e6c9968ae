"""Input templates, paths and the decoding of bodies, by tables."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haar.services.pipes.events import decoded
from haar.services.pipes.paths import MISSING, find, is_path, steps_of
from haar.services.pipes.templates import compile_template

EVENT = {
    "messageId": "m-1",
    "body": '{"id": 7, "who": "an \\"a\\"", "tags": ["x", "y"], "in": {"k": [{"n": 1}, {"n": 2}]}}',
    "attributes": {"SentTimestamp": "1"},
}
RESERVED = {"aws.pipes.pipe-name": "p", "aws.pipes.event.ingestion-time": "2013-01-01T00:00:00Z"}

RENDERED: list[tuple[str, str, bool]] = [
    ("static", "static", False),
    ('"static"', '"static"', True),
    ("<$.body.id>", "7", True),
    ("<$.body.who>", 'an "a"', False),
    ("<$.body.tags>", '["x","y"]', True),
    ("<$.none>", "", False),
    ("order <$.body.id> of <$.body.none>.", "order 7 of .", False),
    ("order <$.body.tags>", "order [x,y]", False),
    ('{"id": <$.body.id>}', '{"id": 7}', True),
    ('{"id": "<$.body.id>"}', '{"id": "7"}', True),
    ('{"id": "<$.body.in>"}', '{"id": "{k:[{n:1},{n:2}]}"}', True),
    ('{"w": <$.body.who>}', '{"w": "an \\"a\\""}', True),
    ('{"w": "by <$.body.who>!"}', '{"w": "by an \\"a\\"!"}', True),
    ('{"t": <$.body.tags>, "n": <$.body.in.k[*].n>}', '{"t": ["x","y"], "n": [1,2]}', True),
    ('{"one": <$.body.in.k[1].n>}', '{"one": 2}', True),
    ('{"none": <$.body.none>}', '{"none": ""}', True),
    ('{"none": "<$.body.none>"}', '{"none": ""}', True),
    ('[<$.messageId>, "\\"<$.messageId>"]', '["m-1", "\\"m-1"]', True),
    ('{"p": <aws.pipes.pipe-name>}', '{"p": "p"}', True),
    (
        '{"p": "<aws.pipes.pipe-name> at <aws.pipes.event.ingestion-time>"}',
        '{"p": "p at 2013-01-01T00:00:00Z"}',
        True,
    ),
    ("<aws.pipes.pipe-name>: <$.attributes.SentTimestamp>", "p: 1", False),
    ("a < b > c", "a < b > c", False),
    ("<unknown>", "<unknown>", False),
]


@pytest.mark.parametrize(("template", "text", "is_json"), RENDERED, ids=[r[0] for r in RENDERED])
def test_a_template_renders(template: str, text: str, *, is_json: bool) -> None:
    """Values as JSON where JSON stands, as text inside of text."""
    rendered = compile_template(template)(decoded(EVENT), RESERVED)
    assert (rendered.text, rendered.is_json) == (text, is_json)


@pytest.mark.parametrize("variable", ["<aws.pipes.event>", "<aws.pipes.event.json>"])
def test_a_template_renders_the_whole_event(variable: str) -> None:
    """The event as it comes to the stage."""
    rendered = compile_template(f'{{"e": {variable}}}')({"a": [1, "x"]}, {})
    assert orjson.loads(rendered.text) == {"e": {"a": [1, "x"]}}


@settings(deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text(), st.lists))
def test_a_json_template_always_renders_json(value: Any) -> None:
    """No value, however it is spelled, breaks out of the place that the template gives it."""
    template = compile_template('{"v": <$.v>, "s": "<<$.v>>", "n": <$.none>}')
    told = orjson.loads(template({"v": value}, {}).text)
    assert told["v"] == value
    assert isinstance(told["s"], str)


@pytest.mark.parametrize(
    ("body", "is_decoded"),
    [
        ('{"a": 1}', True),
        (" [1]", True),
        ("{no json}", False),
        ("plain", False),
        ("7", False),
        ('"quoted"', False),
        ("", False),
    ],
)
def test_a_body_is_decoded_where_it_is_an_object_or_array(body: str, *, is_decoded: bool) -> None:
    """Everything else is plain text."""
    assert (decoded({"body": body})["body"] != body) is is_decoded


def test_what_has_no_body_stays_as_it_is() -> None:
    """An enrichment may answer with anything."""
    for event in (None, 7, "x", [1], {"a": "{}"}, {"body": {"a": 1}}):
        assert decoded(event) == event


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", {"a": {"b-c": [1, [2, 3]]}}),
        ("$.a", {"b-c": [1, [2, 3]]}),
        ("$.a.b-c[1][0]", 2),
        ("$.a.b-c[*]", [1, [2, 3]]),
        ("$.a.b-c[2]", MISSING),
        ("$.a[0]", MISSING),
        ("$.a[*]", MISSING),
        ("$.x.y", MISSING),
    ],
)
def test_a_path_finds(path: str, found: Any) -> None:
    """Names, places, every one, or nothing."""
    assert is_path(path)
    assert find(steps_of(path), {"a": {"b-c": [1, [2, 3]]}}) == found


@pytest.mark.parametrize("text", ["", "a", "$x", "$.a and more", "$.", "$.a[", "$.a[-1]", "$..a"])
def test_what_is_no_path_is_a_plain_value(text: str) -> None:
    """A target's parameter is a path as a whole, or it is itself."""
    assert not is_path(text)
