r"""Input templates: what an event becomes before it is given to an enrichment or a target.

A template is applied to each event by itself. It is one of two kinds, told apart when it is
compiled:

==========  =====================================  ============================================
kind        for example                            renders
==========  =====================================  ============================================
JSON        ``{"id": <$.body.id>, "by": "<$.a>"}``  JSON: bare values as they are, strings quoted
text        ``order <$.body.id> is late``          text
==========  =====================================  ============================================

A lone ``<$.path>`` renders the value itself: text where it is a string, else its JSON.

A variable is a path into the event, or a reserved one (``<aws.pipes.pipe-name>``). A path that
leads nowhere renders nothing inside of text, and :data:`MISSING_VALUE` where a JSON value must
stand. An object or array inside of a string loses its quotes, as on AWS: ``"{id:7}"``.

Source: AWS docs, EventBridge user guide, "Amazon EventBridge Pipes input transformation".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from haar.kernel.json_values import is_array, is_object
from haar.services.pipes.paths import MISSING, find, steps_of

MISSING_VALUE = '""'
"""Recorded from EventBridge's own transformer; of Pipes AWS only tells that nothing appears."""

EVENT = "aws.pipes.event"
EVENT_JSON = "aws.pipes.event.json"

_VARIABLE = re.compile(r"<(\$[\w.\[\]*/-]*|aws\.pipes\.[\w.-]+)>", re.ASCII)


class Rendered(NamedTuple):
    """What a template made of one event.

    Attributes:
        text: what a queue is given.
        is_json: the text is JSON; otherwise it is a JSON string where JSON is wanted.
    """

    text: str
    is_json: bool

    def as_json(self) -> str:
        """Return the JSON that stands for it in an array of events."""
        return self.text if self.is_json else to_json(self.text)


Template = Callable[[Any, Mapping[str, str]], Rendered]
"""From an event (decoded, see :mod:`.events`) and the reserved variables to what it becomes."""


def to_json(value: Any) -> str:
    """Return a value as compact JSON."""
    return orjson.dumps(value).decode()


def compile_template(text: str) -> Template:
    """Return a template, ready to be applied."""
    pieces = _VARIABLE.split(text)
    literals, variables = pieces[::2], pieces[1::2]
    if len(variables) == 1 and not "".join(literals).strip():
        return _lone(variables[0])
    is_quoted = _quoted(literals)
    is_json = _is_json(literals, is_quoted)
    writers = [_writer(is_json=is_json, is_quoted=quoted) for quoted in is_quoted]
    return _joined(literals, variables, writers, is_json=is_json)


def _writer(*, is_json: bool, is_quoted: bool) -> Callable[[Any], str]:
    if not is_json:
        return _write_text
    return _write_in_string if is_quoted else _write_value


def _quoted(literals: list[str]) -> list[bool]:
    """Return for each variable whether it stands inside of a JSON string."""
    quoted: list[bool] = []
    is_inside = False
    for literal in literals[:-1]:
        unescaped = re.sub(r"\\.", "", literal)
        is_inside ^= unescaped.count('"') % 2 == 1
        quoted.append(is_inside)
    return quoted


def _is_json(literals: list[str], is_quoted: list[bool]) -> bool:
    filled = literals[0]
    for literal, quoted in zip(literals[1:], is_quoted, strict=True):
        filled += ("x" if quoted else "0") + literal
    try:
        orjson.loads(filled)
    except orjson.JSONDecodeError:
        return False
    return True


def _lone(variable: str) -> Template:
    look_up = _look_up(variable)

    def render(event: Any, reserved: Mapping[str, str]) -> Rendered:
        value = look_up(event, reserved)
        if value is MISSING or isinstance(value, str):
            return Rendered("" if value is MISSING else value, is_json=False)
        return Rendered(to_json(value), is_json=True)

    return render


def _joined(
    literals: list[str], variables: list[str], writers: list[Callable[[Any], str]], *, is_json: bool
) -> Template:
    look_ups = [_look_up(variable) for variable in variables]
    parts = list(zip(look_ups, writers, literals[1:], strict=True))

    def render(event: Any, reserved: Mapping[str, str]) -> Rendered:
        written = [literals[0]]
        for look_up, write, literal in parts:
            written += [write(look_up(event, reserved)), literal]
        return Rendered("".join(written), is_json)

    return render


def _look_up(variable: str) -> Callable[[Any, Mapping[str, str]], Any]:
    if variable.startswith("$"):
        steps = steps_of(variable)
        return lambda event, _reserved: find(steps, event)
    if variable in {EVENT, EVENT_JSON}:
        return lambda event, _reserved: event
    return lambda _event, reserved: reserved.get(variable, MISSING)


def _write_value(value: Any) -> str:
    return MISSING_VALUE if value is MISSING else to_json(value)


def _write_in_string(value: Any) -> str:
    return to_json(_write_text(value))[1:-1]


def _write_text(value: Any) -> str:
    if value is MISSING:
        return ""
    if isinstance(value, str):
        return value
    if is_object(value) or is_array(value):
        return to_json(value).replace('"', "")
    return to_json(value)
